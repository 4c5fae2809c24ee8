"""Arguments that are numbers, flags or sources of noise: which of them can be meant."""

from collections.abc import Callable
from math import isfinite
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from . import Case
from .arrays import Rng

JUNK: list[Any] = [
    *(None, True, False, "3", "same", b"3", object, {}, [], 1j),
    *(np.nan, np.inf, -np.inf, -1, 0, 0.0, 1, 2, 3, 7, 2**42, 2**70),
    *(-0.5, 0.25, 0.5, 1.0, 2.5, 1e-3, 1e308),
    *(np.float32(0.5), np.float64(2), np.int64(2), np.int8(3), np.array(2), np.array([1, 2])),
    *([2, 2], (2, 1), (1, 2, 3), [0, 1], ["a", 2], [2.5, 2], [None, 1], ((0, 1), (1, 0))),
]


class Kind(NamedTuple):
    """Which values an argument may have: right, or at least allowed, beside what is refused."""

    right: Callable[[Any], bool]
    allowed: Callable[[Any], bool] = lambda value: False
    work: bool = False
    """Whether a larger number takes longer, so that very large ones cannot be tried."""


def integer(value: Any) -> bool:
    """Is it an integer, and no truth value?"""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def number(value: Any) -> bool:
    """Is it a finite number?"""
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def scalar(value: Any) -> bool:
    """Is it an array of one number without axes, which may be taken for that number or not?"""
    return isinstance(value, np.ndarray) and value.ndim == 0


def whole(least: int) -> Kind:
    """Return integers from `least` on; very large ones may be refused."""
    return Kind(
        lambda v: integer(v) and least <= v < 100,
        lambda v: scalar(v) or (integer(v) and v >= 100),
    )


def between(low: float, high: float, ends: str = "[]") -> Kind:
    """Return the numbers of an interval; the bracket turned away leaves the end out."""

    def inside(v: Any) -> bool:
        return (
            number(v)
            and (low < v or (v == low and ends[0] == "["))
            and (v < high or (v == high and ends[1] == "]"))
        )

    return Kind(inside, lambda v: scalar(v) or (number(v) and inside(v)))


def pairs(least: int) -> Kind:
    """Return integers from `least` on, or two of them."""

    def two(v: Any) -> bool:
        return isinstance(v, list | tuple | np.ndarray) and np.ndim(v) == 1 and len(v) == 2

    one = whole(least)
    return Kind(
        lambda v: one.right(v) or (isinstance(v, tuple) and two(v) and all(map(one.right, v))),
        lambda v: one.allowed(v) or (two(v) and all(map(one.right, v))),
    )


def optional(kind: Kind) -> Kind:
    """Return the same, or None."""
    return kind._replace(right=lambda v: v is None or kind.right(v))


NONE_OF_IT = Kind(lambda v: False)
SIZE, COUNT = whole(1), whole(0)
PAIR, PADDING = pairs(1), pairs(0)
SHAPE = PAIR._replace(
    allowed=lambda v: (
        PAIR.allowed(v) or (isinstance(v, list | tuple) and v and all(map(SIZE.right, v)))
    )
)
PAD = Kind(
    lambda v: PADDING.right(v) or (isinstance(v, str) and v == "same"),
    lambda v: PADDING.allowed(v) or np.shape(v) == (2, 2),
)
POSITIVE, AT_LEAST_0 = between(0, np.inf, "]["), between(0, np.inf, "[[")
MODEST = Kind(lambda v: FRACTION.right(v), AT_LEAST_0.right)
"""Up to 1; with more a training may diverge, and says so."""
FRACTION, BELOW_1, ANY = between(0, 1), between(0, 1, "[["), between(-np.inf, np.inf, "][")
FLAG = Kind(lambda v: isinstance(v, bool), lambda v: integer(v) and v in (0, 1))
RNG = NONE_OF_IT
TIMES = SIZE._replace(work=True)


class Spec(NamedTuple):
    """A call with arguments that are right, and the kinds of those that are tried.

    use    what has to work with what the call returns
    alone  whether a value of the right kind always fits the other arguments
    """

    name: str
    call: Callable[..., Any]
    right: dict[str, Any]
    kinds: dict[str, Kind]
    use: Callable[[Any], Any] = lambda made: True
    alone: bool = True


def case(generator: Rng, specs: list[Spec]) -> Case:
    """Return a call in which one argument, or two, are what nobody may have thought of."""
    spec = specs[generator.integers(len(specs))]
    names = list(spec.kinds)
    chosen = [names[i] for i in generator.permutation(len(names))[: 1 + generator.integers(2)]]
    tried = {name: JUNK[generator.integers(len(JUNK))] for name in chosen}
    for name, value in tried.items():
        if spec.kinds[name].work and integer(value) and value > 100:
            tried[name] = 5
    right = [spec.kinds[name].right(value) for name, value in tried.items()]
    allowed = [spec.kinds[name].allowed(value) for name, value in tried.items()]
    must = None if all(r or a for r, a in zip(right, allowed, strict=True)) else False
    if len(chosen) == 1 and right[0] and spec.alone:
        must = True
    extreme = any(isinstance(v, float) and isfinite(v) and abs(v) > 1e6 for v in tried.values())
    words = ", ".join(f"{name}={value!r}" for name, value in tried.items())

    def call() -> Any:
        made = spec.call(**spec.right | tried)
        return True if extreme else spec.use(made)

    return Case(f"{spec.name}({words})", call, must)
