"""The gradient of a convolution's filters, of few channels: sums whose lanes are samples.

    dw[f, c, k, j] = Σ_{h, m, n} dy[f, h, m, n] x[c, h·SH - PH + k·DH, m·SW - PW + j·DW, n]

Few channels would leave most columns of the tiles of filter_products.py empty. Here each lane of a
vector has a sum of its own, over some of the pixels and samples as they lie in memory; the lanes
are added up in the end.

First x is laid out anew, in planes that have its border of zeros and whose columns are sorted by
their phase modulo the stride (`spread`). Then row h of dy meets, whatever tap, stride and padding,
a run of OW·N numbers that are neighbours in memory: a tap is the offset of that run, no more.
"""

from functools import cache
from math import prod
from typing import NamedTuple

import numpy as np

from ..core import Array, IntArray, Shape
from .machine.helpers import scratch_of
from .machine.jit import kernel
from .machine.processor import BYTES
from .machine.simd import load_part, size_of_vector, store_part
from .machine.tile import (
    MR,
    add_totals,
    height,
    multiply_lanes,
    read_tile,
    rows_of_lanes,
    write_tile,
)
from .plain_images import Windows
from .taps import constant

FILTERS = 2 * MR // 3
"""Filters of a tile, which has three taps of each. With 8 of them 11 vectors are loaded for 24
multiply-adds: few enough even where dy lies across cache lines, so that each is read twice."""

TAPS = 18
"""Taps, of all channels, that one pass over dy serves: the tiles of their sums take 9 KB."""

L1 = 34_000
"""Bytes of dy that all of these taps visit before the next block is begun: a row of 14 pixels of 64
samples and 8 filters, or half a row of 28. With 24,000 it is up to 15 % slower where L1 has 48 KB;
half as wide vectors take half as many filters, and there it makes no difference."""


def sums(x: Array, dy: Array, windows: Windows, dw_shape: Shape) -> Array:
    """Return the gradient of the filters; x (C, H, W, N), dy (F, OH, OW, N), dw (F, C, KH, KW).

    A tile has a few filters and three taps. Where filters are fewer, at stride 1, x and dy change
    places: with p' = d (K - 1) - p and k' = K - 1 - k, row i = h - p + kd of x means row
    h = i - p' + k'd of dy, and so

        Σ_h dy_h x_(h-p+kd) = Σ_i x_i dy_(i-p'+k'd)

    is the gradient of a filter that x has over dy, its taps in reverse order.
    """
    F, C, KH, KW = dw_shape
    _, stride, (PH, PW), (DH, DW) = windows
    mirrored = stride == (1, 1) and F < FILTERS and F < C
    if mirrored:
        F, C, x, dy, PH, PW = C, F, dy, x, DH * (KH - 1) - PH, DW * (KW - 1) - PW
    by = _shifts(windows, dy.shape[1:], C)
    T, tiles = by.offsets.size, TAPS // 3 * MR * 2 * BYTES // x.itemsize
    lanes, planes, totals = scratch_of((tiles, prod(by.planes), F * T), x.dtype)
    spread(x, PH, PW, stride[1], planes.reshape(by.planes))
    filter_sums(planes, by.offsets, by.row_step, dy, height(F, FILTERS), lanes, totals)
    found = totals.reshape(F, T)[:, : C * KH * KW].reshape(F, C, KH, KW)
    return found[..., ::-1, ::-1].swapaxes(0, 1) if mirrored else found


class Shifts(NamedTuple):
    """How far x is shifted against dy for each tap, once x is laid out in planes (`spread`).

    planes    the shape (C, rows, phases, columns, N) of x in that layout
    row_step  numbers from the run that row h of dy meets to that of row h + 1
    offsets   where the run of a tap begins, tap by tap and channel by channel; the last of them is
              repeated until their number is a multiple of three
    """

    planes: Shape
    row_step: int
    offsets: IntArray


@cache
def _shifts(windows: Windows, outputs: Shape, C: int) -> Shifts:
    """Return the shifts for dy of (F, *outputs), outputs (OH, OW, N), and x of C channels."""
    (KH, KW), (SH, SW), _, (DH, DW) = windows
    OH, OW, N = outputs
    rows = (OH - 1) * SH + (KH - 1) * DH + 1
    columns = OW + (KW - 1) * DW // SW  # of each phase
    c, k, j = np.indices((C, KH, KW)).reshape(3, -1)
    offsets = ((c * rows + k * DH) * SW + j * DW % SW) * columns * N + j * DW // SW * N
    by_three = np.append(offsets, np.repeat(offsets[-1:], -offsets.size % 3))
    return Shifts((C, rows, SW, columns, N), SH * SW * columns * N, constant(by_three))


@kernel
def spread(x: Array, top: int, left: int, SW: int, planes: Array) -> None:
    """planes[c, i, phase, m, :] = x[c, i - top, m·SW + phase - left, :], 0 where there is none.

    x  (C, H, W, N)      planes  (C, ROWS, SW, COLUMNS, N)
    """
    C, H, W, N = x.shape
    _, ROWS, _, COLUMNS, _ = planes.shape
    V = size_of_vector(x)
    source, out = x.reshape(x.size), planes.reshape(planes.size)
    for c in range(C):
        for i in range(ROWS):
            for phase in range(SW):
                q = ((c * ROWS + i) * SW + phase) * COLUMNS * N
                for m in range(phase - left, phase - left + COLUMNS * SW, SW):
                    p = ((c * H + i - top) * W + m) * N
                    inside = 0 <= i - top < H and 0 <= m < W
                    for n in range(0, N, V):
                        u = load_part(source, p + n, N - n if inside else 0)
                        store_part(out, q + n, u, N - n)
                    q += N


@kernel
def filter_sums(
    planes: Array,
    offsets: IntArray,
    ROW_STEP: int,
    dy: Array,
    HEIGHT: int,
    lanes: Array,
    totals: Array,
) -> None:
    """totals[f, t] = Σ_{h, m} dy[f, h, m] planes[offsets[t] + h·ROW_STEP + m].

    m runs over the columns and samples of a row. HEIGHT filters by three taps of sums stay in
    registers for a block of dy; between blocks they wait in `lanes`.

        planes   flat
        offsets  (T,), T a multiple of 3
        dy       (F, OH, OW, N)
        lanes    flat: a tile for every three of TAPS
        totals   flat: (F, T)
    """
    (F, OH, OW, N), T, V = dy.shape, offsets.size, size_of_vector(dy)
    ROW, TILE, flat_dy = OW * N, 2 * V * MR, dy.reshape(dy.size)
    # A block is some rows, or a piece of one.
    BYTES_OF_ROW = HEIGHT * ROW * dy.itemsize
    ROWS, PIECES = max(1, L1 // BYTES_OF_ROW), (BYTES_OF_ROW + L1 - 1) // L1
    PIECE = (ROW + PIECES * V - 1) // (PIECES * V) * V
    totals[:] = 0
    for f in range(0, F, HEIGHT):
        size = rows_of_lanes(min(HEIGHT, F - f))
        for first in range(0, T, TAPS):
            last = min(first + TAPS, T)
            lanes[:] = 0
            # It stays in L1 while all taps, three at a time, visit it.
            for block in range((OH + ROWS - 1) // ROWS * PIECES):
                top, m = block // PIECES * ROWS, block % PIECES * PIECE
                K = min(PIECE, ROW - m)
                for t in range(first, last, 3):
                    at = (t - first) // 3 * TILE
                    tile = read_tile(lanes, at, 2 * V, size, 2 * V)
                    for h in range(top, min(top + ROWS, OH)):
                        p, q = (f * OH + h) * ROW + m, h * ROW_STEP + m
                        three = q + offsets[t], q + offsets[t + 1], q + offsets[t + 2]
                        tile = multiply_lanes(tile, flat_dy, p, OH * ROW, planes, three, K)
                    write_tile(lanes, at, 2 * V, 0, 2 * V, tile)
            for t in range(first, last, 3):
                tile = read_tile(lanes, (t - first) // 3 * TILE, 2 * V, size, 2 * V)
                add_totals(totals, f * T + t, T, tile)
