"""Networks as data: layers with their shapes, work and first weights, the same for everyone.

A peer reads the layers here and builds them in its own words. Weights come in PyTorch's shapes and
images batch-first; whoever wants another layout turns them once, before anything is timed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from nnscratch.core import Array, Shape


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

    A VAE's encoder returns 2·latent numbers, μ and log σ².

    samples  of each image's code, on which an importance-weighted bound is trained; None for a VAE,
             which has one and the KL's formula
    """

    title: str
    batch: int
    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]
    latent: int | None = None
    input_shape: Shape = (1, 28, 28)
    samples: int | None = None

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

    def noise_shape(self, N: int) -> Shape:
        """Return the shape of ε for N images: (N, latent), and of K samples (K, N, latent)."""
        samples = () if self.samples is None else (self.samples,)
        return (*samples, N, self.latent or 0)

    def flops(self) -> int:
        """Return the operations of a step: forward, dw, and dx of all layers but the first.

        The decoder's are as many for every sample of a code.
        """
        each, first = [flops(layer, x, y) for layer, x, y in self.shapes()], len(self.encoder)
        encoder, decoder = sum(each[:first]), (self.samples or 1) * sum(each[first:])
        return self.batch * (3 * (encoder + decoder) - each[0])

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
