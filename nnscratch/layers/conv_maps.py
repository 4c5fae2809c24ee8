"""The three maps of a convolution, which Conv2d, ConvTranspose2d and Conv1d share.

    convolve          y[f,h,m,n] = b[f] + Σ_ckj w[f,c,k,j] x[c, h·s - p + k·d, m·s - p + j·d, n]
    convolve_adjoint  x[c,i,l,n] = b[c] + Σ_fkj w[f,c,k,j] y[f, (i + p - k·d)/s, (l + p - j·d)/s, n]
    filter_gradient   dw[f,c,k,j] += Σ_hmn dy[f,h,m,n] x[c, h·s - p + k·d, m·s - p + j·d, n]

with zeros where there is no pixel and, in the second, where the quotient is not whole. The second
is the transpose of the first as a map from x to y, the third its derivative in w. Here is what
surrounds the kernels: scratch memory, groups, the choice of a kernel.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..core import Array, IntArray, Parameter, Shape
from ..kernels.blocks import Blocks, blocks
from ..kernels.conv import WIDE, correlate_wide, pack
from ..kernels.conv_filters import bias_gradient, correlate_filters, rectified_bias_gradient, spread
from ..kernels.conv_narrow import correlate_narrow
from ..kernels.machine.helpers import scratch
from ..kernels.machine.processor import BYTES
from ..kernels.taps import Taps, adjoint_taps, taps
from .geometry import Pair

Axis = tuple[int, int, int, int, int, int]
"""Sizes of image, filter and output along one axis, then stride, padding and dilation."""


class Geometry(NamedTuple):
    """How filters step over an image: (rows, columns) each; padding is what stands before."""

    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int


def convolve(
    x: Array, w: Array, b: Array | None, y_shape: Shape, geometry: Geometry, relu: bool = False
) -> Array:
    """Return y (F, OH, OW, N), or max(0, y)."""
    axes = _axes(x.shape, w.shape, y_shape, geometry)
    return _correlate(x, w, b, y_shape, taps, axes, geometry.groups, relu)


def convolve_adjoint(
    y: Array, w: Array, b: Array | None, x_shape: Shape, geometry: Geometry, relu: bool = False
) -> Array:
    """Return x (C, H, W, N), or max(0, x)."""
    axes = _axes(x_shape, w.shape, y.shape, geometry)
    return _correlate(y, w, b, x_shape, adjoint_taps, axes, geometry.groups, relu)


def filter_gradient(x: Array, dy: Array, dw: Array, geometry: Geometry) -> None:
    """Add the gradient of the filters to dw (F, C/groups, KH, KW)."""
    x, dy = np.ascontiguousarray(x), np.ascontiguousarray(dy)
    for xg, dyg, dwg in zip(*(_split(a, geometry.groups) for a in (x, dy, dw)), strict=True):
        _filter_gradient(xg, dyg, dwg, geometry)


def through_bias_and_relu(dy: Array, y: Array | None, b: Parameter | None) -> Array:
    """Return the gradient of what b was added to, and add to b.grad; y if there was a rectifier.

    The pass over dy that the bias needs anyway applies the rectifier's mask too.
    """
    F = len(dy)
    db = np.empty(F, dy.dtype) if b is None else b.grad
    if y is not None:
        da = np.empty(dy.shape, dy.dtype)
        flat = (np.ascontiguousarray(a).reshape(F, -1) for a in (dy, y, da))
        rectified_bias_gradient(*flat, db)
        return da
    if b is not None:
        bias_gradient(np.ascontiguousarray(dy).reshape(F, -1), db)
    return dy


def _axes(x: Shape, w: Shape, y: Shape, geometry: Geometry) -> tuple[Axis, Axis]:
    (SH, SW), (PH, PW), (DH, DW), _ = geometry
    return (x[1], w[2], y[1], SH, PH, DH), (x[2], w[3], y[2], SW, PW, DW)


def _split(a: Array, G: int) -> list[Array]:
    size = len(a) // G
    return [a[g * size : g * size + size] for g in range(G)] if G > 1 else [a]


class Plan(NamedTuple):
    """What a correlation from C to F channels needs to know beside the numbers.

    tile           filters that are computed together
    f_step, c_step strides of w's axes of f and c, which an adjoint exchanges
    rows, columns  the tables of both axes
    cut            the blocks of its rows
    packed, panel  numbers of scratch memory
    """

    tile: int
    f_step: int
    c_step: int
    rows: Taps
    columns: Taps
    cut: Blocks
    packed: int
    panel: int


@cache
def _plan(
    of: Callable[..., Taps],
    axes: tuple[Axis, Axis],
    F: int,
    x_shape: Shape,
    dtype: "np.dtype[Any]",
) -> Plan:
    """Return the plan; `of` is taps, or adjoint_taps for the adjoint, and x is what it is given."""
    rows, columns, lanes = of(*axes[0]), of(*axes[1]), 2 * BYTES // dtype.itemsize
    (C, _, W, N), KH, area = x_shape, axes[0][1], axes[0][1] * axes[1][1]
    tile = WIDE if F >= WIDE else 1
    steps = (area, F * area) if of is adjoint_taps else (C * area, area)
    packed, panel = -(-F // tile) * tile * C * area, W * KH * C * lanes
    return Plan(tile, *steps, rows, columns, blocks(of, axes[0], N, lanes), packed, panel)


def _correlate(
    x: Array,
    w: Array,
    b: Array | None,
    y_shape: Shape,
    of: Callable[..., Taps],
    axes: tuple[Axis, Axis],
    G: int,
    relu: bool,
) -> Array:
    x, y = np.ascontiguousarray(x), np.empty(y_shape, x.dtype)
    b = np.zeros(len(y), x.dtype) if b is None else b
    F, C = len(y) // G, len(x) // G
    plan = _plan(of, axes, F, (C, *x.shape[1:]), x.dtype)
    rows, columns, (KH, KW) = plan.rows, plan.columns, w.shape[2:]
    memory = scratch(plan.packed + plan.panel, x.dtype)
    panel, packed = memory[: plan.panel], memory[plan.panel :]
    order = rows.order, columns.order
    for xg, wg, bg, yg in zip(*(_split(a, G) for a in (x, w, b, y)), strict=True):
        pack(wg.reshape(-1), plan.f_step, plan.c_step, F, C, *order, plan.tile, packed)
        if plan.tile == WIDE:
            cut, across = (*plan.cut, rows.step), (columns.runs, columns.step)
            correlate_wide(xg, packed, bg, *cut, *across, KH, KW, relu, panel, yg)
        else:
            down = rows.runs, rows.step
            correlate_narrow(xg, packed, bg, *down, columns.meets, KH, relu, yg)
    return y


def _filter_gradient(x: Array, dy: Array, dw: Array, geometry: Geometry) -> None:
    F, C, KH, KW = dw.shape
    (SH, SW), (PH, PW), (DH, DW), _ = geometry
    F_STEP, C_STEP = C * KH * KW, KH * KW
    # At stride 1 the adjoint is a convolution too: few filters? Shift dy instead, taps reversed.
    swap = F < WIDE and C > F and SH == SW == 1
    if swap:
        x, dy, F_STEP, C_STEP = dy, x, C_STEP, F_STEP
        PH, PW = DH * (KH - 1) - PH, DW * (KW - 1) - PW
    C, (_, OH, OW, N) = len(x), dy.shape
    ROWS = (OH - 1) * SH + (KH - 1) * DH + 1
    COLUMNS = OW + (KW - 1) * DW // SW  # of each phase
    planes = np.empty((C, ROWS, SW, COLUMNS, N), x.dtype)
    spread(x, PH, PW, SW, planes)
    CHANNELS = 1 if KH * KW >= 9 else min(3, C)
    offsets, targets = _shifts(CHANNELS, KH, KW, ROWS, COLUMNS * N, N, SW, DH, DW, C_STEP, swap)
    sums = np.empty(-(-offsets.size // 3) * 12 * BYTES // x.itemsize, x.dtype)
    ROW_STEP, into = SH * SW * COLUMNS * N, dw.reshape(-1)
    correlate_filters(planes, offsets, CHANNELS, ROW_STEP, dy, sums, into, targets, F_STEP, C_STEP)


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
