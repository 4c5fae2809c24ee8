"""Convolutions by kernels: what plain_images.py defines, prepared for machine code.

A convolution and its adjoint are one computation, a correlation along two tables of taps (taps.py),
which differ in the tables and in the order of w's axes. Two kernels compute it, one for few filters
(conv_narrow.py) and one for four and more (conv_wide.py). The gradient of the filters has a kernel
of its own (conv_filters.py). Here tables are made and kept, memory is lent, and a kernel is chosen.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..core import Array, IntArray, Pair, Shape
from .blocks import Blocks, blocks
from .conv_filters import (
    bias_gradient_kernel,
    correlate_filters,
    rectified_bias_gradient_kernel,
    spread,
)
from .conv_narrow import correlate_narrow
from .conv_wide import WIDE, correlate_wide, pack
from .machine.helpers import scratch
from .machine.processor import BYTES
from .plain_images import Windows
from .taps import Taps, adjoint_taps, taps

Axis = tuple[int, int, int, int, int, int]
"""Inputs, taps, outputs, stride, padding and dilation along one axis, as taps.py takes them."""


def convolve(
    x: Array, w: Array, b: Array | None, windows: Windows, y_shape: Shape, relu: bool = False
) -> Array:
    """Return y_fhmn = b_f + Σ_ckj w_fckj x_ciln, or max(0, y): see plain_images.py."""
    axes = _axes(windows, x.shape[1:3], y_shape[1:3])
    return _correlate(x, w, b, y_shape, len(x) // w.shape[1], (taps, *axes), relu)


def convolve_adjoint(
    y: Array, w: Array, b: Array | None, windows: Windows, x_shape: Shape, relu: bool = False
) -> Array:
    """Return x_ciln = b_c + Σ_fkj w_fckj y_fhmn, or max(0, x): see plain_images.py."""
    axes = _axes(windows, x_shape[1:3], y.shape[1:3])
    return _correlate(y, w, b, x_shape, x_shape[0] // w.shape[1], (adjoint_taps, *axes), relu)


def add_filter_gradient(x: Array, dy: Array, windows: Windows, dw: Array) -> None:
    """dw_fckj += Σ_hmn dy_fhmn x_ciln: see plain_images.py."""
    G = len(x) // dw.shape[1]
    x, dy = np.ascontiguousarray(x), np.ascontiguousarray(dy)
    for xg, dyg, dwg in zip(*(_split(a, G) for a in (x, dy, dw)), strict=True):
        _add_filter_gradient(xg, dyg, windows, dwg)


def add_bias_gradient(dy: Array, db: Array) -> None:
    """db_f += Σ_hmn dy_fhmn."""
    bias_gradient_kernel(_rows(dy), db)


def relu_and_bias_gradient(dy: Array, y: Array, db: Array) -> Array:
    """Return da = dy [y > 0] and add Σ_hmn da_fhmn to db_f, in one pass over memory."""
    da = np.empty(dy.shape, dy.dtype)
    rectified_bias_gradient_kernel(_rows(dy), _rows(y), _rows(da), db)
    return da


def _rows(a: Array) -> Array:
    """Return a (F, H, W, N) as (F, H·W·N), contiguous."""
    return np.ascontiguousarray(a).reshape(len(a), -1)


def _split(a: Array, G: int) -> list[Array]:
    """Return G equal parts of a, along its first axis."""
    size = len(a) // G
    return [a[g * size : g * size + size] for g in range(G)] if G > 1 else [a]


def _axes(windows: Windows, image: Shape, outputs: Shape) -> tuple[Axis, Axis]:
    """Return what taps.py takes, for the rows and for the columns."""
    (KH, KW), (SH, SW), (PH, PW), (DH, DW) = windows
    return (image[0], KH, outputs[0], SH, PH, DH), (image[1], KW, outputs[1], SW, PW, DW)


# The convolution and its adjoint

Tables = tuple[Callable[..., Taps], Axis, Axis]
"""Which of the two, `taps` or `adjoint_taps`, and both axes."""


class Plan(NamedTuple):
    """What a correlation from C to F channels needs to know beside the numbers.

    tile           how many filters the kernel computes together, 1 or WIDE
    f_step, c_step strides of w's axes of f and c, which an adjoint exchanges
    rows, columns  the tables of both axes
    cut            the blocks of its rows
    packed, panel  how many numbers of scratch memory the filters and a block of x take
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
def _plan(tables: Tables, F: int, x_shape: Shape, dtype: "np.dtype[Any]") -> Plan:
    """Return the plan for F filters a group; x_shape (C, H, W, N) is what a group is given."""
    of, rows_axis, columns_axis = tables
    rows, columns, lanes = of(*rows_axis), of(*columns_axis), 2 * BYTES // dtype.itemsize
    (C, _, W, N), KH, area = x_shape, rows_axis[1], rows_axis[1] * columns_axis[1]
    tile = WIDE if F >= WIDE else 1
    # w is (F, C, KH, KW) to a convolution and (C, F, KH, KW) to its adjoint.
    steps = (area, F * area) if of is adjoint_taps else (C * area, area)
    packed, panel = -(-F // tile) * tile * C * area, W * KH * C * lanes
    return Plan(tile, *steps, rows, columns, blocks(of, rows_axis, N, lanes), packed, panel)


def _correlate(
    x: Array, w: Array, b: Array | None, y_shape: Shape, G: int, tables: Tables, relu: bool
) -> Array:
    """Return b + the correlation of x with w along the tables, a group of G after the other."""
    x, y = np.ascontiguousarray(x), np.empty(y_shape, x.dtype)
    b = np.zeros(len(y), x.dtype) if b is None else b
    F, C, (KH, KW) = len(y) // G, len(x) // G, w.shape[2:]
    plan = _plan(tables, F, (C, *x.shape[1:]), x.dtype)
    rows, columns = plan.rows, plan.columns
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


# The gradient of the filters


class Shifts(NamedTuple):
    """How far x is shifted against dy for each tap, once x is laid out in planes (`spread`).

    planes    the shape (C, rows, phases, columns, N) of x in that layout
    row_step  numbers from the run that row h of dy meets to that of row h + 1
    channels  how many channels a pass over dy serves
    offsets   where the run of a tap begins in the planes, channel by channel
    targets   where its gradient stands in dw, flat, from that of the pass's first channel on
    f_step, c_step   how far apart the gradients of two filters and two channels stand
    sums      numbers of memory for the kernel's sums
    """

    planes: Shape
    row_step: int
    channels: int
    offsets: IntArray
    targets: IntArray
    f_step: int
    c_step: int
    sums: int


@cache
def _shifts(
    windows: Windows, outputs: Pair, N: int, dw_shape: Shape, mirrored: bool, itemsize: int
) -> Shifts:
    """Return the shifts for dy of (F, *outputs, N) and x of C channels.

    dw_shape  (F, C, KH, KW), or if mirrored (C, F, KH, KW): then tap (k, j) takes the place of tap
              (KH - 1 - k, KW - 1 - j)
    """
    (KH, KW), (SH, SW), _, (DH, DW) = windows
    places = np.arange(np.prod(dw_shape)).reshape(dw_shape)
    if mirrored:
        places = places[..., ::-1, ::-1].swapaxes(0, 1)
    C = places.shape[1]
    rows = (outputs[0] - 1) * SH + (KH - 1) * DH + 1
    columns = outputs[1] + (KW - 1) * DW // SW  # of each phase
    channels = 1 if KH * KW >= 9 else min(3, C)
    c, k, j = np.indices((channels, KH, KW)).reshape(3, -1)
    offsets = ((c * rows + k * DH) * SW + j * DW % SW) * columns * N + j * DW // SW * N
    f_step, c_step = (stride // places.itemsize for stride in places.strides[:2])
    return Shifts(
        (C, rows, SW, columns, N),
        SH * SW * columns * N,
        channels,
        offsets,
        places[0, :channels].ravel(),
        f_step,
        c_step,
        -(-offsets.size // 3) * 12 * BYTES // itemsize,
    )


def _add_filter_gradient(x: Array, dy: Array, windows: Windows, dw: Array) -> None:
    """Add to dw (F, C, KH, KW) the gradient of the filters of one group.

    The kernel computes four filters at a time. With fewer of them, at stride 1, x and dy can change
    places: with p' = d (K - 1) - p and k' = K - 1 - k, row i = h - p + kd of x means row
    h = i - p' + k'd of dy, and so

        Σ_h dy_h x_(h-p+kd) = Σ_i x_i dy_(i-p'+k'd)

    is the gradient of a filter that x has over dy, its taps in reverse order.
    """
    F, C, KH, KW = dw.shape
    _, stride, (PH, PW), (DH, DW) = windows
    mirrored = F < WIDE and C > F and stride == (1, 1)
    if mirrored:
        x, dy, PH, PW = dy, x, DH * (KH - 1) - PH, DW * (KW - 1) - PW
    _, OH, OW, N = dy.shape
    by = _shifts(windows, (OH, OW), N, dw.shape, mirrored, x.itemsize)
    planes, sums = np.empty(by.planes, x.dtype), np.empty(by.sums, x.dtype)
    spread(x, PH, PW, stride[1], planes)
    into, steps = dw.reshape(-1), (by.f_step, by.c_step)
    correlate_filters(
        planes, by.offsets, by.channels, by.row_step, dy, sums, into, by.targets, *steps
    )
