"""The equations of docs/vamp_prior.md."""

import warnings
from functools import cache
from typing import Any

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close, jacobian
from nnscratch.core import Array, pack
from nnscratch.evaluation import LowEffectiveSampleSize
from nnscratch.latent_losses import mixture_kl
from nnscratch.losses import gaussian_kl
from nnscratch.models.lesson import mlp


def codes(L: int, N: int, seed: int = 0) -> tuple[Array, Array, Array]:
    """Return draws, means and log-variances, (L, N) each."""
    rng = np.random.default_rng(seed)
    mu, logvar = rng.standard_normal((L, N)), 0.5 * rng.standard_normal((L, N)) - 1
    return mu + np.exp(logvar / 2) * rng.standard_normal((L, N)), mu, logvar


def density(z: Array, mu: Array, logvar: Array) -> Array:
    """N(z; μ, σ²) of columns z (L, N) and one mean and variance, (L,): (N,)."""
    d = z - mu[:, None]
    v = np.exp(logvar)[:, None]
    return np.asarray(np.exp(-(d**2 / v).sum(axis=0) / 2) / np.sqrt(2 * np.pi * v).prod())


def model(K: int = 3, **options: Any) -> nn.VampPriorVAE:
    rng = np.random.default_rng(0)
    nets = [mlp(s, rng=rng, dtype=np.float64) for s in ((6, 4), (2, 6))]
    return nn.VampPriorVAE(*nets, 2, components=K, input_shape=(6,), rng=rng, **options)


@equation("best")
def test_best(rng: np.random.Generator) -> None:
    """Four posteriors and a prior of two components, by the library's draws and by a grid."""
    _, mu, logvar = codes(2, 4)
    _, means, logvars = codes(2, 2, 5)
    line = np.linspace(-7, 7, 281)
    z, cell = np.stack(np.meshgrid(line, line)).reshape(2, -1), (line[1] - line[0]) ** 2
    each = [density(z, mu[:, n], logvar[:, n]) for n in range(4)]
    q = np.mean(each, axis=0)
    p = np.mean([density(z, means[:, k], logvars[:, k]) for k in range(2)], axis=0)
    information = np.mean([(q_n * np.log(q_n / q)).sum() * cell for q_n in each])
    right = information + (q * np.log(q / p)).sum() * cell
    draws = 20_000
    m, s = (np.repeat(a, draws, axis=1) for a in (mu, logvar))
    z = m + np.exp(s / 2) * rng.standard_normal(m.shape)
    left = mixture_kl(z, m, s, means, logvars)[0]
    assert abs(left - right) < 4 * 3 / np.sqrt(4 * draws)
    assert mixture_kl(z, m, s, mu, logvar)[0] < left
    assert abs(mixture_kl(z, m, s, mu, logvar)[0] - information) < 4 * 3 / np.sqrt(4 * draws)
    assert information < np.log(4)


@equation("prior")
def test_prior(rng: np.random.Generator) -> None:
    vae, z = model(), rng.standard_normal((2, 5))
    mu, logvar = (a.T for a in vae.posterior(vae.pseudo_inputs().T))
    each = [density(z, mu[:, k], logvar[:, k]) for k in range(3)]
    close(np.exp(vae.log_prior(z)), np.mean(each, axis=0))


@equation("pseudo-inputs")
def test_pseudo_inputs(rng: np.random.Generator) -> None:
    """∂L/∂v by differences in v, and by differences in u times u (1 - u)."""
    vae, x = model(), rng.random((6, 4))
    pack(vae.parameters())
    v = vae.parameters()["pseudo_inputs"]
    u = vae.pseudo_inputs()
    close(u, 1 / (1 + np.exp(-v.value)))
    vae.loss(x, rng=np.random.default_rng(1))[1](1.0)

    def total(at: Array) -> float:
        here = v.value.copy()
        v.value[...] = at
        value = vae.loss(x, rng=np.random.default_rng(1))[0]["total"]
        v.value[...] = here
        return value

    close(v.grad, jacobian(total, v.value.copy()), 1e-8)
    du = jacobian(lambda u: total(np.log(u / (1 - u))), u, 1e-4)
    close(v.grad, du * u * (1 - u), 1e-7)


@equation("draw")
def test_draw(rng: np.random.Generator) -> None:
    z, mu, logvar = codes(2, 6)
    _, means, logvars = codes(2, 3, 5)
    p = np.mean([density(z, means[:, k], logvars[:, k]) for k in range(3)], axis=0)
    q = [density(z[:, n : n + 1], mu[:, n], logvar[:, n])[0] for n in range(6)]
    close(mixture_kl(z, mu, logvar, means, logvars)[0], np.mean(np.log(q) - np.log(p)))
    line = np.linspace(-7, 7, 281)
    grid, cell = np.stack(np.meshgrid(line, line)).reshape(2, -1), (line[1] - line[0]) ** 2
    q = density(grid, mu[:, 0], logvar[:, 0])
    p = np.mean([density(grid, means[:, k], logvars[:, k]) for k in range(3)], axis=0)
    m, s = (np.repeat(a[:, :1], 50_000, axis=1) for a in (mu, logvar))
    draws = m + np.exp(s / 2) * rng.standard_normal(m.shape)
    found = mixture_kl(draws, m, s, means, logvars)[0]
    assert abs(found - (q * np.log(q / p)).sum() * cell) < 4 * 3 / np.sqrt(50_000)


@equation("one")
def test_one(rng: np.random.Generator) -> None:
    _, mu, logvar = codes(3, 1)
    m, s = (np.repeat(a, 50_000, axis=1) for a in (mu, logvar))
    z = m + np.exp(s / 2) * rng.standard_normal(m.shape)
    found, _ = mixture_kl(z, m, s, np.zeros((3, 1)), np.zeros((3, 1)))
    want = (mu**2 + np.exp(logvar) - 1 - logvar).sum() / 2
    assert abs(found - want) < 4 * 3 / np.sqrt(50_000)
    close(want, gaussian_kl(mu, logvar)[0])


def shares(z: Array, means: Array, logvars: Array) -> Array:
    """r_k at one z (L, 1): (K,)."""
    q = np.array([density(z, means[:, k], logvars[:, k])[0] for k in range(means.shape[1])])
    return np.asarray(q / q.sum())


@equation("shares")
def test_shares() -> None:
    """What the gradient in z has beside that of log q(z|x)."""
    z, mu, logvar = codes(2, 1)
    _, m, s = codes(2, 3, 5)
    r = shares(z, m, s)
    want = -sum(r[k] * (z[:, 0] - m[:, k]) / np.exp(s[:, k]) for k in range(3))

    def log_p(z: Array) -> float:
        return float(np.log(np.mean([density(z, m[:, k], s[:, k])[0] for k in range(3)])))

    close(want, jacobian(log_p, z)[:, 0], 1e-8)
    dz = mixture_kl(z, mu, logvar, m, s)[1][0]
    close(dz[:, 0], -(z - mu)[:, 0] / np.exp(logvar[:, 0]) - want)


@equation("gradient")
def test_gradient() -> None:
    z, mu, logvar = codes(2, 1)
    _, m, s = codes(2, 3, 5)
    r, (*_, dm, ds) = shares(z, m, s), mixture_kl(z, mu, logvar, m, s)[1]
    close(dm, -r * (z - m) / np.exp(s))
    close(ds, -r / 2 * ((z - m) ** 2 / np.exp(s) - 1))
    close(dm, jacobian(lambda m: mixture_kl(z, mu, logvar, m, s)[0], m), 1e-8)
    close(ds, jacobian(lambda s: mixture_kl(z, mu, logvar, m, s)[0], s), 1e-8)


@cache
def measured(vamp: bool) -> tuple[str, str]:
    """Train what the demo trains; return its bound, and that of a hundred importance weights."""
    split, noise = nn.digits(), np.random.default_rng(0)
    train, test = (nn.binarize(d.images, "static", rng=noise) for d in split)
    rng = np.random.default_rng(0)
    nets = [mlp(sizes, rng=rng) for sizes in ((784, 256, 16), (8, 256, 784))]
    model = nn.VAE(*nets, 8, input_shape=(784,))
    if vamp:
        rng = np.random.default_rng(0)
        model = nn.VampPriorVAE(*nets, 8, components=100, input_shape=(784,), rng=rng)
        model.start_from(train[:100])
    nn.Trainer(model, nn.Adam(1e-3), seed=0).fit(train, epochs=15)
    rng = np.random.default_rng(0)
    bound = -float(model.log_prob(test, rng=rng).mean())
    with warnings.catch_warnings():  # the page calls it the bound of a hundred weights
        warnings.simplefilter("ignore", LowEffectiveSampleSize)
        tight = nn.importance_nll(model, test, samples=100, rng=rng).mean
    return f"{bound:.1f}", f"{tight:.1f}"


@number("bound", long=True)
def bound() -> str:
    return measured(False)[0]


@number("nll", long=True)
def nll() -> str:
    return measured(False)[1]


@number("bound-vamp", long=True)
def bound_vamp() -> str:
    return measured(True)[0]


@number("nll-vamp", long=True)
def nll_vamp() -> str:
    return measured(True)[1]
