"""The equations of docs/importance_weighting.md, on a linear VAE whose likelihood is known."""

from functools import cache
from itertools import pairwise

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.layers import GaussianSample

D, L, S2, TOO_WIDE = 6, 2, 0.5, 1.5


def model(wide: float = TOO_WIDE) -> nn.VAE:
    """Return a linear VAE with orthogonal columns; its q has the right mean, σ is `wide` times."""
    rng = np.random.default_rng(0)
    encoder = nn.Dense(D, 2 * L, rng=rng, dtype=np.float64)
    decoder = nn.Dense(L, D, rng=rng, dtype=np.float64)
    w = np.linalg.qr(rng.standard_normal((D, L)))[0] * [1.5, 0.8]
    S = np.linalg.inv(w.T @ w + S2 * np.eye(L))
    encoder.w.value[...] = np.vstack([S @ w.T, np.zeros((L, D))])
    encoder.b.value[...] = np.concatenate([np.zeros(L), np.log(S2 * np.diag(S) * wide**2)])
    decoder.w.value[...], decoder.b.value[...] = w, 0
    return nn.VAE(encoder, decoder, L, nn.Gaussian(S2), input_shape=(D,))


def images(count: int) -> Array:
    """Return draws of the model itself, (count, D)."""
    rng, w = np.random.default_rng(1), model().parameters()["decoder.0.weight"].value
    z, noise = rng.standard_normal((L, count)), rng.standard_normal((D, count))
    return (w @ z + S2**0.5 * noise).T


def exact(x: Array) -> Array:
    """Return log N(x; 0, w wᵀ + s² I) for rows of x."""
    w = model().parameters()["decoder.0.weight"].value
    S = w @ w.T + S2 * np.eye(D)
    square = (x * np.linalg.solve(S, x.T).T).sum(axis=1)
    return -(square + np.log(np.linalg.det(S)) + D * np.log(2 * np.pi)) / 2


def log_weights(x: Array, K: int, seed: int = 2) -> Array:
    """Return log w of K draws for each row of x, (N, K), literally."""
    vae, rng = model(), np.random.default_rng(seed)
    mu, logvar = (a[:, None] for a in vae.posterior(x))
    eps = rng.standard_normal((len(x), K, L))
    z = mu + np.exp(logvar / 2) * eps
    w = vae.parameters()["decoder.0.weight"].value
    log_p = -((x[:, None] - z @ w.T) ** 2).sum(axis=2) / (2 * S2) - D / 2 * np.log(2 * np.pi * S2)
    log_prior = -(z**2 + np.log(2 * np.pi)).sum(axis=2) / 2
    log_q = -(((z - mu) ** 2) / np.exp(logvar) + logvar + np.log(2 * np.pi)).sum(axis=2) / 2
    return log_p + log_prior - log_q


def log_mean(log_w: Array) -> Array:
    return np.logaddexp.reduce(log_w, axis=-1) - np.log(log_w.shape[-1])


def bound(x: Array, K: int, repeats: int = 2000) -> tuple[float, float]:
    """Return L_K for rows of x by the library, mean and standard error."""
    found = nn.importance_nll(
        model(), np.repeat(x, repeats, axis=0), samples=K, rng=np.random.default_rng(3)
    )
    return -found.mean, found.error


@equation("weight")
def test_weight() -> None:
    """The mean of many weights is p(x), the exact one, for each of five samples."""
    x = images(5)
    w = np.exp(log_weights(x, 400_000) - exact(x)[:, None])
    error = w.std(axis=1) / 400_000**0.5
    assert (abs(w.mean(axis=1) - 1) < 5 * error).all()


@equation("bound")
def test_bound() -> None:
    """The library's L_K against many literal ones; below the exact value; exact for the right q."""
    x = images(1)
    for K in (1, 5):
        left, error = bound(x, K, 20_000)
        literal = log_mean(log_weights(np.repeat(x, 20_000, axis=0), K))
        assert abs(left - literal.mean()) < 5 * np.hypot(error, literal.std() / 20_000**0.5)
        assert left + 5 * error < exact(x)[0]
    found = nn.importance_nll(model(1.0), images(4), samples=3, rng=np.random.default_rng(0))
    close(-found.mean, exact(images(4)).mean())


@equation("rises")
def test_rises() -> None:
    x = images(1)
    found = [bound(x, K, 20_000) for K in (1, 2, 4, 8)]
    for (low, error), (high, other) in pairwise(found):
        assert high - low > 5 * np.hypot(error, other)


@equation("gap")
def test_gap() -> None:
    """At K = 200 the left side is the right one to a twentieth."""
    x, K = images(1), 200
    variance = np.exp(log_weights(x, 400_000)[0] - exact(x)[0]).var()
    log_w = log_weights(np.repeat(x, 20_000, axis=0), K)
    # log of the mean, less a control of mean zero: the mean's own deviation from 1
    mean = np.exp(log_w - exact(x)[0]).mean(axis=1)
    gap = (mean - 1 - np.log(mean)).mean()
    np.testing.assert_allclose(gap, variance / (2 * K), rtol=0.05)


@equation("ess")
def test_ess() -> None:
    """The library's softmax on the left; 1 where one weight has everything, K where all agree."""
    log_w = log_weights(images(3), 7).T  # (K, N)
    share, _ = nn.Softmax().forward(log_w)
    w = np.exp(log_w)
    left = 1 / (share**2).sum(axis=0)
    close(left, w.sum(axis=0) ** 2 / (w**2).sum(axis=0))
    assert ((left >= 1) & (left <= 7)).all()
    for log_weight, ess in ((np.zeros((7, 1)), 7.0), (np.eye(7)[:, :1] * 500, 1.0)):
        close((1 / (nn.Softmax().forward(log_weight)[0] ** 2).sum(axis=0))[0], ess)


@equation("gradient")
def test_gradient() -> None:
    """∂/∂μ through the library's sample and softmax, against differences of the literal bound."""
    rng, K = np.random.default_rng(4), 5
    x, eps, logvar = images(1)[0], rng.standard_normal((L, K)), np.array([-0.7, -0.2])
    w = model().parameters()["decoder.0.weight"].value

    def log_w(mu: Array) -> Array:
        z = mu[:, None] + np.exp(logvar / 2)[:, None] * eps
        log_p = -((x[:, None] - w @ z) ** 2).sum(axis=0) / (2 * S2)
        return log_p - (z**2).sum(axis=0) / 2 + ((eps**2).sum(axis=0) + logvar.sum()) / 2

    mu = np.array([0.3, -0.4])
    many = [np.repeat(a[:, None], K, axis=1) for a in (mu, logvar)]
    z, backward = GaussianSample().forward(*many, eps)
    share = nn.Softmax().forward(log_w(mu)[:, None])[0][:, 0]
    dz = share * (w.T @ (x[:, None] - w @ z) / S2 - z)  # of log q nothing comes: it is that of ε
    close(backward(dz)[0].sum(axis=1), jacobian(lambda m: log_mean(log_w(m)), mu), 1e-8)
    close(share @ jacobian(log_w, mu), jacobian(lambda m: log_mean(log_w(m)), mu), 1e-8)


def weighted(mu: Array, logvar: Array, eps: Array, doubly: bool) -> tuple[Array, Array]:
    """Return ∂/∂(μ, log σ²) of the negative bound of one x by the library, N draws of (L, K, N)."""
    _, K, N = eps.shape
    vae = model()
    iwae = nn.IWAE(vae.encoder, vae.decoder, L, nn.Gaussian(S2), K, input_shape=(D,))
    iwae.doubly_reparameterized = doubly
    h = np.concatenate([mu, logvar])[:, None].repeat(N, axis=1)
    _, backward = iwae.bound(images(1).T.repeat(N, axis=1), h, eps.reshape(L, K * N))
    dh = N * backward(1.0)
    return dh[:L], dh[L:]


MU, LOGVAR = np.array([0.3, -0.4]), np.array([-0.7, -0.2])


def by_hand(eps: Array) -> tuple[Array, Array, Array, Array]:
    """Return z, ∂log p(x|z)/∂z, σ ε and the shares of K draws (L, K), literally."""
    x, w = images(1)[0], model().parameters()["decoder.0.weight"].value
    noise = np.exp(LOGVAR / 2)[:, None] * eps
    z = MU[:, None] + noise
    residual = x[:, None] - w @ z
    log_w = -(residual**2).sum(axis=0) / (2 * S2) + ((eps**2).sum(axis=0) - (z**2).sum(axis=0)) / 2
    share = np.exp(log_w) / np.exp(log_w).sum()
    return z, w.T @ residual / S2, noise, share


@equation("dz")
def test_dz() -> None:
    """The library's gradient by μ and log σ² on the left, the formula with literal shares right."""
    eps = np.random.default_rng(4).standard_normal((L, 5, 1))
    dmu, dlogvar = weighted(MU, LOGVAR, eps, doubly=False)
    z, slope, noise, share = by_hand(eps[..., 0])
    dz = share * (z - slope)
    close(dmu[:, 0], dz.sum(axis=1))
    close(dlogvar[:, 0], ((dz * noise).sum(axis=1) - 1) / 2)


@equation("dreg")
def test_dreg() -> None:
    """The library's is the formula, draw by draw; in expectation it is the ordinary gradient."""
    eps = np.random.default_rng(4).standard_normal((L, 5, 1))
    dmu, dlogvar = weighted(MU, LOGVAR, eps, doubly=True)
    z, slope, noise, share = by_hand(eps[..., 0])
    dz = -(share**2) * (slope - z + eps[..., 0] / np.exp(LOGVAR / 2)[:, None])
    close(dmu[:, 0], dz.sum(axis=1))
    close(dlogvar[:, 0], (dz * noise).sum(axis=1) / 2)
    N, rng = 100_000, np.random.default_rng(5)
    both = [
        weighted(MU, LOGVAR, rng.standard_normal((L, 5, N)), doubly) for doubly in (False, True)
    ]
    for one, other in zip(*both, strict=True):
        error = np.hypot(one.std(axis=1), other.std(axis=1)) / N**0.5
        assert (abs(one.mean(axis=1) - other.mean(axis=1)) < 5 * error).all()


@number("quieter")
def quieter() -> str:
    """With the encoder of the table, whose standard deviations are too large."""
    mu, logvar = (a[0] for a in model().posterior(images(1)))
    eps = np.random.default_rng(6).standard_normal((L, 10, 20_000))
    plain, doubly = (weighted(mu, logvar, eps, kind)[0].var(axis=1).sum() for kind in (False, True))
    return f"{doubly / plain:.2f}"


@equation("surrogate")
def test_surrogate() -> None:
    log_w = log_weights(images(1), 9)[0]
    share = nn.Softmax().forward(log_w[:, None])[0][:, 0]
    left = share @ log_w - log_mean(log_w)
    close(left, (share * np.log(9 * share)).sum())
    assert 0 <= left <= np.log(9)


@cache
def row(K: int) -> str:
    return f"{-bound(images(20), K)[0]:.2f}"


@number("k1")
def k1() -> str:
    return row(1)


@number("k10")
def k10() -> str:
    return row(10)


@number("k100", long=True)
def k100() -> str:
    return row(100)


@number("exact")
def exact_number() -> str:
    return f"{-exact(images(20)).mean():.2f}"


@number("optimistic")
def optimistic() -> str:
    log_w = 3 * np.random.default_rng(0).standard_normal((50, 20_000))
    share = nn.Softmax().forward(log_w)[0]
    return f"{((share * log_w).sum(axis=0) - log_mean(log_w.T)).mean():.1f}"
