"""The exponential of a vector: its digits, its ends."""

from typing import Any

import numpy as np
import pytest
from checks.exponential import check_digits

from nnscratch.core import Array
from nnscratch.kernels.machine import exponential as module_under_test
from nnscratch.kernels.machine.exponential import LOWEST, constants, exponential
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
