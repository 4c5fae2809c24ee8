"""Several draws of a code, and the likelihood of each, in NumPy: definitions, as in plain.py.

Column k N + n of an array (…, K N) is the k-th draw that belongs to column n of one (…, N).
"""

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


@accelerated("draws")
def gaussian_draws(mu: Array, logvar: Array, eps: Array) -> tuple[Array, Array]:
    """Return z = μ + σ ε, and log N(z; 0, I) - log N(z; μ, σ²) of each column, in float64.

    mu, logvar  (L, N)        eps, z  (L, K N)
    """
    K = eps.shape[1] // mu.shape[1]
    z = np.tile(mu, K) + np.tile(np.exp(logvar / 2), K) * eps
    twice = eps * eps - z * z + np.tile(logvar, K)
    return z, twice.sum(axis=0, dtype=np.result_type(z.dtype, np.float64)) / 2


@accelerated("draws")
def sums_over_draws(dz: Array, eps: Array, N: int) -> tuple[Array, Array]:
    """Return Σ_k dz_k and Σ_k dz_k ε_k, both (L, N), for dz, eps (L, K N)."""
    draws = len(dz), -1, N
    return dz.reshape(draws).sum(axis=1), (dz * eps).reshape(draws).sum(axis=1)


@accelerated("draws")
def scaled_columns(a: Array, scale: Array) -> Array:
    """Return a with each column (…, m) times scale_m."""
    return a * scale
