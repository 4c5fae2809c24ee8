"""The equations of docs/normalisation.md: standardise and the layers against differences."""

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.layers.standardise import Affine, standardise

K, EPS = 6, 0.3


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    """One group of K numbers."""
    return 2 * rng.standard_normal(K) + 1


def xhat_of(x: Array) -> Array:
    return (x - x.mean()) / np.sqrt(((x - x.mean()) ** 2).mean() + EPS)


def r_of(x: Array) -> Array:
    return 1 / np.sqrt(((x - x.mean()) ** 2).mean() + EPS)


def backwarded(x: Array, dxhat: Array) -> Array:
    """Return dx by the library."""
    return standardise("x", x, (0,), EPS)[3](dxhat)


@equation("forward")
def test_forward(rng: np.random.Generator) -> None:
    norm = nn.LayerNorm((K,), eps=EPS, dtype=np.float64)
    gamma, beta = rng.standard_normal((2, K))
    norm.affine.gamma.value[...], norm.affine.beta.value[...] = gamma, beta
    x = rng.standard_normal((K, 4))
    y, _ = norm.forward(x)
    for n in range(4):
        close(y[:, n], gamma * xhat_of(x[:, n]) + beta)


@equation("no-mean")
def test_dx_has_no_mean(x: Array, rng: np.random.Generator) -> None:
    close(backwarded(x, rng.standard_normal(K)).sum(), 0.0)


@equation("no-stretch")
def test_what_is_left_along_xhat(x: Array, rng: np.random.Generator) -> None:
    dxhat, xhat = rng.standard_normal(K), xhat_of(x)
    left = (backwarded(x, dxhat) * xhat).sum()
    close(left, EPS / (x.var() + EPS) * (r_of(x) * dxhat * xhat).sum())
    assert abs(left) > 1e-3


@equation("dmu")
def test_derivative_of_the_mean(x: Array) -> None:
    close(standardise("x", x, (0,), EPS)[1][0], sum(x) / K)
    close(jacobian(np.mean, x), np.full(K, 1 / K))


@equation("dvar")
def test_derivative_of_the_variance(x: Array) -> None:
    mean = sum(x) / K
    close(standardise("x", x, (0,), EPS)[2][0], sum((x - mean) ** 2) / K)
    close(jacobian(np.var, x), 2 / K * (np.eye(K) - 1 / K) @ (x - mean))
    close(jacobian(np.var, x), 2 / K * (x - mean))


@equation("dr")
def test_derivative_of_r(x: Array) -> None:
    slope = jacobian(r_of, x)
    close(slope, -0.5 * (x.var() + EPS) ** -1.5 * jacobian(np.var, x))
    close(slope, -1 / K * r_of(x) ** 2 * xhat_of(x))


@equation("jacobian")
def test_jacobian_of_xhat(x: Array) -> None:
    want = jacobian(xhat_of, x)
    r, xhat, delta = r_of(x), xhat_of(x), np.eye(K)
    close(np.array([backwarded(x, row) for row in delta]), want)
    close(r * (delta - 1 / K) + np.outer(x - x.mean(), jacobian(r_of, x)), want)
    close(r * (delta - 1 / K - np.outer(xhat, xhat) / K), want)


@equation("dx")
def test_dx(x: Array, rng: np.random.Generator) -> None:
    dxhat, xhat = rng.standard_normal(K), xhat_of(x)
    dx = backwarded(x, dxhat)
    close(dx, dxhat @ jacobian(xhat_of, x))
    close(dx, r_of(x) * (dxhat - sum(dxhat) / K - xhat * sum(dxhat * xhat) / K))


@equation("affine")
def test_affine(rng: np.random.Generator) -> None:
    affine = Affine((3,), np.float64)
    affine.gamma.value[...] = gamma = rng.standard_normal(3)
    xhat, dy = rng.standard_normal((2, 3, 5))
    _, backward = affine.forward(xhat)
    close(backward(dy), gamma[:, None] * dy)
    close(affine.gamma.grad, [sum(dy[s, m] * xhat[s, m] for m in range(5)) for s in range(3)])
    close(affine.beta.grad, [sum(dy[s, m] for m in range(5)) for s in range(3)])


def batch_norm(rng: np.random.Generator) -> nn.BatchNorm:
    norm = nn.BatchNorm(3, eps=EPS, dtype=np.float64)
    for p in norm.parameters().values():
        p.value[...] = rng.standard_normal(3)
    return norm


@equation("batch-norm-dx")
def test_dx_of_batch_norm_from_dgamma_and_dbeta(rng: np.random.Generator) -> None:
    norm, M = batch_norm(rng), 5
    x, dy = rng.standard_normal((2, 3, M))
    _, backward = norm.forward(x)
    dx = backward(dy)
    gamma, dgamma = norm.affine.gamma.value, norm.affine.gamma.grad
    for c in range(3):
        rest = dy[c] - norm.affine.beta.grad[c] / M - xhat_of(x[c]) * dgamma[c] / M
        close(dx[c], gamma[c] * r_of(x[c]) * rest)
        dL = jacobian(lambda x, c=c: dy[c] @ (gamma[c] * xhat_of(x)), x[c])
        close(dx[c], dL)


@equation("running")
def test_running_averages(rng: np.random.Generator) -> None:
    norm, M = nn.BatchNorm(1, momentum=0.2, dtype=np.float64), 4
    m, v = 0.0, 1.0
    for _ in range(3):
        x = rng.standard_normal((1, M)) + 2
        norm.forward(x)[1](x)
        mean = x.sum() / M
        m = 0.8 * m + 0.2 * mean
        v = 0.8 * v + 0.2 * M / (M - 1) * ((x - mean) ** 2).sum() / M
    close([norm.running_mean[0], norm.running_var[0]], [m, v])


@equation("inference")
def test_inference(rng: np.random.Generator) -> None:
    norm = batch_norm(rng)
    norm.running_mean[...], norm.running_var[...] = m, v = rng.random((2, 3))
    x = rng.standard_normal((3, 1))
    gamma, beta = norm.affine.gamma.value, norm.affine.beta.value
    close(norm.inference().forward(x)[0][:, 0], gamma * (x[:, 0] - m) / np.sqrt(v + EPS) + beta)
