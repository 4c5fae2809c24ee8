"""What is measured, as data: networks, batches, first weights and noise, the same for everyone.

A peer reads the layers here and builds them in its own words. Weights come in PyTorch's shapes and
images batch-first; whoever wants another layout turns them once, before anything is timed.

Loss: binary cross-entropy from logits, summed over pixels, plus the KL divergence if there is a
latent space, both the mean over the batch. Optimiser: Adam(1e-3), β 0.9 and 0.999, ε 1e-8.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np

from nnscratch.core import Array, Shape
from nnscratch.data import digits

LEARNING_RATE, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8

BATCHES = 32
"""Batches that a run goes through again and again."""


@dataclass(frozen=True)
class Dense:
    """Affine map from `inputs` to `outputs` features, and an activation."""

    inputs: int
    outputs: int
    act: str | None = None

    def shape(self, _: Shape) -> Shape:
        """Return the shape of one output."""
        return (self.outputs,)

    @property
    def weight(self) -> Shape:
        """Return the weight's shape."""
        return (self.outputs, self.inputs)


@dataclass(frozen=True)
class Conv:
    """Convolution with square filters and equal padding on all sides, and an activation."""

    inputs: int
    outputs: int
    act: str | None = None
    kernel: int = 3
    stride: int = 1
    padding: int = 1

    def shape(self, x: Shape) -> Shape:
        """Return the shape of one output."""
        reach = 2 * self.padding - self.kernel
        return (self.outputs, *((side + reach) // self.stride + 1 for side in x[1:]))

    @property
    def weight(self) -> Shape:
        """Return the weight's shape."""
        return (self.outputs, self.inputs, self.kernel, self.kernel)


@dataclass(frozen=True)
class ConvTranspose:
    """Transposed convolution that multiplies the sides by its stride, and an activation."""

    inputs: int
    outputs: int
    act: str | None = None
    kernel: int = 3
    stride: int = 1

    def shape(self, x: Shape) -> Shape:
        """Return the shape of one output."""
        return (self.outputs, *(side * self.stride for side in x[1:]))

    @property
    def weight(self) -> Shape:
        """Return the weight's shape."""
        return (self.inputs, self.outputs, self.kernel, self.kernel)

    @property
    def padding(self) -> int:
        """Return PyTorch's padding; its output_padding is stride - 1."""
        return self.kernel // 2


@dataclass(frozen=True)
class Pool:
    """Maximum of 2×2 windows; the last may stick out."""

    def shape(self, x: Shape) -> Shape:
        """Return the shape of one output."""
        return (x[0], *(-(-side // 2) for side in x[1:]))


@dataclass(frozen=True)
class Up:
    """Every pixel becomes 2×2."""

    def shape(self, x: Shape) -> Shape:
        """Return the shape of one output."""
        return (x[0], *(side * 2 for side in x[1:]))


@dataclass(frozen=True)
class Reshape:
    """The same numbers as samples of another shape."""

    to: Shape

    def shape(self, _: Shape) -> Shape:
        """Return the shape of one output."""
        return self.to


Affine = Dense | Conv | ConvTranspose
Layer = Affine | Pool | Up | Reshape


@dataclass(frozen=True)
class Workload:
    """A network and how it is trained; `latent` numbers are sampled in the middle of a VAE.

    A VAE's encoder returns 2·latent numbers, μ and log σ². `lanes` and `micro_batch` are ours, for
    they are part of nnscratch's arithmetic; the peers have nothing that corresponds.
    """

    title: str
    batch: int
    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]
    latent: int | None = None
    lanes: int = 2
    micro_batch: int | None = None

    @property
    def input_shape(self) -> Shape:
        """Return the shape of one image."""
        return (784,) if isinstance(self.encoder[0], Dense) else (1, 28, 28)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Return the encoder's and then the decoder's."""
        return self.encoder + self.decoder

    def shapes(self) -> Iterator[tuple[Layer, Shape, Shape]]:
        """Yield every layer with the shapes of one input and one output."""
        x = self.input_shape
        for i, layer in enumerate(self.layers):
            if i == len(self.encoder) and self.latent:
                x = (self.latent,)
            yield layer, x, layer.shape(x)
            x = layer.shape(x)

    def flops(self) -> int:
        """Return the operations of a step: forward, dw, and dx of all layers but the first."""
        passes = [3 * flops(layer, x, y) for layer, x, y in self.shapes()]
        layer, x, y = next(self.shapes())
        return self.batch * (sum(passes) - flops(layer, x, y))

    def parameters(self) -> int:
        """Return how many numbers are learned."""
        return sum(w.size + b.size for w, b in first_weights(self))


def flops(layer: Layer, x: Shape, y: Shape) -> int:
    """Return the multiplications and additions of one layer's forward for one sample."""
    if isinstance(layer, Pool | Up | Reshape):
        return 0
    positions = x if isinstance(layer, ConvTranspose) else y
    return 2 * prod(layer.weight) * prod(positions[1:])


def first_weights(workload: Workload, seed: int = 0) -> list[tuple[Array, Array]]:
    """Return weight and bias of every layer that has them: Glorot-uniform, and zero."""
    rng = np.random.default_rng(seed)
    return [glorot(layer, rng=rng) for layer in workload.layers if isinstance(layer, Affine)]


def glorot(layer: Affine, *, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return one layer's weight ~ U(−a, a), a = √(6/(fan_in + fan_out)), and a bias of zeros."""
    area = prod(layer.weight[2:])
    a = np.sqrt(6 / (area * (layer.inputs + layer.outputs)))
    w = rng.uniform(-a, a, layer.weight).astype(np.float32)
    return w, np.zeros(layer.outputs, np.float32)


@cache
def images() -> Array:
    """Return the 10,000 embedded training digits, bytes (10000, 28, 28)."""
    return digits().train.images


def batches(workload: Workload) -> list[Array]:
    """Return float batches (N, …) in [0, 1], in the order of the set."""
    N = workload.batch
    x = images()[: N * BATCHES].astype(np.float32) / 255
    return list(x.reshape(-1, N, *workload.input_shape))


def noise(workload: Workload, seed: int = 1) -> list[Array]:
    """Return ε (N, latent) for every batch; of no width where nothing is sampled."""
    shape = (BATCHES, workload.batch, workload.latent or 0)
    return list(np.random.default_rng(seed).standard_normal(shape, np.float32))


WORKLOADS = {
    "W1": Workload(
        "dense VAE 784-512-2, batch 128",
        128,
        (Dense(784, 512, "relu"), Dense(512, 4)),
        (Dense(2, 512, "relu"), Dense(512, 784)),
        latent=2,
        lanes=1,
    ),
    "W2": Workload(
        "conv autoencoder 16-8-8, batch 128",
        128,
        (Conv(1, 16, "relu"), Pool(), Conv(16, 8, "relu"), Pool(), Conv(8, 8, "relu"), Pool()),
        (
            *(Conv(8, 8, "relu"), Up(), Conv(8, 8, "relu"), Up()),
            *(Conv(8, 16, "relu", padding=0), Up(), Conv(16, 1)),
        ),
    ),
    "W3": Workload(
        "conv denoiser 32-32, batch 128",
        128,
        (Conv(1, 32, "relu"), Pool(), Conv(32, 32, "relu"), Pool()),
        (Conv(32, 32, "relu"), Up(), Conv(32, 32, "relu"), Up(), Conv(32, 1)),
        micro_batch=32,
    ),
    "W4": Workload(
        "conv VAE 32-64-16-2, batch 128",
        128,
        (
            *(Conv(1, 32, "relu", stride=2), Conv(32, 64, "relu", stride=2)),
            *(Reshape((7 * 7 * 64,)), Dense(7 * 7 * 64, 16, "relu"), Dense(16, 4)),
        ),
        (
            *(Dense(2, 7 * 7 * 64, "relu"), Reshape((64, 7, 7))),
            *(ConvTranspose(64, 64, "relu", stride=2), ConvTranspose(64, 32, "relu", stride=2)),
            ConvTranspose(32, 1),
        ),
        latent=2,
        micro_batch=32,
    ),
    "W5a": Workload(
        "dense VAE 784-200-200-50 tanh, batch 20",
        20,
        (Dense(784, 200, "tanh"), Dense(200, 200, "tanh"), Dense(200, 100)),
        (Dense(50, 200, "tanh"), Dense(200, 200, "tanh"), Dense(200, 784)),
        latent=50,
        lanes=1,
    ),
    "W5b": Workload(
        "dense VAE 784-1024-1024-64, batch 256",
        256,
        (Dense(784, 1024, "relu"), Dense(1024, 1024, "relu"), Dense(1024, 128)),
        (Dense(64, 1024, "relu"), Dense(1024, 1024, "relu"), Dense(1024, 784)),
        latent=64,
        lanes=1,
    ),
}
"""The networks of the lesson and of the pages it links to. W3 learns to repeat its input: noise
would be other data, and the work is the same."""


LAYERS: dict[str, tuple[Layer, Shape]] = {
    "conv 1→16 @28": (Conv(1, 16), (1, 28, 28)),
    "conv 16→8 @14": (Conv(16, 8), (16, 14, 14)),
    "conv 32→32 @14": (Conv(32, 32), (32, 14, 14)),
    "conv 32→64 /2 @14": (Conv(32, 64, stride=2), (32, 14, 14)),
    "conv 64→64 @14": (Conv(64, 64), (64, 14, 14)),
    "convᵀ 64→32 ×2 @14": (ConvTranspose(64, 32, stride=2), (64, 14, 14)),
    "max-pool 32 @28": (Pool(), (32, 28, 28)),
    "upsample 32 @14": (Up(), (32, 14, 14)),
    "dense 784→512": (Dense(784, 512), (784,)),
}
"""Single layers, with the shape of one sample."""

LAYER_BATCH = 64
"""A lane's share of 128: a layer is measured as one core runs it."""

ADAM = "Adam 10⁶"
"""The optimiser, measured like a layer, on so many parameters."""

INFERENCE = "W4"
"""The network whose halves encode and decode 10,000 images."""


def layer_case(name: str) -> tuple[Layer, Array, list[Array], Array]:
    """Return a single layer with x (N, …), weight and bias if it has them, and dy."""
    layer, shape = LAYERS[name]
    rng = np.random.default_rng(2)
    x = rng.standard_normal((LAYER_BATCH, *shape), np.float32)
    dy = rng.standard_normal((LAYER_BATCH, *layer.shape(shape)), np.float32)
    theta = list(glorot(layer, rng=rng)) if isinstance(layer, Affine) else []
    return layer, x, theta, dy


def adam_case(size: int = 1_000_000) -> tuple[Array, Array]:
    """Return parameters and a gradient (size,)."""
    value, grad = np.random.default_rng(3).standard_normal((2, size), np.float32)
    return value, grad


def inference_input(what: str) -> Array:
    """Return what to encode, images as bytes (10000, 28, 28), or to decode, codes (10000, 2)."""
    if what == "encode":
        return images()
    shape = (len(images()), WORKLOADS[INFERENCE].latent)
    return np.random.default_rng(4).standard_normal(shape, np.float32)
