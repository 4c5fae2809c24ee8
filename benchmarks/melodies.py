"""MusicVAE to be measured: its size, first weights, melodies and noise, the same for everyone."""

from functools import cache

import numpy as np

from nnscratch.core import Array, IntArray
from nnscratch.data import melodies
from nnscratch.models import MusicVAE
from nnscratch.models.music_sizes import music_vae

NAME, BATCH, BATCHES = "mel_2bar", 128, 32


def first_model() -> MusicVAE:
    """Return the model with its first weights."""
    return music_vae(NAME, rng=np.random.default_rng(7))


@cache
def windows() -> IntArray:
    """Return melodies (BATCHES · BATCH, 32)."""
    return melodies().train.windows(2).tokens[: BATCH * BATCHES]


def noise() -> Array:
    """Return ε for every batch, (BATCHES, BATCH, latent)."""
    shape = (BATCHES, BATCH, first_model().latent_dim)
    return np.random.default_rng(1).standard_normal(shape, np.float32)


def flops() -> int:
    """Return the operations of the products of a step, in which z and tokens have none."""
    T, H, K, L = 32, 128, 90, 64
    recurrent = 2 * 4 * H * H * (2 + 1 + 2)  # three of h alone, one of both
    others = 2 * (K * H) + 2 * (2 * H * 2 * L + L * 4 * H + 4 * H * L) / T
    return int(3 * BATCH * T * (recurrent + others))
