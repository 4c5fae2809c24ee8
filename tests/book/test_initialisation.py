"""The equations of docs/initialisation.md: variances over many draws, and twenty layers."""

from functools import cache
from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close
from nnscratch.core import Array
from nnscratch.layers import initializers

D, M, DRAWS = 6, 4, 20_000


def z_score(samples: Array, expected: float) -> float:
    """Return how many standard errors the mean of samples is from its expectation."""
    return float((samples.mean() - expected) / (samples.std() / np.sqrt(samples.size)))


@equation("forward")
def test_variance_of_an_output(rng: np.random.Generator) -> None:
    x = rng.random((D, 1)) + 1  # of a mean far from zero
    v, y = 0.3, []
    for _ in range(DRAWS // 100):
        dense = nn.Dense(D, 100, rng=rng, init=normal(v), dtype=np.float64)
        y.append(dense.forward(x)[0].ravel())
    assert abs(z_score(np.concatenate(y) ** 2, D * v * float((x**2).mean()))) < 4


@equation("backward")
def test_variance_of_a_gradient(rng: np.random.Generator) -> None:
    dy = rng.random((M, 1)) + 1
    v, dx = 0.3, []
    for _ in range(DRAWS // 100):
        dense = nn.Dense(100, M, rng=rng, init=normal(v), dtype=np.float64)
        dx.append(dense.forward(np.zeros((100, 1)))[1](dy).ravel())
    assert abs(z_score(np.concatenate(dx) ** 2, M * v * float((dy**2).mean()))) < 4


def normal(v: float) -> Any:
    """Return an initializer of this variance."""

    def draw(shape: Any, fan_in: int, fan_out: int, *, rng: Any, dtype: Any) -> Array:
        return (np.sqrt(v) * rng.standard_normal(shape)).astype(dtype)

    return draw


@equation("glorot")
def test_glorot(rng: np.random.Generator) -> None:
    for D, M in ((200, 300), (500, 50)):
        v = 2 / (D + M)
        close(v, 2 / (1 / (1 / D) + 1 / (1 / M)))
        for init in (initializers.glorot_uniform, initializers.glorot_normal):
            w = init((M, D), D, M, rng=rng, dtype=np.float64)
            assert abs(z_score(w**2, v)) < 4


@equation("uniform")
def test_uniform(rng: np.random.Generator) -> None:
    w = initializers.lecun_uniform((300, 200), 200, 300, rng=rng, dtype=np.float64)
    a = np.sqrt(3 / 200)
    assert np.abs(w).max() <= a
    assert np.abs(w).max() > 0.999 * a
    assert abs(z_score(w**2, a**2 / 3)) < 4


@equation("relu")
def test_a_rectifier_keeps_half(rng: np.random.Generator) -> None:
    for a in (1.7 * rng.standard_normal((1, DRAWS)), rng.uniform(-2, 2, (1, DRAWS))):
        y, _ = nn.ReLU().forward(a)
        s2 = 1.7**2 if np.abs(a).max() > 2 else 4 / 3
        assert abs(z_score(y**2, s2 / 2)) < 4


@equation("he")
def test_he_keeps_the_second_moment(rng: np.random.Generator) -> None:
    a = rng.standard_normal((400, 1))
    y, _ = nn.ReLU().forward(a)
    v = 2 / 400
    w = initializers.he_normal((DRAWS, 400), 400, DRAWS, rng=rng, dtype=np.float64)
    assert abs(z_score(w**2, v)) < 4
    assert abs(z_score((w @ y) ** 2, 400 * v * float((y**2).mean()))) < 4
    close(400 * v * 0.5, 1.0)


ROWS: dict[str, tuple[Any, type]] = {
    "small-relu": (normal(1e-4), nn.ReLU),
    "lecun-relu": (initializers.lecun_normal, nn.ReLU),
    "he-relu": (initializers.he_normal, nn.ReLU),
    "torch-relu": (initializers.torch_default, nn.ReLU),
    "lecun-tanh": (initializers.lecun_normal, nn.Tanh),
    "large-tanh": (normal(1.0), nn.Tanh),
}


@cache
def through_layers(row: str, layers: int = 20) -> tuple[float, float]:
    """Return the root mean squares of the signal behind a network, the gradient before it."""
    init, activation = ROWS[row]
    found = []
    for seed in range(9):
        rng = np.random.default_rng(seed)
        stack: list[Any] = []
        for _ in range(layers):
            stack += [nn.Dense(256, 256, rng=rng, init=init, dtype=np.float64), activation()]
        y, backward = nn.Sequential(*stack).forward(rng.standard_normal((256, 200)))
        dx = backward(rng.standard_normal(y.shape))
        found.append((np.sqrt((y**2).mean()), np.sqrt((dx**2).mean())))
    signal, gradient = np.median(np.array(found), axis=0)
    return float(signal), float(gradient)


def text_of(row: str, which: int) -> Any:
    return lambda: f"{through_layers(row)[which]:.1e}"


for _row in ROWS:
    for _k, _name in enumerate((_row, f"{_row}-gradient")):
        _text = text_of(_row, _k)
        _text.__module__ = __name__
        number(_name)(_text)


@equation("depth")
@pytest.mark.parametrize(("row", "v"), [("small-relu", 1e-4), ("he-relu", 2 / 256)])
def test_the_size_after_some_layers(row: str, v: float) -> None:
    """The size of one network scatters, by about √(5 k/4 D) in its logarithm."""
    for k in (5, 20):
        expected = (256 * v / 2) ** (k / 2)
        spread = np.sqrt(5 * k / (4 * 256))
        assert abs(np.log(through_layers(row, k)[0] / expected)) < 2 * spread
