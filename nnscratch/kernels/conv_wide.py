"""Correlation of images with filters, along two tables of taps: the convolution and its adjoint.

    y[f, h, m, n] = b[f] + Σ_{k, j, c} w[f, c, rows(k), columns(j)] x[c, i(h, k), i(m, j), n]

where k runs over the taps that meet row h, i(h, k) is the row of x they meet there, and likewise
for columns (taps.py). Given the tables of a convolution this is its forward map; given those of its
adjoint and w with f and c exchanged, it is dx. Neither pads x.

    x  (C, H, W, N)
    y  (F, OH, OW, N)

A core can start two multiply-adds and two loads a cycle, so a sum must stay in a register and what
is loaded must be used more than once. `correlate_wide` holds 4 filters × 2 vectors: 6 loads for 8
multiply-adds. What lies side by side in a vector is samples, of one row or of several (blocks.py).
Below 4 filters it would compute sums that nobody wants, and `correlate_narrow` takes over
(conv_narrow.py).
"""

from ..core import Array, IntArray
from .machine.jit import kernel
from .machine.simd import load, load_part, size_of_vector, store, store_part
from .machine.tile import bias_tile, multiply, rectified_tile, write_tile

WIDE = 4
"""Filters a tile."""


@kernel
def pack(
    w: Array,
    F_STEP: int,
    C_STEP: int,
    F: int,
    C: int,
    rows: IntArray,
    columns: IntArray,
    TILE: int,
    packed: Array,
) -> None:
    """packed[g, j, k, c, t] = w[f, c, rows[k], columns[j]] with f = g·TILE + t.

    In this order correlate_* reads them. Beyond the last filter the tile repeats it.

        w, packed  flat; F_STEP and C_STEP are the strides of w's first two axes, in either order
    """
    KH, KW = rows.size, columns.size
    q = 0
    for g in range(0, F, TILE):
        for j in range(KW):
            for k in range(KH):
                here = w[rows[k] * KW + columns[j] :]
                for c in range(C):
                    for f in range(g, g + TILE):
                        packed[q] = here[min(f, F - 1) * F_STEP + c * C_STEP]
                        q += 1


@kernel
def gather(
    x: Array, pieces: IntArray, begin: int, end: int, ROWS: int, STEP: int, panel: Array
) -> None:
    """panel[m, k, c, a : b] = x[c, i + k·STEP, m, n : n + b - a] for each piece (·, i, n, a, b).

    That is what a block of an output row's lanes needs, in order; 0 where x has no such row.
    """
    C, H, W, N = x.shape
    V = size_of_vector(x)
    source = x.reshape(x.size)
    for piece in range(begin, end):
        _, top, n, a, b = pieces[piece]
        for k in range(ROWS):
            i = top + k * STEP
            count = b - a if 0 <= i < H else 0
            for c in range(C):
                p = (c * H + i) * W * N + n
                q = (k * C + c) * 2 * V + a
                if count == 2 * V:
                    for _ in range(W):
                        store(panel, q, load(source, p))
                        store(panel, q + V, load(source, p + V))
                        p += N
                        q += ROWS * C * 2 * V
                else:
                    for _ in range(W):
                        store_part(panel, q, load_part(source, p, count), b - a)
                        if b - a > V:
                            u = load_part(source, p + V, count - V)
                            store_part(panel, q + V, u, b - a - V)
                        p += N
                        q += ROWS * C * 2 * V


@kernel
def correlate_wide(
    x: Array,
    w: Array,
    b: Array,
    blocks: IntArray,
    pieces: IntArray,
    ROW_STEP: int,
    columns: IntArray,
    COLUMN_STEP: int,
    KH: int,
    KW: int,
    TILE: int,
    rectify: bool,
    panel: Array,
    y: Array,
) -> None:
    """The sum above, TILE filters by a block of two vectors at a time; max(0, ·) if `rectify`.

    w  flat, packed with TILE    blocks, pieces  `Blocks` of 2V lanes
    columns  `Taps.runs`         panel           (W·KH·C·2V,)
    """
    C, N = x.shape[0], x.shape[3]
    F, OH, OW, _ = y.shape
    V = size_of_vector(x)
    PLANE = OH * OW * N
    out = y.reshape(y.size)
    for block in range(blocks.shape[0]):
        # The pixels that a block of output rows needs are copied once, and serve all filters.
        k, ROWS, begin, end = blocks[block]
        gather(x, pieces, begin, end, ROWS, ROW_STEP, panel)
        for f in range(0, F, TILE):
            for m in range(OW):
                # Over the taps that meet the column, then over their rows and channels, p walks
                # through the pixels and q through the filters.
                j, COLUMNS, left = columns[m]
                RUN = ROWS * C
                p = left * RUN * 2 * V
                q = ((f // TILE * KW + j) * KH + k) * C * TILE
                if ROWS == KH and COLUMN_STEP == 1:  # the runs of all columns are one
                    RUN *= COLUMNS
                    COLUMNS = min(COLUMNS, 1)
                t = bias_tile(b, f, min(TILE, F - f))
                for _ in range(COLUMNS):
                    t = multiply(t, w, q, TILE, panel, p, RUN)
                    p += COLUMN_STEP * RUN * 2 * V
                    q += KH * C * TILE
                if rectify:
                    t = rectified_tile(t)
                # The lanes of a block belong to several rows of y: each piece goes to its place.
                for piece in range(begin, end):
                    h, _, n, first, last = pieces[piece]
                    at = f * PLANE + (h * OW + m) * N + n - first
                    write_tile(out, at, PLANE, first, last, t)
