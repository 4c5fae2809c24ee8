"""Models and sets so small that a test can afford every number of them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnscratch.core import Array, Layer
from nnscratch.layers import Dense, Tanh
from nnscratch.layers.sequential import Sequential
from nnscratch.models import VAE, Autoencoder

D, H, L = 16, 8, 2
"""Pixels, hidden units, latent dimensions: 4×4 images."""


def images(N: int, seed: int = 0) -> np.ndarray:
    """Grey 4×4 bytes, (N, 4, 4)."""
    return np.random.default_rng(seed).integers(0, 256, (N, 4, 4), np.uint8)


def encoder(out: int, *between: Layer, seed: int = 0, dtype: Any = np.float32) -> Sequential:
    """16 - 8 - out, with some layers more before the last."""
    rng = np.random.default_rng(seed)
    return Sequential(
        Dense(D, H, rng=rng, dtype=dtype), Tanh(), *between, Dense(H, out, rng=rng, dtype=dtype)
    )


def decoder(*between: Layer, seed: int = 1, dtype: Any = np.float32) -> Sequential:
    """2 - 8 - 16, with some layers more before the last."""
    rng = np.random.default_rng(seed)
    return Sequential(
        Dense(L, H, rng=rng, dtype=dtype), Tanh(), *between, Dense(H, D, rng=rng, dtype=dtype)
    )


def autoencoder(*between: Layer, dtype: Any = np.float32, **options: Any) -> Autoencoder:
    """16 - 8 - 2 - 8 - 16; `between` goes into the encoder."""
    return Autoencoder(
        encoder(L, *between, dtype=dtype), decoder(dtype=dtype), input_shape=(D,), **options
    )


def vae(*between: Layer, dtype: Any = np.float32, **options: Any) -> VAE:
    """16 - 8 - (2, 2) - 8 - 16; `between` goes into the encoder."""
    return VAE(
        encoder(2 * L, *between, dtype=dtype), decoder(dtype=dtype), L, input_shape=(D,), **options
    )


def slopes(f: Callable[[], float], a: Array, h: float = 2**-13) -> Array:
    """∂f/∂a_i for every entry of a vector that f reads, by central differences good to O(h⁴)."""

    def moved(i: int, step: float) -> float:
        here = a[i]
        a[i] = here + step
        value = f()
        a[i] = here
        return value

    def plain(i: int, h: float) -> float:
        return (moved(i, h) - moved(i, -h)) / (2 * h)

    return np.array([(4 * plain(i, h) - plain(i, 2 * h)) / 3 for i in range(a.size)])
