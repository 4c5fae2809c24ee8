"""The exponential of a vector, the sigmoid and tanh: their digits, their ends."""

from typing import Any

import numpy as np
import pytest
from checks.exponential import check_digits, check_sigmoid, check_tanh

from nnscratch.core import Array
from nnscratch.kernels.machine import exponential as module_under_test
from nnscratch.kernels.machine.exponential import (
    LOWEST,
    constants,
    exponential,
    sigmoid,
    tanh,
)
from nnscratch.kernels.machine.jit import kernel
from nnscratch.kernels.machine.processor import BYTES
from nnscratch.kernels.machine.simd import load, store

pytestmark = pytest.mark.kernel

DTYPES = (np.float32, np.float64)


@kernel
def exp(v: Array, c: Array, out: Array) -> None:
    """out = e^v."""
    for n in range(0, v.size, BYTES // v.itemsize):
        store(out, n, exponential(load(v, n), c))


@kernel
def maps(v: Array, c: Array, out: Array) -> None:
    """out = σ(v), tanh v."""
    for n in range(0, v.size, BYTES // v.itemsize):
        store(out, n, sigmoid(load(v, n), c))
        store(out, v.size + n, tanh(load(v, n), c))


@pytest.mark.parametrize("dtype", DTYPES)
def test_digits_of_the_definition(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_under_test, "exponential", compiled)
    check_digits(module_under_test, dtype)


def compiled(row: Array, c: Array) -> Array:
    out = np.empty_like(row)
    exp(row, c, out)
    return out


@pytest.mark.parametrize("dtype", DTYPES)
def test_its_ends(dtype: Any) -> None:
    """Below the lowest it is 0, as of -∞; 1 at 0; and a NaN stays."""
    lowest = LOWEST[np.dtype(dtype).name]
    v = np.zeros(16, dtype)
    v[:7] = [0, -0.0, np.nan, -np.inf, -1e4, lowest - 1, -1e-30]
    got = compiled(v, constants(dtype))
    np.testing.assert_array_equal(got[:7], [1, 1, np.nan, 0, 0, 0, 1])


def both(v: Array) -> tuple[Array, Array]:
    out = np.empty((2, v.size), v.dtype)
    maps(v, constants(v.dtype), out.ravel())
    return out[0], out[1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_digits_of_the_maps(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_under_test, "sigmoid", lambda row, c: both(row)[0])
    monkeypatch.setattr(module_under_test, "tanh", lambda row, c: both(row)[1])
    check_sigmoid(module_under_test, dtype)
    check_tanh(module_under_test, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ends_of_the_maps(dtype: Any) -> None:
    """σ is 0 as far as normal numbers go, nothing overflows, and a NaN stays."""
    v = np.zeros(16, dtype)
    v[:7] = [0, -0.0, np.nan, -np.inf, np.inf, -1e30, 1e30]
    with np.errstate(all="raise", invalid="ignore"):
        s, t = both(v)
    tiny = 2 * np.finfo(dtype).tiny
    np.testing.assert_allclose(s[:7], [0.5, 0.5, np.nan, 0, 1, 0, 1], rtol=0, atol=tiny)
    np.testing.assert_array_equal(t[:7], [0, 0, np.nan, -1, 1, -1, 1])
