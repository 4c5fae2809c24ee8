"""The equations of docs/elbo.md, on a model whose likelihood and posterior are known."""

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.likelihoods import Bernoulli, Gaussian
from nnscratch.losses import gaussian_kl

W, V, X = np.array([[0.9, -0.4], [0.3, 1.1], [-0.7, 0.2]]), 0.3, np.array([0.5, -1.0, 0.8])
DRAWS = 100_000
MU, LOGVAR = np.array([[0.2], [-0.6]]), np.array([[-1.0], [-0.5]])
"""p(x|z) = N(w z, v I), so p(x) and p(z|x) are Gaussian; and a q(z|x) that is not the posterior."""


def log_normal(x: Array, mean: Array, C: Array) -> float:
    d = x - mean
    return float(-0.5 * (d @ np.linalg.solve(C, d) + np.linalg.slogdet(2 * np.pi * C)[1]))


def log_likelihood() -> float:
    """log p(x) = log N(x; 0, w wᵀ + v I)."""
    return log_normal(X, np.zeros(3), W @ W.T + V * np.eye(3))


def samples(rng: np.random.Generator) -> Array:
    """Return draws from q by the library's layer, (2, DRAWS)."""
    shape = (2, DRAWS)
    noise = rng.standard_normal(shape)
    mu, logvar = (np.repeat(a, DRAWS, axis=1) for a in (MU, LOGVAR))
    return nn.GaussianSample().forward(mu, logvar, noise)[0]


def bound(z: Array) -> tuple[float, float]:
    """Return reconstruction - KL by the library, and the standard error of the former."""
    nll = Gaussian(V).nll
    each = [-nll(W @ z[:, [n]], X[:, None])[0] for n in range(2000)]
    whole = -nll(W @ z, np.repeat(X[:, None], z.shape[1], axis=1))[0]
    return whole - gaussian_kl(MU, LOGVAR)[0], float(np.std(each) / np.sqrt(z.shape[1]))


@equation("jensen")
def test_the_bound(rng: np.random.Generator) -> None:
    """The mean of the weights is p(x), and the bound lies below its logarithm."""
    z = samples(rng)
    var = np.exp(LOGVAR)
    log_x = -0.5 * (((X[:, None] - W @ z) ** 2).sum(0) / V + 3 * np.log(2 * np.pi * V))
    log_prior = -0.5 * ((z**2).sum(0) + 2 * np.log(2 * np.pi))
    log_q = -0.5 * ((z - MU) ** 2 / var + LOGVAR + np.log(2 * np.pi)).sum(0)
    weights = np.exp(log_x + log_prior - log_q)
    error = weights.std() / np.sqrt(DRAWS)
    assert abs(weights.mean() - np.exp(log_likelihood())) < 4 * error
    value, error = bound(z)
    assert value < log_likelihood() - 10 * error


@equation("gap")
def test_what_is_missing(rng: np.random.Generator) -> None:
    """Between two Gaussians the divergence from the posterior has a closed form."""
    C = np.linalg.inv(np.eye(2) + W.T @ W / V)
    mean, S = C @ W.T @ X / V, np.diag(np.exp(LOGVAR[:, 0]))
    d = mean - MU[:, 0]
    P = np.linalg.inv(C)
    gap = 0.5 * (np.trace(P @ S) + d @ P @ d - 2 - np.linalg.slogdet(S @ P)[1])
    value, error = bound(samples(rng))
    assert value + gap == pytest.approx(log_likelihood(), abs=4 * error)


@equation("kl")
def test_the_divergence_from_the_prior(rng: np.random.Generator) -> None:
    var = np.exp(LOGVAR)
    value, _ = gaussian_kl(MU, LOGVAR)
    close(value, 0.5 * sum(float(MU[k, 0] ** 2 + var[k, 0] - 1 - LOGVAR[k, 0]) for k in range(2)))
    z = samples(rng)
    ratio = 0.5 * (z**2 - (z - MU) ** 2 / var - LOGVAR).sum(axis=0)
    assert abs(ratio.mean() - value) < 4 * ratio.std() / np.sqrt(DRAWS)


@equation("bernoulli")
def test_bernoulli(rng: np.random.Generator) -> None:
    a, t = rng.standard_normal((5, 1)), rng.integers(0, 2, (5, 1)).astype(float)
    value, da = Bernoulli().nll(a, t)
    p = 1 / (1 + np.exp(-a))
    close(value, -np.log(np.where(t == 1, p, 1 - p)).sum())
    close(value, (np.log(1 + np.exp(a)) - t * a).sum())
    close(da, p - t)
    close(da, jacobian(lambda a: Bernoulli().nll(a, t)[0], a))


@equation("gaussian")
def test_gaussian(rng: np.random.Generator) -> None:
    x, a, v = *rng.standard_normal((2, 5, 1)), 0.7
    value, _ = Gaussian(v).nll(a, x)
    close(value, -log_normal(x[:, 0], a[:, 0], v * np.eye(5)))
    close(value, ((x - a) ** 2).sum() / (2 * v) + 5 / 2 * np.log(2 * np.pi * v))
