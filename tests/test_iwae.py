"""The importance-weighted autoencoder: its bound, both gradients of it, its border."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from checks import weighted
from hypothesis import given
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch.core import Array, pack
from nnscratch.layers import BatchNorm, Dense, Dropout, Sequential
from nnscratch.likelihoods import Bernoulli, Gaussian, Likelihood, log_prob_of_samples
from nnscratch.losses import gaussian_kl
from nnscratch.models import IWAE
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer, TrainingDiverged

pytestmark = pytest.mark.plain

F64: dict[str, Any] = {"dtype": np.float64}


def x(N: int = 5, dtype: Any = np.float64) -> Array:
    return (np.random.default_rng(7).random((tiny.D, N)) < 0.4).astype(dtype)


def fixed() -> np.random.Generator:
    """The same noise at every call."""
    return np.random.default_rng(5)


def iwae(*between: Any, samples: int = 4, dtype: Any = np.float64, **options: Any) -> IWAE:
    """16 - 8 - (2, 2) - 8 - 16."""
    nets = tiny.encoder(2 * tiny.L, dtype=dtype), tiny.decoder(*between, dtype=dtype)
    return IWAE(*nets, tiny.L, samples=samples, input_shape=(tiny.D,), **options)


# The objective


@pytest.mark.parametrize("objective", ["iwae", "vae"])
@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize(
    ("likelihood", "between"),
    [(Bernoulli(), ()), (Gaussian(0.3), (Dropout(0.4),)), (Bernoulli(), (BatchNorm(8, **F64),))],
    ids=["Bernoulli", "Gaussian, dropout", "BatchNorm"],
)
def test_gradient_of_the_bound_in_every_parameter(
    objective: str, samples: int, likelihood: Likelihood, between: Any
) -> None:
    """Central differences through θ; ε and the dropout mask held fixed by their seed."""
    model = iwae(*between, samples=samples, likelihood=likelihood, objective=objective)
    theta = pack(model.parameters())
    model.loss(x(), rng=fixed())[1](1.0)
    numeric = tiny.slopes(lambda: model.loss(x(), rng=fixed())[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)


@given(weight=st.floats(0.01, 1), doubly=st.booleans())
def test_backward_adds_its_weight_times_the_gradient(weight: float, doubly: bool) -> None:
    model = iwae(doubly_reparameterized=doubly)
    weighted.check_weighted_backward(model, lambda: model.loss(x(), rng=fixed()), weight)


@given(samples=st.integers(1, 6), objective=st.sampled_from(["iwae", "vae"]))
def test_the_total_is_the_sum_of_its_terms(samples: int, objective: str) -> None:
    model = iwae(samples=samples, objective=objective)
    terms, _ = model.loss(x(), rng=fixed())
    parts = sum(weight * terms[name] for name, weight in model.term_weights().items())
    assert terms.keys() == {"total", *model.term_weights()}
    assert terms["total"] == pytest.approx(parts, rel=1e-12)
    if objective == "iwae":
        assert terms["gain"] > 1e-3 or samples == 1


def test_the_total_is_the_bound_by_its_definition() -> None:
    """Sample by sample and image by image, with the densities of this file."""
    model, K = iwae(samples=3), 3
    eps = np.random.default_rng(8).standard_normal((tiny.L, K * 5))
    h = model.encoder.forward(x())[0]
    mu, sd = h[: tiny.L], np.exp(h[tiny.L :] / 2)
    total = 0.0
    for n in range(5):
        w = 0.0
        for k in range(K):
            e = eps[:, k * 5 + n]
            z = mu[:, n] + sd[:, n] * e
            p = 1 / (1 + np.exp(-model.decoder.forward(z[:, None])[0][:, 0]))
            likely = np.prod(np.where(x()[:, n] == 1, p, 1 - p))
            prior = np.exp(-z @ z / 2) / (2 * np.pi)
            q = np.exp(-e @ e / 2) / (2 * np.pi * np.prod(sd[:, n]))
            w += likely * prior / q / K
        total -= np.log(w) / 5
    assert model.bound(x(), h, eps)[0]["total"] == pytest.approx(total, rel=1e-12)


def test_with_one_sample_it_is_a_vae_but_for_the_kl_which_is_sampled() -> None:
    """The same networks and noise; the mean of many sampled KLs is the exact one."""
    model, vae = iwae(samples=1), tiny.vae(**F64)
    ours, theirs = model.loss(x(), rng=fixed())[0], vae.loss(x(), rng=fixed())[0]
    assert ours["reconstruction"] == pytest.approx(theirs["reconstruction"], rel=1e-12)
    assert ours["gain"] == pytest.approx(0, abs=1e-12)
    h = model.encoder.forward(x())[0]
    many = iwae(samples=20_000, objective="vae")
    eps = np.random.default_rng(1).standard_normal((tiny.L, 20_000 * 5))
    kl = many.bound(x(), h, eps)[0]["kl"]
    assert kl == pytest.approx(gaussian_kl(h[: tiny.L], h[tiny.L :])[0], rel=0.01)


def test_both_objectives_are_one_with_one_sample() -> None:
    gradients = []
    for objective in ("iwae", "vae"):
        model = iwae(samples=1, objective=objective)
        theta = pack(model.parameters())
        model.loss(x(), rng=fixed())[1](1.0)
        gradients.append(theta.grad)
    np.testing.assert_allclose(*gradients, rtol=1e-12)


# The bound on log p(x), where the model is linear and Gaussian:
#
#     z ~ N(0, I),  x | z ~ N(w z, s² I),  so  x ~ N(0, w wᵀ + s² I)

S2, W = 0.4, np.array([[2.0, 0.0], [0.0, 0.5], [0.0, 1.0]])  # orthogonal columns
POINTS = np.array([[1.5, 0.3, -0.7], [-0.2, 0.1, 0.4]]).T


def affine(w: Array, b: Array) -> Dense:
    layer = Dense(w.shape[1], w.shape[0], rng=fixed(), **F64)
    layer.w.value[...] = w
    layer.b.value[...] = b  # type: ignore[union-attr]
    return layer


def linear(samples: int, wide: float = 1.0, **options: Any) -> IWAE:
    """q(z|x) has the mean of the true posterior, and `wide` times its standard deviations."""
    S = np.linalg.inv(W.T @ W / S2 + np.eye(2))
    encoder = affine(
        np.concatenate([S @ W.T / S2, np.zeros((2, 3))]),
        np.concatenate([np.zeros(2), np.log(np.diag(S) * wide**2)]),
    )
    nets = encoder, affine(W, np.zeros(3))
    return IWAE(*nets, 2, Gaussian(S2), samples, input_shape=(3,), **options)


def exact() -> float:
    """The mean of -log p(x) over the points."""
    S = W @ W.T + S2 * np.eye(3)
    squares = (POINTS * np.linalg.solve(S, POINTS)).sum(axis=0)
    return float((squares + np.linalg.slogdet(2 * np.pi * S)[1]).mean()) / 2


def draws(model: IWAE, count: int) -> Array:
    """The total for each of so many draws of the noise, (count,)."""
    rng = np.random.default_rng(3)
    return np.array([model.loss(POINTS, rng=rng)[0]["total"] for _ in range(count)])


@pytest.mark.parametrize("samples", [1, 5])
def test_with_the_true_posterior_it_is_exact_whatever_the_noise(samples: int) -> None:
    np.testing.assert_allclose(draws(linear(samples), 5), exact(), rtol=1e-12)


def test_the_bound_rises_with_the_samples_to_log_p() -> None:
    """By more than five standard errors each time, and in the end to within a hundredth."""
    found = {K: draws(linear(K, wide=1.6), 2000) for K in (1, 3, 10, 100)}
    means = [a.mean() for a in found.values()]
    errors = [a.std() / 2000**0.5 for a in found.values()]
    for i in (0, 1, 2):
        assert means[i] - means[i + 1] > 5 * np.hypot(errors[i], errors[i + 1])
    assert exact() - 5 * errors[3] < means[3] < exact() + 0.01
    vae = draws(linear(10, wide=1.6, objective="vae"), 2000)
    assert abs(vae.mean() - means[0]) < 5 * np.hypot(errors[0], vae.std() / 2000**0.5)


# The doubly reparameterized gradient


def gradients(doubly: bool, count: int, samples: int = 5) -> dict[str, Array]:
    """Return gradients from so many draws of the noise, by parameter, (count, …)."""
    model = iwae(samples=samples, doubly_reparameterized=doubly)
    model.encoder.layers[-1].b.value[...] = [0.3, -0.4, -1.0, 0.4]  # type: ignore[attr-defined]
    theta, rng = pack(model.parameters()), np.random.default_rng(int(doubly))
    found = np.empty((count, theta.value.size))
    for g in found:
        model.loss(x(3), rng=rng)[1](1.0)
        g[...], theta.grad[...] = theta.grad, 0
    split = sum(p.value.size for p in model.encoder.parameters().values())
    return {"encoder": found[:, :split], "decoder": found[:, split:]}


def test_the_doubly_reparameterized_gradient_is_the_same_in_expectation_with_less_noise() -> None:
    """z-scores of several hundred parameters: none above 5, and their squares average to 1."""
    count = 4000
    plain, doubly = gradients(False, count), gradients(True, count)
    for part in ("encoder", "decoder"):
        a, b = plain[part], doubly[part]
        spread = np.sqrt((a.var(axis=0) + b.var(axis=0)) / count)
        moves = spread > 0  # weights of pixels that are black in all images have no gradient
        z = (a.mean(axis=0) - b.mean(axis=0))[moves] / spread[moves]
        assert abs(z).max() < 5
        assert (z**2).mean() < 2
    variance = doubly["encoder"].var(axis=0).sum() / plain["encoder"].var(axis=0).sum()
    assert variance < 0.7


def test_with_one_sample_it_vanishes_at_the_true_posterior() -> None:
    """Sticking the landing: where q is the posterior the encoder's gradient has no noise at all."""
    grads = {}
    for doubly in (False, True):
        model = linear(1, doubly_reparameterized=doubly)
        theta = pack(model.encoder.parameters())
        model.loss(POINTS, rng=fixed())[1](1.0)
        grads[doubly] = theta.grad
    assert abs(grads[True]).max() < 1e-12
    assert abs(grads[False]).max() > 1e-2


def test_the_decoder_has_the_same_gradient_either_way() -> None:
    plain, doubly = iwae(), iwae(doubly_reparameterized=True)
    for model in (plain, doubly):
        model.loss(x(), rng=fixed())[1](1.0)
    for name, p in plain.decoder.parameters().items():
        np.testing.assert_array_equal(p.grad, doubly.decoder.parameters()[name].grad)


# Likelihoods of several samples


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.3)])
@given(D=st.integers(1, 120), K=st.integers(1, 4), N=st.integers(1, 40), seed=st.integers(0, 99))
def test_log_prob_of_samples(likelihood: Likelihood, D: int, K: int, N: int, seed: int) -> None:
    """Each sample by itself, and the gradient of the sum that nll takes the mean of."""
    rng = np.random.default_rng(seed)
    a, t = 4 * rng.standard_normal((D, K * N)), (rng.random((D, N)) < 0.5).astype(float)
    log_p, da = log_prob_of_samples(likelihood, a, t)
    for k in range(K):
        part = a[:, k * N : (k + 1) * N].copy()
        want, slope = likelihood.log_prob(part, t), likelihood.nll(part, t)[1]
        np.testing.assert_allclose(log_p[k * N : (k + 1) * N], want, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(da[:, k * N : (k + 1) * N], -N * slope, atol=1e-12)


# At the border


def test_it_trains_and_comes_back_from_a_file(tmp_path: Path) -> None:
    model = iwae(samples=3, dtype=np.float32, doubly_reparameterized=True)
    images = (tiny.images(40) > 127).astype(np.float32)
    trainer = Trainer(model, Adam(3e-3), seed=0, batch_size=10)
    history = trainer.fit(images, validation=images, epochs=100)
    assert history[-1]["train"]["total"] < history[0]["train"]["total"] - 0.5
    nn.save(tmp_path / "model", model)
    again = nn.load(tmp_path / "model")
    assert isinstance(again, IWAE)
    assert again.settings() == model.settings()
    np.testing.assert_array_equal(again.encode(images), model.encode(images))
    assert again.sample(3, rng=fixed()).shape == (3, tiny.D)


def test_the_run_ends_if_a_weight_is_no_number() -> None:
    model = iwae(dtype=np.float32)
    model.decoder.layers[-1].b.value[0] = np.nan  # type: ignore[attr-defined]
    trainer = Trainer(model, Adam(), seed=0, batch_size=10)
    with pytest.raises(TrainingDiverged):
        trainer.fit((tiny.images(20) > 127).astype(np.float32), epochs=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: iwae(samples=0), "IWAE: expected samples ≥ 1, got 0"),
        (lambda: iwae(samples=2.5), "IWAE: expected samples, an integer ≥ 1, got 2.5"),
        (lambda: iwae(objective="elbo"), "IWAE: expected objective, iwae or vae, got 'elbo'"),
        (lambda: iwae(doubly_reparameterized=1), "IWAE: expected doubly_reparameterized"),
        (
            lambda: iwae(objective="vae", doubly_reparameterized=True),
            "IWAE: expected objective iwae and samples that are independent of each other with "
            "doubly_reparameterized, got vae",
        ),
        (
            lambda: iwae(BatchNorm(8, **F64), doubly_reparameterized=True),
            "with doubly_reparameterized, got BatchNorm",
        ),
        (lambda: iwae().loss(x()), "IWAE loss: expected rng, the source of ε; got none"),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize(("name", "value"), [("beta", 0.5), ("free_bits", 1.0)])
def test_a_vaes_other_objectives_are_refused(name: str, value: float) -> None:
    model = iwae()
    setattr(model, name, value)
    with pytest.raises(ValueError, match="IWAE loss: expected beta 1 and free_bits 0, got"):
        model.loss(x(), rng=fixed())


def test_a_decoder_of_several_parts_is_run_once() -> None:
    """K N columns in one call, and the encoder on N."""
    seen: list[tuple[int, ...]] = []

    class Watch(nn.layers.Identity):
        def forward(self, x: Array, /, *args: Any, **noise: Any) -> Any:
            seen.append(x.shape)
            return super().forward(x)

    encoder, decoder = tiny.encoder(4, **F64), tiny.decoder(**F64)
    nets = Sequential(Watch(), *encoder), Sequential(Watch(), *decoder)
    model = IWAE(*nets, 2, samples=7, input_shape=(16,))
    seen.clear()
    model.loss(x(), rng=fixed())[1](1.0)
    assert seen == [(16, 5), (2, 35)]
