"""PixelShuffle: channels become pixels, and no number changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.layers import PixelShuffle

pytestmark = pytest.mark.plain

SIZES = st.integers(1, 3)


@given(C=SIZES, H=SIZES, W=SIZES, N=SIZES, r=SIZES, seed=st.integers(0, 99))
def test_every_number_goes_where_the_formula_says(
    C: int, H: int, W: int, N: int, r: int, seed: int
) -> None:
    x = np.random.default_rng(seed).standard_normal((C * r * r, H, W, N)).astype(np.float32)
    y, backward = PixelShuffle(r).forward(x)
    for c, h, m, a, b in np.ndindex(C, H, W, r, r):
        np.testing.assert_array_equal(y[c, h * r + a, m * r + b], x[(c * r + a) * r + b, h, m])
    np.testing.assert_array_equal(backward(y), x)


@given(C=SIZES, H=SIZES, W=SIZES, N=SIZES, r=st.integers(1, 2), seed=st.integers(0, 99))
def test_gradient(C: int, H: int, W: int, N: int, r: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradcheck(PixelShuffle(r), (C * r * r, H, W, N), rng=rng).raise_if_failed()
    adjoint(PixelShuffle(r), (C * r * r, H, W, N), rng=rng).raise_if_failed()


def test_by_hand() -> None:
    """Four channels of one pixel are one channel of four."""
    y, _ = PixelShuffle(2).forward(np.array([1, 2, 3, 4], np.float32).reshape(4, 1, 1, 1))
    np.testing.assert_array_equal(y[0, ..., 0], [[1, 2], [3, 4]])


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"PixelShuffle: expected upscale_factor ≥ 1, got 0"):
        PixelShuffle(0)
    with pytest.raises(ValueError, match=r"expected a sample of shape \(C·4, H, W\), got \(6, 2,"):
        PixelShuffle(2).output_shape((6, 2, 2))
    with pytest.raises(ValueError, match=r"PixelShuffle x: expected \(C, H, W, N\) float64, got"):
        PixelShuffle(2).forward(np.zeros((4, 3)))
    _, backward = PixelShuffle(2).forward(np.zeros((4, 2, 3, 5)))
    with pytest.raises(ValueError, match=r"PixelShuffle dy: expected \(1, 4, 6, 5\) float64, got"):
        backward(np.zeros((1, 4, 6, 1)))
