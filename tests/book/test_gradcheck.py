"""The equations of docs/gradcheck.md: the library's differences against known derivatives."""

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.gradcheck.numerical import Method, Subject


def slope(layer: nn.Layer, a: float, method: Method, h: float) -> float:
    """Return the library's difference for y = f(a), with L = y."""
    subject = Subject(layer, [np.array([[a]])], rng=np.random.default_rng(0))
    subject.dy = np.ones((1, 1))
    if method != "complex":
        return subject.slope(subject.arrays[0], (0, 0), method, h)
    subject.args = [subject.args[0].astype(np.complex128)]
    return subject.slope(subject.arrays[0], (0, 0), method, h)


@equation("one-number")
def test_the_derivative_of_one_number(rng: np.random.Generator) -> None:
    layer = nn.Softmax()
    x, dy = rng.standard_normal((2, 4, 3))
    _, backward = layer.forward(x)
    rows = jacobian(lambda x: layer.forward(x)[0], x)
    for i in np.ndindex(x.shape):
        close(backward(dy)[i], np.vdot(dy, rows[(..., *i)]))


@equation("plain")
@pytest.mark.parametrize("a", [-2.0, -0.3])
def test_error_of_a_plain_difference(a: float) -> None:
    """Left of 0 ELU is e^a - 1, of which every derivative is e^a."""
    for h in (0.02, 0.01):
        close(slope(nn.ELU(), a, "plain", h) - np.exp(a), h**2 / 6 * np.exp(a), h**4)


@equation("central")
@pytest.mark.parametrize("a", [-2.0, -0.4])
def test_error_of_a_central_difference(a: float) -> None:
    for h in (0.1, 0.05):
        error = slope(nn.ELU(), a, "central", h) - np.exp(a)
        assert error / (-(h**4) / 30 * np.exp(a)) == pytest.approx(1, abs=h**2)


@equation("complex")
@pytest.mark.parametrize("a", [-1.0, 0.5])
def test_error_of_a_complex_step(a: float) -> None:
    s = 1 / (1 + np.exp(-a))
    third = s * (1 - s) * (1 - 2 * s)
    for h in (0.02, 0.01):
        close(slope(nn.Softplus(), a, "complex", h) - s, -(h**2) / 6 * third, h**4)
    close(slope(nn.Softplus(), a, "complex", 1e-30), s, 1e-15)


@equation("best-step")
def test_where_truncation_and_rounding_are_least() -> None:
    L, third, eps = 0.7, 0.3, 2.0**-53
    h = np.geomspace(1e-8, 1e-2, 400_001)
    least = h[np.argmin(h**2 / 6 * third + eps * L / h)]
    assert least == pytest.approx((3 * eps * L / third) ** (1 / 3), rel=1e-4)
    assert 3e-6 < least < 3e-5


@equation("kink")
def test_a_difference_across_a_kink() -> None:
    for x, h in ((0.0, 0.1), (0.03, 0.1), (-0.05, 0.06)):
        close(slope(nn.ReLU(), x, "plain", h), 0.5 + x / (2 * h))


@equation("adjoint")
def test_the_adjoint_of_a_linear_layer(rng: np.random.Generator) -> None:
    layer = nn.Conv2d(2, 3, 3, bias=False, rng=rng, dtype=np.float64)
    x = rng.standard_normal((2, 5, 5, 2))
    y, backward = layer.forward(x)
    v: Array = rng.standard_normal(y.shape)
    close(np.vdot(y, v), np.vdot(x, backward(v)), 1e-13)
