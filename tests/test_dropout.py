"""Dropout: a mask whose moments are right, and linear once the mask is drawn."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Dense, Dropout, Identity, Sequential
from nnscratch.layers.contract import inference, noisy

pytestmark = pytest.mark.plain


@given(
    D=st.integers(1, 4), N=st.integers(1, 4), p=st.sampled_from([0, 0.3, 0.9]), seed=st.integers(0)
)
def test_gradient(D: int, N: int, p: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradcheck(Dropout(p), (D, N), rng=rng).raise_if_failed()


def test_adjoint(rng: np.random.Generator) -> None:
    """Given the mask y is linear in x: ⟨y, v⟩ = ⟨x, backward(v)⟩."""
    x, v = rng.standard_normal((2, 3, 4, 5))
    y, backward = Dropout(0.4).forward(x, rng=rng)
    np.testing.assert_allclose(np.vdot(y, v), np.vdot(x, backward(v)), rtol=1e-12)


def test_what_survives_grows_and_so_does_its_gradient(rng: np.random.Generator) -> None:
    """p = ¾: an entry is dropped, or it counts fourfold, and its gradient with it."""
    x = np.arange(1, 101, dtype=np.float32).reshape(10, 10)
    y, backward = Dropout(0.75).forward(x, rng=rng)
    assert set(np.unique(y / x)) == {0, 4}
    np.testing.assert_array_equal(backward(2 * x), 2 * y)


def test_moments(rng: np.random.Generator) -> None:
    """E[y] = x and Var y = x² p/(1-p), within five standard errors."""
    n, x, p = 100_000, 2.0, 0.2
    y, _ = Dropout(p).forward(np.full((n // 100, 100), x), rng=rng)
    var, kurtosis = x**2 * p / (1 - p), 1 / (p * (1 - p)) - 3
    assert abs(y.mean() - x) < 5 * np.sqrt(var / n)
    assert abs(y.var() - var) < 5 * var * np.sqrt((kurtosis - 1) / n)


def test_entries_are_dropped_independently(rng: np.random.Generator) -> None:
    """The means of rows and of columns vary as those of independent entries do: by σ²/n."""
    n, p = 400, 0.5
    y, _ = Dropout(p).forward(np.ones((n, n)), rng=rng)
    assert abs(y.mean(axis=0).var() * n - 1) < 5 * np.sqrt(2 / n)
    assert abs(y.mean(axis=1).var() * n - 1) < 5 * np.sqrt(2 / n)


def test_one_rng_one_mask_in_either_dtype() -> None:
    x = np.ones((5, 6))
    y64, _ = Dropout(0.5).forward(x, rng=np.random.default_rng(1))
    y32, backward = Dropout(0.5).forward(x.astype(np.float32), rng=np.random.default_rng(1))
    np.testing.assert_array_equal(y32, y64)
    assert (y64.dtype, y32.dtype, backward(y32).dtype) == (np.float64, np.float32, np.float32)


def test_every_call_draws_anew(rng: np.random.Generator) -> None:
    x = np.ones((10, 10))
    layer = Dropout(0.5)
    y, backward = layer.forward(x, rng=rng)
    assert (layer.forward(x, rng=rng)[0] != y).any()
    np.testing.assert_array_equal(backward(x), y)


def test_p_0_drops_nothing(rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 4)).astype(np.float32)
    np.testing.assert_array_equal(Dropout(0.0).forward(x, rng=rng)[0], x)


def test_inference_is_the_identity(rng: np.random.Generator) -> None:
    net = Sequential(Dense(3, 4, rng=rng), Dropout(0.5))
    x = rng.standard_normal((3, 5)).astype(np.float32)
    assert noisy(net)
    assert not noisy(inference(net))
    assert isinstance(inference(Dropout()), Identity)
    np.testing.assert_array_equal(inference(net).forward(x)[0], net.layers[0].forward(x)[0])


def test_reads_a_transposed_view(rng: np.random.Generator) -> None:
    x = rng.standard_normal((4, 3)).astype(np.float32)
    y, backward = Dropout(0.5).forward(x.T, rng=np.random.default_rng(2))
    want, _ = Dropout(0.5).forward(x.T.copy(), rng=np.random.default_rng(2))
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(backward(x.T), want)


def test_needs_noise() -> None:
    with pytest.raises(TypeError, match="rng"):
        Dropout().forward(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="Sequential: expected rng"):
        Sequential(Dropout()).forward(np.zeros((2, 3)))


@pytest.mark.parametrize("p", [-0.1, 1, float("nan")])
def test_refuses_p_outside_0_to_1(p: Any) -> None:
    with pytest.raises(ValueError, match=rf"Dropout: expected p in \[0, 1\), got {p}"):
        Dropout(p)


def test_refuses_a_dy_that_would_broadcast(rng: np.random.Generator) -> None:
    _, backward = Dropout().forward(np.zeros((2, 3)), rng=rng)
    with pytest.raises(ValueError, match=r"Dropout dy: expected \(2, 3\) float64, got \(2, 1\)"):
        backward(np.zeros((2, 1)))
