"""GaussianSample: the derivative, and the distribution, which no derivative can see."""

from math import log, sqrt
from statistics import NormalDist
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import gradcheck
from nnscratch.layers import sampling
from nnscratch.layers.sampling import GaussianSample

pytestmark = [pytest.mark.kernel, pytest.mark.plain]

SIZES, SEEDS = st.integers(1, 4), st.integers(0, 99)
MU, LOGVAR, DRAWS = 2.0, log(9), 100_000


def draw(module: ModuleType) -> np.ndarray:
    """100,000 draws from N(2, 9)."""
    shape = (10, DRAWS // 10)
    eps = np.random.default_rng(0).standard_normal(shape)
    z, _ = module.GaussianSample().forward(np.full(shape, MU), np.full(shape, LOGVAR), eps)
    return z.ravel()


# What test_faults.py runs on broken copies of the module as well.


def check_gradient(module: ModuleType, L: int, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    eps = rng.standard_normal((L, N))
    gradcheck(module.GaussianSample(), (L, N), (L, N), constants=[eps], rng=rng).raise_if_failed()


def check_moments(module: ModuleType) -> None:
    """z has mean μ and standard deviation e^(logvar/2) = 3, to five standard errors.

    With σ = e^logvar, the bug that peers ship, it would be 9, and every gradient still right.
    """
    z, sigma = draw(module), np.exp(LOGVAR / 2)
    assert abs(z.mean() - MU) < 5 * sigma / sqrt(DRAWS)
    assert abs(z.std() - sigma) < 5 * sigma / sqrt(2 * DRAWS)


def check_by_hand(module: ModuleType) -> None:
    """σ² = 4, so σ = 2; ε = 3: z = 1 + 2·3 = 7. dz = 5: dμ = 5, dlogvar = ½·5·2·3 = 15."""
    mu, logvar, eps, dz = np.array([1, log(4), 3, 5]).reshape(4, 1, 1)
    z, backward = module.GaussianSample().forward(mu, logvar, eps)
    dmu, dlogvar = backward(dz)
    np.testing.assert_allclose(z, [[7]])
    np.testing.assert_allclose(dmu, [[5]])
    np.testing.assert_allclose(dlogvar, [[15]])


def check_gradients_are_new(module: ModuleType) -> None:
    """The VAE adds the KL's gradient into dμ: dμ must not be dz under another name."""
    mu, logvar, eps, dz = np.ones((4, 2, 3))
    dmu, dlogvar = module.GaussianSample().forward(mu, logvar, eps)[1](dz)
    assert not np.shares_memory(dmu, dz)
    assert not np.shares_memory(dlogvar, dz)


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
