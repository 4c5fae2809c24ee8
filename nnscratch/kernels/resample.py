"""A sparse matrix applied to the pixels of every image: average pooling and upsampling.

    y[c, r, n] = Σ_p M[r, p] x[c, p, n]          p, r number the pixels of x and y, row by row

M = A ⊗ B has the entry A[h, i] B[m, l] in row (h, m) and column (i, l). It is the same for every
channel and sample. The transpose, dx = Mᵀ dy, is the same kernel given Mᵀ = Aᵀ ⊗ Bᵀ.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..core import Array, IntArray
from .machine.jit import kernel
from .machine.simd import fma, load_up_to, size_of_vector, splat, store_up_to, zero
from .plain_images import Resampling


class Rows(NamedTuple):
    """A sparse matrix: row r has weights[t] at pixels[t], for starts[r] ≤ t < starts[r + 1]."""

    starts: IntArray
    pixels: IntArray
    weights: Array


@cache
def sparse(M: Resampling, dtype: "np.dtype[Any]") -> Rows:
    """Return A ⊗ B row by row, the pixels of a row in ascending order."""
    A, B = M.A, M.B
    (h, i), (m, l) = np.nonzero(A), np.nonzero(B)  # noqa: E741
    row = np.add.outer(h * len(B), m).ravel()
    pixel = np.add.outer(i * B.shape[1], l).ravel()
    weight = np.multiply.outer(A[h, i], B[m, l]).ravel()
    order = np.lexsort((pixel, row))
    starts = np.concatenate([[0], np.bincount(row, minlength=len(A) * len(B)).cumsum()])
    return Rows(starts, pixel[order], weight[order].astype(dtype))


def resample(x: Array, M: Resampling) -> Array:
    """Return y_chmn = Σ_il A_hi B_ml x_ciln: see plain_images.py."""
    C, H, W, N = x.shape
    OH, OW = len(M.A), len(M.B)
    y = np.empty((C, OH, OW, N), x.dtype)
    flat = np.ascontiguousarray(x).reshape(C, H * W, N)
    resample_kernel(flat, *sparse(M, x.dtype), y.reshape(C, OH * OW, N))
    return y


@kernel
def resample_kernel(x: Array, starts: IntArray, pixels: IntArray, weights: Array, y: Array) -> None:
    """The sum above; row r of M is weights[t] at pixels[t] for starts[r] ≤ t < starts[r + 1].

    x  (C, P, N)      starts           (R + 1,)
    y  (C, R, N)      pixels, weights  one entry for each M[r, p] ≠ 0
    """
    (C, P, N), R = x.shape, y.shape[1]
    V = size_of_vector(x)
    source, out = x.reshape(x.size), y.reshape(y.size)
    for c in range(C):
        for r in range(R):
            at, first = (c * R + r) * N, c * P * N
            # Two vectors of samples at a time: their sums over the row of M stay in registers.
            for n in range(0, N, 2 * V):
                s0, s1, left = zero(out), zero(out), N - n
                for t in range(starts[r], starts[r + 1]):
                    p, w = first + pixels[t] * N + n, splat(weights, t)
                    s0 = fma(w, load_up_to(source, p, left), s0)
                    s1 = fma(w, load_up_to(source, p + V, left - V), s1)
                store_up_to(out, at + n, s0, left)
                store_up_to(out, at + n + V, s1, left - V)
