"""The equations of docs/conditional_vae.md."""

from functools import cache

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close
from nnscratch.core import Array
from nnscratch.models.labels import append_labels, one_hot
from nnscratch.models.lesson import mlp

D, K = 5, 3


def small() -> nn.ConditionalVAE:
    """Return a conditional VAE of one latent number and black-and-white images of D pixels."""
    rng = np.random.default_rng(0)
    encoder = mlp((D + K, 6, 2), nn.Tanh, rng=rng, dtype=np.float64)
    decoder = mlp((1 + K, 6, D), nn.Tanh, rng=rng, dtype=np.float64)
    for layer in decoder.layers[::2]:
        layer.w.value *= 3  # or x would hardly depend on z
    return nn.ConditionalVAE(encoder, decoder, 1, classes=K, input_shape=(D,))


def black_and_white(rng: np.random.Generator, N: int) -> Array:
    return rng.integers(0, 2, (N, D)).astype(np.float64)


def log_likelihoods(x: Array, labels: Array) -> Array:
    """Return log p(x|y) by an integral over a fine grid of z, (N,)."""
    z = np.linspace(-9, 9, 4001)
    found = []
    for row, label in zip(x, labels, strict=True):
        codes = append_labels(z[None], one_hot(np.full(z.size, label), K, np.dtype(np.float64)))
        a = small().decoder.forward(codes)[0]
        log_p = (row[:, None] * a - np.logaddexp(0, a)).sum(axis=0)
        log_joint = log_p - z**2 / 2 - np.log(2 * np.pi) / 2
        found.append(np.logaddexp.reduce(log_joint) + np.log(z[1] - z[0]))
    return np.array(found)


@equation("bound")
def test_bound(rng: np.random.Generator) -> None:
    """The library's ELBO, averaged over draws, lies below log p(x|y); and not far below."""
    x, labels = black_and_white(rng, 6), rng.integers(0, K, 6)
    draws = 20_000
    each = small().log_prob(np.repeat(x, draws, 0), np.repeat(labels, draws), rng=rng)
    each = each.reshape(6, draws)
    error = each.std(axis=1) / draws**0.5
    exact = log_likelihoods(x, labels)
    assert (each.mean(axis=1) - 5 * error < exact).all()
    assert (each.mean(axis=1) > exact - 3).all()


@equation("dense")
def test_dense(rng: np.random.Generator) -> None:
    """One layer of the library on [x; e_y] against a bias for each class."""
    layer = nn.Dense(D + K, 4, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.standard_normal(4)
    x, labels = rng.standard_normal((D, 7)), rng.integers(0, K, 7)
    left, _ = layer.forward(append_labels(x, one_hot(labels, K, x.dtype)))
    w, b = layer.w.value, layer.b.value
    for n, y in enumerate(labels):
        close(left[:, n], w[:, :D] @ x[:, n] + b + w[:, D + y])


@equation("conv")
def test_conv(rng: np.random.Generator) -> None:
    """The library's convolution without padding, with and without the label's channels."""
    layer = nn.Conv2d(1 + K, 2, 3, rng=rng, dtype=np.float64)
    alone = nn.Conv2d(1, 2, 3, rng=rng, dtype=np.float64)
    alone.w.value[...], alone.b.value[...] = layer.w.value[:, :1], layer.b.value
    x, labels = rng.standard_normal((1, 6, 6, 5)), rng.integers(0, K, 5)
    left, _ = layer.forward(append_labels(x, one_hot(labels, K, x.dtype)))
    right, _ = alone.forward(x)
    for n, y in enumerate(labels):
        close(left[..., n], right[..., n] + layer.w.value[:, 1 + y].sum((1, 2))[:, None, None])


@equation("label")
def test_label(rng: np.random.Generator) -> None:
    """p(x) is a sum over classes; that of all x is 1, so the integrals are right as well."""
    every = np.array([[(n >> d) & 1 for d in range(D)] for n in range(2**D)], float)
    by_class = np.stack([log_likelihoods(every, np.full(2**D, y)) for y in range(K)])
    prior = np.log([0.5, 0.3, 0.2])[:, None]
    log_p = np.logaddexp.reduce(by_class + prior, axis=0)
    close(np.exp(log_p).sum(), 1.0, 1e-6)
    assert (-log_p <= -by_class - prior).all()


@equation("split")
def test_split(rng: np.random.Generator) -> None:
    """Mixtures of the library's posteriors in one dimension, by sums over a grid."""
    x, labels = black_and_white(rng, 30), np.arange(30) % K
    mu, logvar = small().posterior(x, labels)
    z = np.linspace(-12, 12, 20_001)
    q = np.exp(-((z - mu) ** 2) / (2 * np.exp(logvar))) / np.sqrt(2 * np.pi * np.exp(logvar))
    of_class = [q[labels == y].mean(axis=0) for y in range(K)]
    mean, p = np.mean(of_class, axis=0), np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    def kl(a: Array, b: Array) -> float:
        inside = a > 1e-300
        return float((a[inside] * np.log(a[inside] / b[inside])).sum() * (z[1] - z[0]))

    information = np.mean([kl(a, mean) for a in of_class])
    assert information >= 0
    close(np.mean([kl(a, p) for a in of_class]), information + kl(mean, p))
    assert nn.gaussian_kl(mu.T.copy(), logvar.T.copy())[0] >= information + kl(mean, p)


@cache
def readable() -> tuple[str, str]:
    """Return how often a probe reads the class off the codes of a VAE, and of one with classes."""
    train, test = nn.digits()
    rng, found = np.random.default_rng(0), []
    rate = nn.schedules.Cosine(3e-3, 6 * 79)
    plain = nn.models.lesson.dense_vae((256,), 2, rng=rng)
    nn.Trainer(plain, nn.Adam(rate), seed=0).fit(train, epochs=6)
    given = nn.ConditionalVAE(
        mlp((794, 256, 4), rng=rng), mlp((12, 256, 784), rng=rng), 2, classes=10, input_shape=(784,)
    )
    nn.Trainer(given, nn.Adam(rate), seed=0).fit(train, epochs=6)
    codes = [(plain.encode(part.images),) for part in (train, test)]
    style = [(given.encode(part.images, part.labels),) for part in (train, test)]
    for (learned,), (held_out,) in (codes, style):
        probe = nn.SoftmaxProbe().fit(learned, train.labels)
        found.append(f"{(probe.predict(held_out) == test.labels).mean():.0%}".replace("%", " %"))
    return found[0], found[1]


@number("vae", long=True)
def vae() -> str:
    return readable()[0]


@number("cvae", long=True)
def cvae() -> str:
    return readable()[1]
