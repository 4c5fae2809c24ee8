"""The gradient of a convolution's filters, of many channels: a product of matrices for each tap.

    dw[f, c, k, j] = Σ_{h, m, n} dy[f, h, m, n] x[c, i(h, k), i(m, j), n]

where tap k meets row i(h, k) of x at row h of dy, and likewise for columns (taps.py). The sum runs
over pixels and samples. They are what lies side by side in memory, while the micro-kernel wants the
channels side by side. So both images are transposed, a row of pixels at a time, into panels. What a
row of dy meets in a row of x is then a product of two panels, and no tap multiplies zeros beyond an
image's border.
"""

from functools import cache
from math import prod
from typing import NamedTuple

import numpy as np

from ..core import Array, IntArray, Shape
from .machine.helpers import scratch_of
from .machine.jit import inlined, kernel
from .machine.processor import BYTES
from .machine.simd import add, load, size_of_vector, store, transpose
from .machine.tile import MR, Tile, height, multiply, write_tile, zero_tile
from .plain_images import Windows
from .taps import constant, taps


def in_panels(channels: int, itemsize: int) -> int:
    """Return how many columns the panels of so many channels have, two vectors each."""
    columns = 2 * BYTES // itemsize
    return -(-channels // columns) * columns


def products(x: Array, dy: Array, windows: Windows, dw_shape: Shape) -> Array:
    """Return the gradient of the filters; x (C, H, W, N), dy (F, OH, OW, N), dw (F, C, KH, KW).

    The rows of the tiles are the channels of one image, their columns those of the other: of x,
    unless dy's fill their panels better.
    """
    (F, C, KH, KW), size = dw_shape, x.itemsize
    dy_is_wide = F / in_panels(F, size) > C / in_panels(C, size)
    tall, wide = (x, dy) if dy_is_wide else (dy, x)
    by = _meetings(windows, x.shape[1:3], dy.shape[1:3], dy_is_wide)
    (R, _, TALL_W, N), (L, _, WIDE_W, _) = tall.shape, wide.shape
    shape = KH, KW, R, in_panels(L, size)
    sizes = (
        by.spans[0] * TALL_W * N * in_panels(R, size),
        by.spans[1] * WIDE_W * N * in_panels(L, size),
        MR * in_panels(1, size),
        prod(shape),
    )
    *memory, sums = scratch_of(sizes, x.dtype)
    filter_products(tall, wide, *by, height(min(R, in_panels(1, size))), *memory, sums)
    sums = sums.reshape(shape)[..., :L]
    return sums.transpose((3, 2, 0, 1) if dy_is_wide else (2, 3, 0, 1))


class Meetings(NamedTuple):
    """Where a tall and a wide image meet: one of them is x, the other dy.

    rows     (P, 3): row h of tall, row i of wide and the tap k that lets them meet, in the order in
             which rows are packed
    columns  (KW, 5): column m of tall, column i of wide, how many such pairs tap j has, and the
             steps of m and i from one to the next
    spans    how many rows of tall and of wide are needed at a time
    """

    rows: IntArray
    columns: IntArray
    spans: tuple[int, int]


@cache
def _meetings(windows: Windows, image: Shape, outputs: Shape, dy_is_wide: bool) -> Meetings:
    """Return where x (C, *image, N) and dy (F, *outputs, N) meet."""
    axes = zip(image, windows.size, outputs, *windows[1:], strict=True)
    down, columns = (taps(*axis).meets for axis in axes)
    pairs = sorted(
        (o + n * out_step, i + n * in_step, k)
        for k, (o, i, count, out_step, in_step) in enumerate(down)
        for n in range(count)
    )
    rows: IntArray = np.array(pairs, np.int64).reshape(-1, 3)
    spans = 1, (windows.size[0] - 1) * windows.dilation[0] + 1
    if dy_is_wide:
        rows, columns, spans = rows[:, [1, 0, 2]], columns[:, [1, 0, 2, 4, 3]], spans[::-1]
    return Meetings(constant(rows.copy()), constant(columns.copy()), spans)


@kernel
def pack_row(x: Array, i: int, SPAN: int, ring: Array) -> None:
    """ring[i % SPAN, c // 2V, m, n, c % 2V] = x[c, i, m, n]: the channels of a pixel side by side.

    x     (C, H, W, N)
    ring  flat, the panels of SPAN rows; what they have beyond the last channel is undefined
    """
    (C, H, W, N), V = x.shape, size_of_vector(x)
    COLUMNS, PLANE, source = W * N, H * W * N, x.reshape(x.size)
    start = i % SPAN * (ring.size // SPAN)
    # First whole squares of V × V numbers, which are transposed in registers; where a row is no
    # multiple of V the last square overlaps the one before it.
    SQUARES = C // V * V if COLUMNS >= V else 0
    for c in range(0, SQUARES, V):
        p, q = c * PLANE + i * COLUMNS, start + c // (2 * V) * COLUMNS * 2 * V + c % (2 * V)
        for at in range(0, COLUMNS, V):
            m = min(at, COLUMNS - V)
            transpose(source, p + m, PLANE, ring, q + m * 2 * V, 2 * V)
    # Then the channels that are left, number by number.
    for c in range(SQUARES, C):
        p, q = c * PLANE + i * COLUMNS, start + c // (2 * V) * COLUMNS * 2 * V + c % (2 * V)
        for m in range(COLUMNS):
            ring[q + m * 2 * V] = source[p + m]


@inlined
def add_tile(sums: Array, s: int, PITCH: int, t: Tile, part: Array, rows: int) -> None:
    """sums[s + r PITCH + l] += t[r, l]; `part` is memory for a tile."""
    V = size_of_vector(sums)
    write_tile(part, 0, 2 * V, 0, 2 * V, t)
    for r in range(rows):
        for n in range(0, 2 * V, V):
            at = s + r * PITCH + n
            store(sums, at, add(load(sums, at), load(part, r * 2 * V + n)))


@kernel
def filter_products(
    tall: Array,
    wide: Array,
    rows: IntArray,
    columns: IntArray,
    spans: tuple[int, int],
    HEIGHT: int,
    tall_ring: Array,
    wide_ring: Array,
    part: Array,
    sums: Array,
) -> None:
    """sums[k, j, r, l] = Σ_{h, m, n} tall[r, h, m, n] wide[l, i(h, k), i(m, j), n].

    A row is packed when a tap first meets it, and dropped after the last. The taps of one row k,
    with all channels, visit a pair of rows that meet; then follows the next pair. For each pair the
    sums of a tile begin at zero: many short sums are more accurate than a long one.

        tall, wide           (R, …, N), (L, …, N)
        rows, columns, spans as in `Meetings`
        HEIGHT               rows of a tile
        tall_ring, wide_ring flat: for all channels the panels of spans rows
        part                 memory for a tile
        sums                 flat: (KH, KW, R, whole panels)
    """
    (R, _, TALL_W, N), (L, _, WIDE_W, _), KW = tall.shape, wide.shape, len(columns)
    NR = 2 * size_of_vector(tall)
    PITCH = (L + NR - 1) // NR * NR
    sums[:] = 0
    h_packed = i_packed = 0
    for pair in range(len(rows)):
        h, i, k = rows[pair, 0], rows[pair, 1], rows[pair, 2]
        for row in range(h_packed, h + 1):
            pack_row(tall, row, spans[0], tall_ring)
        for row in range(i_packed, i + 1):
            pack_row(wide, row, spans[1], wide_ring)
        h_packed, i_packed = max(h_packed, h + 1), max(i_packed, i + 1)
        tall_row = h % spans[0] * (tall_ring.size // spans[0])
        wide_row = i % spans[1] * (wide_ring.size // spans[1])
        for j in range(KW):
            m, o, COUNT = columns[j, 0], columns[j, 1], columns[j, 2]
            TALL_STEP, WIDE_STEP = columns[j, 3] * N * NR, columns[j, 4] * N * NR
            # Columns that lie side by side in both images are one run; else each is one.
            RUN = N
            if TALL_STEP == WIDE_STEP:
                RUN, COUNT = N * COUNT, min(COUNT, 1)
            for c in range(0, L, NR):
                # A tile lies in one panel of each image.
                for f in range(0, R, NR):
                    for r in range(0, min(NR, R - f), HEIGHT):
                        size = min(HEIGHT, NR - r, R - f - r)
                        p = tall_row + (f * TALL_W + m * NR) * N + r
                        q = wide_row + (c * WIDE_W + o * NR) * N
                        t = zero_tile(sums, size)
                        for n in range(COUNT):
                            at, other = p + n * TALL_STEP, q + n * WIDE_STEP
                            t = multiply(t, tall_ring, at, NR, wide_ring, other, RUN)
                        into = ((k * KW + j) * R + f + r) * PITCH + c
                        add_tile(sums, into, PITCH, t, part, size)
