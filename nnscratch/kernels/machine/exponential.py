"""e^v of a vector, which neither LLVM nor Numba has; σ and tanh.

    v = n ln 2 + r,  |r| ≤ ½ ln 2          e^v = 2ⁿ e^r          e^r = Σ_k r^k / k!

ln 2 comes in two parts, of which the first has few digits: n times that is exact. A power of two is
written into the exponent's bits. Without the series' first term, 1,

    e^v - 1 = 2ⁿ (e^r - 1) + (2ⁿ - 1)

is accurate for small v too, where it is a difference of neighbours.

Source
    Cody and Waite, Software Manual for the Elementary Functions (1980), chapter 6; the series is
    Taylor's where they have a rational function.
"""

from functools import cache
from math import factorial, log
from typing import Any

import numpy as np

from ...core import Array
from .intrinsics import Vector
from .jit import inlined
from .processor import BYTES
from .simd import (
    add,
    divide,
    fma,
    larger,
    power_of_two,
    rounded,
    size_of_vector,
    smaller,
    splat,
    where_larger,
    zero,
)

LN_2 = 355 / 512, -2.121944400546905827679e-4
"""Their sum is ln 2 to more digits than one number has."""

FEW, MANY = 8, 14

TERMS = {"float32": FEW, "float64": MANY}
"""The next one is below half a rounding of the sum."""

LOWEST = {"float32": -87.0, "float64": -708.0}
"""e^v of less is not a normal number any more, and is taken for 0."""

SATURATED = 20.0
"""tanh of this is 1 in double precision too."""

LEAST, MOST, ONE, MINUS_ONE, TWO, FLAT, MINUS_FLAT = range(3, 10)
"""Where `constants` has LOWEST, -LOWEST, 1, -1, 2, and the ends of what tanh is computed of."""

CONSTANTS = 10
"""Before the series begins."""


@cache
def constants(dtype: Any) -> Array:
    """Return 1/ln 2, -ln 2 in two parts, the numbers above, and 1/k! with falling k."""
    name = np.dtype(dtype).name
    least = LOWEST[name]
    numbers = [1 / log(2), -LN_2[0], -LN_2[1], least, -least, 1, -1, 2, SATURATED, -SATURATED]
    return np.array(numbers + [1 / factorial(k) for k in range(TERMS[name])][::-1], dtype)


@inlined
def reduced(v: Vector, c: Array) -> tuple[Vector, Vector]:
    """Return n and r of v."""
    n = rounded(fma(v, splat(c, 0), zero(c)))
    return n, fma(n, splat(c, 2), fma(n, splat(c, 1), v))


@inlined
def series(r: Vector, c: Array, left_out: int) -> Vector:
    """Return Σ_k r^(k - left_out) / k!, k ≥ left_out, by Horner's rule.

    The number of terms is c.size - CONSTANTS, written so that the compiler knows it.
    """
    terms = FEW if size_of_vector(c) == BYTES // 4 else MANY
    s = splat(c, CONSTANTS)
    for k in range(1, terms - left_out):
        s = fma(s, r, splat(c, CONSTANTS + k))
    return s


@inlined
def exponential(v: Vector, c: Array) -> Vector:
    """Return e^v for v ≤ 0; a NaN stays. c: `constants` of v's dtype."""
    lowest = splat(c, LEAST)
    n, r = reduced(larger(lowest, v), c)
    e_r = series(r, c, 0)
    return where_larger(v, lowest, fma(e_r, power_of_two(n), zero(c)), zero(c))


@inlined
def sigmoid(v: Vector, c: Array) -> Vector:
    """Return σ(v) = 1/(1 + e⁻ᵛ) for -v from LOWEST to -LOWEST, its ends beyond; a NaN stays."""
    one = splat(c, ONE)
    minus_v = fma(v, splat(c, MINUS_ONE), zero(c))
    n, r = reduced(smaller(splat(c, MOST), larger(splat(c, LEAST), minus_v)), c)
    return divide(one, fma(series(r, c, 0), power_of_two(n), one))


@inlined
def tanh(v: Vector, c: Array) -> Vector:
    """Return tanh v = d/(2 + d) with d = e²ᵛ - 1; a NaN stays."""
    v = smaller(splat(c, FLAT), larger(splat(c, MINUS_FLAT), v))
    n, r = reduced(add(v, v), c)
    scale = power_of_two(n)
    e_r_less_1 = fma(series(r, c, 1), r, zero(c))
    d = fma(e_r_less_1, scale, add(scale, splat(c, MINUS_ONE)))
    return divide(d, add(splat(c, TWO), d))
