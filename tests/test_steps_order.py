"""ReverseSteps: the steps from the last to the first, and the way back."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.layers import ReverseSteps

pytestmark = pytest.mark.plain


@given(shape=st.lists(st.integers(1, 4), min_size=2, max_size=4), seed=st.integers(0, 99))
def test_it_is_its_own_inverse_and_its_own_adjoint(shape: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    y, backward = ReverseSteps().forward(x)
    np.testing.assert_array_equal(ReverseSteps().forward(y)[0], x)
    np.testing.assert_array_equal(backward(y), x)
    gradcheck(ReverseSteps(), tuple(shape), rng=rng).raise_if_failed()
    adjoint(ReverseSteps(), tuple(shape), rng=rng).raise_if_failed()


def test_by_hand() -> None:
    x = np.arange(6, dtype=np.float32).reshape(3, 2, 1)
    y, _ = ReverseSteps().forward(x)
    np.testing.assert_array_equal(y[:, :, 0], [[4, 5], [2, 3], [0, 1]])
    assert (y.dtype, y.flags.c_contiguous) == (np.float32, True)


def test_what_is_refused() -> None:
    _, backward = ReverseSteps().forward(np.zeros((3, 2, 1)))
    with pytest.raises(ValueError, match=r"ReverseSteps dy: expected \(3, 2, 1\) float64, got"):
        backward(np.zeros((2, 2, 1)))
    with pytest.raises(ValueError, match=r"ReverseSteps x: expected \(T, …, N\), got \(3,\)"):
        ReverseSteps().forward(np.zeros(3))
    with pytest.raises(ValueError, match=re.escape("expected a sample of shape (T, …), got ()")):
        ReverseSteps().output_shape(())
