"""Upsampling against loops."""

from types import ModuleType

import numpy as np
from images import assert_close

from nnscratch.core import Array
from nnscratch.gradcheck import adjoint
from nnscratch.layers import UpsampleBilinear2d, UpsampleNearest2d


def interpolated(x: Array, scale: tuple[int, int]) -> Array:
    """np.interp along one axis after the other: the middles of the pixels are its knots."""
    for axis, S in zip((1, 2), scale, strict=True):
        size = x.shape[axis]
        u = (np.arange(S * size) + 0.5) / S

        def line(a: Array, u: Array = u, size: int = size) -> Array:
            return np.interp(u, np.arange(size) + 0.5, a)

        x = np.apply_along_axis(line, axis, x)
    return x


def check_upsampling(module: ModuleType) -> None:
    """Rows and columns by different factors."""
    test_nearest_by_hand()
    test_bilinear_by_hand()
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 2, 5))
    assert_close(UpsampleBilinear2d((2, 3)).forward(x)[0], interpolated(x, (2, 3)), np.float64)
    adjoint(UpsampleBilinear2d((2, 3)), x, rng=rng).raise_if_failed()


def row(*numbers: float) -> Array:
    return np.array(numbers, np.float32).reshape(1, 1, -1, 1)


def test_nearest_by_hand() -> None:
    y, backward = UpsampleNearest2d((1, 2)).forward(row(1, 2))
    np.testing.assert_array_equal(y, row(1, 1, 2, 2))
    np.testing.assert_array_equal(backward(row(1, 10, 100, 1000)), row(11, 1100))


def test_bilinear_by_hand() -> None:
    """The middles of the new pixels lie a quarter before and after those of the old."""
    y, backward = UpsampleBilinear2d((1, 2)).forward(row(0, 4))
    np.testing.assert_array_equal(y, row(0, 1, 3, 4))
    np.testing.assert_array_equal(
        backward(row(1, 10, 100, 1000)), row(1 + 7.5 + 25, 2.5 + 75 + 1000)
    )
