"""Matrix products, by our own kernel where it pays and by NumPy's elsewhere.

A kernel of our own has two things that BLAS has not: it shares its work with the same threads as
all other kernels (machine/fork_join.py), and its sums have one order on any number of them.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..core import Array, IntArray, Parameter
from .machine.helpers import scratch, thread_count, workers_for
from .machine.processor import BYTES
from .machine.tile import height
from .product import product

SMALL = 8
"""With fewer rows or columns than this most of a tile would be empty: such products are NumPy's."""

PANELS = 4
"""How many panels of b have to use packed columns of `a` for the copy to pay.

Rows of `a` are read where they lie, which was as fast or faster whatever the shape. Of a transpose
each step of the sum is in another cache line: 1024 × 1024 by 128 columns, whose lines share a few
places in the cache, ran at 220 GFLOP/s in place and 239 packed; 784 × 512 at 259 and 243; by 64
columns at 256 and 225."""

HELD = 1 << 18
"""The most numbers of a block of b's panels: a megabyte of single precision.

More than a core's own cache holds would come from the shared one for each row of tiles. 200 × 784
by 1000 columns, on one core of an Intel Xeon with 2 MB of its own: 2.4 ms in blocks, 3.1 in one."""

PACKED = 1 << 17
"""The most numbers of a strip whose rows are packed: half a megabyte of single precision."""


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
    (a, a_transposed), (b, b_transposed) = by_rows(a), by_rows(b)
    plan = _plan(M, K, N, a.dtype, a_transposed, thread_count())
    if bias is None:
        bias = plan.nothing if add else plan.zeros
    sums = plan.nothing if sums is None else sums
    memory, workers = scratch(plan.memory, a.dtype), workers_for(plan.cycles)
    product(a, a_transposed, b, b_transposed, bias, sums, plan.cut, c, memory, workers)


class Plan(NamedTuple):
    """How a product is cut up.

    cut     the rows of a strip and of a tile; how many rows of `a` a strip packs, 0 if none; the
            panels of a block
    memory  numbers of scratch memory
    cycles  of one core, roughly
    zeros   as many as there are rows
    nothing an array of no numbers
    """

    cut: IntArray
    memory: int
    cycles: int
    zeros: Array
    nothing: Array


@cache
def _plan(M: int, K: int, N: int, dtype: "np.dtype[Any]", a_transposed: bool, T: int) -> Plan:
    """Return the plan of a product on T threads; `a_transposed` if a's columns are contiguous."""
    V, width, rows = BYTES // dtype.itemsize, 0, height(M)
    panels, tiles = -(-N // (2 * V)), tiles_of_a_strip(-(-M // rows), T)
    if a_transposed and panels >= PANELS:
        tiles = max(1, min(tiles, PACKED // (rows * max(K, 1))))
        width = -(-rows * tiles // V) * V
    blocks = max(1, -(-panels * 2 * V * K // HELD))
    panels = -(-panels // blocks)
    memory = T * K * (panels * 2 * V + width)
    # Nobody writes to these, but a read-only array is another type to Numba.
    cut, zeros, nothing = (
        np.array([rows * tiles, rows, width, panels]),
        np.zeros(M, dtype),
        np.zeros(0, dtype),
    )
    return Plan(cut, memory, M * K * N // 16, zeros, nothing)


def tiles_of_a_strip(tiles: int, T: int, each: Sequence[int] = (6, 5, 4, 3)) -> int:
    """Return how many tiles high a strip is, so that T threads end at about the same time.

    Each has some strips, `each` says how many may do: a thread may be kept from its work, and then
    another does more.
    """

    def most(high: int) -> int:
        strips = -(-tiles // high)
        return -(-strips // T) * high

    heights = (max(1, -(-tiles // (T * strips))) for strips in each)
    return min(heights, key=most)


def by_rows(a: Array) -> tuple[Array, bool]:
    """Return a or, if that is how its numbers lie, its transpose; and whether it is the latter."""
    if a.flags.c_contiguous:
        return a, False
    if a.flags.f_contiguous:
        return a.T, True
    return np.ascontiguousarray(a), False
