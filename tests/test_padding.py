"""A frame of zeros, and dx without it; a frame taken away, and dx with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.layers import Crop1d, Crop2d, ZeroPad1d, ZeroPad2d

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


@given(C=SIZES, H=SIZES, W=SIZES, N=SIZES, sides=SIDES, seed=st.integers(0, 99))
def test_cropping_undoes_padding_and_is_its_adjoint(
    C: int, H: int, W: int, N: int, sides: Sides, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((C, H, W, N))
    pad, crop = ZeroPad2d(sides), Crop2d(sides)
    y, pad_backward = pad.forward(x)
    z, crop_backward = crop.forward(y)
    np.testing.assert_array_equal(z, x)
    np.testing.assert_array_equal(crop_backward(x), y)
    v = rng.standard_normal(y.shape)
    np.testing.assert_array_equal(pad_backward(v), crop.forward(v)[0])
    assert crop.output_shape(pad.output_shape((C, H, W))) == (C, H, W)
    gradcheck(crop, y.shape, rng=rng).raise_if_failed()
    adjoint(crop, y.shape, rng=rng).raise_if_failed()


@given(T=SIZES, D=SIZES, N=SIZES, sides=st.tuples(*[st.integers(0, 2)] * 2), seed=SIZES)
def test_sequences(T: int, D: int, N: int, sides: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, (before, _) = rng.standard_normal((T, D, N)), sides
    y, backward = ZeroPad1d(sides).forward(x)
    zeros = [np.zeros((n, D, N)) for n in sides]
    np.testing.assert_array_equal(y, np.concatenate([zeros[0], x, zeros[1]]))
    np.testing.assert_array_equal(backward(y), x)
    z, backward = Crop1d(sides).forward(y)
    np.testing.assert_array_equal(z, y[before : before + T])
    np.testing.assert_array_equal(backward(z), y)
    gradcheck(ZeroPad1d(sides), x.shape, rng=rng).raise_if_failed()
    gradcheck(Crop1d(sides), y.shape, rng=rng).raise_if_failed()


def test_cropping_by_hand() -> None:
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    y, backward = Crop2d(((1, 0), (0, 2))).forward(x)
    np.testing.assert_array_equal(y.ravel(), [3])
    np.testing.assert_array_equal(backward(y).ravel(), [0, 0, 0, 3, 0, 0])


def test_a_crop_is_no_view(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 3, 2))
    assert not np.shares_memory(Crop2d(0).forward(x)[0], x)


def test_refusals_of_the_others() -> None:
    with pytest.raises(ValueError, match=r"Crop2d: expected cropping ≥ 0, got \(0, -1\)"):
        Crop2d((0, -1))
    with pytest.raises(ValueError, match=r"ZeroPad1d: expected padding ≥ 0, got -1"):
        ZeroPad1d(-1)
    with pytest.raises(ValueError, match=r"Crop1d: expected cropping, one number or two, got"):
        Crop1d((1, 2, 3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Crop2d: nothing is left of \(1, 2, 3\) without \(\(0, "):
        Crop2d(1).output_shape((1, 2, 3))
    with pytest.raises(ValueError, match=r"Crop1d: expected a sample of shape \(T, D\), got \(1,"):
        Crop1d(1).output_shape((1, 2, 3))
    with pytest.raises(ValueError, match=r"ZeroPad1d: expected a sample of at most 2⁴⁸ numbers"):
        ZeroPad1d(2**48).output_shape((1, 2))
    _, backward = Crop1d(1).forward(np.zeros((3, 2, 1)))
    with pytest.raises(ValueError, match=r"Crop1d dy: expected \(1, 2, 1\) float64, got \(3, 2, 1"):
        backward(np.zeros((3, 2, 1)))
