"""The equations of docs/optimisers.md: the library's steps against sums over past gradients."""

from functools import cache
from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close
from nnscratch.core import Array

ETA, P, T = 0.01, 5, 12


@pytest.fixture
def gradients(rng: np.random.Generator) -> Array:
    """T gradients of P parameters."""
    return rng.standard_normal((T, P)) + 0.5


def path(optimizer: Any, gradients: Array, start: Any = 0.0) -> Array:
    """Return θ after each step, (T + 1, P), by the library."""
    theta = nn.Parameter(np.full(gradients.shape[1], start, dtype=np.float64))
    found = [theta.value.copy()]
    for g in gradients:
        theta.grad[...] = g
        optimizer.step(theta)
        found.append(theta.value.copy())
    return np.array(found)


def average(beta: float, values: Array) -> Array:
    """Return (1 - β) Σ_k β^(t-k) values_k for t = 1 … T, literally."""
    return np.array(
        [
            (1 - beta) * sum(beta ** (t - k) * values[k - 1] for k in range(1, t + 1))
            for t in range(1, len(values) + 1)
        ]
    )


@equation("sgd")
def test_sgd_on_a_quadratic() -> None:
    curvature, best = np.array([0.5, 3.0, 190.0]), np.array([1.0, -2.0, 0.3])
    theta, sgd = nn.Parameter(np.zeros(3)), nn.SGD(ETA)
    for _ in range(T):
        theta.grad[...] = curvature * (theta.value - best)
        sgd.step(theta)
    close(theta.value - best, (1 - ETA * curvature) ** T * (0 - best))


@equation("momentum")
def test_momentum(gradients: Array) -> None:
    mu = 0.8
    found = path(nn.SGD(ETA, momentum=mu), gradients)
    u = [sum(mu ** (t - k) * gradients[k - 1] for k in range(1, t + 1)) for t in range(1, T + 1)]
    close(np.diff(found, axis=0), -ETA * np.array(u))


@equation("momentum-rate")
def test_momentum_of_a_constant_gradient() -> None:
    g, mu = np.array([0.3, -2.0]), 0.9
    sgd = nn.SGD(ETA, momentum=mu)
    path(sgd, np.tile(g, (7, 1)))
    close(sgd.state["velocity"], g * (1 - mu**7) / (1 - mu))
    path(sgd, np.tile(g, (400, 1)))
    close(sgd.state["velocity"], g / (1 - mu))


@equation("rmsprop")
def test_rmsprop(gradients: Array) -> None:
    alpha, eps = 0.9, 1e-2
    found = path(nn.RMSprop(ETA, alpha=alpha, eps=eps), gradients)
    v = average(alpha, gradients**2)
    close(np.diff(found, axis=0), -ETA * gradients / (np.sqrt(v) + eps))


def first_of_rmsprop(alpha: float, eta: float) -> float:
    found = path(nn.RMSprop(eta, alpha=alpha, eps=0), np.full((1, 1), -0.37))
    return float(found[1, 0])


@equation("rmsprop-first")
def test_the_first_step_of_rmsprop() -> None:
    for alpha in (0.5, 0.9, 0.99):
        close(first_of_rmsprop(alpha, ETA), ETA / np.sqrt(1 - alpha))


@number("rmsprop-torch")
def rmsprop_torch() -> str:
    return f"{first_of_rmsprop(0.99, 1e-3):.4f}"


@number("rmsprop-keras")
def rmsprop_keras() -> str:
    return f"{first_of_rmsprop(0.9, 1e-3):.4f}"


def steps_at(g: float) -> tuple[float, float]:
    """Return the late steps in units of η: the library's, and with ε = 1e-7 under the root."""
    gradients = np.full((300, 1), g)
    found = path(nn.RMSprop(ETA, alpha=0.9), gradients)
    v = 0.0
    for _ in gradients:
        v = 0.9 * v + 0.1 * g**2
    return float(found[-2, 0] - found[-1, 0]) / ETA, g / np.sqrt(v + 1e-7)


@equation("epsilon")
def test_where_epsilon_stands() -> None:
    for g in (1e-5, 1e-3, 0.1):
        close(steps_at(g), (g / (g + 1e-8), g / np.sqrt(g**2 + 1e-7)))


@number("epsilon-outside")
def epsilon_outside() -> str:
    return f"{steps_at(1e-5)[0]:.3f}"


@number("epsilon-inside")
def epsilon_inside() -> str:
    return f"{steps_at(1e-5)[1]:.3f}"


@equation("adam-moments")
def test_moments_of_adam(gradients: Array) -> None:
    adam = nn.Adam(ETA, beta1=0.8, beta2=0.95)
    path(adam, gradients)
    close(adam.state["first"], average(0.8, gradients)[-1])
    close(adam.state["second"], average(0.95, gradients**2)[-1])


@equation("bias")
def test_the_bias_of_the_moments(rng: np.random.Generator) -> None:
    """Means over many parameters whose gradients are N(0.7, 1), so that E g² = 1.49."""
    many, adam = 200_000, nn.Adam(ETA)
    path(adam, rng.standard_normal((6, many)) + 0.7)
    for moment, beta, mean in (("first", 0.9, 0.7), ("second", 0.999, 1.49)):
        values = adam.state[moment]
        z = (values.mean() - (1 - beta**6) * mean) / (values.std() / np.sqrt(many))
        assert abs(z) < 4


@equation("adam")
def test_adam(gradients: Array) -> None:
    b1, b2, eps = 0.8, 0.95, 1e-2
    found = path(nn.Adam(ETA, beta1=b1, beta2=b2, eps=eps), gradients)
    t = np.arange(1, T + 1)[:, None]
    m, v = average(b1, gradients) / (1 - b1**t), average(b2, gradients**2) / (1 - b2**t)
    close(np.diff(found, axis=0), -ETA * m / (np.sqrt(v) + eps))


def uncorrected(t: Array) -> Array:
    """Return the lengths of steps without the correction, in units of η."""
    return (1 - 0.9**t) / np.sqrt(1 - 0.999**t)


@equation("adam-first")
def test_steps_for_a_constant_gradient() -> None:
    adam, g = nn.Adam(ETA, eps=0), np.tile([0.3, -7.0], (T, 1))
    close(np.abs(np.diff(path(adam, g), axis=0)), np.full((T, 2), ETA))
    m, v = average(0.9, g), average(0.999, g**2)
    close(np.abs(m / np.sqrt(v))[:, 0], uncorrected(np.arange(1, T + 1)))
    close(uncorrected(np.array([1])), np.array([10**0.5]), 1e-12)


@number("adam-largest")
def adam_largest() -> str:
    return f"{uncorrected(np.arange(1, 1000)).max():.1f}"


@number("adam-worst")
def adam_worst() -> str:
    return str(int(uncorrected(np.arange(1, 1000)).argmax()) + 1)


@equation("l2-sgd")
def test_with_sgd_both_decays_are_one(gradients: Array) -> None:
    decay, theta = 0.3, np.ones(P)
    found = path(nn.SGD(ETA, weight_decay=decay), gradients, 1.0)
    for step, g in enumerate(gradients):
        close(found[step + 1], theta - ETA * (g + decay * theta))
        theta = (1 - ETA * decay) * theta - ETA * g
        close(found[step + 1], theta)


@equation("adamw")
def test_adamw(gradients: Array) -> None:
    b1, b2, eps, decay = 0.8, 0.95, 1e-2, 0.3
    optimizer = nn.AdamW(ETA, beta1=b1, beta2=b2, eps=eps, weight_decay=decay)
    found = path(optimizer, gradients, 1.0)
    t = np.arange(1, T + 1)[:, None]
    m, v = average(b1, gradients) / (1 - b1**t), average(b2, gradients**2) / (1 - b2**t)
    close(found[1:], (1 - ETA * decay) * found[:-1] - ETA * m / (np.sqrt(v) + eps))


@cache
def decayed(kind: type) -> tuple[float, float]:
    """Return the mean weights of large and of small gradients after 2,000 steps."""
    rng, size = np.random.default_rng(0), np.repeat([10.0, 0.01], 500)
    theta, optimizer = nn.Parameter(np.ones(1000)), kind(1e-3, weight_decay=0.1)
    for _ in range(2000):
        theta.grad[...] = size * rng.standard_normal(1000)
        optimizer.step(theta)
    return float(theta.value[:500].mean()), float(theta.value[500:].mean())


@number("l2-large")
def l2_large() -> str:
    return f"{decayed(nn.Adam)[0]:.2f}"


@number("l2-small")
def l2_small() -> str:
    return f"{decayed(nn.Adam)[1]:.2f}"


@number("decoupled-large")
def decoupled_large() -> str:
    return f"{decayed(nn.AdamW)[0]:.2f}"


@number("decoupled-small")
def decoupled_small() -> str:
    return f"{decayed(nn.AdamW)[1]:.2f}"


def adadelta(rate: float) -> float:
    """Where Zeiler's steps (2012), times a rate, bring θ from 0 on ½(θ - 1)²: 50 epochs of 235."""
    theta, squares, moves, rho, eps = 0.0, 0.0, 0.0, 0.95, 1e-7
    for _ in range(50 * 235):
        g = theta - 1
        squares = rho * squares + (1 - rho) * g**2
        move = ((moves + eps) / (squares + eps)) ** 0.5 * g
        moves = rho * moves + (1 - rho) * move**2
        theta -= rate * move
    return theta


@number("adadelta-old")
def adadelta_old() -> str:
    return f"{adadelta(1.0):.2f}"


@number("adadelta-new")
def adadelta_new() -> str:
    return f"{adadelta(1e-3):.2f}"


@equation("clip")
def test_clipping(gradients: Array) -> None:
    for c in (0.5, 2.0, 100.0):
        found = np.diff(path(nn.SGD(1.0, clip_norm=c), gradients), axis=0)
        norms = np.sqrt((gradients**2).sum(axis=1, keepdims=True))
        close(found, -gradients * np.minimum(1, c / norms))
