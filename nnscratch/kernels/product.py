"""The product of two matrices, in tiles that stay in registers, by as many threads as there are.

    c[m, n] = bias[m] + Σ_k a[m, k] b[k, n]         max(0, ·) if `rectify`, added to c if `add`

A tile is 6 rows by 2 vectors: 12 sums, and a step of k loads 2 vectors of b and 6 numbers of a for
12 multiply-adds. Of b, two vectors' columns are copied into a panel, in the order in which they are
read; a is read where it lies if its rows are contiguous, and copied too if its columns are.

The sum runs over k in order, whoever computes it and whatever else: c has the same bits on any
number of threads.
"""

from ..core import Array, IntArray
from .jit import kernel
from .simd import BYTES, add, fma, load, prefetch, relu, splat, store
from .team import claim, done, finished, pause, shared

ROWS = 6
"""Rows a tile."""


@kernel
def pack_columns(
    b: Array, K_STEP: int, N_STEP: int, K: int, n: int, COLUMNS: int, panel: Array
) -> None:
    """panel[k, j] = b[k, n + j] for j < COLUMNS; a panel is two vectors wide."""
    V = BYTES // b.itemsize
    if N_STEP == 1:  # whole vectors, also where they reach into the next row: nobody reads on
        for k in range(K):
            p = k * K_STEP + n
            if p + 2 * V <= b.size:
                store(panel, 2 * V * k, load(b, p))
                store(panel, 2 * V * k + V, load(b, p + V))
            else:
                for j in range(COLUMNS):
                    panel[2 * V * k + j] = b[p + j]
        return
    eights = COLUMNS - COLUMNS % 8 if K_STEP == 1 else 0
    for j in range(0, eights, 8):  # read along k, write along n: eight neighbours at a time
        at = (n + j) * N_STEP
        c0, c1 = b[at : at + K], b[at + N_STEP : at + N_STEP + K]
        at += 2 * N_STEP
        c2, c3 = b[at : at + K], b[at + N_STEP : at + N_STEP + K]
        at += 2 * N_STEP
        c4, c5 = b[at : at + K], b[at + N_STEP : at + N_STEP + K]
        at += 2 * N_STEP
        c6, c7 = b[at : at + K], b[at + N_STEP : at + N_STEP + K]
        for k in range(K):
            row = panel[2 * V * k + j : 2 * V * k + j + 8]
            row[0], row[1], row[2], row[3] = c0[k], c1[k], c2[k], c3[k]
            row[4], row[5], row[6], row[7] = c4[k], c5[k], c6[k], c7[k]
    for j in range(eights, COLUMNS):
        for k in range(K):
            panel[2 * V * k + j] = b[k * K_STEP + (n + j) * N_STEP]


@kernel
def pack_rows(a: Array, K_STEP: int, K: int, m: int, WIDTH: int, rows: Array) -> None:
    """rows[k, i] = a[m + i, k] for i < WIDTH, whole vectors; a[m, k] is at m + k·K_STEP."""
    V = BYTES // a.itemsize
    for k in range(K):
        p, q = m + k * K_STEP, k * WIDTH
        for i in range(0, min(WIDTH, a.size - p - V + 1), V):
            store(rows, q + i, load(a, p + i))
        for i in range(max(0, a.size - p) // V * V, min(WIDTH, a.size - p)):
            rows[q + i] = a[p + i]


@kernel
def product(
    a: Array,
    M_STEP: int,
    KA_STEP: int,
    b: Array,
    KB_STEP: int,
    N_STEP: int,
    K: int,
    bias: Array,
    rectify: bool,
    add_to: bool,
    c: Array,
    TILES: int,
    panels: Array,
    scratch: Array,
    team: IntArray,
) -> None:
    """The product above. A piece of work is a panel to fill, then TILES tiles high a strip of c.

    a, b     flat: a[m, k] is at m·M_STEP + k·KA_STEP, b[k, n] at k·KB_STEP + n·N_STEP
    c        (M, N), contiguous
    bias     (M,)
    panels   flat: K·2V for each two vectors' columns of c
    scratch  (threads, 12 V + K·WIDTH), where a's rows are copied to, if WIDTH > 0, in blocks of as
             many: 6 TILES rounded up to whole vectors
    """
    _product(
        a,
        M_STEP,
        KA_STEP,
        b,
        KB_STEP,
        N_STEP,
        K,
        bias,
        rectify,
        add_to,
        c,
        TILES,
        panels,
        scratch,
        team,
    )


@shared
def _product(
    a: Array,
    M_STEP: int,
    KA_STEP: int,
    b: Array,
    KB_STEP: int,
    N_STEP: int,
    K: int,
    bias: Array,
    rectify: bool,
    add_to: bool,
    c: Array,
    TILES: int,
    panels: Array,
    scratch: Array,
    team: IntArray,
    me: int,
) -> None:
    M, N = c.shape
    V = BYTES // a.itemsize
    out = c.reshape(c.size)
    PANELS, STRIPS = (N + 2 * V - 1) // (2 * V), (M + ROWS * TILES - 1) // (ROWS * TILES)
    sums, packed = scratch[me, : 2 * ROWS * V], scratch[me, 2 * ROWS * V :]
    WIDTH = (scratch.shape[1] - 2 * ROWS * V) // K
    piece = claim(team, me, 0, PANELS)
    while piece < PANELS:
        n = piece * 2 * V
        panel = panels[n * K : (n + 2 * V) * K]
        pack_columns(b, KB_STEP, N_STEP, K, n, min(2 * V, N - n), panel)
        done(team)
        piece = claim(team, me, 0, PANELS)
    while finished(team) < PANELS:
        pause(team)
    piece = claim(team, me, 1, STRIPS)
    while piece < STRIPS:
        top = piece * ROWS * TILES
        if WIDTH > 0:
            pack_rows(a, KA_STEP, K, top, WIDTH, packed)
            rows, first, HIGH, STEP = packed, 0, 1, WIDTH
        else:
            rows, first, HIGH, STEP = a, top * M_STEP, M_STEP, KA_STEP
        for n in range(0, N, 2 * V):
            W, q = min(2 * V, N - n), n * K
            for t in range(0, min(ROWS * TILES, M - top), ROWS):
                m, last = top + t, M - top - 1
                i1, i2, i3 = min(t + 1, last), min(t + 2, last), min(t + 3, last)
                i4, i5 = min(t + 4, last), min(t + 5, last)
                if W == 2 * V:
                    target, c0, LINE = out, m * N + n, N
                    c1, c2, c3 = (top + i1) * N + n, (top + i2) * N + n, (top + i3) * N + n
                    c4, c5 = (top + i4) * N + n, (top + i5) * N + n
                else:
                    target, c0, LINE = sums, 0, 2 * V
                    c1, c2, c3, c4, c5 = 2 * V, 4 * V, 6 * V, 8 * V, 10 * V
                    if add_to:
                        for i in range(min(ROWS, M - m)):
                            for j in range(W):
                                sums[2 * V * i + j] = out[(m + i) * N + n + j]
                if add_to:
                    s0, t0 = load(target, c0), load(target, c0 + V)
                    s1, t1 = load(target, c1), load(target, c1 + V)
                    s2, t2 = load(target, c2), load(target, c2 + V)
                    s3, t3 = load(target, c3), load(target, c3 + V)
                    s4, t4 = load(target, c4), load(target, c4 + V)
                    s5, t5 = load(target, c5), load(target, c5 + V)
                else:
                    s0, s1, s2 = splat(bias, m), splat(bias, top + i1), splat(bias, top + i2)
                    s3, s4 = splat(bias, top + i3), splat(bias, top + i4)
                    s5 = splat(bias, top + i5)
                    prefetch(target, c0)
                    prefetch(target, c0 + V)
                    prefetch(target, c1)
                    prefetch(target, c1 + V)
                    prefetch(target, c2)
                    prefetch(target, c2 + V)
                    prefetch(target, c3)
                    prefetch(target, c3 + V)
                    prefetch(target, c4)
                    prefetch(target, c4 + V)
                    prefetch(target, c5)
                    prefetch(target, c5 + V)
                    t0, t1, t2, t3, t4, t5 = s0, s1, s2, s3, s4, s5
                p, p1, p2 = first + t * HIGH, first + i1 * HIGH, first + i2 * HIGH
                p3, p4, p5 = first + i3 * HIGH, first + i4 * HIGH, first + i5 * HIGH
                for k in range(K):
                    u, v = load(panels, q + 2 * V * k), load(panels, q + 2 * V * k + V)
                    at = STEP * k
                    w = splat(rows, p + at)
                    s0, t0 = fma(w, u, s0), fma(w, v, t0)
                    w = splat(rows, p1 + at)
                    s1, t1 = fma(w, u, s1), fma(w, v, t1)
                    w = splat(rows, p2 + at)
                    s2, t2 = fma(w, u, s2), fma(w, v, t2)
                    w = splat(rows, p3 + at)
                    s3, t3 = fma(w, u, s3), fma(w, v, t3)
                    w = splat(rows, p4 + at)
                    s4, t4 = fma(w, u, s4), fma(w, v, t4)
                    w = splat(rows, p5 + at)
                    s5, t5 = fma(w, u, s5), fma(w, v, t5)
                if rectify:
                    s0, s1, s2, s3, s4, s5 = (
                        relu(s0),
                        relu(s1),
                        relu(s2),
                        relu(s3),
                        relu(s4),
                        relu(s5),
                    )
                    t0, t1, t2, t3, t4, t5 = (
                        relu(t0),
                        relu(t1),
                        relu(t2),
                        relu(t3),
                        relu(t4),
                        relu(t5),
                    )
                store(target, c0, s0)
                store(target, c0 + V, t0)
                store(target, c1, s1)
                store(target, c1 + V, t1)
                store(target, c2, s2)
                store(target, c2 + V, t2)
                store(target, c3, s3)
                store(target, c3 + V, t3)
                store(target, c4, s4)
                store(target, c4 + V, t4)
                store(target, c5, s5)
                store(target, c5 + V, t5)
                if W < 2 * V:
                    for i in range(min(ROWS, M - m)):
                        for j in range(W):
                            out[(m + i) * N + n + j] = sums[2 * V * i + j]
        piece = claim(team, me, 1, STRIPS)
