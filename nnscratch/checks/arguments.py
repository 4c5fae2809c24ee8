"""Arguments that are single values: a plain number, flag or source of noise, or a refusal.

    self.p = number("Dropout", "p", p, 0, 1, "[)")
    D = integer("Dense", "in_features", in_features, 1)

Python takes True for 1 and 3.0 for 3, so without a check a flag in the wrong place would be taken
for a size, and a string would raise an error somewhere inside. NumPy's numbers are converted to
Python's, which JSON can write.

Raises
    ValueError, from every function: whose argument it is, what was expected, and what it got.
"""

from math import inf
from sys import float_info
from typing import Any

import numpy as np

LARGEST = 2**48
"""More than any memory holds, and less than the products of sizes that NumPy can count."""


def integer(who: str, name: str, value: Any, least: int = 1) -> int:
    """Return an integer ≥ `least`."""
    if not is_integer(value):
        raise ValueError(f"{who}: expected {name}, an integer ≥ {least}, got {value!r}")
    if value < least:
        raise ValueError(f"{who}: expected {name} ≥ {least}, got {value}")
    if value > LARGEST:
        raise ValueError(f"{who}: expected {name} ≤ 2⁴⁸, got {value}")
    return int(value)


def number(
    who: str, name: str, value: Any, low: float = -inf, high: float = inf, ends: str = "()"
) -> float:
    """Return a finite number between low and high; a square bracket includes that end."""
    if not is_number(value):
        raise ValueError(f"{who}: expected {name}, a number, got {value!r}")
    above = low <= value if ends[0] == "[" else low < value
    below = value <= high if ends[1] == "]" else value < high
    if above and below:
        return float(value)
    if high < inf:
        want = f" in {ends[0]}{low:g}, {high:g}{ends[1]}"
    elif low == -inf or value == inf:
        want = ", a finite number"
    else:
        want = f" {'≥' if ends[0] == '[' else '>'} {low:g}"
    raise ValueError(f"{who}: expected {name}{want}, got {value}")


def flag(who: str, name: str, value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{who}: expected {name}, True or False, got {value!r}")
    return bool(value)


def generator(who: str, rng: Any) -> np.random.Generator:
    """Return the source of noise."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            f"{who}: expected rng, a numpy.random.Generator, got {rng!r}; "
            "np.random.default_rng(seed) makes one"
        )
    return rng


def is_number(value: Any) -> bool:
    """Is it a real number that float knows, perhaps not a finite one, and no truth value?"""
    if isinstance(value, float | np.floating):
        return True
    return is_integer(value) and -float_info.max <= value <= float_info.max


def is_integer(value: Any) -> bool:
    """Is it an integer, and no truth value?"""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
