"""Identity, Reshape and Flatten: no number changes, and none is copied."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Flatten, Identity, Reshape, Sequential

pytestmark = pytest.mark.plain

SIZES = st.integers(1, 3)
LAYERS = [Identity(), Reshape(3, 4, 2), Flatten()]
NAMES = [type(layer).__name__ for layer in LAYERS]


@given(C=SIZES, H=SIZES, W=SIZES, N=SIZES, seed=st.integers(0, 99))
def test_gradient(C: int, H: int, W: int, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradcheck(Flatten(), (C, H, W, N), rng=rng).raise_if_failed()
    gradcheck(Reshape(W, C * H), (C, H, W, N), rng=rng).raise_if_failed()
    gradcheck(Identity(), (C, H, W, N), rng=rng).raise_if_failed()


def test_flatten_by_hand() -> None:
    """Two samples of 2×2: the row comes before the column, the batch stays last."""
    x = np.array([[[1, 10], [2, 20]], [[3, 30], [4, 40]]], np.float32)
    y, backward = Flatten().forward(x)
    np.testing.assert_array_equal(y, [[1, 10], [2, 20], [3, 30], [4, 40]])
    np.testing.assert_array_equal(backward(y), x)


@given(C=SIZES, H=SIZES, W=SIZES, N=SIZES)
def test_flatten_is_row_major(C: int, H: int, W: int, N: int) -> None:
    x = np.arange(C * H * W * N, dtype=np.float64).reshape(C, H, W, N)
    y, _ = Flatten().forward(x)
    c, h, w = np.unravel_index(np.arange(C * H * W), (C, H, W))
    np.testing.assert_array_equal(y, x[c, h, w])


def test_reshape_undoes_flatten(rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 4, 2, 5))
    y, backward = Sequential(Flatten(), Reshape(3, 4, 2)).forward(x)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(backward(x), x)


@pytest.mark.parametrize("layer", LAYERS, ids=NAMES)
def test_nothing_is_copied(layer: Any, rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 4, 2, 5)).astype(np.float32)
    y, backward = layer.forward(x)
    assert np.shares_memory(x, y)
    assert np.shares_memory(y, backward(y))


@pytest.mark.parametrize("layer", LAYERS, ids=NAMES)
def test_reads_a_transposed_view(layer: Any, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 4, 3, 5)).T
    x = x.transpose(1, 2, 3, 0)
    want, want_backward = layer.forward(x.copy())
    y, backward = layer.forward(x)
    np.testing.assert_array_equal(y, want)
    dy = np.asfortranarray(want)
    np.testing.assert_array_equal(backward(dy), want_backward(want))


@pytest.mark.parametrize("layer", LAYERS, ids=NAMES)
def test_refuses_a_dy_of_another_shape(layer: Any) -> None:
    y, backward = layer.forward(np.zeros((3, 4, 2, 5)))
    with pytest.raises(ValueError, match=rf"{type(layer).__name__} dy: expected .*, got \(5, "):
        backward(y.T)


def test_reshape_refuses_another_number_of_features() -> None:
    why = r"Reshape to \(3, 4\): expected a sample of 12 numbers, got \(2, 5\), which are 10"
    with pytest.raises(ValueError, match=why):
        Reshape(3, 4).forward(np.zeros((2, 5, 12)))
    with pytest.raises(ValueError, match=rf"Sequential, layer 1: {why}"):
        Sequential(Identity(), Reshape(3, 4), input_shape=(2, 5))


def test_reshape_refuses_an_empty_axis() -> None:
    with pytest.raises(ValueError, match="Reshape: expected sizes ≥ 1, got -1"):
        Reshape(3, -1)
