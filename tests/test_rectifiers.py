"""Rectifiers by hand, at their limits, their rule at the kink; the rest: test_activations.py."""

from math import log

import numpy as np
import pytest
import reference
from checks.activations import check_by_hand, check_limits, make

from nnscratch import layers
from nnscratch.layers import ELU, LeakyReLU, ReLU

pytestmark = [pytest.mark.kernel, pytest.mark.plain]


@pytest.mark.parametrize(
    ("name", "x", "y", "slope"),
    [
        ("ReLU", 2.0, 2.0, 1.0),
        ("ReLU", -2.0, 0.0, 0.0),
        ("LeakyReLU", -2.0, -0.2, 0.1),
        ("ELU", -log(2), 1.5 * (1 / 2 - 1), 1.5 / 2),
    ],
)
def test_by_hand(name: str, x: float, y: float, slope: float) -> None:
    check_by_hand(layers, name, x, y, slope)


@pytest.mark.parametrize(
    ("name", "y", "slopes"),
    [
        ("ReLU", (0, 1e4), (0, 1)),
        ("LeakyReLU", (-1e3, 1e4), (0.1, 1)),
        ("ELU", (-1.5, 1e4), (0, 1)),
    ],
)
def test_limits(name: str, y: tuple[float, float], slopes: tuple[float, float]) -> None:
    check_limits(layers, name, y, slopes)


@pytest.mark.parametrize(
    ("name", "slope"), [("ReLU", 0), ("LeakyReLU", reference.SLOPE), ("ELU", reference.ALPHA)]
)
def test_at_the_kink_the_slope_is_the_one_from_the_left(name: str, slope: float) -> None:
    y, backward = make(layers, name).forward(np.zeros((1, 1)))
    assert y == 0
    assert backward(np.ones((1, 1))) == slope


@pytest.mark.parametrize("slope", [0.0, 1.0, -0.1, float("nan")])
def test_leaky_relu_refuses_a_slope_outside_0_1(slope: float) -> None:
    with pytest.raises(ValueError, match=r"LeakyReLU: expected negative_slope in \(0, 1\), got"):
        LeakyReLU(slope)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_elu_refuses_an_alpha_that_is_not_positive(alpha: float) -> None:
    with pytest.raises(ValueError, match="ELU: expected alpha > 0, got"):
        ELU(alpha)


def test_defaults_are_the_papers() -> None:
    y, _ = LeakyReLU().forward(np.array([[-1.0]]))
    assert y == -0.01
    y, _ = ELU().forward(np.array([[-1e4]]))
    assert y == -1


def test_relu_keeps_what_is_positive() -> None:
    y, backward = ReLU().forward(np.array([[-1, 0, 2]], np.float32))
    np.testing.assert_array_equal(y, [[0, 0, 2]])
    np.testing.assert_array_equal(backward(np.array([[5, 6, -7]], np.float32)), [[0, 0, -7]])
