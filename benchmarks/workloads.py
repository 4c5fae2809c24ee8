"""What is measured: networks, batches and noise, the same for everyone.

Loss: binary cross-entropy from logits, summed over pixels, plus the KL divergence if there is a
latent space, both the mean over the batch. Of K samples of a code it is the mean over the batch of
-log (1/K) Σ_k p(x|z_k) p(z_k)/q(z_k|x). Optimiser: Adam(1e-3), β 0.9 and 0.999, ε 1e-8.
"""

from dataclasses import replace
from functools import cache

import numpy as np

from nnscratch.core import Array, Shape
from nnscratch.data import binarize, digits

from .networks import (
    Affine,
    Conv,
    ConvTranspose,
    Dense,
    Layer,
    Pool,
    Reshape,
    Up,
    Workload,
    glorot,
)

LEARNING_RATE, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8

BATCHES = 32
"""Batches that a run goes through again and again."""

HELD_OUT = 1000
"""Images at the end of a set, which no batch reaches."""


@cache
def images() -> Array:
    """Return the 10,000 embedded training digits, bytes (10000, 28, 28)."""
    return digits().train.images


@cache
def colour_images(seed: int = 5) -> Array:
    """Return digits in a random ink on random paper, bytes (N, 3, 32, 32).

    No set of colour images comes with the package. A pixel is a mixture of the two colours, with
    the digit's grey as the share of the ink; a border of two pixels makes 28×28 into 32×32.

    There are as many as W7's batches hold, which its peers are handed as floats, and HELD_OUT: what
    nobody reads would count in the memory that is compared.
    """
    N = BATCHES * WORKLOADS["W7"].batch + HELD_OUT
    images = digits().train.images[:N]  # the grey ones are of no use afterwards, and not kept
    colours = np.random.default_rng(seed).integers(0, 256, (2, 3, N, 1, 1), np.uint16)
    coloured = np.zeros((N, 3, 32, 32), np.uint8)
    for start in range(0, N, 500):  # as many at a time as leave no trace in the highest memory
        rows = slice(start, start + 500)
        grey = np.pad(images[rows], ((0, 0), (2, 2), (2, 2))).astype(np.uint16)
        for channel, (ink, paper) in enumerate(colours[:, :, rows].swapaxes(0, 1)):
            coloured[rows, channel] = (ink * grey + paper * (255 - grey)) // 255
    return coloured


def images_of(workload: Workload) -> Array:
    """Return the set of bytes that a workload learns from."""
    return colour_images() if workload.input_shape[0] == 3 else images()


def batches(workload: Workload) -> list[Array]:
    """Return float batches (N, …) in [0, 1], in the order of the set."""
    N = workload.batch
    x = images_of(workload)[: N * BATCHES].astype(np.float32) / 255
    return list(x.reshape(-1, N, *workload.input_shape))


def held_out(workload: Workload, seed: int = 6) -> tuple[Array, Array]:
    """Return float images (HELD_OUT, …) that no batch holds, and their noise, as a batch's."""
    x = images_of(workload)[-HELD_OUT:].astype(np.float32) / 255
    shape = workload.noise_shape(HELD_OUT)
    eps = np.random.default_rng(seed).standard_normal(shape, np.float32)
    return x.reshape(HELD_OUT, *workload.input_shape), eps


def noise(workload: Workload, seed: int = 1) -> list[Array]:
    """Return ε for every batch, (N, latent); of no width where nothing is sampled.

    Of K samples of a code it is (K, N, latent): eps[k, n] is the noise of image n's k-th sample.
    nnscratch takes the same numbers as (latent, K N), where it stands in column k N + n.
    """
    shape = (BATCHES, *workload.noise_shape(workload.batch))
    return list(np.random.default_rng(seed).standard_normal(shape, np.float32))


WORKLOADS = {
    "W1": Workload(
        "dense VAE 784-512-2, batch 128",
        128,
        (Dense(784, 512, "relu"), Dense(512, 4)),
        (Dense(2, 512, "relu"), Dense(512, 784)),
        latent=2,
        input_shape=(784,),
    ),
    "W2": Workload(
        "conv autoencoder 16-8-8, batch 128",
        128,
        (Conv(1, 16, "relu"), Pool(), Conv(16, 8, "relu"), Pool(), Conv(8, 8, "relu"), Pool()),
        (
            Conv(8, 8, "relu"),
            Up(),
            Conv(8, 8, "relu"),
            Up(),
            Conv(8, 16, "relu", padding=0),
            Up(),
            Conv(16, 1),
        ),
    ),
    "W3": Workload(
        "conv denoiser 32-32, batch 128",
        128,
        (Conv(1, 32, "relu"), Pool(), Conv(32, 32, "relu"), Pool()),
        (Conv(32, 32, "relu"), Up(), Conv(32, 32, "relu"), Up(), Conv(32, 1)),
    ),
    "W4": Workload(
        "conv VAE 32-64-16-2, batch 128",
        128,
        (
            Conv(1, 32, "relu", stride=2),
            Conv(32, 64, "relu", stride=2),
            Reshape((7 * 7 * 64,)),
            Dense(7 * 7 * 64, 16, "relu"),
            Dense(16, 4),
        ),
        (
            Dense(2, 7 * 7 * 64, "relu"),
            Reshape((64, 7, 7)),
            ConvTranspose(64, 64, "relu", stride=2),
            ConvTranspose(64, 32, "relu", stride=2),
            ConvTranspose(32, 1),
        ),
        latent=2,
    ),
    "W5a": Workload(
        "dense VAE 784-200-200-50 tanh, batch 20",
        20,
        (Dense(784, 200, "tanh"), Dense(200, 200, "tanh"), Dense(200, 100)),
        (Dense(50, 200, "tanh"), Dense(200, 200, "tanh"), Dense(200, 784)),
        latent=50,
        input_shape=(784,),
    ),
    "W5b": Workload(
        "dense VAE 784-1024-1024-64, batch 256",
        256,
        (Dense(784, 1024, "relu"), Dense(1024, 1024, "relu"), Dense(1024, 128)),
        (Dense(64, 1024, "relu"), Dense(1024, 1024, "relu"), Dense(1024, 784)),
        latent=64,
        input_shape=(784,),
    ),
    "W7": Workload(
        "colour conv VAE 32-64-128-64, batch 128",
        128,
        (
            Conv(3, 32, "relu", stride=2),
            Conv(32, 64, "relu", stride=2),
            Conv(64, 128, "relu", stride=2),
            Reshape((4 * 4 * 128,)),
            Dense(4 * 4 * 128, 128),
        ),
        (
            Dense(64, 4 * 4 * 128, "relu"),
            Reshape((128, 4, 4)),
            ConvTranspose(128, 64, "relu", stride=2),
            ConvTranspose(64, 32, "relu", stride=2),
            ConvTranspose(32, 3, stride=2),
        ),
        latent=64,
        input_shape=(3, 32, 32),
    ),
}
"""The networks of the lesson and of the pages it links to, and W7 for images in colour. W3 learns
to repeat its input: noise would be other data, and the work is the same."""

WORKLOADS |= {
    f"W8{letter}": replace(
        WORKLOADS["W5a"], title=f"IWAE 784-200-200-50 tanh, k = {K}, batch 20", samples=K
    )
    for letter, K in (("a", 1), ("b", 5), ("c", 50))
}
"""The importance-weighted autoencoders of Burda et al., with as many samples as they take."""


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
"""A replica's share of 128: a layer is measured as one core runs it."""

ADAM = "Adam 10⁶"
"""The optimiser, measured like a layer, on so many parameters."""

INFERENCE = "W4"
"""The network whose halves encode and decode 10,000 images."""


NLL, DRAWS = "W8a", 5000
"""The network whose bound on -log p(x) is evaluated, and from how many draws of each code."""

JUDGED, HANDED = 40, 12
"""Images that it is evaluated for; draws whose noise all are handed, to compare their bounds."""


def nll_images() -> Array:
    """Return images of black and white pixels, 0 and 255, bytes (JUDGED, 784)."""
    grey = images()[-JUDGED:].reshape(JUDGED, -1)
    return binarize(grey, "threshold", rng=np.random.default_rng(0))


def nll_noise(seed: int = 8) -> Array:
    """Return the noise that all are handed, (HANDED, JUDGED, latent)."""
    shape = (HANDED, JUDGED, WORKLOADS[NLL].latent)
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


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
