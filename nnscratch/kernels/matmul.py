"""Matrix products, by our own kernel where it pays and by NumPy's elsewhere.

A kernel of our own has two things that BLAS has not: it shares its work with the same threads as
all other kernels (machine/fork_join.py), and its sums have one order on any number of them.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..core import Array, Parameter
from .machine.helpers import scratch, thread_count, workers_for
from .machine.processor import BYTES
from .product import product
from .tile import ROWS

SMALL = 8
"""With fewer rows or columns than this most of a tile would be empty: such products are NumPy's."""

COPIED = 1 << 17
"""Numbers of a strip whose rows are copied, half a megabyte of single precision."""


def matmul(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return a b, or a b + bias 1ᵀ, for a (M, K), b (K, N) and bias (M,) of one dtype."""
    M, N = len(a), b.shape[1]
    if min(M, N) < SMALL:
        y: Array = a @ b
        return y if bias is None else y + bias[:, None]
    c = np.empty((M, N), a.dtype)
    _product(a, b, bias, False, c, None)
    return c


def add_matmul(p: Parameter, a: Array, b: Array, sums: Parameter | None = None) -> None:
    """p.grad += a b and sums.grad += a 1."""
    M, N = len(a), b.shape[1]
    if min(M, N) >= SMALL:
        _product(a, b, None, True, p.grad, None if sums is None else sums.grad)
        return
    # Of one long and one short side, BLAS would have the rows be long.
    p.grad += (b.T @ a.T).T if M < SMALL else a @ b
    if sums is not None:
        sums.grad += a.sum(axis=1)


def _product(
    a: Array, b: Array, bias: Array | None, add: bool, c: Array, sums: Array | None
) -> None:
    """c = a b + bias, or c += a b; and add the sums of a's rows to `sums`."""
    (M, K), N = a.shape, b.shape[1]
    (a, across), (b, down) = by_rows(a), by_rows(b)
    # In dx = wᵀ dy half of the sum is over half of w's rows, which are one thread's: threads.md.
    # To add up two results costs more than that saves where the batch is larger than half of K.
    halves = 2 if across and not add and bias is None and 2 * N <= K else 1
    plan = _plan(M, K, N, a.dtype, across, halves, thread_count())
    product(
        a,
        across,
        b,
        down,
        plan.no_bias if bias is None else bias,
        add,
        plan.no_sums if sums is None else sums,
        plan.tiles,
        plan.width,
        halves,
        c,
        scratch(plan.size, a.dtype),
        plan.own,
        workers_for(plan.cycles),
    )


class Plan(NamedTuple):
    """How a product is cut up.

    tiles   high is a strip              own      numbers of scratch memory for the threads
    width   rows that a strip copies     size     and with the second half of the sums
    cycles  of one core, roughly         no_bias, no_sums   zeros, and nothing at all
    """

    tiles: int
    width: int
    own: int
    size: int
    cycles: int
    no_bias: Array
    no_sums: Array


@cache
def _plan(
    M: int, K: int, N: int, dtype: "np.dtype[Any]", across: bool, halves: int, T: int
) -> Plan:
    """Return the plan of a product on T threads; `across` if a's columns are contiguous."""
    V, width, cycles = BYTES // dtype.itemsize, 0, M * K * N // 16
    K = -(-K // halves)
    tiles = _height(-(-M // ROWS), halves, T)
    if across and N > 4 * V:  # a copy that more than two panels will use
        tiles = max(1, min(tiles, COPIED // (ROWS * K)))
        width = -(-ROWS * tiles // V) * V
    own = T * K * (-(-N // (2 * V)) * 2 * V + width)
    # Nobody writes to these zeros, but a read-only array is another type to Numba.
    nothing = np.zeros(M, dtype), np.zeros(0, dtype)
    return Plan(tiles, width, own, own + (halves - 1) * M * N, cycles, *nothing)


def _height(tiles: int, halves: int, T: int) -> int:
    """Return how many tiles high a strip is, so that T threads end at about the same time.

    Each has some strips: one may be kept from its work, and then another does more.
    """

    def most(high: int) -> int:
        strips = halves * -(-tiles // high)
        return -(-strips // T) * high

    heights = (max(1, -(-halves * tiles // (T * strips))) for strips in (6, 5, 4, 3))
    return min(heights, key=most)


def by_rows(a: Array) -> tuple[Array, bool]:
    """Return a or, if that is how its numbers lie, its transpose; and whether it is the latter."""
    if a.flags.c_contiguous:
        return a, False
    if a.flags.f_contiguous:
        return a.T, True
    return np.ascontiguousarray(a), False
