"""e^v of a vector, which neither LLVM nor Numba has.

    v = n ln 2 + r,  |r| ≤ ½ ln 2          e^v = 2ⁿ e^r          e^r = Σ_k r^k / k!

ln 2 comes in two parts, of which the first has few digits: n times that is exact. A power of two is
written into the exponent's bits.

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
from .jit import kernel
from .simd import fma, power_of_two, rounded, splat, where_larger, zero

LN_2 = 355 / 512, -2.121944400546905827679e-4
"""Their sum is ln 2 to more digits than one number has."""

TERMS = {"float32": 8, "float64": 14}
"""The next one is below half a rounding of the sum."""

LOWEST = {"float32": -87.0, "float64": -708.0}
"""e^v of less is not a normal number any more, and is taken for 0."""

CONSTANTS = 4
"""Before the series begins."""


@cache
def constants(dtype: Any) -> Array:
    """Return what `exponential` needs: 1/ln 2, -ln 2 in two parts, LOWEST, 1/k! with falling k."""
    name = np.dtype(dtype).name
    numbers = [1 / log(2), -LN_2[0], -LN_2[1], LOWEST[name]]
    return np.array(numbers + [1 / factorial(k) for k in range(TERMS[name])][::-1], dtype)


@kernel
def exponential(v: Vector, c: Array) -> Vector:
    """Return e^v for v ≤ 0; a NaN stays. c: `constants` of v's dtype."""
    lowest = splat(c, 3)
    x = where_larger(lowest, v, lowest, v)
    n = rounded(fma(x, splat(c, 0), zero(c)))
    r = fma(n, splat(c, 2), fma(n, splat(c, 1), x))
    series = splat(c, CONSTANTS)
    for k in range(CONSTANTS + 1, c.size):
        series = fma(series, r, splat(c, k))
    return where_larger(v, lowest, fma(series, power_of_two(n), zero(c)), zero(c))
