"""Correlation of images with filters, along two tables of taps: the convolution and its adjoint.

    y[f, h, m, n] = b[f] + Σ_{k, j, c} w[f, c, rows(k), columns(j)] x[c, i(h, k), i(m, j), n]

where k runs over the taps that meet row h, i(h, k) is the row of x they meet there, and likewise
for columns (taps.py). Given the tables of a convolution this is its forward map; given those of its
adjoint and w with f and c exchanged, it is dx. Neither pads x.

    x  (C, H, W, N)   N a multiple of two vectors (simd.py)
    y  (F, OH, OW, N)

A core can start two multiply-adds and two loads a cycle, so a sum must stay in a register and what
is loaded must be used more than once. `correlate_wide` holds 4 filters × 2 vectors of samples:
6 loads for 8 multiply-adds. Below 4 filters it would compute sums that nobody wants, and
`correlate_narrow` takes over.
"""

from ..core import Array, IntArray
from ..processor import BYTES
from .jit import kernel
from .simd import add, fma, load, relu, splat, store, zero

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
def gather(x: Array, top: int, ROWS: int, STEP: int, n: int, panel: Array) -> None:
    """panel[m, k, c, :] = x[c, top + k·STEP, m, n : n + 2V]: what an output row needs, in order."""
    C, H, W, N = x.shape
    V = BYTES // x.itemsize
    source = x.reshape(x.size)
    for k in range(ROWS):
        for c in range(C):
            p = (c * H + top + k * STEP) * W * N + n
            q = (k * C + c) * 2 * V
            for _ in range(W):
                store(panel, q, load(source, p))
                store(panel, q + V, load(source, p + V))
                p += N
                q += ROWS * C * 2 * V


@kernel
def correlate_wide(
    x: Array,
    w: Array,
    b: Array,
    rows: IntArray,
    ROW_STEP: int,
    columns: IntArray,
    COLUMN_STEP: int,
    KH: int,
    KW: int,
    rectify: bool,
    panel: Array,
    y: Array,
) -> None:
    """The sum above, four filters by two vectors of samples at a time; max(0, ·) if `rectify`.

    w  flat, packed with TILE = 4      rows, columns  `Taps.runs`      panel  (W·KH·C·2V,)
    """
    C, N = x.shape[0], x.shape[3]
    F, OH, OW, _ = y.shape
    V = BYTES // x.itemsize
    PLANE = OH * OW * N
    out = y.reshape(y.size)
    for h in range(OH):
        k, ROWS, top = rows[h]
        for n in range(0, N, 2 * V):
            gather(x, top, ROWS, ROW_STEP, n, panel)
            for f in range(0, F, 4):
                f1, f2, f3 = min(f + 1, F - 1), min(f + 2, F - 1), min(f + 3, F - 1)
                b0, b1, b2, b3 = splat(b, f), splat(b, f1), splat(b, f2), splat(b, f3)
                for m in range(OW):
                    j, COLUMNS, left = columns[m]
                    RUN = ROWS * C
                    p = left * RUN * 2 * V
                    q = ((f // 4 * KW + j) * KH + k) * C * 4
                    if ROWS == KH and COLUMN_STEP == 1:  # the runs of all columns are one
                        RUN *= COLUMNS
                        COLUMNS = min(COLUMNS, 1)
                    s0, s1, s2, s3 = b0, b1, b2, b3
                    t0, t1, t2, t3 = b0, b1, b2, b3
                    for _ in range(COLUMNS):
                        for r in range(RUN):
                            u, v = load(panel, p + 2 * V * r), load(panel, p + 2 * V * r + V)
                            a = splat(w, q + 4 * r)
                            s0, t0 = fma(a, u, s0), fma(a, v, t0)
                            a = splat(w, q + 4 * r + 1)
                            s1, t1 = fma(a, u, s1), fma(a, v, t1)
                            a = splat(w, q + 4 * r + 2)
                            s2, t2 = fma(a, u, s2), fma(a, v, t2)
                            a = splat(w, q + 4 * r + 3)
                            s3, t3 = fma(a, u, s3), fma(a, v, t3)
                        p += COLUMN_STEP * RUN * 2 * V
                        q += KH * C * 4
                    if rectify:
                        s0, s1, s2, s3 = relu(s0), relu(s1), relu(s2), relu(s3)
                        t0, t1, t2, t3 = relu(t0), relu(t1), relu(t2), relu(t3)
                    at = (h * OW + m) * N + n
                    store(out, f * PLANE + at, s0)
                    store(out, f * PLANE + at + V, t0)
                    store(out, f1 * PLANE + at, s1)
                    store(out, f1 * PLANE + at + V, t1)
                    store(out, f2 * PLANE + at, s2)
                    store(out, f2 * PLANE + at + V, t2)
                    store(out, f3 * PLANE + at, s3)
                    store(out, f3 * PLANE + at + V, t3)


@kernel
def correlate_narrow(
    x: Array,
    w: Array,
    b: Array,
    rows: IntArray,
    ROW_STEP: int,
    columns: IntArray,
    KH: int,
    rectify: bool,
    y: Array,
) -> None:
    """The same sum for few filters: a row of y waits in L1, and eight channels at a time join it.

    w  flat, packed with TILE = 1      rows  `Taps.runs`      columns  `Taps.meets`
    """
    C, H, W, N = x.shape
    F, OH, OW, _ = y.shape
    V = BYTES // x.itemsize
    X = H * W * N  # a channel further on
    source, out = x.reshape(x.size), y.reshape(y.size)
    for f in range(F):
        for h in range(OH):
            first, ROWS, top = rows[h]
            row = (f * OH + h) * OW * N
            for n in range(row, row + OW * N, V):
                store(out, n, splat(b, f))
            for c in range(0, C, 8):
                for k in range(ROWS):
                    i = top + k * ROW_STEP
                    for j in range(columns.shape[0]):
                        m, left, RUNS, OUT_STEP, IN_STEP = columns[j]
                        RUN = N
                        if OUT_STEP == 1 and IN_STEP == 1:  # neighbours meet neighbours: one run
                            RUN *= RUNS
                            RUNS = min(RUNS, 1)
                        q = ((f * columns.shape[0] + j) * KH + first + k) * C + c
                        for r in range(RUNS):
                            p = c * X + (i * W + left + r * IN_STEP) * N
                            at = row + (m + r * OUT_STEP) * N
                            if c + 8 <= C:
                                add_eight(source, p, X, w, q, RUN, out, at)
                            else:
                                add_each(source, p, X, w, q, C - c, RUN, out, at)
            if rectify:
                for n in range(row, row + OW * N, V):
                    store(out, n, relu(load(out, n)))


@kernel
def add_eight(x: Array, p: int, X: int, w: Array, q: int, RUN: int, y: Array, at: int) -> None:
    """y[at + n] += Σ_{c < 8} w[q + c] x[p + c·X + n] for n < RUN."""
    V = BYTES // x.itemsize
    w0, w1, w2, w3 = splat(w, q), splat(w, q + 1), splat(w, q + 2), splat(w, q + 3)
    w4, w5, w6, w7 = splat(w, q + 4), splat(w, q + 5), splat(w, q + 6), splat(w, q + 7)
    for n in range(0, RUN, V):
        s = fma(w0, load(x, p + n), load(y, at + n))
        t = fma(w1, load(x, p + n + X), zero(x))
        s = fma(w2, load(x, p + n + 2 * X), s)
        t = fma(w3, load(x, p + n + 3 * X), t)
        s = fma(w4, load(x, p + n + 4 * X), s)
        t = fma(w5, load(x, p + n + 5 * X), t)
        s = fma(w6, load(x, p + n + 6 * X), s)
        t = fma(w7, load(x, p + n + 7 * X), t)
        store(y, at + n, add(s, t))


@kernel
def add_each(
    x: Array, p: int, X: int, w: Array, q: int, C: int, RUN: int, y: Array, at: int
) -> None:
    """y[at + n] += Σ_{c < C} w[q + c] x[p + c·X + n] for n < RUN."""
    V = BYTES // x.itemsize
    for c in range(C):
        a = splat(w, q + c)
        for n in range(0, RUN, V):
            store(y, at + n, fma(a, load(x, p + c * X + n), load(y, at + n)))
