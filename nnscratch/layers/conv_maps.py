"""The three maps of a convolution, which Conv2d, ConvTranspose2d and Conv1d share.

    convolve          y[f, h, l, n] = b_f + Σ_ckj w[f, c, k, j] x[c, h·s - p + k·d, l·s - p + j·d, n]
    convolve_adjoint  x[c, i, m, n] = b_c + Σ_fkj w[f, c, k, j] y[f, (i + p - k·d)/s, …, n], where whole
    filter_gradient   dw[f, c, k, j] += Σ_hln dy[f, h, l, n] x[c, h·s - p + k·d, l·s - p + j·d, n]

The first is linear in x but for b; the second is its transpose, the third the derivative in w. Here
is what surrounds the kernels: scratch memory, groups, the choice of a kernel, and the batch, which
is brought to a whole number of vectors with samples that are zero.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ..core import Array, IntArray, Shape
from ..kernels.conv import WIDE, correlate_narrow, correlate_wide, pack
from ..kernels.conv_filters import correlate_filters, spread
from ..kernels.simd import BYTES
from ..kernels.taps import Taps, adjoint_taps, taps

Pair = tuple[int, int]


class Geometry(NamedTuple):
    """How filters step over an image: (rows, columns) each; padding is what stands before."""

    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int


def whole_vectors(a: Array) -> Array:
    """Return a contiguous a whose batch is a multiple of two vectors, padded with zeros if need be."""
    N, S = a.shape[3], 2 * BYTES // a.itemsize
    if N % S == 0:
        return np.ascontiguousarray(a)
    padded = np.zeros((*a.shape[:3], N + -N % S), a.dtype)
    padded[..., :N] = a
    return padded


def convolve(
    x: Array, w: Array, b: Array | None, y_shape: Shape, geometry: Geometry, relu: bool = False
) -> Array:
    """Return b + w * x, of shape (F, OH, OW, N), or its positive part."""
    return _correlate(x, w, b, y_shape, geometry, relu, adjoint=False)


def convolve_adjoint(
    y: Array, w: Array, b: Array | None, x_shape: Shape, geometry: Geometry, relu: bool = False
) -> Array:
    """Return b + wᵀ * y, of shape (C, H, W, N), or its positive part."""
    return _correlate(y, w, b, x_shape, geometry, relu, adjoint=True)


def _correlate(
    x: Array,
    w: Array,
    b: Array | None,
    y_shape: Shape,
    geometry: Geometry,
    relu: bool,
    *,
    adjoint: bool,
) -> Array:
    N, x = x.shape[3], whole_vectors(x)
    y = np.empty((*y_shape[:3], x.shape[3]), x.dtype)
    b = np.zeros(len(y), x.dtype) if b is None else b
    (image, features) = (y, x) if adjoint else (x, y)
    table = adjoint_taps if adjoint else taps
    rows, columns = (
        table(image.shape[a], w.shape[a + 1], features.shape[a], *_along(geometry, a - 1))
        for a in (1, 2)
    )
    G = geometry.groups
    for xg, wg, bg, yg in zip(*(_split(a, G) for a in (x, w, b, y)), strict=True):
        _correlate_group(xg, wg, bg, rows, columns, relu, yg, adjoint=adjoint)
    return y if y.shape[3] == N else y[..., :N].copy()


def _correlate_group(
    x: Array, w: Array, b: Array, rows: Taps, columns: Taps, relu: bool, y: Array, *, adjoint: bool
) -> None:
    C, W, F, KH, KW = x.shape[0], x.shape[2], y.shape[0], w.shape[2], w.shape[3]
    steps = w.shape[1] * KH * KW, KH * KW
    TILE = WIDE if F >= WIDE else 1
    packed = np.empty(-(-F // TILE) * TILE * C * KH * KW, w.dtype)
    pack(
        w.reshape(-1),
        *steps[:: -1 if adjoint else 1],
        F,
        C,
        rows.order,
        columns.order,
        TILE,
        packed,
    )
    if TILE == 1:
        correlate_narrow(x, packed, b, rows.runs, rows.step, columns.meets, KH, relu, y)
        return
    panel = np.empty(W * KH * C * 2 * BYTES // x.itemsize, x.dtype)
    correlate_wide(
        x, packed, b, rows.runs, rows.step, columns.runs, columns.step, KH, KW, relu, panel, y
    )


def filter_gradient(x: Array, dy: Array, dw: Array, geometry: Geometry) -> None:
    """Add to dw (F, C/groups, KH, KW) the gradient of the filters."""
    x, dy = whole_vectors(x), whole_vectors(dy)
    G = geometry.groups
    for xg, dyg, dwg in zip(*(_split(a, G) for a in (x, dy, dw)), strict=True):
        _filter_gradient_group(xg, dyg, dwg, geometry)


def _filter_gradient_group(x: Array, dy: Array, dw: Array, geometry: Geometry) -> None:
    F, C, KH, KW = dw.shape
    (SH, SW), (PH, PW), (DH, DW), _ = geometry
    F_STEP, C_STEP = C * KH * KW, KH * KW
    # At stride 1 the adjoint is a convolution too: shift dy instead of x, and reverse the taps.
    swap = F < WIDE and C > F and SH == SW == 1
    if swap:
        x, dy, F_STEP, C_STEP = dy, x, C_STEP, F_STEP
        PH, PW = DH * (KH - 1) - PH, DW * (KW - 1) - PW
    C, (_, OH, OW, N) = x.shape[0], dy.shape
    ROWS = (OH - 1) * SH + (KH - 1) * DH + 1
    COLUMNS = OW + (KW - 1) * DW // SW  # of each phase
    planes = np.empty((C, ROWS, SW, COLUMNS, N), x.dtype)
    spread(x, PH, PW, SW, planes)
    CHANNELS = 1 if KH * KW >= 9 else min(3, C)
    offsets, targets = _shifts(CHANNELS, KH, KW, ROWS, COLUMNS * N, N, SW, DH, DW, C_STEP, swap)
    sums = np.empty((offsets.size + 2) // 3 * 12 * BYTES // x.itemsize, x.dtype)
    ROW_STEP, into = SH * SW * COLUMNS * N, dw.reshape(-1)
    correlate_filters(
        planes, offsets, CHANNELS, ROW_STEP, dy, sums, into, targets, F_STEP, C_STEP
    )


@cache
def _shifts(
    C: int,
    KH: int,
    KW: int,
    ROWS: int,
    PHASE: int,
    N: int,
    SW: int,
    DH: int,
    DW: int,
    C_STEP: int,
    reverse: bool,
) -> tuple[IntArray, IntArray]:
    """Return where the run of tap (k, j) of channel c starts in `planes`, and where its dw is."""
    c, k, j = np.indices((C, KH, KW)).reshape(3, -1)
    offsets = ((c * ROWS + k * DH) * SW + j * DW % SW) * PHASE + j * DW // SW * N
    targets = c * C_STEP + ((KH - 1 - k) * KW + KW - 1 - j if reverse else k * KW + j)
    return offsets, targets


def _along(geometry: Geometry, axis: int) -> tuple[int, int, int]:
    return geometry.stride[axis], geometry.padding[axis], geometry.dilation[axis]


def _split(a: Array, G: int) -> list[Array]:
    size = len(a) // G
    return [a[g * size : g * size + size] for g in range(G)]
