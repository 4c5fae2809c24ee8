"""Strided convolutions as convolutions of stride 1 over blocks of S×S pixels, for JAX.

XLA compiles a convolution whose input is dilated (a transposed one with stride S, and the gradient
of one with stride S) to plain loops, several times as slow as one of stride 1. So:

    y[q]            = Σ_k x[S·q + k − P] · w[k]
    S·q + k − P     = S·(q + d) + r          d = ⌊(k − P)/S⌋,  r = (k − P) mod S
    y[q]            = Σ_d Σ_r block[q + d, r] · w[S·d + r + P]

where block[q, r] = x[S·q + r]: the S×S pixels of a block are channels. The transposed convolution
is the adjoint: block[q, r] = Σ_d x[q − d] · w[S·d + r + P].

Source: "sub-pixel convolution", Shi et al. 2016, arXiv:1609.05158, and "space to depth".
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

LAYOUT = ("NHWC", "HWIO", "NHWC")


def over_blocks(w: Any, S: int, P: int) -> tuple[Any, int, int]:
    """Return a filter (K, K, C, F) as (D, D, S, S, C, F), and the least and the greatest d."""
    d, r = np.divmod(np.arange(len(w)) - P, S)
    low, high = int(d.min()), int(d.max())
    D = high - low + 1
    zeros = jnp.zeros((D, D, S, S, *w.shape[2:]), w.dtype)
    place = (d[:, None] - low, d - low, r[:, None], r)
    return zeros.at[place].set(w), low, high


def strided(x: Any, w: Any, S: int, P: int) -> Any:
    """Return the convolution of x (N, H, W, C), H and W multiples of S, with w (K, K, C, F)."""
    N, H, W, C = x.shape
    blocks = x.reshape(N, H // S, S, W // S, S, C).transpose(0, 1, 3, 2, 4, 5)
    blocks = blocks.reshape(N, H // S, W // S, S * S * C)
    filters, low, high = over_blocks(w, S, P)
    filters = filters.reshape(*filters.shape[:2], S * S * C, -1)
    pads = ((-low, high),) * 2
    return lax.conv_general_dilated(blocks, filters, (1, 1), pads, dimension_numbers=LAYOUT)


def transposed(x: Any, w: Any, S: int, P: int) -> Any:
    """Return the transposed convolution, S times as high and wide, of x (N, H, W, C).

    w (K, K, C, F) is turned by 180°, as for a convolution of x dilated.
    """
    N, H, W, _ = x.shape
    filters, low, high = over_blocks(w[::-1, ::-1], S, P)
    filters = filters[::-1, ::-1].transpose(0, 1, 4, 2, 3, 5)
    filters = filters.reshape(*filters.shape[:3], -1)
    pads = ((high, -low),) * 2
    y = lax.conv_general_dilated(x, filters, (1, 1), pads, dimension_numbers=LAYOUT)
    y = y.reshape(N, H, W, S, S, -1).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(N, H * S, W * S, -1)
