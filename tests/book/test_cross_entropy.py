"""The equations of docs/cross_entropy.md: the losses against logarithms of probabilities."""

from math import exp, log

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close, jacobian
from nnscratch.core import Array

K, N = 4, 3


def softmax(a: Array) -> Array:
    return nn.Softmax().forward(a)[0]


@equation("softmax")
def test_softmax(rng: np.random.Generator) -> None:
    a = 3 * rng.standard_normal((K, N))
    want = [
        [exp(a[k, n]) / sum(exp(a[j, n]) for j in range(K)) for n in range(N)] for k in range(K)
    ]
    close(softmax(a), want)


@equation("shift")
def test_a_constant_cancels(rng: np.random.Generator) -> None:
    a = rng.standard_normal((K, N))
    for c in (-1000.0, 0.3, 1000.0):
        close(softmax(a + c), softmax(a))


@equation("two-classes")
def test_two_classes(rng: np.random.Generator) -> None:
    a = rng.standard_normal((2, 50))
    close(softmax(a)[0], nn.Sigmoid().forward(a[0] - a[1])[0])


@equation("jacobian")
def test_the_jacobian(rng: np.random.Generator) -> None:
    a = rng.standard_normal((K, 1))
    p = softmax(a)[:, 0]
    J = np.array([nn.Softmax().forward(a)[1](row[:, None])[:, 0] for row in np.eye(K)])
    close(J, p[:, None] * (np.eye(K) - p))
    close(J, jacobian(lambda v: softmax(v[:, None])[:, 0], a[:, 0]))


@equation("vjp")
def test_the_product_with_the_jacobian(rng: np.random.Generator) -> None:
    a, dp = rng.standard_normal((2, K, 1))
    p, backward = nn.Softmax().forward(a)
    J = p * (np.eye(K) - p[:, 0])
    close(backward(dp)[:, 0], dp[:, 0] @ J)
    close(backward(dp), p * (dp - (dp * p).sum()))
    close(backward(np.ones((K, 1))), np.zeros((K, 1)), 1e-15)


@equation("nll")
def test_the_negative_log_likelihood(rng: np.random.Generator) -> None:
    a, t = rng.standard_normal((K, N)), np.array([0, 2, 2])
    value, _ = nn.categorical_nll(a, t)
    close(value, -sum(log(softmax(a)[k, n]) for n, k in enumerate(t)) / N)
    sums = [log(sum(exp(a[j, n]) for j in range(K))) - a[k, n] for n, k in enumerate(t)]
    close(value, sum(sums) / N)


@equation("gradient")
def test_the_gradient(rng: np.random.Generator) -> None:
    a, t = rng.standard_normal((K, N)), np.array([0, 2, 1])
    _, da = nn.categorical_nll(a, t)
    delta = np.array([[float(k == label) for label in t] for k in range(K)])
    close(N * da, softmax(a) - delta)
    close(da, jacobian(lambda a: nn.categorical_nll(a, t)[0], a))
    close(da.sum(axis=0), np.zeros(N))


def sigma(a: float) -> float:
    return float(nn.Sigmoid().forward(np.array([[a]]))[0][0, 0])


def slopes(a: float, eps: float) -> tuple[float, float]:
    """Return the slope of log(σ(a) + ε), and of log σ(a) by the library's loss."""
    D = sigma(a)
    _, da = nn.bernoulli_nll(np.array([[a]]), np.ones((1, 1)))
    return D * (1 - D) / (D + eps), -float(da[0, 0])


@equation("epsilon")
def test_the_slope_that_a_constant_in_the_logarithm_takes_away() -> None:
    for a, eps in ((-3.0, 0.02), (-1.0, 1e-9), (2.0, 0.1)):
        with_eps, without = slopes(a, eps)
        h = 1e-5
        close(with_eps, (log(sigma(a + h) + eps) - log(sigma(a - h) + eps)) / (2 * h))
        close(without, (log(sigma(a + h)) - log(sigma(a - h))) / (2 * h))
        close(without, 1 - sigma(a))


@number("with-epsilon")
def with_epsilon() -> str:
    return f"{slopes(-30.0, 1e-9)[0]:.1e}"


@number("without-epsilon")
def without_epsilon() -> str:
    return f"{slopes(-30.0, 1e-9)[1]:.1e}"


@equation("bernoulli")
def test_bernoulli(rng: np.random.Generator) -> None:
    a, t = rng.standard_normal((5, N)), rng.integers(0, 2, (5, N)).astype(float)
    value, _ = nn.bernoulli_nll(a, t)
    p = 1 / (1 + np.exp(-a))
    close(value, -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum() / N)
    close(value, (np.log(1 + np.exp(a)) - t * a).sum() / N)


@equation("bernoulli-gradient")
def test_the_gradient_of_bernoulli(rng: np.random.Generator) -> None:
    a, t = rng.standard_normal((5, N)), rng.random((5, N))
    _, da = nn.bernoulli_nll(a, t)
    close(N * da, 1 / (1 + np.exp(-a)) - t)
    close(da, jacobian(lambda a: nn.bernoulli_nll(a, t)[0], a))


@equation("start")
def test_the_loss_of_one_who_knows_nothing() -> None:
    for classes in (2, 10):
        value, _ = nn.categorical_nll(np.full((classes, 4), 0.7), np.array([0, 1, 1, 0]))
        close(value, log(classes))
    close(nn.bernoulli_nll(np.zeros((1, 1)), np.ones((1, 1)))[0], log(2))
