"""The exponential of kernels, and what is made of it."""

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


def check_sigmoid(module: ModuleType, dtype: Any) -> None:
    """Over all that a sum may be: to three roundings of σ in more digits, however small it is."""
    least = -0.999 * module.constants(dtype)[module.MOST]
    check_map(module.sigmoid, module.constants(dtype), least, lambda v: 1 / (1 + np.exp(-v)))


def check_tanh(module: ModuleType, dtype: Any) -> None:
    """Near 0, where it is a difference of neighbours, as far from it: to four roundings."""
    check_map(module.tanh, module.constants(dtype), -30.0, np.tanh)


def check_map(function: Any, c: Any, least: float, exact: Any) -> None:
    V = BYTES // c.itemsize
    near = np.logspace(-20, 0, 500)
    v = np.concatenate([np.linspace(least, -least, 3001), near, -near])
    v = np.resize(v.astype(c.dtype), (-(-v.size // V), V))
    got = np.array([function(row, c) for row in v])
    want = exact(v.astype(np.longdouble))
    off = np.abs(got - want)
    assert (off <= 2 * np.finfo(c.dtype).eps * np.abs(want)).all()
