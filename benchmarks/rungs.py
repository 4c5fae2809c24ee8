"""One convolution, written six times: the rungs of the ladder that docs/kernel_ladder.md climbs.

    y = b + w * x      3×3 filters, stride 1, a border of zeros

Every rung takes and returns arrays in its own layout, batch-first (N, C, H, W) or, from the fourth
on, batch-last (C, H, W, N), and runs on one thread. K, the side of a filter, is any odd number.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import sliding_window_view

from nnscratch.core import Array
from nnscratch.kernels.machine.jit import FASTMATH, kernel
from nnscratch.kernels.machine.processor import BYTES
from nnscratch.kernels.machine.tile import MR
from nnscratch.layers import Conv2d


def loops(x: Array, w: Array, b: Array) -> Array:
    """The definition, an index at a time."""
    N, C, H, W = x.shape
    F, _, K, _ = w.shape
    y = np.empty((N, F, H, W), x.dtype)
    for n in range(N):
        for f in range(F):
            for h in range(H):
                for m in range(W):
                    s = b[f]
                    for c in range(C):
                        for k in range(max(0, K // 2 - h), min(K, H + K // 2 - h)):
                            for j in range(max(0, K // 2 - m), min(K, W + K // 2 - m)):
                                s += w[f, c, k, j] * x[n, c, h + k - K // 2, m + j - K // 2]
                    y[n, f, h, m] = s
    return y


compiled_loops = njit(nogil=True, error_model="numpy", fastmath=FASTMATH)(loops)


def numpy_arrays(x: Array, w: Array, b: Array) -> Array:
    """The same with the loops over samples and pixels left to NumPy: an operation a weight."""
    N, _, H, W = x.shape
    F, _, K, _ = w.shape
    padded = bordered(x, K, (2, 3))
    y = np.empty((N, F, H, W), x.dtype)
    y[...] = b[:, None, None]
    for f, c, k, j in np.ndindex(w.shape):
        y[:, f] += w[f, c, k, j] * padded[:, c, k : k + H, j : j + W]
    return y


def unfold(x: Array, w: Array, b: Array) -> Array:
    """Every window becomes a column, and the convolution one matrix product a sample."""
    N, C, H, W = x.shape
    F, _, K, _ = w.shape
    windows = sliding_window_view(bordered(x, K, (2, 3)), (K, K), axis=(2, 3))
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * K * K, H * W)
    y = w.reshape(F, -1) @ columns
    y += b[:, None]
    return y.reshape(N, F, H, W)


def batch_last(x: Array, w: Array, b: Array) -> Array:
    """The loops again, the innermost over a row of pixels of all samples at once."""
    _, H, W, N = x.shape
    y = np.empty((len(w), H, W, N), x.dtype)
    rows_of_samples(bordered(x, w.shape[2], (1, 2)), w, b, y)
    return y


@kernel
def rows_of_samples(padded: Array, w: Array, b: Array, y: Array) -> None:
    """Add K·C multiples of a shifted row of x to a row of y; a row is W·N neighbours."""
    F, H, W, N = y.shape
    C, K, L = padded.shape[0], w.shape[2], W * N
    for f in range(F):
        for h in range(H):
            out = y[f, h].reshape(L)
            out[:] = b[f]
            for c in range(C):
                for k in range(K):
                    row = padded[c, h + k].reshape(padded.shape[2] * N)
                    for j in range(K):
                        a, shifted = w[f, c, k, j], row[j * N : j * N + L]
                        for n in range(out.size):
                            out[n] += a * shifted[n]


def ships(x: Array, w: Array, b: Array) -> Array:
    """What nnscratch.layers.Conv2d does: tiles of filters × 2 vectors of samples in registers."""
    F, C, K, _ = w.shape
    layer = Conv2d(C, F, K, padding=K // 2, rng=np.random.default_rng(0))
    layer.w.value, layer.b.value = w, b
    return layer.forward(x)[0]


def bordered(x: Array, K: int, axes: tuple[int, int]) -> Array:
    """Return x with K//2 zeros on all four sides."""
    return np.pad(x, [(K // 2, K // 2) if axis in axes else (0, 0) for axis in range(4)])


class Rung(NamedTuple):
    """A way to convolve.

    traffic  bytes that the core loads and stores for one multiply-add, given F and K, as the source
             has it: what stays in a register is not counted, what stays in a cache is
    """

    function: Callable[[Array, Array, Array], Array]
    batch_first: bool
    traffic: Callable[[int, int], float]


TILE = (4 * MR + 2 * BYTES) / (2 * MR * BYTES / 4)
"""A tile of MR rows × 2 vectors: MR numbers and 2 vectors for as many multiply-adds as it has sums.
BLAS' tiles, which may have another shape, are counted like ours."""

RUNGS = {
    "loops in Python": Rung(loops, True, lambda F, K: 8),  # a number of x and one of w
    "loops, compiled": Rung(compiled_loops, True, lambda F, K: 8),
    "NumPy": Rung(numpy_arrays, True, lambda F, K: 20),  # temporary = a·x; y = y + temporary
    "unfold + GEMM": Rung(unfold, True, lambda F, K: 8 / F + TILE),  # a copy serves F filters
    "batch-last loops": Rung(batch_last, False, lambda F, K: 12),  # out = out + a·x
    "what ships": Rung(ships, False, lambda F, K: 8 / (F * K**2) + TILE),  # a copy serves all taps
}


def layout(rung: Rung, x: Array) -> Array:
    """Return x (N, C, H, W) as the rung takes it."""
    return x if rung.batch_first else np.ascontiguousarray(np.moveaxis(x, 0, -1))


def batch_first(rung: Rung, y: Array) -> Array:
    """Return what the rung returned as (N, F, H, W)."""
    return y if rung.batch_first else np.moveaxis(y, -1, 0)
