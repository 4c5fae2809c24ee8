"""The equations of docs/activations.md: layers against definitions and differences."""

from math import erf, exp, pi, sqrt
from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array

X = np.linspace(-6, 6, 48)[None]  # no zero among them, and none near


def value(layer: Any, x: Array) -> Array:
    return layer.forward(x)[0]


def slope(layer: Any, x: Array) -> Array:
    return layer.forward(x)[1](np.ones_like(x))


def check(layer: Any, want: Array, slopes: Array) -> None:
    """The layer against both formulas, and its slopes against differences."""
    close(value(layer, X), want)
    close(slope(layer, X), slopes)
    h = 1e-4
    close(slope(layer, X), (value(layer, X + h) - value(layer, X - h)) / (2 * h), 1e-8)


@equation("elementwise")
def test_elementwise(rng: np.random.Generator) -> None:
    for layer in (nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.GELU()):
        x, dy = rng.standard_normal((2, 2, 3))
        J = jacobian(lambda x, f=layer: value(f, x).ravel(), x).reshape(6, 6)
        close(J, np.diag(np.diag(J)))
        close(layer.forward(x)[1](dy).ravel(), dy.ravel() * np.diag(J))


@equation("sigmoid")
def test_sigmoid() -> None:
    y = 1 / (1 + np.exp(-X))
    check(nn.Sigmoid(), y, np.exp(-X) / (1 + np.exp(-X)) ** 2)
    check(nn.Sigmoid(), y, y * (1 - y))


@equation("tanh")
def test_tanh() -> None:
    y = 2 * value(nn.Sigmoid(), 2 * X) - 1
    check(nn.Tanh(), y, 1 - y**2)
    check(nn.Tanh(), np.sinh(X) / np.cosh(X), 1 / np.cosh(X) ** 2)


@equation("saturation")
def test_saturation() -> None:
    x = np.linspace(-30, 30, 1001)[None]
    room = 1e-14  # for rounding where both sides are equal
    assert (slope(nn.Sigmoid(), x) <= np.minimum(0.25, np.exp(-np.abs(x))) + room).all()
    assert (slope(nn.Tanh(), x) <= np.minimum(1, 4 * np.exp(-2 * np.abs(x))) + room).all()
    assert slope(nn.Sigmoid(), np.zeros((1, 1))) == 0.25
    assert slope(nn.Tanh(), np.zeros((1, 1))) == 1


@equation("relu")
def test_relu() -> None:
    check(nn.ReLU(), np.array([[max(x, 0) for x in X[0]]]), np.where(X > 0, 1.0, 0.0))
    assert slope(nn.ReLU(), np.zeros((1, 1))) == 0


@equation("leaky")
@pytest.mark.parametrize("a", [0.01, 0.3])
def test_leaky(a: float) -> None:
    want = np.array([[max(x, a * x) for x in X[0]]])
    check(nn.LeakyReLU(a), want, np.where(X > 0, 1, a))


@equation("elu")
@pytest.mark.parametrize("alpha", [1.0, 0.4])
def test_elu(alpha: float) -> None:
    y = np.where(X > 0, X, alpha * (np.exp(X) - 1))
    check(nn.ELU(alpha), y, np.where(X > 0, 1, y + alpha))
    left, right = slope(nn.ELU(alpha), np.array([[-1e-9, 1e-9]]))[0]
    assert (abs(left - right) < 1e-8) == (alpha == 1)


@equation("gelu")
def test_gelu(rng: np.random.Generator) -> None:
    cdf = np.array([[(1 + erf(x / sqrt(2))) / 2 for x in X[0]]])
    density = np.array([[exp(-x * x / 2) / sqrt(2 * pi) for x in X[0]]])
    check(nn.GELU(), X * cdf, cdf + X * density)
    draws = rng.standard_normal(100_000)
    for x in (-1.0, 0.5, 2.0):
        sample = x * (draws < x)
        z = (sample.mean() - value(nn.GELU(), np.array([[x]]))[0, 0]) / (sample.std() / sqrt(1e5))
        assert abs(z) < 4
    turn = -0.7517915
    assert (
        slope(nn.GELU(), np.array([[turn - 0.01]]))
        < 0
        < slope(nn.GELU(), [[turn + 0.01]] * np.ones((1, 1)))
    )


@equation("softplus")
def test_softplus() -> None:
    check(nn.Softplus(), np.log(1 + np.exp(X)), 1 / (1 + np.exp(-X)))
    t = np.linspace(-40, 1.3, 400_001)
    s = value(nn.Sigmoid(), t[None])[0]
    area = float(((s[1:] + s[:-1]) / 2).sum() * (t[1] - t[0]))
    close(value(nn.Softplus(), np.array([[1.3]]))[0, 0], area, 1e-8)
    excess = value(nn.Softplus(), X) - value(nn.ReLU(), X)
    assert (excess > 0).all()
    assert (excess < np.log(2)).all()
