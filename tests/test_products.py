"""Matrix products: the kernel against NumPy's, whatever the shapes, layouts and threads."""

from typing import Any

import numpy as np
import pytest
from checks.products import (
    case,
    check_bias,
    check_blocks,
    check_layouts,
    check_products_add_up,
    check_tile,
    close,
)
from hypothesis import given
from hypothesis import strategies as st
from numba import config

from nnscratch.core import Array, Parameter
from nnscratch.kernels import matmul as products
from nnscratch.kernels import plain
from nnscratch.kernels.machine import tile
from nnscratch.kernels.machine.helpers import kernel_threads
from nnscratch.kernels.matmul import SMALL, add_matmul, matmul

pytestmark = [pytest.mark.kernel, pytest.mark.oldest]

SIZES = st.integers(1, 70)
DTYPES = st.sampled_from([np.float32, np.float64])
LAYOUTS = st.sampled_from(["rows", "columns", "neither"])


def laid_out(a: Array, layout: str) -> Array:
    """The same matrix with its rows contiguous, its columns, or every second number of a row."""
    if layout == "rows":
        return np.ascontiguousarray(a)
    return np.asfortranarray(a) if layout == "columns" else np.repeat(a, 2, axis=1)[:, ::2]


@pytest.mark.skipif(not config.DISABLE_JIT, reason="compiled code has vectors, Python has none")
def test_a_tile_by_hand() -> None:
    check_tile(tile)


def test_by_hand() -> None:
    check_products_add_up(products)
    check_bias(products)
    check_layouts(products)
    check_blocks(products)


@given(M=SIZES, K=SIZES, N=SIZES, of_a=LAYOUTS, of_b=LAYOUTS, dtype=DTYPES, seed=SIZES)
def test_is_the_product(
    M: int, K: int, N: int, of_a: str, of_b: str, dtype: Any, seed: int
) -> None:
    a, b, bias = case(M, K, N, dtype, seed)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    c = matmul(laid_out(a, of_a), laid_out(b, of_b))
    assert c.dtype == dtype
    assert c.shape == (M, N)
    close(c, exact, K)
    close(matmul(laid_out(a, of_a), laid_out(b, of_b), bias), exact + bias[:, None], K)


@given(M=SIZES, K=SIZES, N=SIZES, of_a=LAYOUTS, of_b=LAYOUTS, dtype=DTYPES)
def test_adds_to_a_gradient(M: int, K: int, N: int, of_a: str, of_b: str, dtype: Any) -> None:
    a, b, _ = case(M, K, N, dtype, M + K + N)
    p, exact = Parameter(np.zeros((M, N), dtype)), a.astype(np.float64) @ b.astype(np.float64)
    p.grad[...] = 3
    add_matmul(p, laid_out(a, of_a), laid_out(b, of_b))
    close(p.grad, exact + 3, K)
    add_matmul(p, a, b)
    close(p.grad, 2 * exact + 3, 2 * K)


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="interpreted kernels run alone")
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("M", "K", "N"), [(130, 90, 70), (300, 20, 500), (64, 700, 20), (40, 700, 600)]
)
def test_the_same_bits_on_any_number_of_threads(
    M: int, K: int, N: int, dtype: Any, threads: int
) -> None:
    a, b, bias = case(M, K, N, dtype, 0)
    across = np.asfortranarray(a)
    one = matmul(a, b, bias), matmul(across, b), matmul(a, np.asfortranarray(b))
    with kernel_threads(threads):
        for _ in range(20):
            many = matmul(a, b, bias), matmul(across, b), matmul(a, np.asfortranarray(b))
            for x, y in zip(one, many, strict=True):
                np.testing.assert_array_equal(x, y)


def test_blocks_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum of an entry has one order, whichever block its column is in."""
    a, b, bias = case(50, 31, 203, np.float32, 0)
    whole = matmul(a, b, bias)
    products._plan.cache_clear()
    monkeypatch.setattr(products, "HELD", 31 * 64)
    np.testing.assert_array_equal(matmul(a, b, bias), whole)
    products._plan.cache_clear()


@pytest.mark.parametrize("side", ["rows", "columns"])
def test_a_long_and_a_short_side(side: str) -> None:
    """Below SMALL it is NumPy's product, which must not be told apart."""
    for short in (1, SMALL - 1, SMALL):
        M, N = (short, 300) if side == "rows" else (300, short)
        a, b, bias = case(M, 40, N, np.float32, short)
        close(matmul(a, b, bias), a.astype(np.float64) @ b + bias[:, None], 40)


def test_a_nan_spoils_its_row_and_its_column_and_nothing_else() -> None:
    """Also where a vector reaches beyond the last column, into the next row."""
    a, b, _ = case(20, 30, 21, np.float32, 0)
    a[3, 4], b[5, 6] = np.nan, np.nan
    bad = np.zeros((20, 21), bool)
    bad[3], bad[:, 6] = True, True
    np.testing.assert_array_equal(np.isnan(matmul(a, b)), bad)
    np.testing.assert_array_equal(np.isnan(matmul(np.asfortranarray(a), b)), bad)


def test_complex_numbers_are_left_to_the_definition() -> None:
    """The complex step of a gradient check passes through a dense layer."""
    a, b, _ = case(20, 10, 30, np.float64, 0)
    np.testing.assert_array_equal(plain.matmul(1j * a, b), 1j * a @ b)
