"""Products of matrices against NumPy."""

from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from nnscratch.core import Array, Parameter
from nnscratch.kernels import matmul as products
from nnscratch.kernels.machine.helpers import scratch
from nnscratch.kernels.machine.processor import BYTES


def case(M: int, K: int, N: int, dtype: Any, seed: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    shapes = (M, K), (K, N), (M,)
    a, b, bias = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    return a, b, bias


def close(got: Array, want: Array, K: int) -> None:
    """To the roundings of a sum of K products of numbers from N(0, 1)."""
    eps = float(np.finfo(got.dtype).eps)
    np.testing.assert_allclose(got, want, rtol=0, atol=20 * eps * (K + 1))


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


def check_blocks(module: ModuleType) -> None:
    """The same where the panels of b come in blocks: three panels and two."""
    with patch.object(products, "HELD", 3 * 9 * 2 * BYTES // 8):
        check_layouts_of(module, 61, 9, 5 * 2 * BYTES // 8 - 3)


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
    """Three rows of a matrix and a panel, in either layout; a bias, what is read and written.

    The functions are called as Python here; compiled, they are part of every product.
    """
    W = 2 * BYTES // 8
    a, panel, bias = case(3, 5, W, np.float64, 1)
    tile = module.bias_tile(np.r_[9.0, bias], 1, 3)
    for multiply, flat, step in (
        (module.multiply, a.T.ravel(), 3),
        (module.multiply_rows, a.ravel(), 5),
    ):
        got = multiply(tile, np.r_[9.0, flat], 1, step, np.r_[9.0, panel.ravel()], 1, 5)
        np.testing.assert_allclose(got, a @ panel + bias[:, None], rtol=1e-12)
    c = np.zeros(3 * (W + 2) + 1)
    module.write_tile(c, 1, W + 2, 1, W - 1, tile)
    again = module.read_tile(c, 1, W + 2, 3, W)
    np.testing.assert_array_equal(again[:, 1:-1], tile[:, 1:-1])
    assert not again[:, [0, -1]].any()
    np.testing.assert_array_equal(module.rectified_tile(tile), np.maximum(tile, 0))
    lanes = module.zero_tile(a, 3)  # which holds three vectors of each of two filters
    b = panel.ravel()
    lanes = module.multiply_lanes(lanes, a.ravel(), 0, 5, b, (0, 3, W), 5)
    totals = np.ones(8)
    module.add_totals(totals, 1, 3, lanes)
    want = 1 + a[:2] @ b[[range(5), range(3, 8), range(W, W + 5)]].T
    np.testing.assert_allclose(totals[1:7].reshape(2, 3), want, rtol=1e-12)
