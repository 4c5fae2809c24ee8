"""Noise has the moments it claims, the resizers agree with pictures one can draw on paper."""

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data import (
    LESSON_NOISE,
    downsample,
    gaussian_noise,
    masking,
    mnist,
    salt_and_pepper,
    upsample_bilinear,
    upsample_nearest,
)

SEEDS, SIDES, FACTORS = st.integers(0, 99), st.integers(1, 5), st.integers(1, 4)
LEADS = st.sampled_from([(1,), (3,), (2, 1), (2, 3)])
DTYPES = st.sampled_from(["float32", "float64"])
NOISES = [
    partial(gaussian_noise, mean=0.2, sd=0.5),
    partial(salt_and_pepper, fraction=0.5),
    partial(masking, fraction=0.5),
]
RESIZERS = [downsample, upsample_nearest, upsample_bilinear]


def draw(seed: int, dtype: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype)


@pytest.mark.parametrize("noise", NOISES)
@given(lead=LEADS, H=SIDES, W=SIDES, dtype=DTYPES, seed=SEEDS)
def test_noise_keeps_shape_dtype_range_and_its_argument(
    noise: Callable[..., np.ndarray], lead: tuple[int, ...], H: int, W: int, dtype: str, seed: int
) -> None:
    x = draw(seed, dtype, *lead, H, W)
    before = x.copy()
    y = noise(x, rng=np.random.default_rng(seed))
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert y.min() >= 0
    assert y.max() <= 1
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(y, noise(x, rng=np.random.default_rng(seed)))


def test_gaussian_noise_has_its_moments(rng: np.random.Generator) -> None:
    """Six standard deviations away from 0 and 1 nothing is clipped."""
    n, mean, sd = 100_000, 0.1, 0.05
    noise = gaussian_noise(np.full(n, 0.4), mean, sd, rng=rng) - 0.4
    assert abs(noise.mean() - mean) < 5 * sd / np.sqrt(n)
    assert abs(noise.var() - sd**2) < 5 * sd**2 * np.sqrt(2 / n)


def test_a_numpy_number_for_sd_does_not_widen_the_image(rng: np.random.Generator) -> None:
    y = gaussian_noise(np.zeros(3, np.float32), np.float64(0.5), np.float64(0.5), rng=rng)
    assert y.dtype == np.float32


def test_salt_and_pepper_are_equally_many(rng: np.random.Generator) -> None:
    n, fraction = 100_000, 0.3
    y = salt_and_pepper(np.full(n, 0.5), fraction, rng=rng)
    for grain in (0, 1):
        assert abs((y == grain).mean() - 0.15) < 5 * np.sqrt(0.15 * 0.85 / n)
    assert set(np.unique(y)) == {0, 0.5, 1}


def test_masking_sets_its_fraction_to_zero(rng: np.random.Generator) -> None:
    n, fraction = 100_000, 0.3
    y = masking(np.full(n, 0.5), fraction, rng=rng)
    assert abs((y == 0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / n)
    assert set(np.unique(y)) == {0, 0.5}


@pytest.mark.parametrize("noise", [salt_and_pepper, masking])
def test_a_fraction_of_0_is_nothing_and_of_1_is_all(
    noise: Callable[..., np.ndarray], rng: np.random.Generator
) -> None:
    x = np.full((2, 3, 3), 0.5)
    np.testing.assert_array_equal(noise(x, 0, rng=rng), x)
    assert (noise(x, 1, rng=rng) != x).all()


@given(lead=LEADS, H=SIDES, W=SIDES, K=FACTORS, dtype=DTYPES, seed=SEEDS)
def test_downsample_is_the_mean_of_tiles(
    lead: tuple[int, ...], H: int, W: int, K: int, dtype: str, seed: int
) -> None:
    x = draw(seed, dtype, *lead, K * H, K * W)
    tiles = [x[..., i::K, j::K] for i in range(K) for j in range(K)]
    y = downsample(x, K)
    np.testing.assert_allclose(y, np.mean(tiles, axis=0), rtol=1e-6)
    assert y.dtype == x.dtype


@given(lead=LEADS, H=SIDES, W=SIDES, K=FACTORS, dtype=DTYPES, seed=SEEDS)
def test_downsample_takes_back_upsample_nearest(
    lead: tuple[int, ...], H: int, W: int, K: int, dtype: str, seed: int
) -> None:
    x = draw(seed, dtype, *lead, H, W)
    y = upsample_nearest(x, K)
    assert (y.shape, y.dtype) == ((*lead, K * H, K * W), x.dtype)
    np.testing.assert_allclose(downsample(y, K), x, rtol=1e-6)


def test_upsample_nearest_of_a_picture() -> None:
    x = np.array([[[0.0, 0.5], [1.0, 0.25]]])
    np.testing.assert_array_equal(
        upsample_nearest(x, 2)[0],
        [[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5], [1, 1, 0.25, 0.25], [1, 1, 0.25, 0.25]],
    )


def test_upsample_bilinear_of_a_picture() -> None:
    """Centres at −¼, ¼, ¾ and 5/4 of a row of two: the outer ones lie beyond, on the edge."""
    x = np.array([[[0.0, 1.0], [0.5, 1.0]]])
    rows = [[0, 0.25, 0.75, 1], [0.5, 0.625, 0.875, 1]]
    between = [[0.125, 0.34375, 0.78125, 1], [0.375, 0.53125, 0.84375, 1]]
    np.testing.assert_array_equal(upsample_bilinear(x, 2)[0], [rows[0], *between, rows[1]])


@given(lead=LEADS, H=SIDES, W=SIDES, K=FACTORS, dtype=DTYPES, seed=SEEDS)
def test_upsample_bilinear_is_linear_interpolation_along_each_axis(
    lead: tuple[int, ...], H: int, W: int, K: int, dtype: str, seed: int
) -> None:
    def stretch(row: np.ndarray) -> np.ndarray:
        L = len(row)
        return np.interp((np.arange(K * L) + 0.5) / K - 0.5, np.arange(L), row)

    x = draw(seed, dtype, *lead, H, W)
    y = upsample_bilinear(x, K)
    expected = np.apply_along_axis(stretch, -1, np.apply_along_axis(stretch, -2, x))
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-6)
    assert y.dtype == x.dtype
    assert y.max() <= x.max()


@pytest.mark.parametrize("resize", RESIZERS)
@given(H=SIDES, W=SIDES, K=FACTORS, dtype=DTYPES, level=st.sampled_from([0, 0.5, 1]))
def test_an_even_picture_stays_even(
    resize: Callable[..., np.ndarray], H: int, W: int, K: int, dtype: str, level: float
) -> None:
    y = resize(np.full((2, K * H, K * W), level, dtype), K)
    np.testing.assert_array_equal(y, np.full(y.shape, level))


ONE = np.full((1, 4, 6), 0.5)


@pytest.mark.parametrize(
    ("corrupt", "message"),
    [
        (partial(gaussian_noise, ONE, 0, np.nan), "gaussian_noise: expected sd ≥ 0, got nan"),
        (partial(gaussian_noise, ONE, np.inf, 1), "gaussian_noise: expected mean, a finite number"),
        (
            partial(gaussian_noise, ONE, 0, -1),
            "gaussian_noise: expected sd ≥ 0, got -1",
        ),
        (partial(salt_and_pepper, ONE, 1.1), "salt_and_pepper: expected a fraction in [0, 1]"),
        (partial(masking, ONE, -0.1), "masking: expected a fraction in [0, 1], got -0.1"),
    ],
)
def test_noise_refuses(
    corrupt: Callable[..., np.ndarray], message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        corrupt(rng=rng)


@pytest.mark.parametrize("noise", NOISES[:2], ids=["gaussian_noise", "salt_and_pepper"])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(3, np.uint8), "x: expected float32 or float64, got uint8; divide by 255 first"),
        (np.zeros(3, int), "x: expected uint8, float32 or float64, got (3,) int64"),
        (np.full(3, 2.0), "x: expected numbers in [0, 1], got 2 to 2; divide by 255"),
        (np.full(3, np.nan), "x: expected finite numbers"),
    ],
)
def test_noise_refuses_what_is_not_in_0_to_1(
    noise: Callable[..., np.ndarray], x: np.ndarray, message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        noise(x, rng=rng)


def test_signals_are_no_images(rng: np.random.Generator) -> None:
    """Standardised ones get noise that is not clipped, and lose numbers to 0, their mean."""
    x = 3 * rng.standard_normal((200, 100))
    noise = gaussian_noise(x, 0.5, 2, clip=False, rng=rng) - x
    assert noise.mean() == pytest.approx(0.5, abs=5 * 2 / np.sqrt(x.size))
    assert noise.std() == pytest.approx(2, rel=0.05)
    masked = masking(x, 0.25, rng=rng)
    assert (masked == 0).mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_array_equal(masked[masked != 0], x[masked != 0])


@pytest.mark.parametrize("resize", RESIZERS)
@pytest.mark.parametrize(
    ("x", "factor", "message"),
    [
        (ONE, 0, ": expected a factor ≥ 1, got 0"),
        (ONE[0], 2, " x: expected (N, H, W) or (N, C, H, W)"),
        (ONE.astype(np.uint8), 2, " x: expected float32 or float64, got uint8"),
        (2 * ONE + 1, 2, " x: expected numbers in [0, 1], got 2 to 2"),
    ],
)
def test_resizers_refuse(
    resize: Callable[..., np.ndarray], x: np.ndarray, factor: int, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(resize.__name__ + message)):
        resize(x, factor)


@pytest.mark.parametrize(("factor", "size"), [(3, "4×6"), (4, "4×6")])
def test_downsample_refuses_a_factor_that_does_not_divide(factor: int, size: str) -> None:
    message = f"downsample: a factor of {factor} does not divide {size}"
    with pytest.raises(ValueError, match=message):
        downsample(ONE, factor)


def psnr(mse: float) -> float:
    return float(-10 * np.log10(mse))


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("edition", "decibel"), [("tensorflow", 4.83), ("pytorch", 5.49), ("keras", 9.37)]
)
def test_the_noise_of_each_edition_on_mnist(
    edition: str, decibel: float, rng: np.random.Generator
) -> None:
    x = mnist().test.images.astype(np.float32) / 255
    y = gaussian_noise(x, *LESSON_NOISE[edition], rng=rng)
    assert psnr(np.mean((y - x) ** 2)) == pytest.approx(decibel, abs=0.01)


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("upsample", "mse"), [(upsample_nearest, 0.01636), (upsample_bilinear, 0.01462)]
)
def test_what_a_super_resolution_has_to_beat_on_mnist(
    upsample: Callable[..., np.ndarray], mse: float
) -> None:
    x = mnist().test.images.astype(np.float32) / 255
    y = upsample(downsample(x, 2), 2)
    assert np.mean((y - x) ** 2) == pytest.approx(mse, abs=1e-5)
