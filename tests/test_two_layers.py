"""Two stochastic layers: the bound's gradient, an exact likelihood to hold it to, its border."""

import re
from typing import Any

import numpy as np
import pytest
import tiny
from checks import weighted

from nnscratch.core import Array, pack
from nnscratch.evaluation import elbo, importance_nll
from nnscratch.layers import BatchNorm, Dense, Dropout, Sequential, Tanh
from nnscratch.likelihoods import Bernoulli, Gaussian, Likelihood
from nnscratch.models import TwoLayerIWAE
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

pytestmark = pytest.mark.plain

F64: dict[str, Any] = {"dtype": np.float64}
U = 3


def x(N: int = 5, dtype: Any = np.float64) -> Array:
    return (np.random.default_rng(7).random((tiny.D, N)) < 0.4).astype(dtype)


def fixed() -> np.random.Generator:
    """The same noise at every call."""
    return np.random.default_rng(5)


def between(D: int, M: int, *layers: Any, dtype: Any = np.float64) -> Sequential:
    rng = np.random.default_rng(4)
    return Sequential(
        Dense(D, 4, rng=rng, dtype=dtype), Tanh(), *layers, Dense(4, M, rng=rng, dtype=dtype)
    )


def two(*upper: Any, samples: int = 4, dtype: Any = np.float64, **options: Any) -> TwoLayerIWAE:
    """16 - 8 - (2, 2), 2 - 4 - (3, 3), and back."""
    return TwoLayerIWAE(
        tiny.encoder(2 * tiny.L, dtype=dtype),
        tiny.decoder(dtype=dtype),
        (tiny.L, U),
        samples=samples,
        upper_encoder=between(tiny.L, 2 * U, *upper, dtype=dtype),
        upper_decoder=between(U, 2 * tiny.L, dtype=dtype),
        input_shape=(tiny.D,),
        **options,
    )


@pytest.mark.parametrize("objective", ["iwae", "vae"])
@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize(
    ("likelihood", "upper"),
    [(Bernoulli(), ()), (Gaussian(0.3), (Dropout(0.4),)), (Bernoulli(), (BatchNorm(4, **F64),))],
    ids=["Bernoulli", "Gaussian, dropout", "BatchNorm"],
)
def test_gradient_of_the_bound_in_every_parameter(
    objective: str, samples: int, likelihood: Likelihood, upper: Any
) -> None:
    """Central differences through θ; ε and the dropout mask held fixed by their seed."""
    model = two(*upper, samples=samples, likelihood=likelihood, objective=objective)
    theta = pack(model.parameters())
    model.loss(x(), rng=fixed())[1](1.0)
    numeric = tiny.slopes(lambda: model.loss(x(), rng=fixed())[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)


def test_backward_adds_its_weight_times_the_gradient() -> None:
    model = two()
    weighted.check_weighted_backward(model, lambda: model.loss(x(), rng=fixed()), 0.3)


def normal(z: Array, mean: Array, logvar: Array) -> float:
    """The density of N(mean, diag exp logvar) at z."""
    sd = np.exp(logvar / 2)
    return float(np.prod(np.exp(-(((z - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))))


def test_the_total_is_the_bound_by_its_definition() -> None:
    """Sample by sample and image by image, with the densities of this file."""
    model, K, L = two(samples=3), 3, tiny.L
    eps = np.random.default_rng(8).standard_normal((L + U, K * 5))
    h, total = model.encoder.forward(x())[0], 0.0
    for n in range(5):
        w = 0.0
        for e in eps[:, n::5].T:
            h1 = h[:L, n] + np.exp(h[L:, n] / 2) * e[:L]
            q = model.upper_encoder.forward(h1[:, None])[0][:, 0]
            h2 = q[:U] + np.exp(q[U:] / 2) * e[L:]
            p = model.upper_decoder.forward(h2[:, None])[0][:, 0]
            on = 1 / (1 + np.exp(-model.decoder.forward(h1[:, None])[0][:, 0]))
            joint = np.prod(np.where(x()[:, n] == 1, on, 1 - on)) * normal(h1, p[:L], p[L:])
            joint *= normal(h2, np.zeros(U), np.zeros(U))
            w += joint / normal(h1, h[:L, n], h[L:, n]) / normal(h2, q[:U], q[U:]) / K
        total -= np.log(w) / 5
    terms, _ = model.bound(x(), h, eps)
    assert terms["total"] == pytest.approx(total, rel=1e-12)
    parts = sum(weight * terms[name] for name, weight in model.term_weights().items())
    assert terms["total"] == pytest.approx(parts, rel=1e-12)


# A chain of linear Gaussian maps, whose likelihood is known:
#
#     h₂ ~ N(0, I),  h₁|h₂ ~ N(W₂ h₂, V),  x|h₁ ~ N(W₁ h₁, s² I)
#     so  h₁ ~ N(0, C) with C = W₂ W₂ᵀ + V,  and  x ~ N(0, W₁ C W₁ᵀ + s² I)
#
# W₂ and V are diagonal and the columns of W₁ orthogonal, so that both posteriors are diagonal too.

S2, W1 = 0.4, np.array([[2.0, 0.0], [0.0, 0.5], [0.0, 1.0]])
W2, V = np.diag([1.2, -0.7]), np.array([0.3, 0.8])
C = W2 @ W2.T + np.diag(V)
POINTS = np.array([[1.5, 0.3, -0.7], [-0.2, 0.1, 0.4]]).T


def affine(w: Array, logvar: Array) -> Dense:
    """x ↦ (w x, logvar)."""
    M, D = w.shape
    layer = Dense(D, M + len(logvar), rng=fixed(), **F64)
    layer.w.value[...] = np.concatenate([w, np.zeros((len(logvar), D))])
    layer.b.value[...] = np.concatenate([np.zeros(M), logvar])  # type: ignore[union-attr]
    return layer


def chain(samples: int, wide: float = 1.0, **options: Any) -> TwoLayerIWAE:
    """Both q have the mean of the true posterior, and `wide` times its standard deviations."""
    below = np.linalg.inv(W1.T @ W1 / S2 + np.linalg.inv(C))
    above = np.linalg.inv(W2.T @ np.diag(1 / V) @ W2 + np.eye(2))
    return TwoLayerIWAE(
        affine(below @ W1.T / S2, np.log(np.diag(below) * wide**2)),
        affine(W1, np.zeros(0)),
        (2, 2),
        Gaussian(S2),
        samples,
        upper_encoder=affine(above @ W2.T / V, np.log(np.diag(above) * wide**2)),
        upper_decoder=affine(W2, np.log(V)),
        input_shape=(3,),
        **options,
    )


def exact() -> float:
    """The mean of -log p(x) over the points."""
    S = W1 @ C @ W1.T + S2 * np.eye(3)
    squares = (POINTS * np.linalg.solve(S, POINTS)).sum(axis=0)
    return float((squares + np.linalg.slogdet(2 * np.pi * S)[1]).mean()) / 2


def draws(model: TwoLayerIWAE, count: int) -> Array:
    """The total for each of so many draws of the noise, (count,)."""
    rng = np.random.default_rng(3)
    return np.array([model.loss(POINTS, rng=rng)[0]["total"] for _ in range(count)])


@pytest.mark.parametrize("samples", [1, 5])
def test_with_the_true_posteriors_it_is_exact_whatever_the_noise(samples: int) -> None:
    np.testing.assert_allclose(draws(chain(samples), 5), exact(), rtol=1e-12)
    found = importance_nll(chain(1), POINTS.T, samples=samples, rng=fixed())
    assert found.mean == pytest.approx(exact(), rel=1e-12)
    assert -chain(1).log_prob(POINTS.T, rng=fixed()).mean() == pytest.approx(exact(), rel=1e-12)


def test_the_bound_rises_with_the_samples_to_log_p() -> None:
    """By more than five standard errors each time, and in the end to within a few hundredths."""
    found = {K: draws(chain(K, wide=1.5), 2000) for K in (1, 3, 10, 100)}
    means = [a.mean() for a in found.values()]
    errors = [a.std() / 2000**0.5 for a in found.values()]
    for i in (0, 1, 2):
        assert means[i] - means[i + 1] > 5 * np.hypot(errors[i], errors[i + 1])
    assert exact() - 5 * errors[3] < means[3] < exact() + 0.03
    judged = importance_nll(chain(1, wide=1.5), POINTS.T, samples=20_000, rng=fixed())
    assert judged.mean == pytest.approx(exact(), abs=0.01)
    assert judged.effective.max() < 15_000


def test_draws_of_the_prior_and_of_the_codes_have_the_chains_moments() -> None:
    """h₁ ~ N(0, C): variances to 5 standard errors of 40,000 draws, and no covariance."""
    h1 = chain(1).draw_codes(40_000, rng=fixed())
    assert abs(h1.mean(axis=0) / np.sqrt(np.diag(C) / 40_000)).max() < 5
    assert abs(np.cov(h1.T) - C).max() < 5 * C.max() * np.sqrt(2 / 40_000)
    means = chain(1).upper_means(h1[:10])
    np.testing.assert_allclose(means, h1[:10] @ np.diag(np.diag(W2) / (np.diag(W2) ** 2 + V)))


# At the border


def test_it_trains_decodes_and_is_judged() -> None:
    model = two(samples=3, dtype=np.float32)
    images = (tiny.images(40) > 127).astype(np.float32)
    trainer = Trainer(model, Adam(3e-3), seed=0, batch_size=10)
    history = trainer.fit(images, epochs=60)
    assert history[-1]["train"]["total"] < history[0]["train"]["total"] - 0.3
    assert model.sample(3, rng=fixed()).shape == (3, tiny.D)
    assert model.encode(images).shape == (40, tiny.L)
    assert model.upper_means(model.encode(images)).shape == (40, U)
    assert np.isfinite(model.log_prob(images, rng=fixed())).all()
    assert "upper_decoder" in str(model.summary())
    one, two_threads = (
        importance_nll(model, images, samples=5, rng=fixed(), threads=threads) for threads in (1, 2)
    )
    assert one == two_threads
    with pytest.raises(ValueError, match="elbo: expected a KL that has a formula, got TwoLayer"):
        elbo(model, images, rng=fixed())
    with pytest.raises(ValueError, match="which has no formula"):
        model.log_prior(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latent_dims": 2}, "TwoLayerIWAE: expected latent_dims, two integers ≥ 1, got 2"),
        ({"latent_dims": (2, 0)}, "TwoLayerIWAE: expected latent_dims ≥ 1, got 0"),
        (
            {"upper_encoder": between(2, 5)},
            "TwoLayerIWAE upper_encoder: expected an output of shape (6,), got (5,)",
        ),
        (
            {"upper_decoder": between(4, 4)},
            "TwoLayerIWAE upper_decoder: Sequential, layer 0: Dense: expected a sample of shape",
        ),
        ({"samples": 0}, "TwoLayerIWAE: expected samples ≥ 1, got 0"),
    ],
)
def test_refuses(options: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "latent_dims": (2, U),
        "upper_encoder": between(2, 2 * U),
        "upper_decoder": between(U, 4),
        "input_shape": (tiny.D,),
    }
    nets = tiny.encoder(4, **F64), tiny.decoder(**F64)
    with pytest.raises(ValueError, match=re.escape(message)):
        TwoLayerIWAE(*nets, **given | options)
