"""Matrix products: the kernel against NumPy's, whatever the shapes, layouts and threads."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config

from nnscratch.core import Array, Parameter
from nnscratch.kernels import matmul as products
from nnscratch.kernels import plain, tile
from nnscratch.kernels.machine.helpers import kernel_threads, scratch
from nnscratch.kernels.machine.processor import BYTES
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


def case(M: int, K: int, N: int, dtype: Any, seed: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    shapes = (M, K), (K, N), (M,)
    a, b, bias = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    return a, b, bias


def close(got: Array, want: Array, K: int) -> None:
    """To the roundings of a sum of K products of numbers from N(0, 1)."""
    eps = float(np.finfo(got.dtype).eps)
    np.testing.assert_allclose(got, want, rtol=0, atol=20 * eps * (K + 1))


# What test_faults.py runs on broken copies of the module as well.


def check_products_add_up(module: ModuleType) -> None:
    """A product is added to whatever came before."""
    a, b = np.arange(50.0).reshape(10, 5), np.ones((5, 12))
    p = Parameter(np.zeros((10, 12)))
    p.grad += 1
    module.add_matmul(p, a, b)
    np.testing.assert_array_equal(p.grad, 1 + a @ b)
    module.add_matmul(p, a, b)
    np.testing.assert_array_equal(p.grad, 1 + 2 * a @ b)


def check_bias(module: ModuleType) -> None:
    """Row m of a holds m in every column, b is all ones: c[m, n] = 5 m + bias[m]."""
    for N in (10, 2):
        rows = np.arange(9.0)[:, None]
        c = module.matmul(rows * np.ones(5), np.ones((5, N)), np.arange(9.0))
        np.testing.assert_array_equal(c, 6 * rows * np.ones(N))


def check_layouts(module: ModuleType) -> None:
    """Odd sizes, both layouts of both factors, put and added; long sums and short."""
    for M, K, N in ((61, 9, 43), (33, 101, 20), (20, 37, 11), (13, 90, 45)):
        check_layouts_of(module, M, K, N)


def check_layouts_of(module: ModuleType, M: int, K: int, N: int) -> None:
    a, b, _ = case(M, K, N, np.float64, 0)
    exact = a @ b
    for x in (a, np.asfortranarray(a)):
        for y in (b, np.asfortranarray(b)):
            p, sums = Parameter(np.zeros((M, N))), Parameter(np.ones(M))
            scratch(1, a.dtype)[...] = np.nan  # nothing is left there from the time before
            module.add_matmul(p, x, y)
            close(p.grad, exact, K)
            module.add_matmul(p, x, y, sums)
            close(p.grad, 2 * exact, 2 * K)
            module.add_matmul(p, x, y, sums)
            close(sums.grad, 2 * a.sum(axis=1), 2 * K)
            scratch(1, a.dtype)[...] = np.nan
            close(module.matmul(x, y), exact, K)


def check_tile(module: ModuleType) -> None:
    """Six rows of a matrix, some of them twice, and a panel.

    The functions are called as Python here; compiled, they are part of every product.
    """
    V = BYTES // 8
    a, panel, _ = case(9, 5, 2 * V, np.float64, 1)
    t = (1, 3, 4, 6, 7, 8)
    p = module.places(0, 5, t)
    assert p == (5, 15, 20, 30, 35, 40)
    u = tuple(np.full(V, float(i)) for i in range(6))
    v = tuple(np.full(V, -float(i)) for i in range(6))
    got = module.multiply(a.ravel(), p, 1, panel.ravel(), 5, u, v)
    exact = a[list(t)] @ panel
    np.testing.assert_allclose(got[0], exact[:, :V] + np.arange(6.0)[:, None], rtol=1e-12)
    np.testing.assert_allclose(got[1], exact[:, V:] - np.arange(6.0)[:, None], rtol=1e-12)


@pytest.mark.skipif(not config.DISABLE_JIT, reason="compiled code has vectors, Python has none")
def test_a_tile_by_hand() -> None:
    check_tile(tile)


def test_by_hand() -> None:
    check_products_add_up(products)
    check_bias(products)
    check_layouts(products)


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
@pytest.mark.parametrize(("M", "K", "N"), [(130, 90, 70), (300, 20, 500), (64, 700, 20)])
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
