"""Likelihoods whose scale is learned: one distribution, stable at its edges, and in models."""

from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch.gradcheck import gradcheck
from nnscratch.learned_scale import (
    DiscretisedLogistic,
    LearnedGaussian,
    discretised_logistic_nll,
)
from nnscratch.models.parts import decoder_shape, sample_shape

pytestmark = pytest.mark.plain

LEVELS = np.arange(256) / 255
BOTH: list[Any] = [LearnedGaussian(), DiscretisedLogistic()]
EACH = pytest.mark.parametrize("likelihood", BOTH, ids=lambda v: type(v).__name__)
SAMPLES = st.sampled_from([(1,), (4,), (1, 2, 3), (3, 2, 2), (5, 1), (4, 2)])
SEEDS = st.integers(0, 99)


def drawn(likelihood: Any, sample: Any, N: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What a decoder returns, and grey levels, with both ends among them."""
    rng = np.random.default_rng(seed)
    a = rng.normal(0, 2, (*decoder_shape(likelihood, sample), N))
    return a, np.clip(rng.integers(-100, 356, (*sample, N)), 0, 255) / 255


@EACH
@given(sample=SAMPLES, N=st.integers(1, 3), seed=SEEDS)
def test_value_and_gradient(likelihood: Any, sample: Any, N: int, seed: int) -> None:
    a, t = drawn(likelihood, sample, N, seed)
    log_prob = likelihood.log_prob(a, t)
    assert log_prob.shape == (N,)
    np.testing.assert_allclose(likelihood.nll(a, t)[0], -log_prob.mean(), rtol=1e-12)
    report = gradcheck(likelihood.nll, a, constants=[t], rng=np.random.default_rng(seed))
    assert report.ok, report
    assert likelihood.mean(a).shape == t.shape
    assert likelihood.sample(a, rng=np.random.default_rng(0)).shape == t.shape
    assert sample_shape(likelihood, a.shape[:-1]) == sample


def test_channels_are_halved_where_they_are() -> None:
    """The first axis of an image and of a vector, the second of a sequence."""
    g = LearnedGaussian()
    assert decoder_shape(g, (3, 4, 5)) == (6, 4, 5)
    assert decoder_shape(g, (7, 3)) == (7, 6)
    a = np.arange(24.0).reshape(3, 4, 2)
    np.testing.assert_array_equal(g.mean(a), a[:, :2])
    with pytest.raises(ValueError, match=r"LearnedGaussian: expected a multiple of 2 channels"):
        sample_shape(g, (3,))


# The grey levels


def log_prob(mean: np.ndarray, logscale: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Log P of every entry of (1, N), each a sample of its own, and with no floor to speak of."""
    return DiscretisedLogistic(1e-12).log_prob(np.concatenate([mean, logscale]), t)


@given(mean=st.floats(-3, 4), logscale=st.floats(-6, 3))
def test_levels_have_probability_one_together(mean: float, logscale: float) -> None:
    m, s = np.full((1, 256), mean), np.full((1, 256), logscale)
    np.testing.assert_allclose(np.exp(log_prob(m, s, LEVELS[None])).sum(), 1)


@given(level=st.integers(0, 255), mean=st.floats(-0.2, 1.2), logscale=st.floats(-3, 1))
def test_it_is_the_difference_of_two_values_of_the_distribution(
    level: int, mean: float, logscale: float
) -> None:
    def below(x: float) -> float:
        return float(1 / (1 + np.exp(-(x - mean) / np.exp(logscale))))

    upper = 1.0 if level == 255 else below((level + 0.5) / 255)
    lower = 0.0 if level == 0 else below((level - 0.5) / 255)
    m, s, t = (np.array([[v]]) for v in (mean, logscale, level / 255))
    np.testing.assert_allclose(-discretised_logistic_nll(m, s, t)[0], log(upper - lower), rtol=1e-8)


def test_by_hand() -> None:
    """A wide scale gives each inner level w/4 = 1/(4·255 s) and each end a half of what is left."""
    m, s, t = np.full((1, 3), 0.5), np.full((1, 3), log(1e4)), np.array([[0.0, 102 / 255, 1.0]])
    p = np.exp(log_prob(m, s, t))
    np.testing.assert_allclose(p, [0.5, 1 / (4 * 255 * 1e4), 0.5], rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@EACH
def test_nothing_overflows_however_wrong_or_sure_a_decoder_is(likelihood: Any, dtype: Any) -> None:
    """Warnings are errors here; and a gradient points back from where the loss is large."""
    m, b = (x.ravel() for x in np.meshgrid([-1e3, -1, 0, 0.5, 1, 1e3], [-200, -80, -8, 0, 8, 60]))
    for t in (0.0, 0.4, 1.0):
        a = np.stack([m, b]).astype(dtype)
        value, da = likelihood.nll(a, np.full((1, a.shape[1]), t, dtype))
        assert np.isfinite(value)
        assert np.isfinite(da).all()
        assert da.dtype == dtype
        if t == 0.4:  # at an end, a mean beyond it is none too far
            assert (da[0, m == 1e3] >= 0).all()
            assert (da[0, m == -1e3] <= 0).all()
        assert np.isfinite(likelihood.mean(a)).all()


def test_the_floor_is_reached_and_not_passed() -> None:
    t = np.zeros((1, 1))
    sure = np.array([[0.0], [-1e3]])
    density = LearnedGaussian(0.25).log_prob(sure, t)
    np.testing.assert_allclose(density, nn.Gaussian(0.25).log_prob(t, t))
    inner = np.array([[0.4], [-1e3]])
    w = 1 / (255 * 0.01)
    p = np.exp(DiscretisedLogistic(0.01).log_prob(inner, np.full((1, 1), 0.4)))
    np.testing.assert_allclose(p, np.tanh(w / 4), rtol=1e-9)  # σ(w/2) - σ(-w/2)


@given(mean=st.floats(-0.5, 1.5), b=st.floats(-9, 2))
def test_the_mean_is_that_of_the_levels_to_half_a_level(mean: float, b: float) -> None:
    likelihood = DiscretisedLogistic()
    a = np.repeat([[mean], [b]], 256, axis=1)
    p = np.exp(likelihood.log_prob(a, LEVELS[None]))
    assert abs(likelihood.mean(a)[0, 0] - np.dot(p, LEVELS)) <= 1 / 510 + 1e-9


@pytest.mark.parametrize(("mean", "b"), [(0.3, -3.0), (0.0, -2.0), (0.9, -1.0)])
def test_draws_of_levels_are_distributed_so(mean: float, b: float) -> None:
    """The frequency of each of five ranges is within five standard errors."""
    N, likelihood = 20_000, DiscretisedLogistic()
    a = np.repeat([[mean], [b]], N, axis=1)
    x = likelihood.sample(a, rng=np.random.default_rng(0))[0]
    assert np.isin(np.rint(255 * x), np.arange(256)).all()
    p = np.exp(likelihood.log_prob(a[:, :256], LEVELS[None]))
    edges = [0, 1, 64, 128, 255, 256]
    for low, high in pairwise(edges):
        share = p[low:high].sum()
        seen = ((np.rint(255 * x) >= low) & (np.rint(255 * x) < high)).mean()
        assert abs(seen - share) <= 5 * np.sqrt(share * (1 - share) / N) + 1e-9


def test_draws_of_a_gaussian_have_the_learned_variance() -> None:
    a = np.repeat([[0.5], [log(0.04)]], 20_000, axis=1)
    x = LearnedGaussian().sample(a, rng=np.random.default_rng(0))
    assert abs(x.mean() - 0.5) < 5 * 0.2 / np.sqrt(20_000)
    assert abs(x.var() / 0.04 - 1) < 5 * np.sqrt(2 / 20_000)


# In models


@EACH
def test_a_vae_learns_a_scale(likelihood: Any, tmp_path: Path) -> None:
    """Pixels of constant, of small and of large noise: the scales come out in this order."""
    rng = np.random.default_rng(0)
    x = 0.5 + rng.standard_normal((256, 3)) * [0.003, 0.03, 0.12]
    x = (np.rint(255 * np.clip(x, 0, 1)) / 255).astype(np.float32)
    decoder = nn.Dense(1, 6, rng=rng)
    vae = nn.VAE(nn.Dense(3, 2, rng=rng), decoder, 1, likelihood, input_shape=(3,))
    trainer = nn.Trainer(vae, nn.Adam(0.02), seed=0, batch_size=64, threads=1)
    first = trainer.evaluate(x)["total"]
    trainer.fit(x, epochs=60)
    assert trainer.evaluate(x)["total"] < first - 1
    assert decoder.b is not None
    assert np.all(np.diff(decoder.b.value[3:]) > 0)
    assert vae.decode(np.zeros((2, 1))).shape == (2, 3)
    nn.save(tmp_path / "x", vae)
    assert (
        nn.load(tmp_path / "x").decode(np.ones((2, 1))).tobytes()
        == vae.decode(np.ones((2, 1))).tobytes()
    )


def test_a_regression_with_its_own_uncertainty(rng: np.random.Generator) -> None:
    net = nn.Regressor(nn.Dense(2, 6, rng=rng), LearnedGaussian(), input_shape=(2,))
    assert net.output_shape == (3,)
    x = rng.standard_normal((32, 2))
    pairs = nn.Pairs(x, x @ rng.standard_normal((2, 3)))
    nn.Trainer(net, nn.Adam(1e-2), seed=0, batch_size=8).fit(pairs, epochs=1)
    assert net.predict(x).shape == (32, 3)


def test_a_decoder_of_one_number_a_pixel_is_refused(rng: np.random.Generator) -> None:
    nets = nn.Dense(3, 2, rng=rng), nn.Dense(2, 3, rng=rng)
    with pytest.raises(ValueError, match=r"expected an output of shape \(6,\), got \(3,\)"):
        nn.Autoencoder(*nets, LearnedGaussian(), input_shape=(3,))
    with pytest.raises(ValueError, match="LearnedGaussian: expected least_variance > 0, got 0"):
        LearnedGaussian(0.0)
    with pytest.raises(ValueError, match="DiscretisedLogistic: expected least_scale > 0, got -1"):
        DiscretisedLogistic(-1.0)
    m = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"discretised_logistic_nll logscale: expected \(2, 3\)"):
        discretised_logistic_nll(m, m[:1], m)
    with pytest.raises(ValueError, match=r"discretised_logistic_nll t: expected \(2, 3\)"):
        discretised_logistic_nll(m, m, m[:, :1])
