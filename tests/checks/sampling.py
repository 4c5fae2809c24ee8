"""The reparameterised sample."""

from math import log, sqrt
from types import ModuleType

import numpy as np

from nnscratch.gradcheck import gradcheck

MU, LOGVAR, DRAWS = 2.0, log(9), 100_000


def draw(module: ModuleType) -> np.ndarray:
    """100,000 draws from N(2, 9)."""
    shape = (10, DRAWS // 10)
    eps = np.random.default_rng(0).standard_normal(shape)
    z, _ = module.GaussianSample().forward(np.full(shape, MU), np.full(shape, LOGVAR), eps)
    return z.ravel()


def check_gradient(module: ModuleType, L: int, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    eps = rng.standard_normal((L, N))
    gradcheck(module.GaussianSample(), (L, N), (L, N), constants=[eps], rng=rng).raise_if_failed()


def check_moments(module: ModuleType) -> None:
    """z has mean μ and standard deviation e^(logvar/2) = 3, to five standard errors.

    With σ = e^logvar, the bug that peers ship, it would be 9, and every gradient still right.
    """
    z, sigma = draw(module), np.exp(LOGVAR / 2)
    assert abs(z.mean() - MU) < 5 * sigma / sqrt(DRAWS)
    assert abs(z.std() - sigma) < 5 * sigma / sqrt(2 * DRAWS)


def check_gradients_are_new(module: ModuleType) -> None:
    """The VAE adds the KL's gradient into dμ: dμ must not be dz under another name."""
    mu, logvar, eps, dz = np.ones((4, 2, 3))
    dmu, dlogvar = module.GaussianSample().forward(mu, logvar, eps)[1](dz)
    assert not np.shares_memory(dmu, dz)
    assert not np.shares_memory(dlogvar, dz)
