"""Several draws from each of many normal distributions, and the way of gradients back from them.

Column k N + n of eps, z and dz is the k-th draw of column n of mu, logvar and the sums.
"""

import numpy as np

from ..core import Array, IntArray
from .machine.fork_join import next_piece, parallel
from .machine.helpers import workers_for


def gaussian_draws(mu: Array, logvar: Array, eps: Array) -> tuple[Array, Array]:
    """Return z = μ + σ ε (L, K N), and ½ Σ ε² - z² + log σ² of each column, (K N,)."""
    z, log_ratio = np.empty(eps.shape, eps.dtype), np.empty(eps.shape[1])
    mu, logvar, eps = (np.ascontiguousarray(a) for a in (mu, logvar, eps))
    sd = np.exp(logvar / 2)
    gaussian_draws_kernel(mu, sd, logvar, eps, z, log_ratio, workers_for(z.size))
    return z, log_ratio


def sums_over_draws(dz: Array, eps: Array, N: int) -> tuple[Array, Array]:
    """Return Σ_k dz_k and Σ_k dz_k ε_k, both (L, N)."""
    sums, products = np.empty((len(dz), N), dz.dtype), np.empty((len(dz), N), dz.dtype)
    dz, eps = np.ascontiguousarray(dz), np.ascontiguousarray(eps)
    sums_over_draws_kernel(dz, eps, sums, products, workers_for(dz.size))
    return sums, products


def scaled_columns(a: Array, scale: Array) -> Array:
    """Return a_dm s_m for a (…, M) and s (M,)."""
    b = np.empty(a.shape, a.dtype)
    rows = -1, a.shape[-1]
    scaled_columns_kernel(a.reshape(rows), scale, b.reshape(rows), workers_for(a.size // 4))
    return b


@parallel
def gaussian_draws_kernel(
    mu: Array,
    sd: Array,
    logvar: Array,
    eps: Array,
    z: Array,
    log_ratio: Array,
    workers: IntArray,
    me: int,
) -> None:
    """z and log_ratio of one draw of all columns after the other."""
    L, N = mu.shape
    K = log_ratio.size // N
    k = next_piece(workers, me, K)
    while k < K:
        a, b = k * N, (k + 1) * N
        ratios = log_ratio[a:b]
        for n in range(N):
            ratios[n] = 0
        for row in range(L):
            m, s, v, e, y = mu[row], sd[row], logvar[row], eps[row, a:b], z[row, a:b]
            for n in range(N):
                y[n] = m[n] + s[n] * e[n]
                en, yn = np.float64(e[n]), np.float64(y[n])
                ratios[n] += (en * en - yn * yn + np.float64(v[n])) / 2
        k = next_piece(workers, me, K)


@parallel
def sums_over_draws_kernel(
    dz: Array, eps: Array, sums: Array, products: Array, workers: IntArray, me: int
) -> None:
    """One row of both sums after the other, over the draws in their order."""
    L, N = sums.shape
    row = next_piece(workers, me, L)
    while row < L:
        total, product = sums[row], products[row]
        for n in range(N):
            total[n] = product[n] = 0
        for a in range(0, dz.shape[1], N):
            d, e = dz[row, a : a + N], eps[row, a : a + N]
            for n in range(N):
                total[n] += d[n]
                product[n] += d[n] * e[n]
        row = next_piece(workers, me, L)


@parallel
def scaled_columns_kernel(a: Array, scale: Array, b: Array, workers: IntArray, me: int) -> None:
    """b_dm = a_dm s_m, a row after the other."""
    D = len(a)
    row = next_piece(workers, me, D)
    while row < D:
        x, y = a[row], b[row]
        for m in range(scale.size):
            y[m] = x[m] * scale[m]
        row = next_piece(workers, me, D)
