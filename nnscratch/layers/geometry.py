"""What the layers on images have in common: pairs of numbers, sizes, whole vectors."""

import numpy as np

from ..core import Array
from ..kernels.simd import BYTES

Pair = tuple[int, int]
Padding = int | Pair | tuple[Pair, Pair] | str


def pair(name: str, what: str, value: int | Pair, least: int = 1) -> Pair:
    """Return (rows, columns): value itself if it is a pair, twice the value if it is a number."""
    rows, columns = (value, value) if isinstance(value, int) else value
    if min(rows, columns) < least:
        raise ValueError(f"{name}: expected {what} ≥ {least}, got {value}")
    return rows, columns


def paddings(name: str, padding: int | Pair | tuple[Pair, Pair]) -> tuple[Pair, Pair]:
    """Return ((top, bottom), (left, right)), given that, or (rows, columns), or one number."""
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    (top, bottom), (left, right) = (
        (side, side) if isinstance(side, int) else side for side in (rows, columns)
    )
    if min(top, bottom, left, right) < 0:
        raise ValueError(f"{name}: expected padding ≥ 0, got {padding}")
    return (top, bottom), (left, right)


def whole_vectors(a: Array) -> Array:
    """Return `a` contiguous, its batch filled up with zero samples to a multiple of two vectors.

    The kernels step by two vectors and know no remainder. `a` itself is returned if it will do.
    """
    *shape, N = a.shape
    step = 2 * BYTES // a.itemsize
    whole = max(1, -(-N // step)) * step
    if whole == N:
        return np.ascontiguousarray(a)
    filled = np.zeros((*shape, whole), a.dtype)
    filled[..., :N] = a
    return filled


def first_samples(a: Array, N: int) -> Array:
    """Return the first N samples of `a`, contiguous: what whole_vectors has added is cut off."""
    return a if a.shape[-1] == N else a[..., :N].copy()
