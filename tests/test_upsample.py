"""Upsampling: repetition and straight lines."""

from typing import Any

import images
import numpy as np
import pytest
from checks.upsample import interpolated
from hypothesis import given, settings
from hypothesis import strategies as st
from images import BATCHES, DTYPES, assert_close

from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.layers import AvgPool2d, UpsampleBilinear2d, UpsampleNearest2d

pytestmark = [pytest.mark.usefixtures("path"), pytest.mark.image_kernel, pytest.mark.plain]

SCALES = st.tuples(st.integers(1, 4), st.integers(1, 4))
SIDES = st.tuples(st.integers(1, 5), st.integers(1, 5))
BOTH = [UpsampleNearest2d, UpsampleBilinear2d]
SEEDS = st.integers(0, 99)


@settings(max_examples=images.FEW)
@given(sides=SIDES, scale=SCALES, N=BATCHES, dtype=DTYPES, seed=SEEDS)
def test_reference(sides: Any, scale: Any, N: int, dtype: Any, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((2, *sides, N)).astype(dtype)
    y, _ = UpsampleNearest2d(scale).forward(x)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, x.repeat(scale[0], axis=1).repeat(scale[1], axis=2))
    y, _ = UpsampleBilinear2d(scale).forward(x)
    assert_close(y, interpolated(x.astype(np.float64), scale), dtype)


@pytest.mark.parametrize("upsample", BOTH)
@given(sides=SIDES, scale=SCALES, N=st.integers(1, 2), seed=SEEDS)
def test_gradient(upsample: Any, sides: Any, scale: Any, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    adjoint(upsample(scale), (2, *sides, 9), rng=rng).raise_if_failed()
    sides, scale = [min(2, a) for a in sides], tuple(min(3, a) for a in scale)
    gradcheck(upsample(scale), (2, *sides, N), rng=rng).raise_if_failed()


def test_nearest_is_the_adjoint_of_the_mean_but_for_the_count(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 6, 4, 3))
    _, backward = AvgPool2d((3, 2)).forward(x)
    dy = rng.standard_normal((2, 2, 2, 3))
    np.testing.assert_allclose(6 * backward(dy), UpsampleNearest2d((3, 2)).forward(dy)[0])


@pytest.mark.parametrize("upsample", BOTH)
def test_a_sample_does_not_depend_on_its_neighbours(
    upsample: Any, rng: np.random.Generator
) -> None:
    x, dy = rng.standard_normal((2, 3, 2, 21)), rng.standard_normal((2, 6, 6, 21))
    y, backward = upsample((2, 3)).forward(x)
    dx = backward(dy)
    for n in range(21):
        alone, backward_alone = upsample((2, 3)).forward(x[..., n : n + 1])
        np.testing.assert_array_equal(alone, y[..., n : n + 1])
        np.testing.assert_array_equal(backward_alone(dy[..., n : n + 1]), dx[..., n : n + 1])


@pytest.mark.parametrize("upsample", BOTH)
def test_a_nan_goes_no_further_than_it_must(upsample: Any) -> None:
    x = np.zeros((1, 5, 5, 2), np.float32)
    x[0, 2, 2, 1] = np.nan
    seen = np.isnan(upsample(2).forward(x)[0])
    assert not seen[..., 0].any()
    rows = np.flatnonzero(seen[0, :, :, 1].any(axis=1))
    assert rows.tolist() == ([4, 5] if upsample is UpsampleNearest2d else [3, 4, 5, 6])


@pytest.mark.parametrize("upsample", BOTH)
def test_refusals(upsample: Any) -> None:
    name = upsample.__name__
    with pytest.raises(ValueError, match=rf"{name}: expected scale_factor ≥ 1, got \(2, 0\)"):
        upsample((2, 0))
    with pytest.raises(ValueError, match=rf"{name}: expected a sample of shape \(C, H, W\), got"):
        upsample(2).output_shape((3, 4))
    with pytest.raises(ValueError, match=rf"{name} x: expected .* float32, got .* float16"):
        upsample(2).forward(np.zeros((1, 4, 4, 2), np.float16))
    _, backward = upsample(2).forward(np.zeros((1, 2, 2, 2), np.float32))
    with pytest.raises(
        ValueError, match=rf"{name} dy: expected \(1, 4, 4, 2\) float32, got \(1, 2"
    ):
        backward(np.zeros((1, 2, 2, 2), np.float32))
