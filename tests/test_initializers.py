"""Initializers: bounds, moments, and what the moments are for."""

from typing import Any

import numpy as np
import pytest
from checks.initializers import BOUND, SHAPE, VARIANCE, check_moments, check_no_direction, draw

from nnscratch.layers import Conv1d, Conv2d, ConvTranspose2d, Dense, ReLU, Sequential, initializers
from nnscratch.layers.initializers import glorot_uniform, he_normal, lecun_normal, orthogonal, zeros


@pytest.mark.parametrize("name", VARIANCE)
def test_moments(name: str) -> None:
    check_moments(initializers, name)


@pytest.mark.parametrize("name", BOUND)
def test_a_uniform_draw_fills_its_interval(name: str) -> None:
    w = draw(initializers, name)
    assert 0.999 * BOUND[name] < np.abs(w).max() <= BOUND[name]


@pytest.mark.parametrize("name", [*VARIANCE, "orthogonal", "zeros"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_dtype_and_seed(name: str, dtype: Any) -> None:
    w = draw(initializers, name, dtype)
    assert w.shape == SHAPE
    assert w.dtype == dtype
    np.testing.assert_array_equal(w, draw(initializers, name, dtype))


def test_fans_are_the_caller_s_to_say(rng: np.random.Generator) -> None:
    """A filter's fan_in is C·KH·KW whatever its shape: 4 times the fan, half the weights."""
    one = glorot_uniform((5, 5), 10, 10, rng=np.random.default_rng(0), dtype=np.float64)
    four = glorot_uniform((5, 5), 40, 40, rng=np.random.default_rng(0), dtype=np.float64)
    np.testing.assert_allclose(four, one / 2)


def test_zeros_draws_nothing() -> None:
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(zeros((3,), 5, 3, rng=rng, dtype=np.float32), np.zeros(3))
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (6, 2, 2)])
def test_orthogonal_has_orthonormal_rows_or_columns(
    shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    w = orthogonal(shape, 1, 1, rng=rng, dtype=np.float64).reshape(shape[0], -1)
    small = w.T @ w if len(w) >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-14)


def test_orthogonal_prefers_no_direction() -> None:
    check_no_direction(initializers)


def test_he_keeps_the_signal_of_a_deep_relu_net_alive() -> None:
    """Through 20 layers E[y²] keeps its order; LeCun's variance halves it in each."""

    def after_20_layers(init: Any) -> float:
        rng = np.random.default_rng(0)
        layers = [[Dense(256, 256, init=init, rng=rng), ReLU()] for _ in range(20)]
        x = rng.standard_normal((256, 50)).astype(np.float32)
        y, _ = Sequential(*(f for pair in layers for f in pair)).forward(x)
        return float((y**2).mean())

    assert 0.1 < after_20_layers(he_normal) < 10
    assert after_20_layers(lecun_normal) < 2.0**-20 * 10


@pytest.mark.parametrize("name", [*VARIANCE, *BOUND, "orthogonal", "zeros"])
def test_more_numbers_than_memory_holds_are_refused(name: str, rng: np.random.Generator) -> None:
    """NumPy says so as well, but not of what."""
    init = getattr(initializers, name)
    with pytest.raises(ValueError, match=r"parameters: expected a shape of at most 2⁴⁸ numbers"):
        init((2**42, 2**42), 1, 1, rng=rng, dtype=np.float32)


@pytest.mark.parametrize(
    ("layer", "sizes", "options", "shape", "fans"),
    [
        (Dense, (5, 3), {}, (3, 5), (5, 3)),
        (Conv2d, (4, 6, (3, 5)), {}, (6, 4, 3, 5), (4 * 15, 6 * 15)),
        (Conv2d, (4, 6, (3, 5)), {"groups": 2}, (6, 2, 3, 5), (2 * 15, 3 * 15)),
        (Conv1d, (4, 6, 3), {"groups": 2}, (6, 2, 3), (2 * 3, 3 * 3)),
        (ConvTranspose2d, (4, 6, (3, 5)), {}, (4, 6, 3, 5), (4 * 15, 6 * 15)),
        (ConvTranspose2d, (4, 6, (3, 5)), {"groups": 2}, (4, 3, 3, 5), (2 * 15, 3 * 15)),
    ],
)
def test_the_fans_of_a_layer(
    layer: Any, sizes: Any, options: Any, shape: Any, fans: Any, rng: np.random.Generator
) -> None:
    """How many inputs an output sums over, and how many outputs an input reaches: in its group."""
    calls = []

    def init(shape: Any, *fans: int, rng: np.random.Generator, dtype: Any) -> Any:
        calls.append((shape, fans))
        return np.zeros(shape, dtype)

    layer(*sizes, init=init, bias_init=init, rng=rng, **options)
    outputs = sizes[1]
    assert calls == [(shape, fans), ((outputs,), fans)]


@pytest.mark.parametrize("dtype", ["nonsense", None, np.float16, int])
def test_another_dtype_is_refused(dtype: Any, rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="parameters: expected float32 or float64, got"):
        Dense(2, 2, rng=rng, dtype=dtype)
