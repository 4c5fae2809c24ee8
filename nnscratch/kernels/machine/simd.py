"""Vectors held in registers: the intrinsics in which the hot loops are written.

    u = load(x, p)                  # x[p], x[p+1], …: a register full, 4 to 16 float32
    s = fma(splat(w, q), u, s)      # s + w[q] u
    store(y, p, s)

A vectorising compiler has to prove that it may; intrinsics leave nothing to prove. The Python body
of each is its definition, and what runs under NUMBA_DISABLE_JIT=1, where every load and store
asserts that the vector lies inside its array. The decorator has its types, and what writes the LLVM
instructions that compiled code runs in its place (emit.py).

A kernel steps by V = size_of_vector(x). Arrays are flat and contiguous; an index is never
negative.
"""

from typing import Any

import numpy as np
from numba import types

from ...core import Array
from .emit import (
    emit_add,
    emit_divide,
    emit_extreme,
    emit_fma,
    emit_load,
    emit_load_part,
    emit_power_of_two,
    emit_prefetch,
    emit_reduction,
    emit_relu,
    emit_rounded,
    emit_size,
    emit_splat,
    emit_store,
    emit_store_between,
    emit_store_part,
    emit_transpose,
    emit_where_equal,
    emit_where_larger,
    emit_zero,
)
from .intrinsics import Vector, VectorType, flat, intrinsic
from .jit import inlined
from .processor import BYTES


@intrinsic(lambda a: types.intp(a) if isinstance(a, types.Array) else None, emit_size)
def size_of_vector(a: Array) -> int:
    """Return V, how many numbers of a's dtype a vector holds."""
    return BYTES // a.itemsize


@intrinsic(lambda a: VectorType(a.dtype)(a) if flat(a) else None, emit_zero)
def zero(a: Array) -> Vector:
    """Return a vector of zeros of a's dtype."""
    return np.zeros(BYTES // a.itemsize, a.dtype)


@intrinsic(lambda a, i: VectorType(a.dtype)(a, types.intp) if flat(a) else None, emit_load)
def load(a: Array, i: int) -> Vector:
    """Return a[i], a[i+1], … ."""
    V = BYTES // a.itemsize
    assert 0 <= i <= a.size - V
    return a[i : i + V].copy()


@intrinsic(lambda a, i, v: types.none(a, types.intp, v) if flat(a) else None, emit_store)
def store(a: Array, i: int, v: Vector) -> None:
    """a[i], a[i+1], … = v."""
    assert 0 <= i <= a.size - v.size
    a[i : i + v.size] = v


@intrinsic(
    lambda a, i, n: VectorType(a.dtype)(a, types.intp, types.intp) if flat(a) else None,
    emit_load_part,
)
def load_part(a: Array, i: int, n: int) -> Vector:
    """Return a[i], a[i+1], … in the first n lanes, all or none if n is out of range; else zeros."""
    v = np.zeros(BYTES // a.itemsize, a.dtype)
    n = min(max(n, 0), v.size)
    assert n == 0 or 0 <= i <= a.size - n
    v[:n] = a[i : i + n]
    return v


@intrinsic(
    lambda a, i, v, n: types.none(a, types.intp, v, types.intp) if flat(a) else None,
    emit_store_part,
)
def store_part(a: Array, i: int, v: Vector, n: int) -> None:
    """a[i], a[i+1], … = the first n lanes of v, all or none if n is out of range."""
    n = min(max(n, 0), v.size)
    assert n == 0 or 0 <= i <= a.size - n
    a[i : i + n] = v[:n]


@intrinsic(
    lambda a, i, v, first, last: (
        types.none(a, types.intp, v, types.intp, types.intp) if flat(a) else None
    ),
    emit_store_between,
)
def store_between(a: Array, i: int, v: Vector, first: int, last: int) -> None:
    """a[i + k] = v[k] for first ≤ k < last, as far as v has such lanes; i may be negative."""
    first, last = max(first, 0), min(last, v.size)
    if first < last:
        assert 0 <= i + first <= a.size - (last - first)
        a[i + first : i + last] = v[first:last]


@intrinsic(
    lambda a, i, STEP, b, j, WIDTH: (
        types.none(a, types.intp, types.intp, a, types.intp, types.intp) if flat(a) else None
    ),
    emit_transpose,
)
def transpose(a: Array, i: int, STEP: int, b: Array, j: int, WIDTH: int) -> None:
    """b[j + q WIDTH + r] = a[i + r STEP + q] for all q, r < V: a square of V rows and columns."""
    V = BYTES // a.itemsize
    for r in range(V):
        row = load(a, i + r * STEP)
        for q in range(V):
            b[j + q * WIDTH + r] = row[q]


@inlined
def load_up_to(a: Array, i: int, n: int) -> Vector:
    """Return a[i], a[i+1], … in the first n lanes; without a mask where that is all of them."""
    return load(a, i) if n >= size_of_vector(a) else load_part(a, i, n)


@inlined
def store_up_to(a: Array, i: int, v: Vector, n: int) -> None:
    """a[i], a[i+1], … = the first n lanes of v; without a mask where that is all of them."""
    if n >= size_of_vector(a):
        store(a, i, v)
    else:
        store_part(a, i, v, n)


@intrinsic(lambda a, i: types.none(a, types.intp) if flat(a) else None, emit_prefetch(0))
def prefetch_to_read(a: Array, i: int) -> None:
    """Say that a[i] will be read."""
    assert 0 <= i < a.size


@intrinsic(lambda a, i: types.none(a, types.intp) if flat(a) else None, emit_prefetch(1))
def prefetch(a: Array, i: int) -> None:
    """Say that a[i] will be written to."""
    assert 0 <= i < a.size


@intrinsic(lambda a, i: VectorType(a.dtype)(a, types.intp) if flat(a) else None, emit_splat)
def splat(a: Array, i: int) -> Vector:
    """Return a[i] in every lane."""
    assert 0 <= i < a.size
    return np.full(BYTES // a.itemsize, a[i])


@intrinsic(lambda v, u: v(v, v), emit_add)
def add(v: Vector, u: Vector) -> Vector:
    """Return v + u."""
    return v + u


@intrinsic(lambda v, x, s: s(s, s, s), emit_fma)
def fma(v: Vector, x: Vector, s: Vector) -> Vector:
    """Return s + v x."""
    return s + v * x


@intrinsic(lambda v, u: v(v, v), emit_divide)
def divide(v: Vector, u: Vector) -> Vector:
    """Return v / u."""
    return v / u


@intrinsic(lambda v: v(v), emit_rounded)
def rounded(v: Vector) -> Vector:
    """Return the nearest whole numbers, of two the even one."""
    return np.rint(v)


@intrinsic(lambda v: v(v), emit_power_of_two)
def power_of_two(v: Vector) -> Vector:
    """Return 2ᵛ for whole v, where that is a normal number."""
    return np.exp2(v)


@intrinsic(lambda v: v.dtype(v), emit_reduction("fadd", -0.0))
def total(v: Vector) -> Any:
    """Return the sum of the lanes."""
    return v.sum()


@intrinsic(lambda v: v.dtype(v), emit_reduction("fmul", 1.0))
def multiplied(v: Vector) -> Any:
    """Return the product of the lanes."""
    return v.prod()


@intrinsic(lambda v: v(v), emit_relu)
def relu(v: Vector) -> Vector:
    """Return max(v, 0); a NaN stays."""
    return np.where(v < 0, v.dtype.type(0), v)


@intrinsic(lambda v, u: v(v, u), emit_extreme(">"))
def larger(v: Vector, u: Vector) -> Vector:
    """Return the larger of v and u; u where one of them is NaN."""
    return np.where(v > u, v, u)


@intrinsic(lambda v, u: v(v, u), emit_extreme("<"))
def smaller(v: Vector, u: Vector) -> Vector:
    """Return the smaller of v and u; u where one of them is NaN."""
    return np.where(v < u, v, u)


@intrinsic(lambda a, b, v: v(v, v, v), emit_where_equal)
def where_equal(a: Vector, b: Vector, v: Vector) -> Vector:
    """Return v where a = b, else 0."""
    return np.where(a == b, v, v.dtype.type(0))


@intrinsic(lambda a, b, v, u: v(v, v, v, v), emit_where_larger)
def where_larger(a: Vector, b: Vector, v: Vector, u: Vector) -> Vector:
    """Return v where a > b or a is NaN, else u."""
    return np.where((a > b) | (a != a), v, u)
