"""TiedDense: Dense transposed, with one weight between the two of them."""

import numpy as np
import pytest
from checks.tied import check_gradient, check_gradient_there_and_back, pair
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import adjoint
from nnscratch.layers import tied as tied_module

pytestmark = pytest.mark.plain

SIZES, SEEDS = st.integers(1, 4), st.integers(0, 99)


@given(D=SIZES, M=SIZES, N=SIZES, seed=SEEDS)
def test_gradient(D: int, M: int, N: int, seed: int) -> None:
    check_gradient(tied_module, D, M, N, seed)


@given(D=SIZES, M=SIZES, N=SIZES, seed=SEEDS)
def test_gradient_there_and_back(D: int, M: int, N: int, seed: int) -> None:
    check_gradient_there_and_back(tied_module, D, M, N, seed)


def test_by_hand() -> None:
    """w of 2 × 3: y = wᵀ (1, 2) + b; dx = w dy; dw = x dyᵀ."""
    dense, tied = pair(3, 2)
    dense.w.value[...], tied.b.value[...] = [[1, 2, 3], [4, 5, 6]], [10, 20, 30]
    y, backward = tied.forward(np.array([[1.0], [2.0]]))
    np.testing.assert_array_equal(y, [[19], [32], [45]])
    np.testing.assert_array_equal(backward(np.array([[1.0], [0], [-1]])), [[-2], [-2]])
    np.testing.assert_array_equal(dense.w.grad, [[1, 0, -1], [2, 0, -2]])
    np.testing.assert_array_equal(tied.b.grad, [1, 0, -1])
    assert not dense.b.grad.any()  # type: ignore[union-attr]


def test_the_way_back_is_the_adjoint_of_the_way_there(rng: np.random.Generator) -> None:
    """But for the biases ⟨w x, z⟩ = ⟨x, wᵀ z⟩; and its own backward is its adjoint."""
    dense, tied = pair(7, 4)
    tied.b.value[...] = 0
    x, z = rng.standard_normal((7, 5)), rng.standard_normal((4, 5))
    np.testing.assert_allclose(np.vdot(dense.forward(x)[0], z), np.vdot(x, tied.forward(z)[0]))
    adjoint(tied, (4, 5), rng=rng).raise_if_failed()


def test_shapes_are_told_and_refused() -> None:
    tied = pair(3, 2)[1]
    assert tied.output_shape((2,)) == (3,)
    with pytest.raises(ValueError, match=r"TiedDense: expected a sample of shape \(2,\), got \(3"):
        tied.output_shape((3,))
    with pytest.raises(ValueError, match=r"TiedDense x: expected \(2, N\) float64, got \(3, 1\)"):
        tied.forward(np.zeros((3, 1)))
    _, backward = tied.forward(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"TiedDense dy: expected \(3, 4\) float64, got \(3, 1\)"):
        backward(np.zeros((3, 1)))
