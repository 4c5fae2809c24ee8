"""Convolutions by kernels: what plain_images.py defines, prepared for machine code.

A convolution and its adjoint are one computation, a correlation along two tables of taps (taps.py),
which differ in the tables and in the order of w's axes. Two kernels compute it, one for few filters
(conv_narrow.py) and one for four and more (conv_wide.py). Here their tables are made and kept, and
memory is lent. The gradient of the filters also has two kernels, for many channels
(filter_products.py) and for few (filter_sums.py). Here one is chosen.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..core import Array, IntArray, Shape
from .blocks import Blocks, blocks, neighbours
from .conv_bias import bias_gradient_kernel, rectified_bias_gradient_kernel
from .conv_narrow import correlate_narrow
from .conv_wide import WIDE, correlate_wide, pack
from .filter_products import in_panels, products
from .filter_sums import sums
from .machine.helpers import scratch
from .machine.processor import BYTES
from .machine.tile import height
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
        gradient = products if _fill_panels(len(dyg), len(xg), x.itemsize) else sums
        dwg += gradient(xg, dyg, windows, dwg.shape)


def _fill_panels(F: int, C: int, itemsize: int) -> bool:
    """Are there enough channels that products of panels are faster than sums in lanes?

    On 64 samples of 14×14 pixels and 3×3 taps, one core of 273 GFLOP/s, products and sums have
    259 and 207 GFLOP/s at 32 channels, F and C, 195 and 205 at 28, 174 and 218 at 24; and 190 and
    184 at 32 and 8, 182 and 204 at 32 and 6.
    """
    most = max(F, C)
    return min(F, C) >= 8 and most / in_panels(most, itemsize) > 0.9


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

    tile           how many filters a kernel computes together, 1 in correlate_narrow
    f_step, c_step strides of w's axes of f and c, which an adjoint exchanges
    rows, columns  the tables of both axes
    cut            the blocks of its rows
    across         the order in which a block has the columns of x, and their runs
    packed, panel  how many numbers of scratch memory the filters and a block of x take
    """

    tile: int
    f_step: int
    c_step: int
    rows: Taps
    columns: Taps
    cut: Blocks
    across: tuple[IntArray, IntArray]
    packed: int
    panel: int


@cache
def _plan(tables: Tables, F: int, x_shape: Shape, dtype: "np.dtype[Any]") -> Plan:
    """Return the plan for F filters a group; x_shape (C, H, W, N) is what a group is given."""
    of, rows_axis, columns_axis = tables
    rows, columns, lanes = of(*rows_axis), of(*columns_axis), 2 * BYTES // dtype.itemsize
    (C, _, W, N), KH, area = x_shape, rows_axis[1], rows_axis[1] * columns_axis[1]
    tile = height(F) if F >= WIDE else 1
    # w is (F, C, KH, KW) to a convolution and (C, F, KH, KW) to its adjoint.
    steps = (area, F * area) if of is adjoint_taps else (C * area, area)
    packed, panel = -(-F // tile) * tile * C * area, KH * W * C * lanes
    cut, across = blocks(of, rows_axis, N, lanes), neighbours(of, columns_axis, W)
    return Plan(tile, *steps, rows, columns, cut, across, packed, panel)


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
        if plan.tile > 1:
            cut, across = (*plan.cut, rows.step), plan.across
            correlate_wide(xg, packed, bg, *cut, *across, KH, KW, plan.tile, relu, panel, yg)
        else:
            down = rows.runs, rows.step
            correlate_narrow(xg, packed, bg, *down, columns.meets, KH, relu, yg)
    return y
