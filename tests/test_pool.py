"""Pooling: maximum and mean of windows, one by one; ties, NaN and borders."""

from typing import Any

import images
import numpy as np
import pytest
import reference
from checks.pool import image
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from images import BATCHES, DTYPES, assert_close

from nnscratch.core import Array
from nnscratch.gradcheck import adjoint, gradcheck, without_kinks
from nnscratch.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from nnscratch.layers.fusion import WithReLU

pytestmark = [pytest.mark.usefixtures("path"), pytest.mark.image_kernel, pytest.mark.plain]

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
SIDES = st.tuples(st.integers(1, 6), st.integers(1, 6))
SEEDS = st.integers(0, 99)


@st.composite
def pools(draw: Any) -> dict[str, Any]:
    """kernel_size, stride, padding and ceil_mode, for an image of `sides`."""
    K = draw(PAIRS)
    padding = tuple(draw(st.integers(0, k // 2)) for k in K)
    sides = draw(SIDES)
    stride, ceil_mode = draw(PAIRS), draw(st.booleans())
    more = [s - 1 for s in stride] if ceil_mode else (0, 0)
    axes = zip(sides, padding, more, K, strict=True)
    assume(all(side + 2 * p + m >= k for side, p, m, k in axes))
    options = {"kernel_size": K, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    return {"sides": sides, "options": options}


def pooled(
    x: Array, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, value: float
) -> Array:
    """Windows (C, OH, OW, N, KH, KW); pixels of the padding, and beyond it, are `value`."""
    (_, H, W, _), (KH, KW), (SH, SW), (PH, PW) = x.shape, kernel_size, stride, padding
    more = (SH - 1, SW - 1) if ceil_mode else (0, 0)
    framed = reference.padded(x, ((PH, PH + more[0]), (PW, PW + more[1])), value)
    at = reference.windows(framed, (KH, KW), (SH, SW), (1, 1))
    # No window may start beyond the image and the padding before it.
    rows, columns = np.arange(at.shape[1]) * SH < H + PH, np.arange(at.shape[2]) * SW < W + PW
    return at[:, rows][:, :, columns]


@settings(max_examples=images.FEW)
@given(drawn=pools(), N=BATCHES, dtype=DTYPES, seed=SEEDS)
def test_reference_of_max(drawn: Any, N: int, dtype: Any, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((2, *drawn["sides"], N)).astype(dtype)
    want = pooled(x, value=-np.inf, **drawn["options"]).max(axis=(4, 5))
    y, _ = MaxPool2d(**drawn["options"]).forward(x)
    np.testing.assert_array_equal(y, want)
    assert y.dtype == dtype
    rectified, _ = MaxPool2d(**drawn["options"]).forward(x, relu=True)
    np.testing.assert_array_equal(rectified, np.maximum(want, 0))


@settings(max_examples=images.FEW)
@given(drawn=pools(), N=BATCHES, dtype=DTYPES, seed=SEEDS)
def test_reference_of_mean(drawn: Any, N: int, dtype: Any, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((2, *drawn["sides"], N)).astype(dtype)
    windows = pooled(x.astype(np.float64), value=np.nan, **drawn["options"])
    y, _ = AvgPool2d(**drawn["options"], count_include_pad=False).forward(x)
    assert_close(y, np.nanmean(windows, axis=(4, 5)), dtype)
    # With padding: its pixels count, those beyond it do not.
    (H, W), (PH, PW) = drawn["sides"], drawn["options"]["padding"]
    frame = reference.padded(np.ones((1, H + PH, W + PW, 1)), ((PH, 0), (PW, 0)), 1)
    whole = drawn["options"] | {"padding": (0, 0)}
    counts = np.nansum(pooled(frame, value=np.nan, **whole), axis=(4, 5))
    y, _ = AvgPool2d(**drawn["options"]).forward(x)
    OH, OW = y.shape[1:3]
    assert_close(y, np.nansum(windows, axis=(4, 5)) / counts[:, :OH, :OW], dtype)


@given(drawn=pools(), relu=st.booleans(), seed=SEEDS)
def test_gradient_of_max(drawn: Any, relu: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = without_kinks((2, *drawn["sides"], 2), rng=rng)
    pool = MaxPool2d(**drawn["options"])
    gradcheck(WithReLU(pool) if relu else pool, x, rng=rng).raise_if_failed()


@given(drawn=pools(), include=st.booleans(), seed=SEEDS)
def test_gradient_of_mean(drawn: Any, include: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = AvgPool2d(**drawn["options"], count_include_pad=include)
    gradcheck(layer, (2, *drawn["sides"], 2), rng=rng).raise_if_failed()
    adjoint(layer, (2, *drawn["sides"], 9), rng=rng).raise_if_failed()


@given(sides=SIDES, N=st.integers(1, 3), seed=SEEDS)
def test_gradient_of_global_mean(sides: Any, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradcheck(GlobalAvgPool2d(), (3, *sides, N), rng=rng).raise_if_failed()


# By hand


def test_ceil_mode_keeps_what_is_left_over() -> None:
    x = image([1, 2, 3], [4, 5, 6], [7, 8, 9])
    np.testing.assert_array_equal(MaxPool2d(2).forward(x)[0], image([5]))
    np.testing.assert_array_equal(MaxPool2d(2, ceil_mode=True).forward(x)[0], image([5, 6], [8, 9]))


@pytest.mark.parametrize("pool", [MaxPool2d, AvgPool2d])
def test_ceil_mode_keeps_a_window_that_reaches_beyond_the_image_by_less_than_a_stride(
    pool: Any,
) -> None:
    """Two pixels, a window of three: ⌈(2 - 3)/2⌉ + 1 = 1 at stride 2, and at stride 1 none."""
    x = image([4, 4])
    np.testing.assert_array_equal(pool((1, 3), 2, ceil_mode=True).forward(x)[0], image([4]))
    for options in ({"stride": 1, "ceil_mode": True}, {"stride": 2}):
        with pytest.raises(ValueError, match=r"a window of 3 does not fit in 2 \+ 0"):
            pool((1, 3), **options).forward(x)


def test_a_window_beyond_the_image_is_left_out() -> None:
    """3 pixels, stride 2, padding 1: windows at -1 and 1; one at 3 would hold nothing but zeros."""
    layer = MaxPool2d((1, 2), (1, 2), (0, 1), ceil_mode=True)
    np.testing.assert_array_equal(layer.forward(image([-1, -2, -3]))[0], image([-1, -2]))


def test_global_mean_by_hand() -> None:
    y, backward = GlobalAvgPool2d().forward(image([1, 2], [3, 6]))
    np.testing.assert_array_equal(y, [[3]])
    np.testing.assert_array_equal(backward(np.array([[8]], np.float32)), image([2, 2], [2, 2]))


# Ties, numbers that are not finite, relu


def test_nan_stays_in_its_window_of_a_mean() -> None:
    x = np.ones((1, 4, 4, 3), np.float32)
    x[0, 1, 1, 1] = np.nan
    y, _ = AvgPool2d(2).forward(x)
    assert np.argwhere(np.isnan(y)).tolist() == [[0, 0, 0, 1]]


@pytest.mark.parametrize("layer", [MaxPool2d(3, 2, 1), WithReLU(MaxPool2d(2)), AvgPool2d(3, 2, 1)])
def test_a_sample_does_not_depend_on_its_neighbours(layer: Any, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 5, 6, 21))
    y, backward = layer.forward(x)
    dy = rng.standard_normal(y.shape)
    dx = backward(dy)
    for n in range(21):
        alone, backward_alone = layer.forward(x[..., n : n + 1])
        np.testing.assert_array_equal(alone, y[..., n : n + 1])
        np.testing.assert_array_equal(backward_alone(dy[..., n : n + 1]), dx[..., n : n + 1])


# Refusals


@pytest.mark.parametrize("pool", [MaxPool2d, AvgPool2d])
def test_refusals(pool: Any) -> None:
    name = pool.__name__
    with pytest.raises(ValueError, match=rf"{name}: expected kernel_size ≥ 1, got 0"):
        pool(0)
    with pytest.raises(ValueError, match=rf"{name}: expected stride ≥ 1, got \(1, 0\)"):
        pool(2, (1, 0))
    with pytest.raises(ValueError, match=rf"{name}: expected padding ≤ half of the window 2, got"):
        pool(2, padding=2)
    with pytest.raises(ValueError, match=rf"{name}: a window of 4 does not fit in 3 \+ 0"):
        pool(4).forward(np.zeros((1, 3, 5, 2), np.float32))
    with pytest.raises(ValueError, match=rf"{name}: expected a sample of shape \(C, H, W\), got"):
        pool(2).output_shape((8,))
    with pytest.raises(ValueError, match=rf"{name} x: expected .* float32, got .* int64"):
        pool(2).forward(np.zeros((1, 4, 4, 2), np.int64))
    _, backward = pool(2).forward(np.zeros((1, 4, 4, 2), np.float32))
    with pytest.raises(
        ValueError, match=rf"{name} dy: expected \(1, 2, 2, 2\) float32, got \(1, 1"
    ):
        backward(np.zeros((1, 1, 2, 2), np.float32))


def test_refusals_of_global_mean() -> None:
    with pytest.raises(ValueError, match=r"GlobalAvgPool2d x: expected \(C, H, W, N\) float32"):
        GlobalAvgPool2d().forward(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"GlobalAvgPool2d: expected a sample of shape \(C, H, W"):
        GlobalAvgPool2d().output_shape((2, 3))
    _, backward = GlobalAvgPool2d().forward(np.zeros((2, 3, 3, 4), np.float32))
    with pytest.raises(ValueError, match=r"GlobalAvgPool2d dy: expected \(2, 4\) float32, got"):
        backward(np.zeros((2, 1), np.float32))
