"""Vectors held in registers: the words in which the hot loops are written.

    u = load(x, p)                  # x[p], x[p+1], …: a register full, 8 or 16 float32
    s = fma(splat(w, q), u, s)      # s + w[q] u
    store(y, p, s)

A vectorising compiler has to prove that it may; these words leave nothing to prove. The body of a
word is its definition, and what runs under NUMBA_DISABLE_JIT=1, where every load and store asserts
that the vector lies inside its array. Beside it stand its types, and the instructions that compiled
code runs in its place (instructions.py).

A kernel steps by V = BYTES // x.itemsize. Arrays are flat and contiguous; an index is never
negative. On a machine with shorter registers LLVM splits a vector in two or four.
"""

from typing import Any

import numpy as np
from numba import types

from ..core import Array
from ..processor import BYTES
from .instructions import (
    Vector,
    VectorType,
    emit_add,
    emit_divide,
    emit_fma,
    emit_load,
    emit_power_of_two,
    emit_prefetch,
    emit_reduction,
    emit_relu,
    emit_rounded,
    emit_splat,
    emit_store,
    emit_where_equal,
    emit_where_larger,
    emit_zero,
    flat,
    instruction,
)


@instruction(lambda a: VectorType(a.dtype)(a) if flat(a) else None, emit_zero)
def zero(a: Array) -> Vector:
    """Return a vector of zeros of a's dtype."""
    return np.zeros(BYTES // a.itemsize, a.dtype)


@instruction(lambda a, i: VectorType(a.dtype)(a, types.intp) if flat(a) else None, emit_load)
def load(a: Array, i: int) -> Vector:
    """Return a[i], a[i+1], … ."""
    V = BYTES // a.itemsize
    assert 0 <= i <= a.size - V
    return a[i : i + V].copy()


@instruction(lambda a, i, v: types.none(a, types.intp, v) if flat(a) else None, emit_store)
def store(a: Array, i: int, v: Vector) -> None:
    """a[i], a[i+1], … = v."""
    assert 0 <= i <= a.size - v.size
    a[i : i + v.size] = v


@instruction(lambda a, i: types.none(a, types.intp) if flat(a) else None, emit_prefetch)
def prefetch(a: Array, i: int) -> None:
    """Say that a[i] will be written to."""
    assert 0 <= i < a.size


@instruction(lambda a, i: VectorType(a.dtype)(a, types.intp) if flat(a) else None, emit_splat)
def splat(a: Array, i: int) -> Vector:
    """Return a[i] in every lane."""
    assert 0 <= i < a.size
    return np.full(BYTES // a.itemsize, a[i])


@instruction(lambda v, u: v(v, v), emit_add)
def add(v: Vector, u: Vector) -> Vector:
    """Return v + u."""
    return v + u


@instruction(lambda v, x, s: s(s, s, s), emit_fma)
def fma(v: Vector, x: Vector, s: Vector) -> Vector:
    """Return s + v x."""
    return s + v * x


@instruction(lambda v, u: v(v, v), emit_divide)
def divide(v: Vector, u: Vector) -> Vector:
    """Return v / u."""
    return v / u


@instruction(lambda v: v(v), emit_rounded)
def rounded(v: Vector) -> Vector:
    """Return the nearest whole numbers, of two the even one."""
    return np.rint(v)


@instruction(lambda v: v(v), emit_power_of_two)
def power_of_two(v: Vector) -> Vector:
    """Return 2ᵛ for whole v, where that is a normal number."""
    return np.exp2(v)


@instruction(lambda v: v.dtype(v), emit_reduction("fadd", -0.0))
def total(v: Vector) -> Any:
    """Return the sum of the lanes."""
    return v.sum()


@instruction(lambda v: v.dtype(v), emit_reduction("fmul", 1.0))
def multiplied(v: Vector) -> Any:
    """Return the product of the lanes."""
    return v.prod()


@instruction(lambda v: v(v), emit_relu)
def relu(v: Vector) -> Vector:
    """Return max(v, 0); a NaN stays."""
    return np.where(v < 0, v.dtype.type(0), v)


@instruction(lambda a, b, v: v(v, v, v), emit_where_equal)
def where_equal(a: Vector, b: Vector, v: Vector) -> Vector:
    """Return v where a = b, else 0."""
    return np.where(a == b, v, v.dtype.type(0))


@instruction(lambda a, b, v, u: v(v, v, v, v), emit_where_larger)
def where_larger(a: Vector, b: Vector, v: Vector, u: Vector) -> Vector:
    """Return v where a > b or a is NaN, else u."""
    return np.where((a > b) | (a != a), v, u)
