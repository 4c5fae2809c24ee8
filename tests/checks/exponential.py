"""The exponential of kernels."""

from types import ModuleType
from typing import Any

import numpy as np

from nnscratch.kernels.machine.processor import BYTES


def check_digits(module: ModuleType, dtype: Any) -> None:
    """From the lowest to 0: within a rounding of e^v in more digits (long double)."""
    V, c = BYTES // np.dtype(dtype).itemsize, module.constants(dtype)
    v = np.append(np.linspace(0.999 * c[3], 0, 2000), -np.logspace(-20, 1, 500))
    v = np.resize(v.astype(dtype), (-(-v.size // V), V))
    got = np.array([module.exponential(row, c) for row in v])
    exact = np.exp(v.astype(np.longdouble))
    assert np.abs(got / exact - 1).max() < 2 * np.finfo(dtype).eps
