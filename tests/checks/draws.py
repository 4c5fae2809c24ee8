"""Several draws of a code for each sample: their values, one number at a time, and sums of them."""

from math import exp
from types import ModuleType

import numpy as np

from .latent import log_normal

L, K, N = 3, 4, 2


def arrays() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    mu, logvar = rng.standard_normal((2, L, N))
    return mu, logvar, rng.standard_normal((L, K * N))


def check_draws(module: ModuleType) -> None:
    """z = μ + σ ε, and the logarithms of two densities at z, of each column by itself."""
    mu, logvar, eps = arrays()
    z, log_ratio = module.gaussian_draws(mu, logvar, eps)
    for m in range(K * N):
        n, total = m % N, 0.0
        for i in range(L):
            want = mu[i, n] + exp(logvar[i, n] / 2) * eps[i, m]
            assert abs(z[i, m] - want) < 1e-14
            total += float(log_normal(want, 0, 0) - log_normal(want, mu[i, n], logvar[i, n]))
        assert abs(log_ratio[m] - total) < 1e-13


def check_sums(module: ModuleType) -> None:
    """The two sums over the draws are Σ_k ∂z_k/∂μ dz_k and Σ_k ∂z_k/∂σ dz_k."""
    _, _, eps = arrays()
    dz = np.random.default_rng(1).standard_normal(eps.shape)
    sums, products = module.sums_over_draws(dz, eps, N)
    for i in range(L):
        for n in range(N):
            of_n = range(n, K * N, N)
            assert abs(sums[i, n] - sum(dz[i, m] for m in of_n)) < 1e-14
            assert abs(products[i, n] - sum(dz[i, m] * eps[i, m] for m in of_n)) < 1e-14


def check_scaled(module: ModuleType) -> None:
    """Every column has a factor of its own, whatever axes come before."""
    a, scale = np.random.default_rng(2).standard_normal((2, 3, 5)), np.arange(5) - 1.5
    got = module.scaled_columns(a, scale)
    assert got.shape == a.shape
    for m in range(5):
        np.testing.assert_array_equal(got[..., m], a[..., m] * scale[m])
