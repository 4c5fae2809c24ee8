"""The equations of docs/adversarial_autoencoder.md."""

from functools import cache

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.models.adversarial import gaussian
from nnscratch.models.lesson import mlp

P, Q = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.4, 0.4, 0.1, 0.1])
"""A prior and a distribution of codes on four points: expectations are sums."""


def sigma(d: Array) -> Array:
    return 1 / (1 + np.exp(-d))


def expected(d: Array, p: Array, target: float) -> float:
    """Return E_p of the library's Bernoulli loss of one target: each point as often as p says."""
    many = np.repeat(d, np.round(10 * p).astype(int))[None]
    return nn.bernoulli_nll(many, np.full_like(many, target))[0]


def small(L: int = 2) -> nn.AdversarialAutoencoder:
    rng = np.random.default_rng(0)
    nets = [mlp(sizes, rng=rng, dtype=np.float64) for sizes in ((6, L), (L, 6), (L, 4, 1))]
    return nn.AdversarialAutoencoder(*nets, input_shape=(6,), weight=2.0)


@equation("judge")
def test_judge(rng: np.random.Generator) -> None:
    """The library's discriminator loss on its own codes and the prior's draws."""
    model, x = small(), rng.random((6, 9))
    found, _ = model.discriminator_loss(x, rng=np.random.default_rng(3))
    draws = gaussian(2, 9, rng=np.random.default_rng(3), dtype=np.float64)
    codes = model.encode(x.T).T.copy()
    d_draws, d_codes = (model.discriminator.forward(z)[0] for z in (draws, codes))
    right = -np.log(sigma(d_draws)).mean() - np.log(1 - sigma(d_codes)).mean()
    close(found["discriminator"], right)


@equation("ratio")
def test_ratio(rng: np.random.Generator) -> None:
    """No other logit has a smaller loss, and the library's gradient is zero there."""
    best = np.log(P / Q)
    least = expected(best, P, 1.0) + expected(best, Q, 0.0)
    for _ in range(50):
        d = best + 0.1 * rng.standard_normal(4)
        assert expected(d, P, 1.0) + expected(d, Q, 0.0) > least
    close(P * (sigma(best) - 1) + Q * sigma(best), np.zeros(4))


@equation("value")
def test_value() -> None:
    best, m = np.log(P / Q), (P + Q) / 2
    js = ((P * np.log(P / m)).sum() + (Q * np.log(Q / m)).sum()) / 2
    close(expected(best, P, 1.0) + expected(best, Q, 0.0), 2 * np.log(2) - 2 * js)
    assert 0 < js < np.log(2)


@equation("generator")
def test_generator(rng: np.random.Generator) -> None:
    model, x = small(), rng.random((6, 9))
    d = model.discriminator.forward(model.encode(x.T).T.copy())[0]
    close(model.loss(x)[0]["generator"], -np.log(sigma(d)).mean())
    slope = jacobian(lambda d: -np.log(sigma(d)).sum(), d)
    close(len(d.T) * nn.bernoulli_nll(d, np.ones_like(d))[1], slope, 1e-8)
    close(sigma(d) - 1, slope, 1e-8)


@equation("saturating")
def test_saturating() -> None:
    d = np.array([[-8.0, -1.0, 2.0]])
    left = -3 * nn.bernoulli_nll(d, np.zeros_like(d))[1]
    close(left, -sigma(d))
    close(left, jacobian(lambda d: np.log(1 - sigma(d)).sum(), d), 1e-8)
    assert abs(left[0, 0]) < 1e-3 < 0.99 < abs(sigma(d) - 1)[0, 0]


@equation("nothing")
def test_nothing(rng: np.random.Generator) -> None:
    """A discriminator whose last layer is zero, as the library computes it."""
    model, x = small(), rng.random((6, 9))
    last = model.discriminator.layers[-1]
    last.w.value[...], last.b.value[...] = 0, 0
    close(model.discriminator_loss(x, rng=rng)[0]["discriminator"], 2 * np.log(2))
    close(model.loss(x)[0]["generator"], np.log(2))
    assert round(2 * np.log(2), 3) == 1.386
    assert round(np.log(2), 3) == 0.693


@equation("opposed")
def test_opposed(rng: np.random.Generator) -> None:
    """The gradients of a Dense discriminator's weight from the two losses of one code."""
    layer, z = nn.Dense(3, 1, rng=rng, dtype=np.float64), rng.standard_normal((3, 1))
    found = []
    for target in (1.0, 0.0):
        d, backward = layer.forward(z)
        layer.w.grad[...] = 0
        backward(nn.bernoulli_nll(d, np.full((1, 1), target))[1])
        found.append(layer.w.grad[0].copy())
    s = float(sigma(d)[0, 0])
    close(found[0], (s - 1) * z[:, 0])
    close(found[1], s * z[:, 0])
    assert found[0] @ found[1] < 0


@cache
def played(rate: float) -> tuple[str, str, str]:
    """Train with this rate of D; return its first accuracy, its last loss, the codes' spread."""
    train, test = nn.digits()
    rng = np.random.default_rng(0)
    nets = [mlp(s, rng=rng) for s in ((784, 128, 2), (2, 128, 784), (2, 64, 64, 1))]
    model = nn.AdversarialAutoencoder(*nets, input_shape=(784,), weight=10.0)
    model.discriminator.layers[-1].w.value[...] = 0
    trainer = nn.AdversarialTrainer(model, nn.Adam(1e-3), nn.Adam(rate, beta1=0.5), seed=0)
    trainer.fit(train.images, validation=test.images, epochs=4)
    first, last = trainer.history[0]["train"], trainer.history[-1]["validation"]
    spread = model.encode(test.images).std(axis=0).mean()
    return f"{first['accuracy']:.2f}", f"{last['discriminator']:.2f}", f"{spread:.1f}"


@number("first", long=True)
def first() -> str:
    return played(1e-3)[0]


@number("first-dead", long=True)
def first_dead() -> str:
    return played(0.0)[0]


@number("loss", long=True)
def loss() -> str:
    return played(1e-3)[1]


@number("loss-dead", long=True)
def loss_dead() -> str:
    return played(0.0)[1]


@number("spread", long=True)
def spread() -> str:
    return played(1e-3)[2]


@number("spread-dead", long=True)
def spread_dead() -> str:
    return played(0.0)[2]
