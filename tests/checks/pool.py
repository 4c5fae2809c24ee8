"""Pools against loops."""

from types import ModuleType
from typing import Any

import numpy as np

from nnscratch.core import Array
from nnscratch.gradcheck import gradcheck, without_kinks
from nnscratch.layers import AvgPool2d, MaxPool2d
from nnscratch.layers.fusion import WithReLU


def check_max_pool(module: ModuleType) -> None:
    """Overlapping windows; ties, NaN, infinities; with and without a ReLU."""
    test_max_by_hand()
    test_overlapping_windows_add_up()
    test_of_equal_maxima_the_first_wins()
    test_nan_wins()
    for relu in (False, True):
        x = without_kinks((2, 4, 5, 3), rng=np.random.default_rng(0)) - 4  # mostly below 0
        pool = MaxPool2d(3, 2, 1)
        layer: Any = WithReLU(pool) if relu else pool
        gradcheck(layer, x, rng=np.random.default_rng(0)).raise_if_failed()


def check_mean(module: ModuleType) -> None:
    test_mean_by_hand()


def image(*rows: Any) -> Array:
    """One channel, one sample."""
    return np.array(rows, np.float32)[None, :, :, None]


def test_max_by_hand() -> None:
    y, backward = MaxPool2d(2).forward(image([1, 5, 2, 0], [3, 4, 8, 1]))
    np.testing.assert_array_equal(y, image([5, 8]))
    np.testing.assert_array_equal(backward(image([7, 9])), image([0, 7, 0, 0], [0, 0, 9, 0]))


def test_overlapping_windows_add_up() -> None:
    """The 9 in the middle wins all four 2×2 windows and collects 1 + 2 + 3 + 4."""
    _, backward = MaxPool2d(2, 1).forward(image([0, 0, 0], [0, 9, 0], [0, 0, 0]))
    np.testing.assert_array_equal(
        backward(image([1, 2], [3, 4])), image([0, 0, 0], [0, 10, 0], [0, 0, 0])
    )


def test_mean_by_hand() -> None:
    """Of a corner window of 3×3, four pixels are in the image: (1+2+3+4)/9, or /4."""
    x = image([1, 2], [3, 4])
    y, backward = AvgPool2d(3, 3, 1).forward(x)
    np.testing.assert_allclose(y, image([10 / 9]), rtol=1e-6)
    np.testing.assert_allclose(backward(y), np.full((1, 2, 2, 1), 10 / 81), rtol=1e-6)
    y, _ = AvgPool2d(3, 3, 1, count_include_pad=False).forward(x)
    np.testing.assert_allclose(y, image([10 / 4]), rtol=1e-6)


def test_of_equal_maxima_the_first_wins() -> None:
    for value in (1, -1, -np.inf):
        y, backward = MaxPool2d(2).forward(np.full((1, 2, 2, 1), value, np.float32))
        np.testing.assert_array_equal(y, image([value]))
        np.testing.assert_array_equal(backward(image([3])), image([3, 0], [0, 0]))


def test_nan_wins() -> None:
    for position in range(4):
        x = np.array([1, np.inf, 3, -4], np.float32)
        x[position] = np.nan
        for relu in (False, True):
            y, backward = MaxPool2d(2).forward(x.reshape(1, 2, 2, 1), relu=relu)
            assert np.isnan(y).all()
            np.testing.assert_array_equal(np.flatnonzero(backward(image([3]))), [position])
