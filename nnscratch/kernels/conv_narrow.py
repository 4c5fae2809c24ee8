"""Correlation of images with few filters: the sum of conv_wide.py, a row of y at a time."""

from typing import Any

from ..core import Array, IntArray
from .machine.jit import inlined, kernel
from .machine.simd import (
    add,
    fma,
    load,
    load_part,
    load_up_to,
    relu,
    size_of_vector,
    splat,
    store,
    store_part,
    zero,
)


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
    """The sum of conv_wide.py: a row of y waits in L1, and eight channels at a time join it.

    w  flat, packed with TILE = 1      rows  `Taps.runs`      columns  `Taps.meets`
    """
    C, H, W, N = x.shape
    F, OH, OW, _ = y.shape
    V = size_of_vector(x)
    X, ROW = H * W * N, OW * N  # a channel further on, a row of y
    source, out = x.reshape(x.size), y.reshape(y.size)
    for f in range(F):
        for h in range(OH):
            first, ROWS, top = rows[h]
            row = (f * OH + h) * ROW
            # The row of y begins as the bias.
            for n in range(0, ROW, V):
                store_part(out, row + n, splat(b, f), ROW - n)
            # Then every tap (k, j) of every eight channels adds its multiple of a run of x to it.
            for c in range(0, C, 8):
                for k in range(ROWS):
                    i = top + k * ROW_STEP
                    for j in range(columns.shape[0]):
                        m, left, RUNS, OUT_STEP, IN_STEP = columns[j]
                        RUN = N
                        if OUT_STEP == 1 and IN_STEP == 1:  # neighbours meet neighbours: one run
                            RUN *= RUNS
                            RUNS = min(RUNS, 1)
                        q = ((f * KH + first + k) * columns.shape[0] + j) * C + c
                        for r in range(RUNS):
                            p = c * X + (i * W + left + r * IN_STEP) * N
                            at = row + (m + r * OUT_STEP) * N
                            if c + 8 <= C:
                                add_eight(source, p, X, w, q, RUN, out, at)
                            else:
                                add_each(source, p, X, w, q, C - c, RUN, out, at)
            if rectify:
                for n in range(0, ROW, V):
                    u = load_part(out, row + n, ROW - n)
                    store_part(out, row + n, relu(u), ROW - n)


@inlined
def add_eight(x: Array, p: int, X: int, w: Array, q: int, RUN: int, y: Array, at: int) -> None:
    """y[at + n] += Σ_{c < 8} w[q + c] x[p + c·X + n] for n < RUN."""
    V = size_of_vector(x)
    w0, w1, w2, w3 = splat(w, q), splat(w, q + 1), splat(w, q + 2), splat(w, q + 3)
    w4, w5, w6, w7 = splat(w, q + 4), splat(w, q + 5), splat(w, q + 6), splat(w, q + 7)
    eight = w0, w1, w2, w3, w4, w5, w6, w7
    whole = RUN // V * V
    for n in range(0, whole, V):
        store(y, at + n, sum_of_eight(x, p + n, X, eight, y, at + n, V))
    if whole < RUN:
        s = sum_of_eight(x, p + whole, X, eight, y, at + whole, RUN - whole)
        store_part(y, at + whole, s, RUN - whole)


@inlined
def sum_of_eight(x: Array, p: int, X: int, w: Any, y: Array, at: int, n: int) -> Any:
    """Return y[at], … + Σ_{c < 8} w_c x[p + c·X], …, of which n numbers are there."""
    w0, w1, w2, w3, w4, w5, w6, w7 = w
    s = fma(w0, load_up_to(x, p, n), load_up_to(y, at, n))
    t = fma(w1, load_up_to(x, p + X, n), zero(x))
    s = fma(w2, load_up_to(x, p + 2 * X, n), s)
    t = fma(w3, load_up_to(x, p + 3 * X, n), t)
    s = fma(w4, load_up_to(x, p + 4 * X, n), s)
    t = fma(w5, load_up_to(x, p + 5 * X, n), t)
    s = fma(w6, load_up_to(x, p + 6 * X, n), s)
    t = fma(w7, load_up_to(x, p + 7 * X, n), t)
    return add(s, t)


@kernel
def add_each(
    x: Array, p: int, X: int, w: Array, q: int, C: int, RUN: int, y: Array, at: int
) -> None:
    """y[at + n] += Σ_{c < C} w[q + c] x[p + c·X + n] for n < RUN."""
    V = size_of_vector(x)
    whole = RUN // V * V
    for c in range(C):
        a = splat(w, q + c)
        for n in range(0, whole, V):
            store(y, at + n, fma(a, load(x, p + c * X + n), load(y, at + n)))
        rest = RUN - whole
        u, v = load_part(x, p + c * X + whole, rest), load_part(y, at + whole, rest)
        store_part(y, at + whole, fma(a, u, v), rest)
