"""The networks of the lesson and of the pages it links to, layer by layer.

Each function returns an untrained model; `rng` draws its weights. They are for images of 28×28
unless another number of `pixels` or another shape of `image` is given.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, pairwise
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import integer
from ..core import Layer, Shape
from ..layers import (
    Conv2d,
    ConvTranspose2d,
    Dense,
    Flatten,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Reshape,
    Sequential,
    UpsampleNearest2d,
)
from ..likelihoods import Likelihood
from .autoencoder import Autoencoder
from .parts import Penalty
from .seq2seq import keras_seq2seq as keras_seq2seq
from .seq2seq import seq2seq_autoencoder as seq2seq_autoencoder
from .vae import VAE

PIXELS = 28 * 28
IMAGE = (1, 28, 28)


def stack(*parts: Sequence[Layer]) -> Sequential:
    """Return the layers of all parts, one after the other."""
    return Sequential(*chain.from_iterable(parts))


def mlp(
    sizes: Sequence[int],
    activation: Callable[[], Layer] = ReLU,
    *,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Sequential:
    """Return Dense layers from each size to the next, an activation between any two of them."""
    layers: list[Layer] = []
    for D, M in pairwise(sizes):
        layers += [Dense(D, M, rng=rng, dtype=dtype), activation()]
    return Sequential(*layers[:-1])


def dense_autoencoder(
    hidden: Sequence[int] = (),
    code: int = 32,
    *,
    likelihood: Likelihood | None = None,
    penalties: dict[str, tuple[float, Penalty]] | None = None,
    pixels: int = PIXELS,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Autoencoder:
    """784 - hidden - code - hidden reversed - 784, ReLU, logits: the Keras blog's simple and deep.

    The code is rectified too, as there: `dense_autoencoder()` is its simple autoencoder (50,992
    parameters), `dense_autoencoder((128, 64))` its deep one (222,384).
    """
    sizes = (pixels, *hidden, code)
    encoder = mlp(sizes, rng=rng, dtype=dtype)
    decoder = mlp(sizes[::-1], rng=rng, dtype=dtype)
    return Autoencoder(
        Sequential(*encoder.layers, ReLU()),
        decoder,
        likelihood,
        penalties=penalties,
        input_shape=(pixels,),
    )


def dense_vae(
    hidden: Sequence[int] = (512,),
    latent_dim: int = 2,
    activation: Callable[[], Layer] = ReLU,
    *,
    likelihood: Likelihood | None = None,
    beta: float = 1.0,
    pixels: int = PIXELS,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> VAE:
    """784 - hidden - (μ, log σ²) - z - hidden reversed - 784: the lesson's VAE by default."""
    latents = integer("dense_vae", "latent_dim", latent_dim)
    return VAE(
        mlp((pixels, *hidden, 2 * latents), activation, rng=rng, dtype=dtype),
        mlp((latent_dim, *reversed(hidden), pixels), activation, rng=rng, dtype=dtype),
        latent_dim,
        likelihood,
        beta,
        input_shape=(pixels,),
    )


def conv_autoencoder(
    *,
    likelihood: Likelihood | None = None,
    penalties: dict[str, tuple[float, Penalty]] | None = None,
    image: Shape = IMAGE,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Autoencoder:
    """The lesson's convolutional autoencoder: 128 numbers for 784, 8 channels of 4×4.

        28 -(16)- pool 14 -(8)- pool 7 -(8)- pool 4 | -(8)- up 8 -(8)- up 16 -(16)- 14, up 28 -(1)

    3×3 filters and ReLU throughout, logits in the end; 4,385 parameters. Windows of the third pool
    stick out over the end (7 → 4), as Keras has it. The next to last convolution is not padded
    where they do, or the image would be 32 pixels wide.
    """
    C, H, W = _quarters("conv_autoencoder", image)
    padding = (int(H % 8 == 0), int(W % 8 == 0))
    conv = partial(Conv2d, kernel_size=3, padding="same", rng=rng, dtype=dtype)
    pool, up = partial(MaxPool2d, 2, ceil_mode=True), partial(UpsampleNearest2d, 2)
    encoder = stack(
        [conv(C, 16), ReLU(), pool()],
        [conv(16, 8), ReLU(), pool()],
        [conv(8, 8), ReLU(), pool()],
    )
    decoder = stack(
        [conv(8, 8), ReLU(), up()],
        [conv(8, 8), ReLU(), up()],
        [conv(8, 16, padding=padding), ReLU(), up()],
        [conv(16, C)],
    )
    return Autoencoder(encoder, decoder, likelihood, penalties=penalties, input_shape=image)


def conv_denoiser(
    *,
    likelihood: Likelihood | None = None,
    image: Shape = IMAGE,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Autoencoder:
    """The Keras blog's denoising network: 28 -(32)- pool 14 -(32)- pool 7 | and back, -(1).

    3×3 filters and ReLU, 28,353 parameters. Its code of 32×7×7 = 1,568 numbers holds twice as many
    as the image: what keeps the noise out is the target, which has none, and no bottleneck.
    """
    C, *_ = _quarters("conv_denoiser", image)
    conv = partial(Conv2d, kernel_size=3, padding="same", rng=rng, dtype=dtype)
    pool, up = partial(MaxPool2d, 2), partial(UpsampleNearest2d, 2)
    encoder = stack([conv(C, 32), ReLU(), pool()], [conv(32, 32), ReLU(), pool()])
    decoder = stack(
        [conv(32, 32), ReLU(), up()],
        [conv(32, 32), ReLU(), up()],
        [conv(32, C)],
    )
    return Autoencoder(encoder, decoder, likelihood, input_shape=image)


def kvfrans_vae(
    latent_dim: int = 20,
    *,
    likelihood: Likelihood | None = None,
    beta: float = 1.0,
    image: Shape = IMAGE,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> VAE:
    """K. Frans's VAE: 5×5 filters, stride 2, 28 -(16)- 14 -(32)- 7, 20 latents, and back.

    122,136 parameters: his transposed convolutions have no bias (it is made, and never added). He
    takes the encoder's second half for σ itself, of which log σ² need not exist; here it is log σ².
    """
    C, H, W = _quarters("kvfrans_vae", image)
    down = partial(Conv2d, kernel_size=5, stride=2, padding="same", rng=rng, dtype=dtype)
    up = partial(ConvTranspose2d, kernel_size=5, stride=2, padding="same", rng=rng, dtype=dtype)
    dense = partial(Dense, rng=rng, dtype=dtype)
    code = (32, H // 4, W // 4)
    D = prod(code)
    encoder = stack(
        [down(C, 16), LeakyReLU(0.2)],
        [down(16, 32), LeakyReLU(0.2)],
        [Flatten(), dense(D, 2 * latent_dim)],
    )
    decoder = stack(
        [dense(latent_dim, D), ReLU(), Reshape(*code)],
        [up(32, 16, bias=False), ReLU()],
        [up(16, C, bias=False)],
    )
    return VAE(encoder, decoder, latent_dim, likelihood, beta, input_shape=image)


def keras_conv_vae(
    latent_dim: int = 2,
    *,
    likelihood: Likelihood | None = None,
    beta: float = 1.0,
    image: Shape = IMAGE,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> VAE:
    """The Keras example's VAE: 28 -(32)- 14 -(64)- 7, 16, 2 latents; 64×7×7 -(64)- 14 -(32)- 28.

    3×3 filters, stride 2 and ReLU, a transposed convolution to one channel of logits in the end;
    134,165 parameters. It is one answer to the lesson's assignment.
    """
    C, H, W = _quarters("keras_conv_vae", image)
    down = partial(Conv2d, kernel_size=3, stride=2, padding="same", rng=rng, dtype=dtype)
    up = partial(ConvTranspose2d, kernel_size=3, stride=2, padding="same", rng=rng, dtype=dtype)
    dense = partial(Dense, rng=rng, dtype=dtype)
    code = (64, H // 4, W // 4)
    D = prod(code)
    encoder = stack(
        [down(C, 32), ReLU()],
        [down(32, 64), ReLU()],
        [Flatten(), dense(D, 16), ReLU(), dense(16, 2 * latent_dim)],
    )
    decoder = stack(
        [dense(latent_dim, D), ReLU(), Reshape(*code)],
        [up(64, 64), ReLU()],
        [up(64, 32), ReLU()],
        [up(32, C, stride=1)],
    )
    return VAE(encoder, decoder, latent_dim, likelihood, beta, input_shape=image)


def _quarters(who: str, image: Shape) -> Shape:
    """Return the shape (C, H, W); ValueError unless the sides can be halved twice."""
    if len(image) != 3 or any(side < 4 or side % 4 for side in image[1:]):
        raise ValueError(f"{who}: expected (C, H, W) with sides that 4 divides, got {image}")
    return image
