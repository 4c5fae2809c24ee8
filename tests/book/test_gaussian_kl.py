"""The equations of docs/gaussian_kl.md: by draws, by matrices, and by sums over a grid."""

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from nnscratch.core import Array
from nnscratch.layers import GaussianSample
from nnscratch.likelihoods import Gaussian
from nnscratch.losses import gaussian_kl_per_dimension, gaussian_kl_per_sample

DRAWS = 400_000


def log_normal(z: Array, m: Array, S: Array) -> Array:
    """Return log N(z; m, S) for z (L, N), (N,)."""
    d = z - m[:, None]
    square = (d * np.linalg.solve(S, d)).sum(axis=0)
    return -square / 2 - np.log(np.linalg.det(S)) / 2 - len(m) / 2 * np.log(2 * np.pi)


def general(m: Array, S: Array, m0: Array, S0: Array) -> float:
    """Return the divergence of N(m, S) from N(m0, S0), literally."""
    d, inverse = m - m0, np.linalg.inv(S0)
    logs = np.log(np.linalg.det(S) / np.linalg.det(S0))
    return float(d @ inverse @ d + np.trace(inverse @ S) - len(m) - logs) / 2


def covariance(rng: np.random.Generator, L: int = 3) -> Array:
    A = rng.standard_normal((L, L))
    return A @ A.T + 0.3 * np.eye(L)


@equation("definition")
def test_definition(rng: np.random.Generator) -> None:
    """The library's number is the mean of log q - log p over draws of the library's sampler."""
    mu, logvar = rng.standard_normal((2, 3, 1))
    many = [np.repeat(a, DRAWS, axis=1) for a in (mu, logvar)]
    z, _ = GaussianSample().forward(*many, rng.standard_normal((3, DRAWS)))
    log_q = log_normal(z, mu[:, 0], np.diag(np.exp(logvar[:, 0])))
    ratio = log_q - log_normal(z, np.zeros(3), np.eye(3))
    error = ratio.std() / DRAWS**0.5
    assert abs(ratio.mean() - nn.gaussian_kl(mu, logvar)[0]) < 5 * error


@equation("log-density")
def test_log_density(rng: np.random.Generator) -> None:
    """By the library for a multiple of I; any other S is that after a linear map of the space."""
    m, z, v = rng.standard_normal(3), rng.standard_normal((3, 5)), 0.7
    left = Gaussian(v).log_prob(np.repeat(m[:, None], 5, axis=1), z)
    np.testing.assert_allclose(left, log_normal(z, m, v * np.eye(3)), rtol=1e-12)
    A = rng.standard_normal((3, 3))
    moved = log_normal(A @ z, A @ m, v * A @ A.T) + np.log(abs(np.linalg.det(A)))
    np.testing.assert_allclose(left, moved, rtol=1e-9)


@equation("general")
def test_general(rng: np.random.Generator) -> None:
    """A map that makes N(m0, S0) standard and S diagonal changes no divergence."""
    m, m0 = rng.standard_normal((2, 3))
    S, S0 = covariance(rng), covariance(rng)
    white = np.linalg.inv(np.linalg.cholesky(S0))
    variances, V = np.linalg.eigh(white @ S @ white.T)
    mu = (V.T @ white @ (m - m0))[:, None]
    left, _ = nn.gaussian_kl(mu, np.log(variances)[:, None])
    np.testing.assert_allclose(left, general(m, S, m0, S0), rtol=1e-10)


@equation("diagonal")
def test_diagonal(rng: np.random.Generator) -> None:
    mu, s = rng.standard_normal((2, 3, 5))
    each = [general(mu[:, n], np.diag(np.exp(s[:, n])), np.zeros(3), np.eye(3)) for n in range(5)]
    np.testing.assert_allclose(nn.gaussian_kl(mu, s)[0], np.mean(each), rtol=1e-12)
    np.testing.assert_allclose(gaussian_kl_per_sample(mu, s), each, rtol=1e-12)
    np.testing.assert_allclose(gaussian_kl_per_dimension(mu, s).sum(), np.mean(each), rtol=1e-12)
    by_hand = ((mu**2 + np.exp(s) - 1 - s).sum(axis=0) / 2).mean()
    np.testing.assert_allclose(nn.gaussian_kl(mu, s)[0], by_hand, rtol=1e-12)


@equation("gradient")
def test_gradient(rng: np.random.Generator) -> None:
    mu, s = rng.standard_normal((2, 3, 1))
    _, (dmu, ds) = nn.gaussian_kl(mu, s)
    np.testing.assert_allclose(dmu, mu)
    np.testing.assert_allclose(ds, (np.exp(s) - 1) / 2)
    h = 1e-6
    for k in range(3):
        step = h * np.eye(3)[:, [k]]
        slopes = [
            (nn.gaussian_kl(mu + step, s)[0] - nn.gaussian_kl(mu - step, s)[0]) / (2 * h),
            (nn.gaussian_kl(mu, s + step)[0] - nn.gaussian_kl(mu, s - step)[0]) / (2 * h),
        ]
        np.testing.assert_allclose([dmu[k, 0], ds[k, 0]], slopes, rtol=1e-6, atol=1e-9)


@equation("near")
def test_near(rng: np.random.Generator) -> None:
    """What is left is ¼·⅓ Σ s³ and smaller: an eighth with half of s."""
    mu, s = rng.standard_normal((2, 3, 1))
    left_out = []
    for scale in (0.02, 0.01):
        parabola = ((scale * mu) ** 2 + (scale * s) ** 2 / 2).sum() / 2
        left_out.append(nn.gaussian_kl(scale * mu, scale * s)[0] - parabola)
    np.testing.assert_allclose(left_out[0] / left_out[1], 8, rtol=0.05)
    np.testing.assert_allclose(left_out[1], (0.01 * s**3 * 0.01**2).sum() / 12, rtol=0.05)


@equation("reverse")
def test_reverse(rng: np.random.Generator) -> None:
    """The gradient of KL(q ‖ N(m, S)) by differences is zero there; the library's KL is less."""
    m, S = rng.standard_normal(3), covariance(rng)
    best = 1 / np.diag(np.linalg.inv(S))
    assert (best <= np.diag(S)).all()
    least = general(m, np.diag(best), m, S)
    for _ in range(50):
        mu, logs = m + 0.1 * rng.standard_normal(3), np.log(best) + 0.1 * rng.standard_normal(3)
        assert general(mu, np.diag(np.exp(logs)), m, S) > least


@equation("root")
def test_root(rng: np.random.Generator) -> None:
    """The library's sampler has A = diag σ: the covariance of its draws is diag σ²."""
    logvar = np.array([-1.0, 0.5])
    many = np.repeat(logvar[:, None], DRAWS, axis=1)
    z, _ = GaussianSample().forward(np.ones_like(many), many, rng.standard_normal(many.shape))
    expected = np.diag(np.exp(logvar / 2)) @ np.diag(np.exp(logvar / 2)).T
    d = z - 1
    for i in range(2):
        for j in range(2):
            product = d[i] * d[j]
            assert abs(product.mean() - expected[i, j]) < 5 * product.std() / DRAWS**0.5


@equation("aggregate")
def test_aggregate(rng: np.random.Generator) -> None:
    """In one dimension, where q̄ is a mixture and its integrals are sums over a fine grid."""
    mu, s = rng.standard_normal((2, 1, 4))
    z = np.linspace(-12, 12, 20_001)
    dz = z[1] - z[0]
    q = np.exp(-((z - mu[0][:, None]) ** 2) / (2 * np.exp(s[0]))[:, None])
    q /= np.sqrt(2 * np.pi * np.exp(s[0]))[:, None]
    p, mixture = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), q.mean(axis=0)

    def divergence(a: Array, b: Array) -> float:
        inside = a > 1e-300
        return float((a[inside] * np.log(a[inside] / b[inside])).sum() * dz)

    information = np.mean([divergence(each, mixture) for each in q])
    right = information + divergence(mixture, p)
    np.testing.assert_allclose(nn.gaussian_kl(mu, s)[0], right, rtol=1e-7)
    assert information > 0


@number("steep")
def steep() -> str:
    """∂/∂σ of ½(σ² - log σ²) at σ = 1e-3, by differences."""
    h = 1e-7

    def kl(sigma: float) -> float:
        return nn.gaussian_kl(np.zeros((1, 1)), np.full((1, 1), 2 * np.log(sigma)))[0]

    return f"{(kl(1e-3 + h) - kl(1e-3 - h)) / (2 * h):.0f}"
