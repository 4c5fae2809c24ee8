"""The equations of docs/posterior_collapse.md: the loss and gradients of the library."""

from functools import cache

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.evaluation import active_units
from nnscratch.evaluation.baselines import linear_vae_optimum
from nnscratch.evaluation.metrics import sse
from nnscratch.losses import gaussian_kl_per_dimension

D, N, S2 = 5, 40, 0.6


@cache
def samples() -> tuple[Array, Array, Array]:
    """Return centred x (D, N), the eigenvalues of its covariance and the eigenvectors as rows."""
    rng = np.random.default_rng(0)
    x = np.diag([1.6, 1.1, 0.9, 0.5, 0.3]) @ rng.standard_normal((D, N))
    x -= x.mean(axis=1, keepdims=True)
    variances, V = np.linalg.eigh(x @ x.T / N)
    return x, variances[::-1], V.T[::-1]


class Exact:
    """ε of a random sign pattern's moments: each sample is seen with +e and -e along all axes."""

    def __init__(self, L: int) -> None:
        self.L = L

    def standard_normal(self, shape: tuple[int, ...], dtype: object = None) -> Array:
        steps = np.sqrt(self.L) * np.hstack([np.eye(self.L), -np.eye(self.L)])  # mean 0, I
        return np.tile(steps, shape[1] // (2 * self.L))


def evaluated(u: Array, w: Array, sigma2: Array) -> tuple[float, dict[str, Array]]:
    """Return L by the library, less its constant, and its gradients.

    Its loss is quadratic in ε, so noise whose first two moments are those of N(0, I) gives the
    expectation exactly.
    """
    x, (L, _) = samples()[0], u.shape
    rng = np.random.default_rng(0)
    encoder = nn.Dense(D, 2 * L, rng=rng, dtype=np.float64)
    decoder = nn.Dense(L, D, rng=rng, dtype=np.float64)
    encoder.w.value[...] = np.vstack([u, np.zeros_like(u)])
    encoder.b.value[...] = np.concatenate([np.zeros(L), np.log(sigma2)])
    decoder.w.value[...], decoder.b.value[...] = w, 0
    model = nn.VAE(encoder, decoder, L, nn.Gaussian(S2), input_shape=(D,))
    terms, backward = model.loss(x.repeat(2 * L, axis=1), rng=Exact(L))
    backward(1.0)
    theta = {name: p.grad for name, p in model.parameters().items()}
    found = {"u": theta["encoder.0.weight"][:L], "logvar": theta["encoder.0.bias"][L:]}
    found["w"] = theta["decoder.0.weight"]
    return terms["total"] - D / 2 * np.log(2 * np.pi * S2), found


def literal(u: Array, w: Array, sigma2: Array) -> float:
    """Return the page's formula of L."""
    x, _, _ = samples()
    C, E = x @ x.T / N, np.eye(D) - w @ u
    first = np.trace(E @ C @ E.T) + ((w**2).sum(axis=0) * sigma2).sum()
    kl = (np.diag(u @ C @ u.T) + sigma2 - 1 - np.log(sigma2)).sum() / 2
    return float(first / (2 * S2) + kl)


@equation("loss")
def test_loss(rng: np.random.Generator) -> None:
    u, w, sigma2 = rng.standard_normal((2, D)), rng.standard_normal((D, 2)), rng.random(2) + 0.1
    close(evaluated(u, w, sigma2)[0], literal(u, w, sigma2))


@equation("sigma")
def test_sigma(rng: np.random.Generator) -> None:
    """There the library's gradient in log σ² is zero."""
    u, w = rng.standard_normal((2, D)), rng.standard_normal((D, 2))
    w[:, 1] = 0
    best = S2 / (S2 + (w**2).sum(axis=0))
    close(evaluated(u, w, best)[1]["logvar"], np.zeros(2))
    close(best[1], 1.0)
    assert abs(evaluated(u, w, 1.1 * best)[1]["logvar"]).min() > 1e-3


@equation("u")
def test_u(rng: np.random.Generator) -> None:
    """There the library's gradient in u is zero, and it is Bayes' mean: p(z|x) is a Gaussian."""
    w = rng.standard_normal((D, 2))
    u = np.linalg.inv(w.T @ w + S2 * np.eye(2)) @ w.T
    close(evaluated(u, w, np.ones(2))[1]["u"], np.zeros((2, D)))
    close(u, w.T @ np.linalg.inv(w @ w.T + S2 * np.eye(D)))  # Cov(z, x) Cov(x)⁻¹


def along(i: int, a: float) -> float:
    """Return L by the library for one unit along v_i, with the best u and σ²."""
    w = a * samples()[2][[i]].T
    u = w.T / (a**2 + S2)
    return evaluated(u, w, np.array([S2 / (S2 + a**2)]))[0]


@equation("unit")
def test_unit() -> None:
    for i in range(D):
        for a in (0.3, 1.0, 2.0):
            saved = samples()[1][i] / (2 * S2) * a**2 / (a**2 + S2)
            close(along(i, a) - along(i, 0.0), np.log(1 + a**2 / S2) / 2 - saved)


@equation("optimum")
def test_optimum() -> None:
    """No other a is better, the KL is the library's, and some units wake and some collapse."""
    x, variances, V = samples()
    assert variances[0] > S2 > variances[-1]
    best_of_all = linear_vae_optimum(x.T, S2, D).kl_per_dimension
    for i, value in enumerate(variances):
        a = np.sqrt(max(0, value - S2))
        assert all(along(i, a + step) > along(i, a) for step in (0.1, -0.1, 1.0) if a + step >= 0)
        mu = a / (a**2 + S2) * V[[i]] @ x
        logvar = np.full_like(mu, np.log(S2 / (S2 + a**2)))
        kl = max(0.0, np.log(value / S2) / 2)
        close(gaussian_kl_per_dimension(mu, logvar)[0], kl)
        close(best_of_all[i], kl)


@equation("start")
def test_start() -> None:
    for i, value in enumerate(samples()[1]):
        for a in (0.02, 0.01):
            parabola = a**2 / (2 * S2) * (1 - value / S2)
            close((along(i, a) - along(i, 0.0) - parabola) / a**4, 0.0, 10.0)
        gradients = evaluated(np.zeros((1, D)), np.zeros((D, 1)), np.ones(1))[1]
        assert all((g == 0).all() for g in gradients.values())


@equation("free")
def test_free(rng: np.random.Generator) -> None:
    """The library's total from its own posteriors; and no gradient where the KL is free."""
    x, F, beta = rng.random((6, 8)), 0.02, 1.7
    vae = nn.models.lesson.dense_vae((4,), 2, beta=beta, pixels=6, rng=rng, dtype=np.float64)
    vae.free_bits = F
    terms, _ = vae.loss(x, rng=np.random.default_rng(1))
    mu, logvar = vae.posterior(x.T)
    each = (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1) / 2
    assert each.min() < F < each.max()
    close(terms["total"], terms["reconstruction"] + beta * np.maximum(each - F, 0).mean())


@equation("variance")
def test_variance() -> None:
    """The left side is the variance of the library's mean codes."""
    x, variances, V = samples()
    for i in np.flatnonzero(variances > S2):
        a = np.sqrt(variances[i] - S2)
        encoder = nn.Dense(D, 1, rng=np.random.default_rng(0), dtype=np.float64)
        encoder.w.value[...], encoder.b.value[...] = a / (a**2 + S2) * V[[i]], 0
        close(encoder.forward(x)[0].var(), 1 - S2 / variances[i])


def test_the_derivative_of_a_unit() -> None:
    """The step from "unit" to "optimum", by differences."""
    i, t = 0, np.array([0.8])
    value = samples()[1][i]
    slope = jacobian(lambda t: along(i, float(t[0] ** 0.5)), t)
    close(slope, (t + S2 - value) / (2 * (t + S2) ** 2), 1e-8)


@cache
def trained() -> tuple[int, float]:
    """Train a linear VAE of 8 units; return how many are active, and its loss over the optimum's.

    What training found is judged by the expectation over ε.
    """
    images, s2 = nn.data.downsample(nn.digits().train.images[:1000] / 255, 2), 0.4
    encoder = nn.Dense(196, 16, rng=np.random.default_rng(196), dtype=np.float64)
    decoder = nn.Dense(8, 196, rng=np.random.default_rng(8), dtype=np.float64)
    model = nn.VAE(encoder, decoder, 8, nn.Gaussian(s2), input_shape=(196,))
    rate = nn.schedules.Cosine(0.02, 400 * 4)
    nn.Trainer(model, nn.Adam(rate), seed=0, batch_size=250, replicas=1).fit(images, epochs=400)
    mu, logvar = model.posterior(images)
    w = model.parameters()["decoder.0.weight"].value
    error = sse(images, model.decode(mu)) + (np.exp(logvar) @ (w * w).sum(axis=0)).mean()
    kl = (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1).mean() / 2
    best = linear_vae_optimum(images, s2, 8).total
    return int(active_units(mu).sum()), (error / (2 * s2) + kl) / best


@number("active", long=True)
def active() -> str:
    return str(trained()[0])


@number("ratio", long=True)
def ratio() -> str:
    return f"{trained()[1]:.4f}"
