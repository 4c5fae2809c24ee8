"""The networks of the lesson and of the pages it links to, layer by layer.

Each function returns an untrained model; `rng` draws its weights.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike

from ..core import Layer
from ..layers import Dense, Relu, Sequential
from ..likelihoods import Likelihood
from .autoencoder import Autoencoder, Penalty
from .vae import VAE

PIXELS = 28 * 28


def mlp(
    sizes: Sequence[int],
    activation: Callable[[], Layer] = Relu,
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
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Autoencoder:
    """784 - hidden - code - hidden reversed - 784, ReLU, logits: the Keras blog's simple and deep.

    The code is rectified too, as there: `dense_autoencoder()` is its simple autoencoder (50,992
    parameters), `dense_autoencoder((128, 64))` its deep one (222,384).
    """
    sizes = (PIXELS, *hidden, code)
    encoder = mlp(sizes, rng=rng, dtype=dtype)
    decoder = mlp(sizes[::-1], rng=rng, dtype=dtype)
    return Autoencoder(
        Sequential(*encoder.layers, Relu()),
        decoder,
        likelihood,
        penalties=penalties,
        input_shape=(PIXELS,),
    )


def dense_vae(
    hidden: Sequence[int] = (512,),
    latent_dim: int = 2,
    activation: Callable[[], Layer] = Relu,
    *,
    likelihood: Likelihood | None = None,
    beta: float = 1.0,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> VAE:
    """784 - hidden - (μ, log σ²) - z - hidden reversed - 784: the lesson's VAE by default."""
    return VAE(
        mlp((PIXELS, *hidden, 2 * latent_dim), activation, rng=rng, dtype=dtype),
        mlp((latent_dim, *reversed(hidden), PIXELS), activation, rng=rng, dtype=dtype),
        latent_dim,
        likelihood,
        beta,
        input_shape=(PIXELS,),
    )
