"""Derivatives from values alone, for the right-hand sides of equations."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnscratch.core import Array


def jacobian(f: Callable[[Array], Any], x: Array, h: float = 1e-3) -> Array:
    """Return ∂f/∂x, (*f's shape, *x's shape), by differences whose error is of order h⁴."""
    columns = []
    for i in range(x.size):
        step = np.zeros(x.size)
        step[i] = h
        step = step.reshape(x.shape)
        near = np.asarray(f(x + step)) - np.asarray(f(x - step))
        far = np.asarray(f(x + 2 * step)) - np.asarray(f(x - 2 * step))
        columns.append((8 * near - far) / (12 * h))
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *x.shape)


def close(left: Any, right: Any, error: float = 1e-9) -> None:
    """Assert that two sides are equal, but for an error that is small beside the largest entry."""
    left, right = np.asarray(left), np.asarray(right)
    assert left.shape == right.shape, (left.shape, right.shape)
    scale = max(1.0, float(np.abs(right).max(initial=0)))
    np.testing.assert_allclose(left, right, rtol=0, atol=error * scale)
