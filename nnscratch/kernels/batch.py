"""From a set of byte images, batch-first, to a batch of floats, batch-last."""

from functools import cache

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core import Array, IntArray
from .machine.fork_join import next_piece, parallel
from .machine.helpers import workers_for

ROWS = 64
"""Rows of the batch that a thread fills at a time: of every image a cache line of bytes."""


def gather_columns(images: NDArray[np.uint8], rows: IntArray, dtype: DTypeLike) -> Array:
    """Return x[d, n] = images[rows[n], d] / 255."""
    if not images.flags.c_contiguous:
        images, rows = images[rows], np.arange(len(rows))
    images = images.reshape(len(images), -1)
    x = np.empty((images.shape[1], len(rows)), dtype)
    gather_columns_kernel(images, rows, greys(x.dtype), x, workers_for(x.size))
    return x


@cache
def greys(dtype: DTypeLike) -> Array:
    """Return the float of every byte, (256,)."""
    return np.arange(256, dtype=dtype) / 255


@parallel
def gather_columns_kernel(
    images: NDArray[np.uint8],
    rows: IntArray,
    grey: Array,
    x: Array,
    workers: IntArray,
    me: int,
) -> None:
    """x_dn = grey[images[rows_n]_d]: in NumPy, x = grey[images[rows]].T.

    A byte has only 256 values, so its float is looked up. Reading images and writing x run across
    each other; eight images at a time make one write of eight neighbours.

    A piece of work is ROWS rows of x. A thread that took columns instead would write to the cache
    lines of its neighbour, which took five times as long between cores that share no cache.

        images  (…, D)      rows  (N,)      grey  (256,)      x  (D, N)
    """
    D, N = x.shape
    EIGHTS, pieces = N // 8 * 8, (D + ROWS - 1) // ROWS
    piece = next_piece(workers, me, pieces)
    while piece < pieces:
        start, stop = piece * ROWS, min((piece + 1) * ROWS, D)
        for n in range(0, EIGHTS, 8):
            i0, i1 = images[rows[n]], images[rows[n + 1]]
            i2, i3 = images[rows[n + 2]], images[rows[n + 3]]
            i4, i5 = images[rows[n + 4]], images[rows[n + 5]]
            i6, i7 = images[rows[n + 6]], images[rows[n + 7]]
            for d in range(start, stop):
                x8 = x[d, n : n + 8]
                x8[0], x8[1], x8[2], x8[3] = grey[i0[d]], grey[i1[d]], grey[i2[d]], grey[i3[d]]
                x8[4], x8[5], x8[6], x8[7] = grey[i4[d]], grey[i5[d]], grey[i6[d]], grey[i7[d]]
        for n in range(EIGHTS, N):
            image = images[rows[n]]
            for d in range(start, stop):
                x[d, n] = grey[image[d]]
        piece = next_piece(workers, me, pieces)
