"""The equations of docs/total_correlation.md."""

from itertools import permutations
from typing import Any

import numpy as np

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.latent_losses import kl_decomposition, log_normals
from nnscratch.losses import gaussian_kl
from nnscratch.models.lesson import mlp


def codes(L: int = 2, N: int = 4) -> tuple[Array, Array, Array]:
    """Return draws, means and log-variances, (L, N) each."""
    rng = np.random.default_rng(0)
    mu, logvar = rng.standard_normal((L, N)), 0.5 * rng.standard_normal((L, N)) - 1
    return mu + np.exp(logvar / 2) * rng.standard_normal((L, N)), mu, logvar


def density(z: Array, mu: Array, logvar: Array) -> Array:
    """N(z; μ, σ²), entry by entry."""
    v = np.exp(logvar)
    return np.asarray(np.exp(-((z - mu) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v))


def three(z: Array, mu: Array, logvar: Array, w: Array) -> Array:
    """I, TC and D, code by code."""
    L, N = z.shape
    parts = np.zeros(3)
    for n in range(N):
        q = np.stack([density(z[:, n], mu[:, m], logvar[:, m]) for m in range(N)])  # (N, L)
        joint, margins = np.log(w[n] @ q.prod(axis=1)), np.log(w[n] @ q)
        prior = np.log(density(z[:, n], np.zeros(L), np.zeros(L)))
        own = np.log(q[n]).sum()
        parts += np.array([own - joint, joint - margins.sum(), (margins - prior).sum()]) / N
    return parts


def model(**options: Any) -> nn.BetaTCVAE:
    rng = np.random.default_rng(0)
    nets = [mlp(s, rng=rng, dtype=np.float64) for s in ((6, 4), (2, 6))]
    return nn.BetaTCVAE(*nets, 2, input_shape=(6,), **options)


@equation("parts")
def test_parts(rng: np.random.Generator) -> None:
    """Five images with many draws each; w = 1/S, as all images are there. Each part by a grid."""
    L, S, draws = 2, 5, 160
    _, mu, logvar = codes(L, S)
    line = np.linspace(-8, 8, 321)
    cell = line[1] - line[0]
    one = np.stack([[density(line, mu[k, n], logvar[k, n]) for n in range(S)] for k in range(L)])
    margins = one.mean(axis=1)  # (L, grid)
    joint = np.einsum("ni,nj->ij", one[0], one[1]) / S
    TC = (joint * np.log(joint / np.outer(*margins))).sum() * cell**2
    D = (margins * np.log(margins / density(line, 0 * line, 0 * line))).sum() * cell
    kl = gaussian_kl(mu, logvar)[0]
    many = [np.repeat(a, draws, axis=1) for a in (mu, logvar)]
    log_w, found = np.full((S * draws,) * 2, -np.log(S * draws)), []
    for _ in range(8):
        z = many[0] + np.exp(many[1] / 2) * rng.standard_normal(many[0].shape)
        found.append(kl_decomposition(z, *many, log_w)[0])
    error = np.std(found, axis=0, ddof=1) / np.sqrt(8)
    assert (np.abs(np.mean(found, axis=0) - [kl - TC - D, TC, D]) < 5 * error + 1e-9).all()
    assert min(kl - TC - D, TC, D) > 0
    assert kl - TC - D < np.log(S)


@equation("objective")
def test_objective(rng: np.random.Generator) -> None:
    vae, x = model(samples=9, beta=3.0, alpha=0.5, gamma=2.0), rng.random((6, 4))
    terms, _ = vae.loss(x, rng=np.random.default_rng(1))
    mu, logvar = (a.T for a in vae.posterior(x.T))
    z = mu + np.exp(logvar / 2) * np.random.default_rng(1).standard_normal(mu.shape)
    p = vae.decode(z.T).T
    nll = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum() / 4
    close(terms["total"], nll + three(z, mu, logvar, np.exp(vae.log_weights(4))) @ [0.5, 3, 2])


@equation("gaussian")
def test_gaussian() -> None:
    a, s, N, found = np.array([1.5, -0.8]), 0.7, 700, []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        mu, logvar = a[:, None] * rng.standard_normal(N), np.full((2, N), 2 * np.log(s))
        z = mu + s * rng.standard_normal((2, N))
        found.append(kl_decomposition(z, mu, logvar, np.full((N, N), -np.log(N)))[0])
    C = np.outer(a, a) + s * s * np.eye(2)
    v = np.diag(C)
    want = np.array([np.log(np.linalg.det(C) / s**4), 0, (v - 1 - np.log(v)).sum()]) / 2
    want[1] = -np.log(1 - C[0, 1] ** 2 / v.prod()) / 2
    error = np.std(found, axis=0, ddof=1) / np.sqrt(5)
    assert (np.abs(np.mean(found, axis=0) - want) < 5 * error + 5 / N).all()
    close(want.sum(), (a**2 + s**2 - 1 - np.log(s**2)).sum() / 2)


@equation("estimates")
def test_estimates(rng: np.random.Generator) -> None:
    z, mu, logvar = codes()
    w = rng.random((4, 4)) + 0.1
    close(kl_decomposition(z, mu, logvar, np.log(w))[0], three(z, mu, logvar, w))


@equation("stratified")
def test_stratified(rng: np.random.Generator) -> None:
    """Over all batches that hold image 0, the mean of the estimate is the mean of all S."""
    S, N, q = 6, 3, rng.random(6)
    w = np.exp(model(samples=S).log_weights(N))
    close(w, np.where(np.eye(N) == 1, 1 / S, (S - 1) / (S * (N - 1))))
    batches = [[0, *rest] for rest in permutations(range(1, S), N - 1)]
    close(np.mean([w[0] @ q[batch] for batch in batches]), q.mean())


@equation("weighted")
def test_weighted(rng: np.random.Generator) -> None:
    S, N, q = 6, 3, rng.random(6)
    w = np.exp(model(samples=S, sampling="weighted").log_weights(N))
    close(w, np.full((N, N), 1 / (S * N)))
    batches = [[0, *rest] for rest in permutations(range(1, S), N - 1)]
    assert max(w[0] @ q[batch] for batch in batches) < q.mean()
    z, mu, logvar = codes()
    gradients = [
        kl_decomposition(z, mu, logvar, np.full((4, 4), c))[1](np.array([1.0, 6.0, 1.0]))
        for c in (-1.0, -9.0)
    ]
    for one, other in zip(*gradients, strict=True):
        close(one, other)


@equation("sum")
def test_sum(rng: np.random.Generator) -> None:
    z, mu, logvar = codes(3, 5)
    parts, _ = kl_decomposition(z, mu, logvar, rng.standard_normal((5, 5)))
    own, prior = density(z, mu, logvar), density(z, 0 * z, 0 * z)
    close(parts.sum(), np.log(own / prior).sum() / 5)


def of_a(a: Array, log_w: Array, dy: Array) -> float:
    """α I + β TC + γ D as a function of a_lnm = log q(z_nl|x_m), without log p(z)."""
    own = np.einsum("lnn->n", a)
    joint = np.log(np.exp(a.sum(axis=0) + log_w).sum(axis=1))
    margins = np.log(np.exp(a + log_w).sum(axis=2)).sum(axis=0)
    return float(dy @ [(own - joint).mean(), (joint - margins).mean(), margins.mean()])


@equation("gradient")
def test_gradient(rng: np.random.Generator) -> None:
    """By differences in a, taken on to μ, in which the prior's term is constant."""
    z, mu, logvar = codes()
    log_w, dy, N = rng.standard_normal((4, 4)), np.array([0.5, 4.0, 2.0]), 4
    a, u = log_normals(z, mu, logvar)
    joint, each = np.exp(a.sum(axis=0) + log_w), np.exp(a + log_w)
    joint, each = joint / joint.sum(axis=1, keepdims=True), each / each.sum(axis=2, keepdims=True)
    da = (dy[0] * np.eye(N) + (dy[1] - dy[0]) * joint + (dy[2] - dy[1]) * each) / N
    close(da, jacobian(lambda a: of_a(a, log_w, dy), a), 1e-8)
    close(kl_decomposition(z, mu, logvar, log_w)[1](dy)[1], (da * u).sum(axis=1))


@equation("log-normal")
def test_log_normal() -> None:
    z, mu, logvar = (a[:1, :1] for a in codes())
    a, u = log_normals(z, mu, logvar)
    close(a, np.log(density(z, mu, logvar))[None])
    close(u, (z - mu) / np.exp(logvar)[None])

    def log_q(z: Array, mu: Array, logvar: Array) -> float:
        return float(np.log(density(z, mu, logvar))[0, 0])

    close(u[0], jacobian(lambda m: log_q(z, m, logvar), mu), 1e-8)
    close(-u[0], jacobian(lambda t: log_q(t, mu, logvar), z), 1e-8)
    close(((z - mu) * u[0] - 1) / 2, jacobian(lambda s: log_q(z, mu, s), logvar), 1e-8)
