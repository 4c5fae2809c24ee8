"""The likelihood of each sample by itself, in NumPy: definitions, as in plain.py."""

import numpy as np

from ..core import Array
from .paths import accelerated
from .plain import sigmoid, softplus


@accelerated("samples")
def bernoulli_log_prob(a: Array, t: Array) -> Array:
    """Return Σ t a - softplus(a) of each column, in float64, for a, t (…, N)."""
    each = (t * a - softplus(a)).reshape(-1, a.shape[-1])
    return each.sum(axis=0, dtype=np.result_type(a.dtype, np.float64))


@accelerated("samples")
def bernoulli_log_prob_and_slope(a: Array, t: Array) -> tuple[Array, Array]:
    """Return Σ t a - softplus(a) of each column, in float64, and its gradient t - σ(a).

    a (…, K·N), t (…, N): the columns of t are repeated K times, N after N.
    """
    t = np.tile(t, a.shape[-1] // t.shape[-1])
    each = (t * a - softplus(a)).reshape(-1, a.shape[-1])
    return each.sum(axis=0, dtype=np.result_type(a.dtype, np.float64)), t - sigmoid(a)
