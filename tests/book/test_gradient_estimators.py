"""The equations of docs/gradient_estimators.md: means and variances by many draws, in z-scores."""

from functools import cache

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation, number
from nnscratch.core import Array
from nnscratch.layers import GaussianSample

DRAWS = 400_000


def assert_mean(values: Array, expected: Array | float) -> None:
    """The mean of values (…, draws) is as expected, within five standard errors."""
    error = values.std(axis=-1) / values.shape[-1] ** 0.5
    z = (values.mean(axis=-1) - expected) / error
    assert (abs(z) < 5).all(), z


def assert_variance(values: Array, expected: float) -> None:
    """Their variance is as expected: the mean of squared deviations, as above."""
    assert_mean((values - values.mean()) ** 2, expected)


def function(z: Array) -> tuple[Array, Array]:
    """Return f(z) = Σ_l l z_l² + z_1 z_2 for z (2, N), and its gradient in z."""
    f = z[0] ** 2 + 2 * z[1] ** 2 + z[0] * z[1]
    return f, np.stack([2 * z[0] + z[1], 4 * z[1] + z[0]])


MU, LOGVAR = np.array([0.5, -1.0]), np.array([0.2, -0.8])


def exact() -> Array:
    """Return ∂F/∂μ and ∂F/∂s of F = E f = Σ_l l (μ_l² + e^s_l) + μ_1 μ_2, (2, 2)."""
    dmu = np.array([2 * MU[0] + MU[1], 4 * MU[1] + MU[0]])
    return np.stack([dmu, np.array([1, 2]) * np.exp(LOGVAR)])


def draw(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return z (2, N), and the derivatives of log q in μ and s by the library, both (2, N)."""
    mu, logvar = (np.repeat(a[:, None], DRAWS, axis=1) for a in (MU, LOGVAR))
    z, _ = GaussianSample().forward(mu, logvar, rng.standard_normal(mu.shape))
    _, (dmu, dlogvar) = nn.gaussian_nll(mu, logvar, z)  # of -log q, a mean over N
    return z, -DRAWS * dmu, -DRAWS * dlogvar


@equation("score")
def test_score(rng: np.random.Generator) -> None:
    z, *score = draw(rng)
    for k in (0, 1):
        assert_mean(function(z)[0] * score[k], exact()[k])


@equation("log-density")
def test_log_density(rng: np.random.Generator) -> None:
    """The library's derivatives against the formulas, and those against differences of log q."""
    z, *score = draw(rng)
    sigma = np.exp(LOGVAR / 2)[:, None]
    by_hand = [(z - MU[:, None]) / sigma**2, ((z - MU[:, None]) ** 2 / sigma**2 - 1) / 2]
    np.testing.assert_allclose(score, by_hand, rtol=1e-9, atol=1e-9)

    def log_q(mu: float, s: float, z: float) -> float:
        return -((z - mu) ** 2) / (2 * np.exp(s)) - s / 2 - np.log(2 * np.pi) / 2

    h, mu, s, point = 1e-6, MU[0], LOGVAR[0], z[0, 0]
    slopes = (
        (log_q(mu + h, s, point) - log_q(mu - h, s, point)) / (2 * h),
        (log_q(mu, s + h, point) - log_q(mu, s - h, point)) / (2 * h),
    )
    np.testing.assert_allclose([a[0, 0] for a in score], slopes, rtol=1e-6)


@equation("baseline")
def test_baseline(rng: np.random.Generator) -> None:
    z, *score = draw(rng)
    for k in (0, 1):
        assert_mean((function(z)[0] - 7) * score[k], exact()[k])


@equation("reparameterised")
def test_reparameterised(rng: np.random.Generator) -> None:
    mu, logvar = (np.repeat(a[:, None], DRAWS, axis=1) for a in (MU, LOGVAR))
    z, backward = GaussianSample().forward(mu, logvar, rng.standard_normal(mu.shape))
    for found, expected in zip(backward(function(z)[1]), exact(), strict=True):
        assert_mean(found, expected)


@pytest.mark.parametrize("L", [1, 3, 10])
@equation("variance-score")
def test_variance_score(L: int, rng: np.random.Generator) -> None:
    z = rng.standard_normal((L, DRAWS))
    assert_variance((z**2).sum(axis=0) * z[0], (L + 2) * (L + 4))


@pytest.mark.parametrize("L", [1, 3, 10])
@equation("variance-baseline")
def test_variance_baseline(L: int, rng: np.random.Generator) -> None:
    z = rng.standard_normal((L, DRAWS))
    assert_variance(((z**2).sum(axis=0) - L) * z[0], 2 * L + 8)


@equation("variance-reparameterised")
def test_variance_reparameterised(rng: np.random.Generator) -> None:
    """By the library's layer: dμ is dz, and dz is 2 z."""
    zero = np.zeros((1, DRAWS))
    z, backward = GaussianSample().forward(zero, zero, rng.standard_normal(zero.shape))
    assert_variance(backward(2 * z)[0][0], 4)


@equation("charged")
def test_charged() -> None:
    mu, logvar = np.array([[0.7]]), np.array([[-0.4]])
    for r in (0.1, 0.5, 2.0):
        drawn, told = (nn.gaussian_kl(mu, logvar + shift)[0] for shift in (2 * np.log(r), 0))
        by_hand = -np.log(r) - (1 - r**2) * np.exp(-0.4) / 2
        np.testing.assert_allclose(drawn - told, by_hand, rtol=1e-10)


@number("blog")
def blog() -> str:
    zero = np.zeros((1, 1))
    return f"{nn.gaussian_kl(zero, zero + 2 * np.log(0.1))[0] - nn.gaussian_kl(zero, zero)[0]:.2f}"


@cache
def variances() -> dict[str, float]:
    """Return the variances of the three estimates of the gradient in μ, for a VAE of digits."""
    train, test = nn.digits()
    rng = np.random.default_rng(0)
    vae = nn.models.lesson.dense_vae((256,), 8, rng=rng)
    nn.Trainer(vae, nn.Adam(1e-3), seed=0).fit(train.images, epochs=2)
    x, draws = test.images[:20].reshape(20, -1), 2000
    found: dict[str, list[float]] = {"score": [], "baseline": [], "reparameterised": []}
    for image, mu, logvar in zip(x, *vae.posterior(x), strict=True):
        target = np.repeat(image[:, None] / np.float32(255), draws, axis=1)
        many = [np.repeat(a[:, None], draws, axis=1) for a in (mu, logvar)]
        eps = rng.standard_normal(many[0].shape, np.float32)
        z, sample_backward = GaussianSample().forward(*many, eps)
        a, decoder_backward = vae.decoder.forward(z)
        f = -vae.likelihood.log_prob(a, target)
        _, da = vae.likelihood.nll(a, target)
        score = eps / np.exp(many[1] / 2)
        estimates = {
            "score": f * score,
            "baseline": (f - f.mean()) * score,
            "reparameterised": sample_backward(decoder_backward(draws * da))[0],
        }
        for name, values in estimates.items():
            found[name].append(float(values.var(axis=1).sum()))
    return {name: float(np.mean(each)) for name, each in found.items()}


def two_digits(value: float) -> str:
    """Return a number of which two digits count, 52,000 for 51,873."""
    return f"{float(f'{value:.1e}'):,.0f}"


@number("vae-score", long=True)
def vae_score() -> str:
    return two_digits(variances()["score"])


@number("vae-baseline", long=True)
def vae_baseline() -> str:
    return two_digits(variances()["baseline"])


@number("vae-reparameterised", long=True)
def vae_reparameterised() -> str:
    return two_digits(variances()["reparameterised"])


@number("vae-ratio", long=True)
def vae_ratio() -> str:
    return two_digits(variances()["score"] / variances()["reparameterised"])


@number("vae-ratio-baseline", long=True)
def vae_ratio_baseline() -> str:
    return two_digits(variances()["baseline"] / variances()["reparameterised"])
