"""The tile of a matrix product: six rows by two vectors of sums, which stay in registers.

    u, v = begin(bias, …), begin(bias, …)         # or read(c, …), to add to what is there
    u, v = multiply(a, p, STEP, panel, K, u, v)   # 12 multiply-adds a step of k, for 8 loads
    write(c, q, …, u), write(c, q, …, v)

The second vectors may be half as long: a batch of 20 then costs three quarters of one of 32.
"""

from typing import Any

from ..core import Array
from .machine.jit import inlined
from .machine.simd import (
    fma,
    like,
    load,
    load_like,
    load_part,
    prefetch,
    size_of_vector,
    splat,
    store,
    store_part,
    whole,
)

ROWS = 6
"""Rows a tile."""

Six = tuple[Any, Any, Any, Any, Any, Any]
"""Something of each row of a tile: its number, where it begins, a vector of its sums."""


@inlined
def places(start: int, STEP: int, t: Six) -> Six:
    """Return where rows t begin, STEP from one to the next."""
    t0, t1, t2, t3, t4, t5 = t
    p0, p1, p2 = start + t0 * STEP, start + t1 * STEP, start + t2 * STEP
    return p0, p1, p2, start + t3 * STEP, start + t4 * STEP, start + t5 * STEP


@inlined
def read(c: Array, q: Six, j: int, n: int) -> Six:
    """Return c[q + j], … of each row, of which n numbers are there."""
    q0, q1, q2, q3, q4, q5 = q
    if n >= size_of_vector(c):
        u0, u1, u2 = load(c, q0 + j), load(c, q1 + j), load(c, q2 + j)
        u3, u4, u5 = load(c, q3 + j), load(c, q4 + j), load(c, q5 + j)
    else:
        u0, u1, u2 = load_part(c, q0 + j, n), load_part(c, q1 + j, n), load_part(c, q2 + j, n)
        u3, u4, u5 = load_part(c, q3 + j, n), load_part(c, q4 + j, n), load_part(c, q5 + j, n)
    return u0, u1, u2, u3, u4, u5


@inlined
def begin(bias: Array, m: Six, c: Array, q: Six, j: int) -> Six:
    """Return bias[m] in all lanes, and have c[q + j] at hand when the sums are done."""
    m0, m1, m2, m3, m4, m5 = m
    for p in q:
        prefetch(c, p + j)
    u0, u1, u2 = splat(bias, m0), splat(bias, m1), splat(bias, m2)
    return u0, u1, u2, splat(bias, m3), splat(bias, m4), splat(bias, m5)


@inlined
def likes(second: Any, v: Six) -> Six:
    """Return vectors as long as `second`."""
    v0, v1, v2, v3, v4, v5 = v
    s0, s1, s2 = like(second, v0), like(second, v1), like(second, v2)
    return s0, s1, s2, like(second, v3), like(second, v4), like(second, v5)


@inlined
def multiply(a: Array, p: Six, STEP: int, panel: Array, K: int, u: Six, v: Six) -> Any:
    """Return u + Σ_k a_k x_k and v + Σ_k a_k y_k, [x_k | y_k] being row k of the panel.

    Each row's a_k are at p, p + STEP, … ; v may be of half vectors.
    """
    V = size_of_vector(a)
    p0, p1, p2, p3, p4, p5 = p
    u0, u1, u2, u3, u4, u5 = u
    v0, v1, v2, v3, v4, v5 = v
    for k in range(K):
        x, y = load(panel, k * 2 * V), load_like(v0, panel, k * 2 * V + V)
        w = splat(a, p0)
        u0, v0 = fma(w, x, u0), fma(like(y, w), y, v0)
        w = splat(a, p1)
        u1, v1 = fma(w, x, u1), fma(like(y, w), y, v1)
        w = splat(a, p2)
        u2, v2 = fma(w, x, u2), fma(like(y, w), y, v2)
        w = splat(a, p3)
        u3, v3 = fma(w, x, u3), fma(like(y, w), y, v3)
        w = splat(a, p4)
        u4, v4 = fma(w, x, u4), fma(like(y, w), y, v4)
        w = splat(a, p5)
        u5, v5 = fma(w, x, u5), fma(like(y, w), y, v5)
        p0, p1, p2, p3, p4, p5 = p0 + STEP, p1 + STEP, p2 + STEP, p3 + STEP, p4 + STEP, p5 + STEP
    return (u0, u1, u2, u3, u4, u5), (v0, v1, v2, v3, v4, v5)


@inlined
def write(c: Array, q: Six, j: int, n: int, u: Six) -> None:
    """c[q + j], … = u for each row, n numbers of it."""
    q0, q1, q2, q3, q4, q5 = q
    u0, u1, u2, u3, u4, u5 = u
    if n >= size_of_vector(c):
        store(c, q0 + j, whole(u0))
        store(c, q1 + j, whole(u1))
        store(c, q2 + j, whole(u2))
        store(c, q3 + j, whole(u3))
        store(c, q4 + j, whole(u4))
        store(c, q5 + j, whole(u5))
    elif n > 0:
        store_part(c, q0 + j, whole(u0), n)
        store_part(c, q1 + j, whole(u1), n)
        store_part(c, q2 + j, whole(u2), n)
        store_part(c, q3 + j, whole(u3), n)
        store_part(c, q4 + j, whole(u4), n)
        store_part(c, q5 + j, whole(u5), n)
