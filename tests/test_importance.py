"""The bound of several weights: its gradient, its value, refusals."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import gradcheck
from nnscratch.importance import importance_bound

pytestmark = pytest.mark.plain

SEEDS = st.integers(0, 99)


@given(K=st.integers(1, 6), N=st.integers(1, 4), seed=SEEDS)
def test_importance_bound(K: int, N: int, seed: int) -> None:
    """Its gradient; minus the log of the mean of the weights themselves; shares that add up."""
    rng = np.random.default_rng(seed)
    log_w = 2 * rng.standard_normal((K, N))
    gradcheck(importance_bound, log_w, rng=rng).raise_if_failed()
    value, dlog_w = importance_bound(log_w)
    np.testing.assert_allclose(value, -np.log(np.exp(log_w).mean(axis=0)).mean(), rtol=1e-12)
    np.testing.assert_allclose(dlog_w.sum(axis=0), -1 / N, rtol=1e-12)


def test_importance_bound_by_hand() -> None:
    """Weights 1 and 3 have the mean 2 and the shares ¼ and ¾, also if both are e^-1000 smaller."""
    for shift in (0.0, -1000.0):
        value, dlog_w = importance_bound(np.log([[1.0], [3.0]]) + shift)
        np.testing.assert_allclose(value, -log(2) - shift, rtol=1e-12)
        np.testing.assert_allclose(dlog_w, [[-0.25], [-0.75]], rtol=1e-12)


def test_importance_bound_swallows_no_nan_and_refuses_what_has_no_weights() -> None:
    assert np.isnan(importance_bound(np.array([[0.0, 1.0], [np.nan, 2.0]]))[0])
    for shape in ((3,), (0, 3), (3, 0)):
        with pytest.raises(ValueError, match="importance_bound log_w: expected"):
            importance_bound(np.zeros(shape))
