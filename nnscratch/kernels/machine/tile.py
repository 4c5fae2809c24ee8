"""The micro-kernel: a tile of sums that stays in registers while the terms of the sum go by.

    t = zero_tile(c, rows)                # or bias_tile(…), read_tile(…)
    t = multiply(t, a, i, STEP, b, j, K)  # t + the product of K columns of `a` and K rows of b
    write_tile(c, q, PITCH, 0, 2 * V, t)

Products of matrices, convolutions, their adjoints and the gradients of filters are all sums of this
form. They differ in how `a` and b are laid out before, and in where the tile goes after.

A tile has up to MR rows of two vectors, V numbers each. A core starts two multiply-adds a cycle and
has each back after four, so eight sums have to be under way at once; the more rows there are, the
more multiply-adds share the two vectors of b that each step loads. Hence as many rows as there are
registers for. docs/kernel_ladder.md has measurements.

As in simd.py the Python body of a word is its definition, and the decorator has what compiled code
runs in its place. A tile knows how many rows it has; in Python it is an array (rows, 2V).
"""

import numpy as np
from numba import types

from ...core import Array
from .emit_tile import (
    emit_add_totals,
    emit_bias_tile,
    emit_multiply_lanes,
    emit_product,
    emit_read_tile,
    emit_rectified_tile,
    emit_write_tile,
    emit_zero_tile,
)
from .intrinsics import flat, intrinsic
from .jit import inlined
from .processor import BYTES
from .registers import MR, TileType

__all__ = ["MR", "height"]

Tile = Array
"""In Python a tile is an array (rows, 2V)."""

I = types.intp  # noqa: E741
THREE = types.UniTuple(I, 3)  # type: ignore[no-untyped-call]


def height(rows: int, most: int = MR) -> int:
    """Return how many rows a tile has, so that the fewest tiles of equal and even height do.

    Two rows share an instruction sequence of the micro-kernel: an odd height would gain nothing.
    """
    tiles = max(1, -(-rows // most))
    return max(2, -(-rows // (2 * tiles)) * 2)


@inlined
def rows_of_lanes(filters: int) -> int:
    """Return how many rows a tile has if it holds three vectors a filter: see multiply_lanes."""
    return (3 * filters + 1) // 2


def _runs(a: Array, i: int, STEP: int, count: int, n: int) -> Array:
    """Return a[i + r STEP + k] as an array (count, n)."""
    at = i + STEP * np.arange(count)[:, None] + np.arange(n)
    assert at.size == 0 or (at.min() >= 0 and at.max() < a.size)
    return a[at]


def _add_product(t: Tile, rows: Array, b: Array, j: int) -> Tile:
    """Return t + rows · panel. A panel's last columns may be unused, and hold any numbers."""
    with np.errstate(all="ignore"):
        return t + rows @ _runs(b, j, t.shape[1], rows.shape[1], t.shape[1])


@intrinsic(lambda a, rows: TileType(a.dtype)(a, I) if flat(a) else None, emit_zero_tile)
def zero_tile(a: Array, rows: int) -> Tile:
    """Return a tile of zeros of a's dtype, 1 ≤ rows ≤ MR."""
    assert 1 <= rows <= MR
    return np.zeros((rows, 2 * BYTES // a.itemsize), a.dtype)


@intrinsic(lambda b, i, rows: TileType(b.dtype)(b, I, I) if flat(b) else None, emit_bias_tile)
def bias_tile(b: Array, i: int, rows: int) -> Tile:
    """Return b[i + r] in all columns of row r."""
    assert 1 <= rows <= MR
    assert 0 <= i <= b.size - rows
    return np.repeat(b[i : i + rows, None], 2 * BYTES // b.itemsize, axis=1)


@intrinsic(
    lambda c, q, PITCH, rows, n: TileType(c.dtype)(c, I, I, I, I) if flat(c) else None,
    emit_read_tile,
)
def read_tile(c: Array, q: int, PITCH: int, rows: int, n: int) -> Tile:
    """Return c[q + r PITCH + l] for l < n, all columns if n is larger than that; else zeros."""
    tile = zero_tile(c, rows)
    n = min(n, tile.shape[1])
    for r in range(rows):
        assert 0 <= q + r * PITCH <= c.size - n
        tile[r, :n] = c[q + r * PITCH :][:n]
    return tile


@intrinsic(
    lambda c, q, PITCH, first, last, t: types.none(c, I, I, I, I, t) if flat(c) else None,
    emit_write_tile,
)
def write_tile(c: Array, q: int, PITCH: int, first: int, last: int, t: Tile) -> None:
    """c[q + r PITCH + l] = t[r, l] for first ≤ l < last, as far as there are such columns."""
    last = min(last, t.shape[1])
    for r in range(len(t)):
        at = q + r * PITCH
        assert at + first >= 0
        assert at + last <= c.size
        c[at + first : at + last] = t[r, first:last]


@intrinsic(
    lambda t, a, i, STEP, b, j, K: t(t, a, I, I, b, I, I) if flat(a) and flat(b) else None,
    emit_product(neighbours=True),
)
def multiply(t: Tile, a: Array, i: int, STEP: int, b: Array, j: int, K: int) -> Tile:
    """Return t[r, l] + Σ_k a[i + k STEP + r] b[j + k 2V + l], k < K: rows of `a` side by side."""
    return _add_product(t, _runs(a, i, STEP, K, len(t)).T, b, j)


@intrinsic(
    lambda t, a, i, STEP, b, j, K: t(t, a, I, I, b, I, I) if flat(a) and flat(b) else None,
    emit_product(neighbours=False),
)
def multiply_rows(t: Tile, a: Array, i: int, STEP: int, b: Array, j: int, K: int) -> Tile:
    """Return t[r, l] + Σ_k a[i + r STEP + k] b[j + k 2V + l], k < K: rows of `a` where they lie."""
    return _add_product(t, _runs(a, i, STEP, len(t), K), b, j)


@intrinsic(
    lambda t, a, i, STEP, b, at, K: t(t, a, I, I, b, THREE, I) if flat(a) and flat(b) else None,
    emit_multiply_lanes,
)
def multiply_lanes(
    t: Tile, a: Array, i: int, STEP: int, b: Array, at: tuple[int, int, int], K: int
) -> Tile:
    """Add a[i + r STEP + k] b[at[n] + k] to lane k mod V of vector 3 r + n of the tile, k < K.

    The vectors of a tile are counted row by row, two a row: see `rows_of_lanes`. The sum over the
    lanes is what is wanted: see `add_totals`.
    """
    V = t.shape[1] // 2
    sums = t.reshape(-1, V).copy()
    rows = _runs(a, i, STEP, 2 * len(t) // 3, K)
    for n, j in enumerate(at):
        products = np.pad(rows * _runs(b, j, K, 1, K), ((0, 0), (0, -K % V)))
        sums[n : 3 * len(rows) : 3] += products.reshape(len(rows), -1, V).sum(axis=1)
    return sums.reshape(t.shape)


@intrinsic(lambda t: t(t), emit_rectified_tile)
def rectified_tile(t: Tile) -> Tile:
    """Return max(t, 0); a NaN stays."""
    return np.where(t < 0, t.dtype.type(0), t)


@intrinsic(lambda c, q, PITCH, t: types.none(c, I, I, t) if flat(c) else None, emit_add_totals)
def add_totals(c: Array, q: int, PITCH: int, t: Tile) -> None:
    """Add the sum of the lanes of vector 3 r + n of the tile to c[q + r PITCH + n], n < 3."""
    sums = t.reshape(-1, t.shape[1] // 2)
    for r in range(2 * len(t) // 3):
        for n in range(3):
            c[q + r * PITCH + n] += sums[3 * r + n].sum()
