"""Activations: each against its definition, its derivative, its limits; what all have in common."""

from math import exp, log, pi, sqrt

import numpy as np
import pytest
import reference
from checks.activations import check_by_hand, check_definition, check_gradient, check_limits, make
from hypothesis import given
from hypothesis import strategies as st

from nnscratch import layers
from nnscratch.layers import Softmax
from nnscratch.layers.activations import sigmoid

pytestmark = [pytest.mark.kernel, pytest.mark.plain]

SEEDS = st.integers(0, 99)
SHAPES = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)
ELEMENTWISE = list(reference.ACTIVATIONS)
ALL = [*ELEMENTWISE, "Softmax"]


@pytest.mark.parametrize("name", ALL)
@given(shape=SHAPES, seed=SEEDS)
def test_gradient(name: str, shape: tuple[int, ...], seed: int) -> None:
    check_gradient(layers, name, shape, seed)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_agrees_with_the_definition(name: str) -> None:
    check_definition(layers, name)


@pytest.mark.parametrize(
    ("name", "x", "y", "slope"),
    [
        ("Sigmoid", log(3), 3 / 4, 3 / 16),  # e⁻ˣ = 1/3
        ("Tanh", log(2), 3 / 5, 16 / 25),  # (2 - 1/2)/(2 + 1/2)
        ("Softplus", log(3), log(4), 3 / 4),
        ("GELU", 0.0, 0.0, 1 / 2),
        ("GELU", 1.0, 0.8413447460685429, 0.8413447460685429 + exp(-1 / 2) / sqrt(2 * pi)),
    ],
)
def test_by_hand(name: str, x: float, y: float, slope: float) -> None:
    check_by_hand(layers, name, x, y, slope)


@pytest.mark.parametrize(
    ("name", "y", "slopes"),
    [
        ("GELU", (0, 1e4), (0, 1)),
        ("Sigmoid", (0, 1), (0, 0)),
        ("Softplus", (0, 1e4), (0, 1)),
        ("Tanh", (-1, 1), (0, 0)),
    ],
)
def test_limits(name: str, y: tuple[float, float], slopes: tuple[float, float]) -> None:
    check_limits(layers, name, y, slopes)


@pytest.mark.parametrize("name", ALL)
def test_nan_is_not_swallowed(name: str) -> None:
    x = np.array([[1, np.nan], [2, 3]], np.float32)
    y, _ = make(layers, name).forward(x)
    assert np.isnan(y[0, 1])
    assert not np.isnan(y[:, 0]).any()


@pytest.mark.parametrize("name", ALL)
def test_a_nan_gradient_is_not_swallowed(name: str) -> None:
    _, backward = make(layers, name).forward(np.ones((2, 2), np.float32))
    dx = backward(np.array([[1, np.nan], [2, 3]], np.float32))
    assert np.isnan(dx[0, 1])
    assert not np.isnan(dx[:, 0]).any()


@pytest.mark.parametrize("name", ALL)
def test_float32_is_float64_to_single_precision(name: str, rng: np.random.Generator) -> None:
    x, dy = 3 * rng.standard_normal((2, 4, 50))
    layer = make(layers, name)
    y64, backward64 = layer.forward(x)
    y32, backward32 = layer.forward(x.astype(np.float32))
    dx32, dx64 = backward32(dy.astype(np.float32)), backward64(dy)
    assert y32.dtype == dx32.dtype == np.float32
    np.testing.assert_allclose(y32, y64, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dx32, dx64, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", ALL)
def test_reads_any_view(name: str, rng: np.random.Generator) -> None:
    """Every second column of a transposed array: contiguous in neither order."""
    x, dy = rng.standard_normal((2, 10, 3, 4)).transpose(0, 3, 2, 1)[..., ::2]
    layer = make(layers, name)
    y, backward = layer.forward(x)
    y_too, backward_too = layer.forward(x.copy(order="C"))
    np.testing.assert_allclose(y, y_too, rtol=1e-14)
    np.testing.assert_allclose(backward(dy), backward_too(dy.copy(order="C")), rtol=1e-13)


@pytest.mark.parametrize("name", ALL)
def test_refuses_a_dy_that_would_broadcast(name: str) -> None:
    _, backward = make(layers, name).forward(np.zeros((3, 4), np.float32))
    message = rf"{name} dy: expected \(3, 4\) float32, got \(3, 1\) float32"
    with pytest.raises(ValueError, match=message):
        backward(np.ones((3, 1), np.float32))


@pytest.mark.parametrize("name", ALL)
def test_has_no_parameters_and_keeps_the_shape(name: str) -> None:
    layer = make(layers, name)
    assert layer.parameters() == {}
    assert layer.output_shape((3, 4)) == (3, 4)


def test_sigmoid_keeps_its_digits_on_both_sides() -> None:
    """σ(-a) = 1 - σ(a), yet σ(-700) is 1e-304 and not 0: 1 - σ(a) would have no digit left."""
    a = np.linspace(0, 700, 101)
    np.testing.assert_allclose(sigmoid(-a), np.exp(-a) / (1 + np.exp(-a)), rtol=1e-12)
    np.testing.assert_allclose(sigmoid(a) + sigmoid(-a), 1, rtol=1e-15)


# Softmax


def test_softmax_by_hand() -> None:
    """x = (0, log 3): y = (¼, ¾). For dy = (1, 0), Σ dy y = ¼ and dx = (¼·¾, ¾·(0 - ¼))."""
    y, backward = Softmax().forward(np.array([[0], [log(3)]]))
    np.testing.assert_allclose(y, [[1 / 4], [3 / 4]])
    np.testing.assert_allclose(backward(np.array([[1.0], [0.0]])), [[3 / 16], [-3 / 16]])


@given(K=st.integers(1, 4), N=st.integers(1, 4), seed=SEEDS)
def test_softmax_agrees_with_its_jacobian(K: int, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, dy = rng.standard_normal((2, K, N))
    y, backward = Softmax().forward(x)
    np.testing.assert_allclose(y, reference.softmax(x), rtol=1e-12)
    np.testing.assert_allclose(backward(dy), reference.softmax_dx(y, dy), rtol=1e-10, atol=1e-14)


def test_softmax_is_a_distribution_over_the_axis_before_the_batch(
    rng: np.random.Generator,
) -> None:
    y, _ = Softmax().forward(rng.standard_normal((3, 5, 7)))
    assert y.min() > 0
    np.testing.assert_allclose(y.sum(axis=1), np.ones((3, 7)))


def test_softmax_does_not_feel_a_constant(rng: np.random.Generator) -> None:
    """Neither in x nor in dy: a gradient check with dy = 1 would pass for any factor of y."""
    x = rng.standard_normal((5, 7))
    y, backward = Softmax().forward(x)
    np.testing.assert_allclose(Softmax().forward(x + 100)[0], y, rtol=1e-12)
    np.testing.assert_allclose(backward(np.full((5, 7), 3.0)), 0, atol=1e-15)


def test_softmax_of_extreme_logits() -> None:
    y, backward = Softmax().forward(np.array([[1e4, -1e4], [-1e4, -1e4]]))
    np.testing.assert_array_equal(y, [[1, 0.5], [0, 0.5]])
    assert np.isfinite(backward(np.array([[1.0, 2.0], [3.0, 4.0]]))).all()
