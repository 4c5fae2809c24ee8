"""The words of the micro-kernel: compiled, each does what its definition says, and no more."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config

from nnscratch.core import Array
from nnscratch.kernels.machine.jit import kernel
from nnscratch.kernels.machine.processor import BYTES
from nnscratch.kernels.machine.tile import (
    MR,
    add_totals,
    bias_tile,
    height,
    multiply,
    multiply_lanes,
    multiply_rows,
    read_tile,
    rectified_tile,
    rows_of_lanes,
    write_tile,
    zero_tile,
)

pytestmark = [pytest.mark.kernel, pytest.mark.oldest]

DTYPES = st.sampled_from([np.float32, np.float64])
ROWS = st.integers(1, MR)
FILTERS = st.integers(1, 2 * MR // 3)
TERMS = st.integers(0, 40)
SEEDS = st.integers(0, 99)


@kernel
def copy_tile(a: Array, rows: int, n: int, first: int, last: int, out: Array) -> None:
    """Read a tile from a[3], its rows 40 numbers apart; write some of its columns to out[5]."""
    write_tile(out, 5, 50, first, last, read_tile(a, 3, 40, rows, n))


@kernel
def biased(b: Array, i: int, rows: int, rectify: bool, out: Array) -> None:
    """Write a bias in all columns, rectified or not."""
    t = bias_tile(b, i, rows)
    if rectify:
        t = rectified_tile(t)
    write_tile(out, 0, 40, 0, 40, t)


@kernel
def packed_product(
    a: Array, i: int, STEP: int, b: Array, j: int, K: int, rows: int, out: Array
) -> None:
    """Add one product to another: the sums go on."""
    t = multiply(zero_tile(a, rows), a, i, STEP, b, j, K)
    write_tile(out, 0, 40, 0, 40, multiply(t, a, i, STEP, b, j, K))


@kernel
def product_of_rows(
    a: Array, i: int, STEP: int, b: Array, j: int, K: int, rows: int, out: Array
) -> None:
    """The same, of rows that lie apart."""
    t = multiply_rows(zero_tile(a, rows), a, i, STEP, b, j, K)
    write_tile(out, 0, 40, 0, 40, multiply_rows(t, a, i, STEP, b, j, K))


@kernel
def product_of_lanes(
    a: Array, i: int, STEP: int, b: Array, j: int, PLACES: int, K: int, filters: int, out: Array
) -> None:
    """Products with three vectors, summed over the lanes: out[3 f], out[3 f + 1], out[3 f + 2]."""
    three = j, j + PLACES, j + 2 * PLACES
    t = zero_tile(a, rows_of_lanes(filters))
    t = multiply_lanes(t, a, i, STEP, b, three, K)
    add_totals(out, 0, 3, multiply_lanes(t, a, i, STEP, b, three, K))


def draw(dtype: Any, size: int, seed: int) -> Array:
    """Return normal numbers."""
    return np.random.default_rng(seed).standard_normal(size).astype(dtype)


def columns(dtype: Any) -> int:
    """Return how many columns a tile has."""
    return 2 * BYTES // np.dtype(dtype).itemsize


def assert_close(got: Array, want: Array, terms: Array) -> None:
    """Each number may be off by some roundings of the sum of its terms' magnitudes."""
    assert np.all(np.abs(got - want) <= 90 * np.finfo(got.dtype).eps * terms)


@given(rows=st.integers(1, 1000))
def test_the_fewest_tiles_of_an_even_height(rows: int) -> None:
    h = height(rows)
    assert h % 2 == 0
    assert 2 <= h <= MR
    assert -(-rows // h) == -(-rows // MR)


@given(DTYPES, ROWS, st.integers(-3, 40), st.integers(0, 40), st.integers(0, 40), SEEDS)
def test_reading_and_writing(
    dtype: Any, rows: int, n: int, first: int, last: int, seed: int
) -> None:
    """Columns beyond n are zero; only columns first … last - 1 of the rows are written."""
    W = columns(dtype)
    n, seven = max(n, 0), np.full((MR + 1) * 50, 7, dtype)
    a = draw(dtype, 3 + (rows - 1) * 40 + min(n, W), seed)  # it ends where the tile does
    out = seven.copy()
    copy_tile(a, rows, n, first, last, out)
    tile = np.zeros((rows, W), dtype)
    for r in range(rows):
        tile[r, : min(n, W)] = a[3 + r * 40 :][: min(n, W)]
    want = seven.copy()
    for r in range(rows):
        for column in range(first, min(last, W)):
            want[5 + r * 50 + column] = tile[r, column]
    np.testing.assert_array_equal(out, want)


@given(DTYPES, ROWS, st.integers(0, 5), st.booleans(), SEEDS)
def test_a_bias(dtype: Any, rows: int, i: int, rectify: bool, seed: int) -> None:
    b = draw(dtype, i + rows, seed)
    b[i], W = np.nan, columns(dtype)
    out = np.zeros(MR * 40, dtype)
    biased(b, i, rows, rectify, out)
    want = np.where(b[i:] < 0, 0, b[i:]) if rectify else b[i:]
    got = out.reshape(MR, 40)
    np.testing.assert_array_equal(got[:rows, :W], np.repeat(want[:, None], W, axis=1))
    assert not got[rows:].any()
    assert not got[:, W:].any()


@given(DTYPES, ROWS, TERMS, st.integers(0, 3), st.integers(0, 3), st.booleans(), SEEDS)
def test_products(
    dtype: Any, rows: int, K: int, i: int, extra: int, are_packed: bool, seed: int
) -> None:
    """Of packed rows, a[i + k STEP + r], and of rows as they lie, a[i + r STEP + k]."""
    W, even = columns(dtype), rows + rows % 2
    STEP = extra + (even if are_packed else K)
    a = draw(dtype, i + STEP * (K if are_packed else rows) + even, seed)
    b = draw(dtype, 5 + K * W, seed + 1)
    out = np.zeros(MR * 40, dtype)
    if are_packed:
        packed_product(a, i, STEP, b, 5, K, rows, out)
        A = np.array([[a[i + k * STEP + r] for k in range(K)] for r in range(rows)])
    else:
        product_of_rows(a, i, STEP, b, 5, K, rows, out)
        A = np.array([[a[i + r * STEP + k] for k in range(K)] for r in range(rows)])
    A, B = A.astype(np.float64), b[5:].reshape(K, W).astype(np.float64)
    got = out.reshape(MR, 40)
    assert_close(got[:rows, :W], 2 * A @ B, 2 * np.abs(A) @ np.abs(B))
    assert not got[rows:].any()


@given(DTYPES, FILTERS, TERMS, st.integers(0, 3), st.integers(0, 3), SEEDS)
def test_products_by_lanes(dtype: Any, filters: int, K: int, i: int, extra: int, seed: int) -> None:
    """The last numbers of a row fill no vector, and what lies behind them is not read."""
    STEP = K + extra
    a = draw(dtype, i + (filters - 1) * STEP + K, seed)
    b = draw(dtype, 3 * K + 5, seed + 1)
    out = np.ones(2 * MR, dtype)
    product_of_lanes(a, i, STEP, b, 5, K, K, filters, out)
    A = np.array([a[i + f * STEP :][:K] for f in range(filters)]).astype(np.float64)
    B = b[5:].reshape(3, K).T.astype(np.float64)
    got = out[: 2 * MR // 3 * 3].reshape(-1, 3)
    assert_close(got[:filters], 1 + 2 * A @ B, 1 + 2 * np.abs(A) @ np.abs(B))
    assert (got[filters:] == 1).all()


OUTSIDE = [
    lambda a: copy_tile(a[:50], 2, 99, 0, 40, a),
    lambda a: copy_tile(a, 2, 40, 0, 40, a[:60]),
    lambda a: biased(a[:3], 0, 4, False, a),
    lambda a: packed_product(a[:20], 0, 4, a, 0, 6, 4, a),
    lambda a: packed_product(a, 0, 4, a[:90], 0, 40, 4, a),
    lambda a: product_of_rows(a[:15], 0, 4, a, 0, 6, 4, a),
    lambda a: product_of_rows(a, 0, 4, a[:90], 0, 40, 4, a),
    lambda a: product_of_lanes(a[:17], 0, 4, a, 0, 9, 6, 4, a),
    lambda a: product_of_lanes(a, 0, 4, a[:20], 0, 8, 6, 4, a),
    lambda a: product_of_lanes(a, 0, 4, a[:20], 19, -9, 6, 4, a),
]


@pytest.mark.skipif(
    not (config.BOUNDSCHECK or config.DISABLE_JIT),  # type: ignore[attr-defined]
    reason="compiled code checks bounds if asked to",
)
@pytest.mark.parametrize("number", range(len(OUTSIDE)))
def test_a_tile_outside_of_its_array_is_an_error(number: int) -> None:
    with pytest.raises((IndexError, AssertionError, ValueError)):
        OUTSIDE[number](np.zeros(5000))
