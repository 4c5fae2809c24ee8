"""The product of two matrices, in tiles that stay in registers, by as many threads as there are.

    c[m, n] = bias[m] + Σ_k a[m, k] b[k, n]         or that sum added to c

A tile is 6 rows by 2 vectors: 12 sums, and a step of k loads 2 vectors of b and 6 numbers of a for
12 multiply-adds. Of b, two vectors' columns are copied into a panel, in the order in which they are
read. Of a, nothing is copied if its rows are contiguous, or if few panels would use the copy.

The sum runs over k in order, whoever computes it and whatever else: c has the same bits on any
number of threads.
"""

from typing import Any

from ..core import Array, IntArray
from ..processor import BYTES
from .jit import kernel
from .simd import fma, load, prefetch, splat, store
from .team import claim, done, finished, pause, shared

ROWS = 6
"""Rows a tile."""


@kernel
def pack_columns(
    b: Array, K_STEP: int, N_STEP: int, K: int, n: int, COLUMNS: int, panel: Array
) -> None:
    """panel[k, j] = b[k, n + j] for j < COLUMNS; a panel is two vectors wide.

    b[k, n] is at k·K_STEP + n·N_STEP, and one of the steps is 1.
    """
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
    for j in range(0, COLUMNS - 7, 8):  # read along k, write along n: eight neighbours at a time
        p = (n + j) * N_STEP
        c0, c1 = b[p : p + K], b[p + N_STEP : p + N_STEP + K]
        p += 2 * N_STEP
        c2, c3 = b[p : p + K], b[p + N_STEP : p + N_STEP + K]
        p += 2 * N_STEP
        c4, c5 = b[p : p + K], b[p + N_STEP : p + N_STEP + K]
        p += 2 * N_STEP
        c6, c7 = b[p : p + K], b[p + N_STEP : p + N_STEP + K]
        for k in range(K):
            row = panel[2 * V * k + j : 2 * V * k + j + 8]
            row[0], row[1], row[2], row[3] = c0[k], c1[k], c2[k], c3[k]
            row[4], row[5], row[6], row[7] = c4[k], c5[k], c6[k], c7[k]
    for j in range(COLUMNS - COLUMNS % 8, COLUMNS):
        for k in range(K):
            panel[2 * V * k + j] = b[k + (n + j) * N_STEP]


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
def copy_tile(tile: Array, c: Array, m: int, n: int, there: bool) -> None:
    """Copy a tile to c[m:, n:], as much as c has of it, or from there."""
    M, N = c.shape
    WIDTH = tile.size // ROWS
    for i in range(min(ROWS, M - m)):
        for j in range(min(WIDTH, N - n)):
            if there:
                c[m + i, n + j] = tile[WIDTH * i + j]
            else:
                tile[WIDTH * i + j] = c[m + i, n + j]


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
    add: bool,
    c: Array,
    TILES: int,
    WIDTH: int,
    memory: Array,
    team: IntArray,
    me: int,
) -> None:
    """The product above, added to c if `add`.

    A piece of work is a panel to fill; and once all are full a strip of c, TILES tiles high.

        a, b    flat: a[m, k] is at m·M_STEP + k·KA_STEP, b[k, n] at k·KB_STEP + n·N_STEP
        c       (M, N), contiguous
        bias    (M,)
        WIDTH   rows of a that a strip copies, whole vectors; 0 if they are read where they lie
        memory  K·2V numbers for each panel, then for each thread a tile and K·WIDTH
    """
    M, N = c.shape
    V = BYTES // a.itemsize
    out, PANEL, HIGH = c.reshape(c.size), K * 2 * V, ROWS * TILES
    PANELS, STRIPS = (N + 2 * V - 1) // (2 * V), (M + HIGH - 1) // HIGH
    panels, own = memory[: PANELS * PANEL], PANELS * PANEL + me * (2 * ROWS * V + K * WIDTH)
    edge, packed = memory[own : own + 2 * ROWS * V], memory[own + 2 * ROWS * V :]
    piece = claim(team, me, 0, PANELS)
    while piece < PANELS:
        n, panel = piece * 2 * V, panels[piece * PANEL : (piece + 1) * PANEL]
        pack_columns(b, KB_STEP, N_STEP, K, n, min(2 * V, N - n), panel)
        done(team)
        piece = claim(team, me, 0, PANELS)
    while finished(team) < PANELS:
        pause(team)
    piece = claim(team, me, 1, STRIPS)
    while piece < STRIPS:
        top = piece * HIGH
        height = min(HIGH, M - top)
        tiles = (height + ROWS - 1) // ROWS
        if WIDTH > 0:
            pack_rows(a, KA_STEP, K, top, WIDTH, packed)
            rows, first, ROW, STEP = packed, 0, 1, WIDTH
        else:
            rows, first, ROW, STEP = a, top * M_STEP, M_STEP, KA_STEP
        for i in range(PANELS * tiles):
            # Along the rows of c where they are long, down a panel where that is what is large.
            across, down = (i % PANELS, i // PANELS) if N > K else (i // tiles, i % tiles)
            n, t0, last = across * 2 * V, down * ROWS, height - 1
            t1, t2, t3 = min(t0 + 1, last), min(t0 + 2, last), min(t0 + 3, last)
            t4, t5 = min(t0 + 4, last), min(t0 + 5, last)
            whole = n + 2 * V <= N
            if whole:
                target, q = out, top * N + n
                q0, q1, q2 = q + t0 * N, q + t1 * N, q + t2 * N
                q3, q4, q5 = q + t3 * N, q + t4 * N, q + t5 * N
            else:
                target, q0, q1, q2, q3, q4, q5 = edge, 0, 2 * V, 4 * V, 6 * V, 8 * V, 10 * V
            if add and not whole:
                copy_tile(edge, c, top + t0, n, False)
            if add:
                u0, v0 = load(target, q0), load(target, q0 + V)
                u1, v1 = load(target, q1), load(target, q1 + V)
                u2, v2 = load(target, q2), load(target, q2 + V)
                u3, v3 = load(target, q3), load(target, q3 + V)
                u4, v4 = load(target, q4), load(target, q4 + V)
                u5, v5 = load(target, q5), load(target, q5 + V)
            else:
                u0, u1, u2 = splat(bias, top + t0), splat(bias, top + t1), splat(bias, top + t2)
                u3, u4, u5 = splat(bias, top + t3), splat(bias, top + t4), splat(bias, top + t5)
                v0, v1, v2, v3, v4, v5 = u0, u1, u2, u3, u4, u5
                for q in (q0, q1, q2, q3, q4, q5):
                    prefetch(target, q)
                    prefetch(target, q + V)
            p0, p1, p2 = first + t0 * ROW, first + t1 * ROW, first + t2 * ROW
            p3, p4, p5 = first + t3 * ROW, first + t4 * ROW, first + t5 * ROW
            q = across * PANEL
            for _ in range(K):
                x, y = load(panels, q), load(panels, q + V)
                w = splat(rows, p0)
                u0, v0 = fma(w, x, u0), fma(w, y, v0)
                w = splat(rows, p1)
                u1, v1 = fma(w, x, u1), fma(w, y, v1)
                w = splat(rows, p2)
                u2, v2 = fma(w, x, u2), fma(w, y, v2)
                w = splat(rows, p3)
                u3, v3 = fma(w, x, u3), fma(w, y, v3)
                w = splat(rows, p4)
                u4, v4 = fma(w, x, u4), fma(w, y, v4)
                w = splat(rows, p5)
                u5, v5 = fma(w, x, u5), fma(w, y, v5)
                p0, p1, p2, p3 = p0 + STEP, p1 + STEP, p2 + STEP, p3 + STEP
                p4, p5, q = p4 + STEP, p5 + STEP, q + 2 * V
            store(target, q0, u0)
            store(target, q0 + V, v0)
            store(target, q1, u1)
            store(target, q1 + V, v1)
            store(target, q2, u2)
            store(target, q2 + V, v2)
            store(target, q3, u3)
            store(target, q3 + V, v3)
            store(target, q4, u4)
            store(target, q4 + V, v4)
            store(target, q5, u5)
            store(target, q5 + V, v5)
            if not whole:
                copy_tile(edge, c, top + t0, n, True)
        piece = claim(team, me, 1, STRIPS)


@kernel
def product(*args: Any) -> None:
    """Run _product(*args), shared with the team."""
    _product(*args)
