"""Matrix products, by our own kernel where it pays and by NumPy's elsewhere."""

from functools import cache

import numpy as np

from .core import Array, Parameter
from .kernels.product import ROWS, product
from .kernels.simd import BYTES
from .team import helpers, threads

SMALL = 8
"""Fewer rows or columns than this are NumPy's: tiles would be mostly empty."""

CACHED = 1 << 17
"""Numbers of the rows that a thread copies at a time: half a megabyte of single precision."""


def matmul(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return a b, or a b + bias (M, 1), for a (M, K) and b (K, N)."""
    M, N = len(a), b.shape[1]
    if min(M, N) < SMALL or a.dtype.kind != "f":
        y: Array = a @ b
        return y if bias is None else y + bias[:, None]
    c = np.empty((M, N), a.dtype)
    _product(a, b, np.zeros(M, a.dtype) if bias is None else bias, False, c)
    return c


def add_product(p: Parameter, a: Array, b: Array) -> None:
    """p.grad += a b; where zeros are known to be the product is put, not added."""
    add = not p.all_zero
    if len(a) < SMALL:  # for BLAS it is faster to have many rows than many columns
        p.grad += (b.T @ a.T).T
    elif b.shape[1] < SMALL or a.dtype.kind != "f":
        p.grad += a @ b
    else:
        _product(a, b, np.zeros(len(a), a.dtype), add, p.grad)


def _product(a: Array, b: Array, bias: Array, add: bool, c: Array) -> None:
    (M, K), N, V, T = a.shape, b.shape[1], BYTES // a.itemsize, threads()
    tiles = height(M, T)
    flat_a, flat_b = _flat(a), _flat(b)
    width = 0
    if flat_a[2] > 1 and N > 4 * V:  # a copy that more than two panels will use
        tiles = min(tiles, max(1, CACHED // (ROWS * K)))
        width = -(-ROWS * tiles // V) * V
    panels = np.empty(-(-N // (2 * V)) * 2 * V * K, a.dtype)
    scratch = np.empty((T, 2 * ROWS * V + K * width), a.dtype)
    team = helpers(M * K * N // 16)
    product(*flat_a, *flat_b, K, bias, False, add, c, tiles, panels, scratch, team)


@cache
def height(M: int, T: int) -> int:
    """Return the tiles of a strip that lets T threads end at about the same time, M rows in all.

    Some strips for each thread, for one may be kept from its work and another do more.
    """
    tiles = -(-M // ROWS)

    def most(size: int) -> int:
        return -(-(-(-tiles // size)) // T) * size

    return min((max(1, -(-tiles // (T * strips))) for strips in (6, 5, 4, 3)), key=most)


def _flat(a: Array) -> tuple[Array, int, int]:
    """Return the numbers of a in a row, and how far apart neighbours in a column and a row are."""
    if a.flags.c_contiguous:
        return a.reshape(-1), a.shape[1], 1
    if a.flags.f_contiguous:
        return a.T.reshape(-1), 1, a.shape[0]
    return np.ascontiguousarray(a).reshape(-1), a.shape[1], 1
