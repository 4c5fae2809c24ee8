"""Likelihoods: value, gradient, mean and draws all of one distribution."""

from math import log, pi
from typing import Any

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import gradcheck
from nnscratch.likelihoods import Bernoulli, Gaussian, Likelihood, SquaredError, per_sample

pytestmark = pytest.mark.plain

ALL: list[Likelihood] = [Bernoulli(), Gaussian(), Gaussian(0.3), SquaredError()]
EACH = pytest.mark.parametrize("likelihood", ALL, ids=repr)
SHAPES = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)
SEEDS = st.integers(0, 99)


def drawn(shape: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What a decoder returns, and a target in [0, 1]."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape), rng.random(shape)


@EACH
@given(shape=SHAPES, seed=SEEDS)
def test_nll_is_the_mean_of_minus_log_prob(
    likelihood: Likelihood, shape: tuple[int, ...], seed: int
) -> None:
    a, t = drawn(shape, seed)
    log_prob = likelihood.log_prob(a, t)
    assert log_prob.shape == shape[-1:]
    np.testing.assert_allclose(likelihood.nll(a, t)[0], -log_prob.mean(), rtol=1e-12)


@EACH
@given(shape=SHAPES, seed=SEEDS)
def test_gradient(likelihood: Likelihood, shape: tuple[int, ...], seed: int) -> None:
    a, t = drawn(shape, seed)
    report = gradcheck(likelihood.nll, a, constants=[t], rng=np.random.default_rng(seed))
    assert report.ok, report


@given(shape=SHAPES, seed=SEEDS)
def test_bernoulli_is_cross_entropy(shape: tuple[int, ...], seed: int) -> None:
    a, t = drawn(shape, seed)
    value = -Bernoulli().log_prob(a, t).mean()
    np.testing.assert_allclose(value, reference.bernoulli_nll(a, t), rtol=1e-12)


@given(shape=SHAPES, seed=SEEDS, variance=st.floats(0.01, 10))
def test_gaussian_is_the_normal_density(shape: tuple[int, ...], seed: int, variance: float) -> None:
    a, t = drawn(shape, seed)
    nll = reference.gaussian_nll(a, np.full(shape, log(variance)), t)
    np.testing.assert_allclose(-Gaussian(variance).log_prob(a, t).mean(), nll, rtol=1e-9)


@given(shape=SHAPES, seed=SEEDS)
def test_squared_error_is_a_gaussian_of_variance_one_half_less_a_constant(
    shape: tuple[int, ...], seed: int
) -> None:
    """½ D log(2π ½) = ½ D log π, whatever a and t; and so the gradients are the same."""
    a, t = drawn(shape, seed)
    constant = np.prod(shape[:-1]) * log(pi) / 2
    theirs, dtheirs = Gaussian(0.5).nll(a, t)
    value, da = SquaredError().nll(a, t)
    np.testing.assert_allclose(value + constant, theirs, rtol=1e-12)
    np.testing.assert_allclose(da, dtheirs, rtol=1e-12)
    np.testing.assert_allclose(
        SquaredError().log_prob(a, t) - constant, Gaussian(0.5).log_prob(a, t), rtol=1e-12
    )


def test_by_hand() -> None:
    """a = 0 and t = 1, two pixels: log 2 each, a squared error of 1 each."""
    a, t = np.zeros((2, 1)), np.ones((2, 1))
    np.testing.assert_allclose(Bernoulli().log_prob(a, t), -2 * log(2), rtol=1e-15)
    np.testing.assert_allclose(SquaredError().log_prob(a, t), -2, rtol=1e-15)
    np.testing.assert_allclose(Gaussian(4).log_prob(a, t), -2 / 8 - log(8 * pi), rtol=1e-15)


# Means and draws

VARIANCES = [
    (Bernoulli(), lambda p: p * (1 - p)),
    (Gaussian(0.3), lambda p: 0.3),
    (SquaredError(), lambda p: 0.5),
]


@pytest.mark.parametrize(("likelihood", "variance"), VARIANCES, ids=lambda v: repr(v)[:12])
def test_draws_have_the_mean_and_the_variance(
    likelihood: Likelihood, variance: Any, rng: np.random.Generator
) -> None:
    """Within five standard errors; the fourth moment of the three is at most 3 variance²."""
    N = 20_000
    a = np.repeat(np.array([[-2.0], [0.1], [1.5]]), N, axis=1)
    mean = likelihood.mean(a)[:, 0]
    draws = likelihood.sample(a, rng=rng)
    var = variance(mean) * np.ones(3)
    assert (np.abs(draws.mean(axis=1) - mean) < 5 * np.sqrt(var / N)).all()
    assert (np.abs(draws.var(axis=1) - var) < 5 * var * np.sqrt(8 / N)).all()


def test_a_bernoulli_draw_is_zero_or_one(rng: np.random.Generator) -> None:
    draws = Bernoulli().sample(np.zeros((4, 50)), rng=rng)
    assert set(np.unique(draws)) == {0, 1}
    sure = np.array([[-1e4, 1e4]])
    np.testing.assert_array_equal(Bernoulli().sample(sure, rng=rng), [[0, 1]])


def test_means_by_hand() -> None:
    a = np.array([[0.0, log(3), -1e4]])
    np.testing.assert_allclose(Bernoulli().mean(a), [[0.5, 0.75, 0]], rtol=1e-15)
    np.testing.assert_array_equal(Gaussian(3).mean(a), a)
    np.testing.assert_array_equal(SquaredError().mean(a), a)


@EACH
def test_a_draw_belongs_to_its_seed(likelihood: Likelihood) -> None:
    a, _ = drawn((3, 4))
    one, same, other = (likelihood.sample(a, rng=np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@EACH
def test_float32_stays_float32(likelihood: Likelihood, rng: np.random.Generator) -> None:
    a, t = (v.astype(np.float32) for v in drawn((3, 4)))
    arrays = [likelihood.nll(a, t)[1], likelihood.log_prob(a, t)]
    arrays += [likelihood.mean(a), likelihood.sample(a, rng=rng)]
    assert [v.dtype for v in arrays] == [np.float32] * 4
    exact, _ = likelihood.nll(a.astype(np.float64), t.astype(np.float64))
    np.testing.assert_allclose(likelihood.nll(a, t)[0], exact, rtol=1e-5)


# The edges


def test_extreme_logits_neither_overflow_nor_warn() -> None:
    """-log σ(±1e4) is 0 or 1e4."""
    a, t = np.array([[1e4, -1e4, 1e4, -1e4]]), np.array([[1.0, 0.0, 0.0, 1.0]])
    np.testing.assert_array_equal(Bernoulli().log_prob(a, t), [0, 0, -1e4, -1e4])
    assert Bernoulli().nll(a, t)[0] == 5e3


@EACH
def test_a_nan_is_not_swallowed(likelihood: Likelihood) -> None:
    a, t = drawn((3, 4))
    a[1, 2] = np.nan
    assert np.isnan(likelihood.nll(a, t)[0])
    with np.errstate(invalid="ignore"):  # logaddexp says so as well
        np.testing.assert_array_equal(np.isnan(likelihood.log_prob(a, t)), [0, 0, 1, 0])


@EACH
def test_targets_of_another_shape_are_refused_and_not_broadcast(likelihood: Likelihood) -> None:
    a, t = drawn((3, 4))
    with pytest.raises(ValueError, match=r"t: expected \(3, 4\) float64, got \(3, 1\) float64"):
        likelihood.nll(a, t[:, :1])


@pytest.mark.parametrize("variance", [0.0, -1.0, np.nan])
def test_a_variance_is_positive(variance: float) -> None:
    with pytest.raises(ValueError, match=f"Gaussian: expected variance > 0, got {variance}"):
        Gaussian(variance)


def test_per_sample_sums_over_everything_but_the_batch() -> None:
    np.testing.assert_array_equal(per_sample(np.arange(12.0).reshape(2, 3, 2)), [30, 36])
