"""The equations of docs/rate_distortion.md."""

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation
from book.numerics import close
from nnscratch.core import Array
from nnscratch.evaluation.baselines import linear_vae_optimum

K, S2 = 4, 0.3
BETAS = (0.3, 1.0, 2.5)


def samples() -> tuple[Array, Array]:
    """Return rows (60, 7) and the variances along their principal directions."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 7)) @ rng.standard_normal((7, 7))
    return x, np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]


def best_model(beta: float) -> tuple[nn.VAE, Array]:
    """Return the library's linear VAE of weight β at the optimum (probabilistic PCA), and x (7, N).

    w = V √(λ - θ), u = wᵀ/λ in the directions above θ, and the posterior variances are θ/λ.
    """
    x, variances = samples()
    theta, rng = beta * S2, np.random.default_rng(1)
    V = np.linalg.eigh(np.cov(x.T, bias=True))[1][:, ::-1][:, :K]
    kept = np.maximum(variances[:K], theta)
    encoder = nn.Dense(7, 2 * K, rng=rng, dtype=np.float64)
    decoder = nn.Dense(K, 7, rng=rng, dtype=np.float64)
    u = (np.sqrt(kept - theta) / kept)[:, None] * V.T
    encoder.w.value[...] = np.vstack([u, np.zeros_like(u)])
    encoder.b.value[...] = np.concatenate([-u @ x.mean(axis=0), np.log(theta / kept)])
    decoder.w.value[...], decoder.b.value[...] = V * np.sqrt(kept - theta), x.mean(axis=0)
    model = nn.VAE(encoder, decoder, K, nn.Gaussian(S2), beta, input_shape=(7,))
    return model, x.T.copy()


def rate_and_distortion(beta: float) -> tuple[float, float]:
    """Return R by the library's loss, and D by it, with its expectation over ε in closed form."""
    model, x = best_model(beta)
    kl = model.loss(x, rng=np.random.default_rng(0))[0]["kl"]
    mu, logvar = model.posterior(x.T)
    w = model.parameters()["decoder.0.weight"].value
    at_mean, _ = nn.Gaussian(S2).nll(model.decode(mu).T.copy(), x)
    return kl, at_mean + (np.exp(logvar) @ (w * w).sum(axis=0)).mean() / (2 * S2)


@equation("between")
def test_between() -> None:
    found = [rate_and_distortion(beta) for beta in BETAS]
    for i, low in enumerate(BETAS):
        for j in range(i + 1, len(BETAS)):
            slope = -(found[j][1] - found[i][1]) / (found[j][0] - found[i][0])
            assert low <= slope <= BETAS[j]


@pytest.mark.parametrize("beta", BETAS)
@equation("rate")
def test_rate(beta: float) -> None:
    variances = samples()[1]
    right = np.maximum(0, np.log(variances[:K] / (beta * S2)) / 2).sum()
    close(rate_and_distortion(beta)[0], right)
    close(linear_vae_optimum(samples()[0], beta * S2, K).kl, right)


@pytest.mark.parametrize("beta", BETAS)
@equation("distortion")
def test_distortion(beta: float) -> None:
    """And the library's own gradient vanishes: no draw is needed with ε of exact moments."""
    variances = samples()[1]
    error = np.minimum(variances[:K], beta * S2).sum() + variances[K:].sum()
    right = error / (2 * S2) + 7 / 2 * np.log(2 * np.pi * S2)
    close(rate_and_distortion(beta)[1], right)
    best = linear_vae_optimum(samples()[0], beta * S2, K)
    close(beta * best.reconstruction, error / (2 * S2))


@equation("slope")
def test_slope() -> None:
    """By differences of the library's R and D, between the prices at which a direction drowns."""
    variances, h = samples()[1], 1e-5
    for beta in BETAS:
        m = int((variances[:K] > beta * S2).sum())
        (R1, D1), (R0, D0) = rate_and_distortion(beta + h), rate_and_distortion(beta - h)
        close((D1 - D0) / (2 * h), m / 2, 1e-6)
        close((R1 - R0) / (2 * h), -m / (2 * beta), 1e-6)
        close((D1 - D0) / (R1 - R0), -beta, 1e-5)


@equation("information")
def test_information() -> None:
    """By draws from each posterior; narrow ones reach log N, equal ones 0."""
    rng, N, draws = np.random.default_rng(3), 6, 4000
    mu = rng.standard_normal((2, N))
    for sd, low, high in ((1e-3, np.log(N) - 1e-6, np.log(N) + 1e-9), (1.0, 0.05, np.log(N))):
        z = mu[:, :, None] + sd * rng.standard_normal((2, N, draws))
        squares = ((z[:, None] - mu[:, :, None, None]) ** 2).sum(axis=0)  # (of q, of z, draws)
        log_q = -squares / (2 * sd**2) - np.log(2 * np.pi * sd**2)
        own = log_q[np.arange(N), np.arange(N)]
        mean = np.logaddexp.reduce(log_q, axis=0) - np.log(N)
        assert low <= (own - mean).mean() <= high
        rate, _ = nn.gaussian_kl(mu, np.full_like(mu, 2 * np.log(sd)))
        assert rate >= (own - mean).mean()
