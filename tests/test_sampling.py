"""GaussianSample: the derivative, and the distribution, which no derivative can see."""

from math import log, sqrt
from statistics import NormalDist
from types import ModuleType

import numpy as np
import pytest
from checks.sampling import (
    DRAWS,
    LOGVAR,
    MU,
    check_gradient,
    check_gradients_are_new,
    check_moments,
    draw,
)
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.layers import sampling
from nnscratch.layers.sampling import GaussianSample

pytestmark = [pytest.mark.kernel, pytest.mark.plain]

SIZES, SEEDS = st.integers(1, 4), st.integers(0, 99)


def check_by_hand(module: ModuleType) -> None:
    """σ² = 4, so σ = 2; ε = 3: z = 1 + 2·3 = 7. dz = 5: dμ = 5, dlogvar = ½·5·2·3 = 15."""
    mu, logvar, eps, dz = np.array([1, log(4), 3, 5]).reshape(4, 1, 1)
    z, backward = module.GaussianSample().forward(mu, logvar, eps)
    dmu, dlogvar = backward(dz)
    np.testing.assert_allclose(z, [[7]])
    np.testing.assert_allclose(dmu, [[5]])
    np.testing.assert_allclose(dlogvar, [[15]])


@given(L=SIZES, N=SIZES, seed=SEEDS)
def test_gradient(L: int, N: int, seed: int) -> None:
    check_gradient(sampling, L, N, seed)


def test_by_hand() -> None:
    check_by_hand(sampling)


def test_moments() -> None:
    check_moments(sampling)


def test_distribution() -> None:
    """Kolmogorov-Smirnov: the largest gap between empirical and true F is < 1.95/√n (p = 0.1%)."""
    z = np.sort(draw(sampling))
    F = np.vectorize(NormalDist(MU, np.exp(LOGVAR / 2)).cdf)(z[::50])
    gap = np.abs(F - np.arange(1, DRAWS + 1)[::50] / DRAWS)
    assert gap.max() < 1.95 / sqrt(DRAWS)


def test_without_noise_it_is_the_mean(rng: np.random.Generator) -> None:
    mu, logvar = rng.standard_normal((2, 3, 4))
    z, _ = GaussianSample().forward(mu, logvar, np.zeros((3, 4)))
    np.testing.assert_array_equal(z, mu)


def test_its_gradients_may_be_written_to() -> None:
    check_gradients_are_new(sampling)


def test_float32_stays_float32(rng: np.random.Generator) -> None:
    arrays = rng.standard_normal((3, 2, 3)).astype(np.float32)
    z, backward = GaussianSample().forward(*arrays)
    assert z.dtype == np.float32
    assert [d.dtype for d in backward(z)] == [np.float32, np.float32]
    exact, _ = GaussianSample().forward(*arrays.astype(np.float64))
    np.testing.assert_allclose(z, exact, rtol=1e-5, atol=1e-6)


def test_nan_is_not_swallowed() -> None:
    one, nan = np.ones((1, 1)), np.full((1, 1), np.nan)
    assert np.isnan(GaussianSample().forward(nan, one, one)[0])
    assert np.isnan(GaussianSample().forward(one, nan, one)[0])
    assert np.isnan(GaussianSample().forward(one, one, nan)[0])


@pytest.mark.parametrize("name", ["logvar", "eps"])
def test_refuses_an_array_that_would_broadcast(name: str) -> None:
    arrays = {a: np.zeros((3, 4)) for a in ("mu", "logvar", "eps")} | {name: np.zeros((3, 1))}
    message = rf"GaussianSample {name}: expected \(3, 4\) float64, got \(3, 1\) float64"
    with pytest.raises(ValueError, match=message):
        GaussianSample().forward(**arrays)


def test_refuses_a_dz_that_would_broadcast() -> None:
    zeros = np.zeros((3, 4))
    _, backward = GaussianSample().forward(zeros, zeros, zeros)
    with pytest.raises(ValueError, match=r"GaussianSample dz: expected \(3, 4\) float64, got"):
        backward(np.zeros((1, 4)))


def test_prints_as_the_call_that_makes_it() -> None:
    assert repr(GaussianSample()) == "GaussianSample()"
