"""Matrix products, by our own kernel where it pays and by NumPy's elsewhere.

A kernel of our own has two things that BLAS has not: its threads are the team's, as those of other
kernels are, and its sums have one order on any number of them.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .core import Array, Parameter
from .kernels.product import ROWS, product
from .processor import BYTES
from .team import helpers, scratch, threads

SMALL = 8
"""With fewer rows or columns than this most of a tile would be empty: such products are NumPy's."""

COPIED = 1 << 17
"""Numbers of a strip whose rows are copied, half a megabyte of single precision."""


def matmul(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return a b, or a b + bias 1ᵀ, for a (M, K), b (K, N) and bias (M,) of one dtype."""
    M, N = len(a), b.shape[1]
    if min(M, N) < SMALL or a.dtype.kind != "f":
        y: Array = a @ b
        return y if bias is None else y + bias[:, None]
    c = np.empty((M, N), a.dtype)
    _product(a, b, zeros(M, a.dtype) if bias is None else bias, False, c)
    return c


def add_product(p: Parameter, a: Array, b: Array) -> None:
    """p.grad += a b; where zeros are known to be, the product is put and not added."""
    put = p.all_zero
    if len(a) < SMALL:  # of one long and one short side, BLAS would have the rows be long
        p.grad += (b.T @ a.T).T
    elif b.shape[1] < SMALL or a.dtype.kind != "f":
        p.grad += a @ b
    else:
        _product(a, b, zeros(len(a), a.dtype), not put, p.grad)


def _product(a: Array, b: Array, bias: Array, add: bool, c: Array) -> None:
    (M, K), N = a.shape, b.shape[1]
    flat_a, flat_b = _flat(a), _flat(b)
    plan = _plan(M, K, N, a.itemsize, flat_a[2] > 1, threads())
    memory = scratch(plan.numbers, a.dtype)
    product(
        *(*flat_a, *flat_b, K, bias, add, c),
        *(plan.tiles, plan.width, memory, helpers(M * K * N // 16)),
    )


class Plan(NamedTuple):
    """How a product is cut up: tiles high a strip, rows that are copied, scratch memory."""

    tiles: int
    width: int
    numbers: int


@cache
def _plan(M: int, K: int, N: int, itemsize: int, across: bool, T: int) -> Plan:
    """Return the plan of a product on T threads; `across` if a's columns are contiguous."""
    V, width = BYTES // itemsize, 0
    tiles = _height(-(-M // ROWS), T)
    if across and N > 4 * V:  # a copy that more than two panels will use
        tiles = max(1, min(tiles, COPIED // (ROWS * K)))
        width = -(-ROWS * tiles // V) * V
    panels = -(-N // (2 * V)) * 2 * V * K
    return Plan(tiles, width, panels + T * (2 * ROWS * V + K * width))


def _height(tiles: int, T: int) -> int:
    """Return how many tiles high a strip is, so that T threads end at about the same time.

    Each has some strips: one may be kept from its work, and then another does more.
    """

    def most(high: int) -> int:
        strips = -(-tiles // high)
        return -(-strips // T) * high

    return min((max(1, -(-tiles // (T * strips))) for strips in (6, 5, 4, 3)), key=most)


@cache
def zeros(M: int, dtype: "np.dtype[Any]") -> Array:
    """Return zeros (M,); nobody writes to them, but a read-only array is another type to Numba."""
    return np.zeros(M, dtype)


def _flat(a: Array) -> tuple[Array, int, int]:
    """Return a's numbers in a row, and how far apart neighbours in a column and in a row are."""
    if a.flags.c_contiguous:
        return a.reshape(-1), a.shape[1], 1
    if a.flags.f_contiguous:
        return a.T.reshape(-1), 1, a.shape[0]
    return np.ascontiguousarray(a).reshape(-1), a.shape[1], 1
