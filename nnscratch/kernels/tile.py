"""The micro-kernel of a matrix product: a tile of MR rows by NR columns, which stays in registers.

    u = v = begin(bias, …)                        # or read(c, …), to add to what is there
    u, v = multiply(a, p, STEP, panel, K, u, v)   # 12 multiply-adds a step of k, for 8 loads
    write(c, …, u), write(c, …, v)

NR is two vectors, V numbers each: u holds the first V columns of each row, v the second. Numba has
no arrays that live in registers, so the six rows are written out one by one.
"""

from typing import Any

from ..core import Array
from .machine.jit import inlined
from .machine.simd import (
    fma,
    load,
    load_part,
    prefetch,
    size_of_vector,
    splat,
    store,
    store_part,
)

MR = 6
"""Rows of a tile: 6 × 2 sums, 2 vectors of b and one number of a fill 15 of AVX2's 16 registers."""

Six = tuple[Any, Any, Any, Any, Any, Any]
"""Something of each row of a tile: its number, where it begins, a vector of its sums."""


@inlined
def places(start: int, STEP: int, m: Six) -> Six:
    """Return where the rows m begin, STEP from one to the next."""
    m0, m1, m2, m3, m4, m5 = m
    p0, p1, p2 = start + m0 * STEP, start + m1 * STEP, start + m2 * STEP
    return p0, p1, p2, start + m3 * STEP, start + m4 * STEP, start + m5 * STEP


@inlined
def read(c: Array, q: Six, n: int) -> Six:
    """Return c[q], c[q + 1], … of each row, of which n numbers are there; else zeros."""
    q0, q1, q2, q3, q4, q5 = q
    if n >= size_of_vector(c):
        u0, u1, u2 = load(c, q0), load(c, q1), load(c, q2)
        u3, u4, u5 = load(c, q3), load(c, q4), load(c, q5)
    else:
        u0, u1, u2 = load_part(c, q0, n), load_part(c, q1, n), load_part(c, q2, n)
        u3, u4, u5 = load_part(c, q3, n), load_part(c, q4, n), load_part(c, q5, n)
    return u0, u1, u2, u3, u4, u5


@inlined
def begin(bias: Array, m: Six, c: Array, q: Six) -> Six:
    """Return bias[m] in all lanes, and prefetch c[q], where the sums will be written."""
    m0, m1, m2, m3, m4, m5 = m
    for p in q:
        prefetch(c, p)
    u0, u1, u2 = splat(bias, m0), splat(bias, m1), splat(bias, m2)
    return u0, u1, u2, splat(bias, m3), splat(bias, m4), splat(bias, m5)


@inlined
def multiply(a: Array, p: Six, STEP: int, panel: Array, K: int, u: Six, v: Six) -> Any:
    """Return u + Σ_k a_k x_k and v + Σ_k a_k y_k, [x_k | y_k] being row k of the packed panel.

    The a_k of each row are at p, p + STEP, … .
    """
    V = size_of_vector(a)
    p0, p1, p2, p3, p4, p5 = p
    u0, u1, u2, u3, u4, u5 = u
    v0, v1, v2, v3, v4, v5 = v
    for k in range(K):
        # Row k of the panel is read once, and multiplied by one number of each row of a.
        x, y = load(panel, k * 2 * V), load(panel, k * 2 * V + V)
        w = splat(a, p0)
        u0, v0 = fma(w, x, u0), fma(w, y, v0)
        w = splat(a, p1)
        u1, v1 = fma(w, x, u1), fma(w, y, v1)
        w = splat(a, p2)
        u2, v2 = fma(w, x, u2), fma(w, y, v2)
        w = splat(a, p3)
        u3, v3 = fma(w, x, u3), fma(w, y, v3)
        w = splat(a, p4)
        u4, v4 = fma(w, x, u4), fma(w, y, v4)
        w = splat(a, p5)
        u5, v5 = fma(w, x, u5), fma(w, y, v5)
        p0, p1, p2, p3, p4, p5 = p0 + STEP, p1 + STEP, p2 + STEP, p3 + STEP, p4 + STEP, p5 + STEP
    return (u0, u1, u2, u3, u4, u5), (v0, v1, v2, v3, v4, v5)


@inlined
def write(c: Array, q: Six, n: int, u: Six) -> None:
    """c[q], c[q + 1], … = u for each row, of which n numbers have a place."""
    q0, q1, q2, q3, q4, q5 = q
    u0, u1, u2, u3, u4, u5 = u
    if n >= size_of_vector(c):
        store(c, q0, u0)
        store(c, q1, u1)
        store(c, q2, u2)
        store(c, q3, u3)
        store(c, q4, u4)
        store(c, q5, u5)
    elif n > 0:
        store_part(c, q0, u0, n)
        store_part(c, q1, u1, n)
        store_part(c, q2, u2, n)
        store_part(c, q3, u3, n)
        store_part(c, q4, u4, n)
        store_part(c, q5, u5, n)
