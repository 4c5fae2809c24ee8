"""Losses: value against probability, gradient against value, and the limits of both."""

from functools import partial
from math import log, pi
from typing import Any

import numpy as np
import pytest
import reference
from checks.losses import (
    check_bernoulli_blocks,
    check_bernoulli_limits,
    check_categorical_limits,
    check_gradient,
    check_kl_by_hand,
    check_kl_by_monte_carlo,
    check_reduction,
    check_value,
    drawn,
    each,
)
from hypothesis import given
from hypothesis import strategies as st

from nnscratch import losses
from nnscratch.losses import (
    bernoulli_nll,
    binary_entropy,
    categorical_nll,
    gaussian_kl,
    gaussian_kl_per_dimension,
    gaussian_nll,
    l1_penalty,
    squared_error,
)

pytestmark = [pytest.mark.kernel, pytest.mark.plain, pytest.mark.oldest]

SIZES, SEEDS = st.integers(1, 4), st.integers(0, 99)


NAMES = [
    "squared_error",
    "gaussian_nll",
    "bernoulli_nll",
    "categorical_nll",
    "gaussian_kl",
    "l1_penalty",
]
SHAPES = st.lists(SIZES, min_size=2, max_size=3).map(tuple)


@pytest.mark.parametrize("name", NAMES)
@given(shape=SHAPES, seed=SEEDS)
def test_gradient(name: str, shape: tuple[int, ...], seed: int) -> None:
    check_gradient(losses, name, shape, seed)


@pytest.mark.parametrize("name", NAMES)
@given(shape=SHAPES, seed=SEEDS)
def test_value_is_minus_log_of_a_probability(name: str, shape: tuple[int, ...], seed: int) -> None:
    check_value(losses, name, shape, seed)


@pytest.mark.parametrize("name", NAMES)
def test_sums_over_features_and_averages_over_the_batch(name: str) -> None:
    check_reduction(losses, name)


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_float64_to_single_precision(name: str) -> None:
    """784 · 20 terms: in float32 too the value keeps six digits."""
    inputs, constants = drawn(name, (784, 20), 0)
    floats = [a for a in (*inputs, *constants) if a.dtype.kind == "f"]
    single = [a.astype(np.float32) for a in floats]
    labels = [a for a in constants if a.dtype.kind == "i"]
    value64, d64 = getattr(losses, name)(*floats, *labels)
    value32, d32 = getattr(losses, name)(*single, *labels)
    assert isinstance(value32, float)
    np.testing.assert_allclose(value32, value64, rtol=1e-6)
    for got, want in zip(each(d32), each(d64), strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_reads_any_view(name: str) -> None:
    """Transposed and strided: contiguous in neither order."""
    inputs, constants = drawn(name, (3, 4, 5), 0)
    arrays = [*inputs, *constants]
    views = [np.repeat(a.T, 2, axis=0).T[..., ::2] for a in arrays]
    assert not any(a.flags.c_contiguous or a.flags.f_contiguous for a in views)
    value, d = getattr(losses, name)(*arrays)
    value_too, d_too = getattr(losses, name)(*views)
    np.testing.assert_allclose(value_too, value, rtol=1e-14)
    np.testing.assert_allclose(each(d_too), each(d), rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_nan_is_not_swallowed(name: str) -> None:
    inputs, constants = drawn(name, (3, 4), 0)
    inputs[-1][1, 2] = np.nan
    value, d = getattr(losses, name)(*inputs, *constants)
    assert np.isnan(value)
    assert np.isnan(each(d)[-1][1, 2])


@pytest.mark.parametrize("bad", [np.zeros((3, 1)), np.zeros((3, 4), np.float32)])
@pytest.mark.parametrize(
    ("loss", "count", "who"),
    [
        (squared_error, 1, "squared_error t"),
        (bernoulli_nll, 1, "bernoulli_nll t"),
        (partial(gaussian_nll, t=np.zeros((3, 4))), 1, "gaussian_nll logvar"),
        (gaussian_nll, 2, "gaussian_nll t"),
        (gaussian_kl, 1, "gaussian_kl logvar"),
        (gaussian_kl_per_dimension, 1, "gaussian_kl_per_dimension logvar"),
    ],
)
def test_refuses_an_array_that_would_broadcast(
    loss: Any, count: int, who: str, bad: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=rf"{who}: expected \(3, 4\) float64, got"):
        loss(*[np.zeros((3, 4))] * count, bad)


# Gaussians


def test_squared_error_by_hand() -> None:
    """Two samples of two features: ((1 + 4) + (9 + 0))/2 = 7; dy = 2 (y - t)/2 = y - t."""
    y, t = np.array([[1.0, 3.0], [5.0, 2.0]]), np.array([[0.0, 0.0], [3.0, 2.0]])
    value, dy = squared_error(y, t)
    assert value == 7
    np.testing.assert_array_equal(dy, [[1, 3], [2, 0]])


def test_squared_error_is_a_gaussian_of_variance_one_half(rng: np.random.Generator) -> None:
    """-log N(t; y, ½) = (t - y)² + ½ log π."""
    y, t = rng.standard_normal((2, 6, 4))
    value, dy = squared_error(y, t)
    nll, (dmean, _) = gaussian_nll(y, np.full((6, 4), log(1 / 2)), t)
    np.testing.assert_allclose(nll, value + 6 * log(pi) / 2)
    np.testing.assert_allclose(dmean, dy)


def test_gaussian_nll_by_hand() -> None:
    """mean 1, σ² = 4, t = 5: ½ (16/4 + log 4 + log 2π); dmean = -4/4; dlogvar = ½ (1 - 16/4)."""
    value, (dmean, dlogvar) = gaussian_nll(*np.array([1, log(4), 5]).reshape(3, 1, 1))
    np.testing.assert_allclose(value, (4 + log(4) + log(2 * pi)) / 2)
    np.testing.assert_allclose(dmean, [[-1]])
    np.testing.assert_allclose(dlogvar, [[-3 / 2]])


def test_kl_by_hand() -> None:
    check_kl_by_hand(losses)


def test_kl_by_monte_carlo() -> None:
    check_kl_by_monte_carlo(losses)


def test_kl_of_the_prior_is_zero() -> None:
    value, (dmu, dlogvar) = gaussian_kl(np.zeros((3, 4)), np.zeros((3, 4)))
    assert value == 0
    np.testing.assert_array_equal([dmu, dlogvar], np.zeros((2, 3, 4)))


@given(mu=st.floats(-10, 10), logvar=st.floats(-10, 10))
def test_kl_is_never_negative(mu: float, logvar: float) -> None:
    assert gaussian_kl(np.array([[mu]]), np.array([[logvar]]))[0] >= 0


def test_kl_near_the_prior_keeps_its_digits() -> None:
    """At σ² = 1 + δ it is δ²/4; e^logvar - 1, as it stands, would lose half of them."""
    logvar = np.log1p(1e-6)
    value, (_, dlogvar) = gaussian_kl(np.zeros((1, 1)), np.array([[logvar]]))
    np.testing.assert_allclose(dlogvar, [[0.5e-6]], rtol=1e-9)
    np.testing.assert_allclose(value, 0.25e-12, rtol=1e-3)


def test_kl_per_dimension_adds_up(rng: np.random.Generator) -> None:
    mu, logvar = rng.standard_normal((2, 3, 50))
    mu[1], logvar[1] = 0, 0
    per_dimension = gaussian_kl_per_dimension(mu, logvar)
    assert per_dimension.shape == (3,)
    assert per_dimension[1] == 0
    np.testing.assert_allclose(per_dimension.sum(), gaussian_kl(mu, logvar)[0])


# Bernoulli


def test_bernoulli_by_hand() -> None:
    """a = log 3 is p = ¾: -log ¾ and -log ¼ for t = 1 and 0; da = (p - t)/2 = -⅛, ⅜."""
    value, da = bernoulli_nll(np.full((1, 2), log(3)), np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(value, -(log(3 / 4) + log(1 / 4)) / 2)
    np.testing.assert_allclose(da, [[-1 / 8, 3 / 8]])


def test_bernoulli_of_extreme_logits() -> None:
    check_bernoulli_limits(losses)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000])
def test_bernoulli_over_blocks_of_logarithms(size: int) -> None:
    check_bernoulli_blocks(losses, size)


@given(t=st.floats(0.01, 0.99))
def test_grey_targets_have_a_floor(t: float) -> None:
    """At σ(a) = t the gradient vanishes and the loss is the entropy of t, which is not 0."""
    grey = np.array([[t]])
    value, da = bernoulli_nll(np.log(grey / (1 - grey)), grey)
    np.testing.assert_allclose(value, binary_entropy(grey), rtol=1e-12)
    np.testing.assert_allclose(da, 0, atol=1e-15)


def test_binary_entropy_by_hand() -> None:
    """A fair coin has log 2 nats; what is black or white has none; two samples are averaged."""
    t = np.array([[[0.5, 1.0]], [[0.0, 0.25]]], np.float32)
    quarter = -log(1 / 4) / 4 - 3 * log(3 / 4) / 4
    np.testing.assert_allclose(binary_entropy(t), (log(2) + quarter) / 2)


@pytest.mark.parametrize("t", [[[-0.1, 0.5]], [[0.5, 1.1]], [[np.nan, 0.5]]])
def test_binary_entropy_refuses_what_is_no_probability(t: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"binary_entropy: expected t in \[0, 1\]"):
        binary_entropy(np.array(t))


# Categorical


def test_categorical_by_hand() -> None:
    """Logits 0, log 3 are ¼, ¾; the label is 0: -log ¼, and da = (¼ - 1, ¾)."""
    value, da = categorical_nll(np.array([[0], [log(3)]]), np.array([0]))
    np.testing.assert_allclose(value, log(4))
    np.testing.assert_allclose(da, [[-3 / 4], [3 / 4]])


def test_categorical_of_extreme_logits() -> None:
    check_categorical_limits(losses)


def test_categorical_with_two_classes_is_bernoulli(rng: np.random.Generator) -> None:
    a, t = rng.standard_normal((1, 6)), rng.integers(0, 2, (1, 6))
    value, da = bernoulli_nll(a, t.astype(np.float64))
    value_too, da_too = categorical_nll(np.concatenate([np.zeros((1, 6)), a]), t[0])
    np.testing.assert_allclose(value_too, value)
    np.testing.assert_allclose(da_too, np.concatenate([-da, da]))


def test_categorical_takes_bytes_for_labels() -> None:
    value, _ = categorical_nll(np.zeros((3, 2)), np.array([0, 2], np.uint8))
    np.testing.assert_allclose(value, log(3))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 1]), r"categorical_nll labels: expected \(3\) integers, got \(2,\) int64"),
        (np.zeros(3), r"categorical_nll labels: expected \(3\) integers, got \(3,\) float64"),
        (np.array([0, 4, 1]), r"categorical_nll labels: expected 0 … 3, got 0 … 4"),
        (np.array([0, -1, 1]), r"categorical_nll labels: expected 0 … 3, got -1 … 1"),
    ],
)
def test_categorical_refuses_labels(labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        categorical_nll(np.zeros((4, 3)), labels)


def test_categorical_wants_a_label_for_every_step() -> None:
    with pytest.raises(ValueError, match=r"expected \(2, 3\) integers, got \(3,\) int64"):
        categorical_nll(np.zeros((2, 4, 3)), np.array([0, 1, 2]))


# L1


def test_l1_by_hand() -> None:
    """(|-2| + |0| + |3| + |1|)/2 = 3; at zero the derivative is taken to be 0."""
    value, dz = l1_penalty(np.array([[-2.0, 0.0], [3.0, 1.0]]))
    assert value == 3
    np.testing.assert_array_equal(dz, [[-1 / 2, 0], [1 / 2, 1 / 2]])


def test_a_softmax_outside_is_the_gradient_inside(rng: np.random.Generator) -> None:
    """d/da of categorical_nll is (softmax(a) - onehot)/N: the softmax's own backward is in it."""
    a, labels = rng.standard_normal((4, 3)), np.array([1, 3, 0])
    _, da = categorical_nll(a, labels)
    onehot = np.eye(4)[:, labels]
    np.testing.assert_allclose(da, (reference.softmax(a) - onehot) / 3, rtol=1e-12)
