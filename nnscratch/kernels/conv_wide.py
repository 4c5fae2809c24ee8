"""Correlation of images with filters, along two tables of taps: the convolution and its adjoint.

    y[f, h, m, n] = b[f] + Σ_{k, j, c} w[f, c, rows(k), columns(j)] x[c, i(h, k), i(m, j), n]

where k runs over the taps that meet row h, i(h, k) is the row of x they meet there, and likewise
for columns (taps.py). Given the tables of a convolution this is its forward map; given those of its
adjoint and w with f and c exchanged, it is dx. Neither pads x.

    x  (C, H, W, N)
    y  (F, OH, OW, N)

The sums are tiles in registers (machine/tile.py): a row for each filter, a column for each sample
of a block, which are samples of one row of y or of several (blocks.py). Below 4 filters a tile
would have too few rows, and `correlate_narrow` takes over (conv_narrow.py).
"""

from ..core import Array, IntArray
from .machine.jit import kernel
from .machine.simd import load, load_part, size_of_vector, store, store_part
from .machine.tile import bias_tile, multiply, rectified_tile, write_tile

WIDE = 4
"""Filters from which on `correlate_wide` is faster."""


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
    """packed[g, k, j, c, t] = w[f, c, rows[k], columns[j]] with f = g·TILE + t.

    In this order correlate_* reads them. Beyond the last filter the tile repeats it.

        w, packed  flat; F_STEP and C_STEP are the strides of w's first two axes, in either order
    """
    KW = columns.size
    q = 0
    for g in range(0, F, TILE):
        for row in rows:
            for column in columns:
                here = w[row * KW + column :]
                for c in range(C):
                    for f in range(g, g + TILE):
                        packed[q] = here[min(f, F - 1) * F_STEP + c * C_STEP]
                        q += 1


@kernel
def gather(
    x: Array,
    pieces: IntArray,
    begin: int,
    end: int,
    below: int,
    order: IntArray,
    slot: int,
    panel: Array,
) -> None:
    """panel[slot, m, c, a : b] = x[c, i + below, order[m], n : n + b - a], (·, i, n, a, b) a piece.

    That is a row of x for the lanes of a block, in the order in which tiles read it; 0 where x has
    no such row.
    """
    C, H, W, N = x.shape
    V = size_of_vector(x)
    source = x.reshape(x.size)
    for piece in range(begin, end):
        _, i, n, a, b = pieces[piece]
        i += below
        count = b - a if 0 <= i < H else 0
        q = slot * W * C * 2 * V + a
        for m in order:
            p = (i * W + m) * N + n
            for _ in range(C):
                if count == 2 * V:
                    store(panel, q, load(source, p))
                    store(panel, q + V, load(source, p + V))
                else:
                    store_part(panel, q, load_part(source, p, count), b - a)
                    if b - a > V:
                        u = load_part(source, p + V, count - V)
                        store_part(panel, q + V, u, b - a - V)
                p += H * W * N
                q += 2 * V


@kernel
def correlate_wide(
    x: Array,
    w: Array,
    b: Array,
    blocks: IntArray,
    pieces: IntArray,
    ROW_STEP: int,
    order: IntArray,
    columns: IntArray,
    KH: int,
    KW: int,
    TILE: int,
    rectify: bool,
    panel: Array,
    y: Array,
) -> None:
    """The sum above, TILE filters by a block of two vectors at a time; max(0, ·) if `rectify`.

    w  flat, packed with TILE     blocks, pieces  `Blocks` of 2V lanes
    order, columns  `neighbours`  panel           (KH·W·C·2V,), KH rows of x
    """
    C, W, N = x.shape[0], x.shape[2], x.shape[3]
    F, OH, OW, _ = y.shape
    V = size_of_vector(x)
    PLANE, SLOT = OH * OW * N, W * C * 2 * V
    out = y.reshape(y.size)
    for block in range(blocks.shape[0]):
        # The rows that a block meets are copied once, and serve all filters and the next blocks.
        first, ROWS, begin, end, slot, kept = blocks[block]
        for k in range(kept, ROWS):
            gather(x, pieces, begin, end, k * ROW_STEP, order, (slot + k) % KH, panel)
        for f in range(0, F, TILE):
            for m in range(OW):
                j, COLUMNS, left = columns[m]
                t = bias_tile(b, f, min(TILE, F - f))
                # Over the rows of taps p walks through the pixels, slot by slot, and q through the
                # filters; those of a row that the column meets are one run.
                p = slot * SLOT + left * C * 2 * V
                q = f * KH * KW * C + (first * KW + j) * C * TILE
                for k in range(ROWS):
                    if slot + k == KH:
                        p -= KH * SLOT
                    t = multiply(t, w, q, TILE, panel, p, COLUMNS * C)
                    p += SLOT
                    q += KW * C * TILE
                if rectify:
                    t = rectified_tile(t)
                # The lanes of a block belong to several rows of y: each piece goes to its place.
                for piece in range(begin, end):
                    h, _, n, a, e = pieces[piece]
                    write_tile(out, f * PLANE + (h * OW + m) * N + n - a, PLANE, a, e, t)
