"""ZeroPad2d: a frame of zeros, and dx without it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.layers import ZeroPad2d

pytestmark = [pytest.mark.image_kernel, pytest.mark.plain]

SIZES = st.integers(1, 3)
SIDES = st.tuples(*(st.tuples(st.integers(0, 2), st.integers(0, 2)) for _ in range(2)))
Sides = tuple[tuple[int, int], tuple[int, int]]


@given(C=SIZES, H=SIZES, W=SIZES, N=SIZES, padding=SIDES, seed=st.integers(0, 99))
def test_gradient(C: int, H: int, W: int, N: int, padding: Sides, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((C, H, W, N))
    np.testing.assert_array_equal(
        ZeroPad2d(padding).forward(x)[0], np.pad(x, ((0, 0), *padding, (0, 0)))
    )
    gradcheck(ZeroPad2d(padding), (C, H, W, N), rng=rng).raise_if_failed()
    adjoint(ZeroPad2d(padding), (C, H, W, N), rng=rng).raise_if_failed()


def test_by_hand() -> None:
    y, backward = ZeroPad2d(((0, 1), (2, 0))).forward(np.ones((1, 1, 1, 1), np.float32))
    np.testing.assert_array_equal(y[0, ..., 0], [[0, 0, 1], [0, 0, 0]])
    dy = np.arange(6, dtype=np.float32).reshape(y.shape)
    np.testing.assert_array_equal(backward(dy).ravel(), [2])


def test_ways_to_say_padding() -> None:
    assert ZeroPad2d(1).output_shape((2, 3, 4)) == (2, 5, 6)
    assert ZeroPad2d((0, 1)).output_shape((2, 3, 4)) == (2, 3, 6)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"ZeroPad2d: expected padding ≥ 0, got \(\(0, 1\), \(-1"):
        ZeroPad2d(((0, 1), (-1, 0)))
    with pytest.raises(ValueError, match=r"ZeroPad2d: expected a sample of shape \(C, H, W\), got"):
        ZeroPad2d(1).output_shape((2, 3))
    with pytest.raises(ValueError, match=r"ZeroPad2d x: expected \(C, H, W, N\) float64, got \(2"):
        ZeroPad2d(1).forward(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"ZeroPad2d: expected a sample of at most 2⁴⁸ numbers"):
        ZeroPad2d(2**42).forward(np.zeros((1, 2, 2, 3)))
    _, backward = ZeroPad2d(1).forward(np.zeros((1, 2, 2, 3)))
    with pytest.raises(ValueError, match=r"ZeroPad2d dy: expected \(1, 4, 4, 3\) float64, got \(1"):
        backward(np.zeros((1, 2, 2, 3)))
