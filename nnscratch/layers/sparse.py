"""Layers that apply one sparse matrix to the pixels of every channel and sample.

Average pooling, upsampling and padding treat rows and columns alike: with matrices A and B

    y_chmn = Σ_il A_hi B_ml x_ciln          ∂L/∂x_ciln = Σ_hm A_hi B_ml dy_chmn

that is y = M x with M = A ⊗ B, and dx = Mᵀ dy.
"""

from typing import NamedTuple

import numpy as np

from ..core import Array, Backward, IntArray, check
from ..kernels.resample import resample
from .geometry import Pair


class Rows(NamedTuple):
    """A sparse matrix, row by row, as kernels/resample.py reads it."""

    starts: IntArray
    pixels: IntArray
    weights: Array


class Resampling(NamedTuple):
    """M from the pixels of an image of one size to those of another, and its transpose."""

    image: Pair
    outputs: Pair
    matrix: Rows
    transpose: Rows


def separable(A: Array, B: Array) -> Resampling:
    """Return A ⊗ B: A (OH, H) acts on the rows of an image, B (OW, W) on its columns."""
    (OH, H), (OW, W) = A.shape, B.shape
    (h, i), (m, l) = np.nonzero(A), np.nonzero(B)  # noqa: E741
    row = np.add.outer(h * OW, m).ravel()
    column = np.add.outer(i * W, l).ravel()
    weight = np.multiply.outer(A[h, i], B[m, l]).ravel()
    return Resampling(
        (H, W), (OH, OW), _rows(OH * OW, row, column, weight), _rows(H * W, column, row, weight)
    )


def _rows(count: int, row: IntArray, column: IntArray, weight: Array) -> Rows:
    order = np.lexsort((column, row))
    starts = np.concatenate([[0], np.bincount(row, minlength=count).cumsum()])
    return Rows(starts, column[order], weight[order])


def resampled(name: str, x: Array, M: Resampling) -> tuple[Array, Backward]:
    """Return y = M x and the backward dy ↦ Mᵀ dy."""
    (C, *_, N), dtype = x.shape, x.dtype

    def apply(rows: Rows, a: Array, sizes: Pair) -> Array:
        a = np.ascontiguousarray(a).reshape(C, a.shape[1] * a.shape[2], N)
        out = np.empty((C, sizes[0] * sizes[1], a.shape[2]), dtype)
        resample(a, rows.starts, rows.pixels, rows.weights.astype(dtype), out)
        return out.reshape(C, *sizes, N)

    def backward(dy: Array) -> Array:
        check(f"{name} dy", dy, (C, *M.outputs, N), dtype)
        return apply(M.transpose, dy, M.image)

    return apply(M.matrix, x, M.outputs), backward
