"""Exercise 8. Batch normalisation

Every feature is brought to mean 0 and variance 1 over the batch, then stretched
and moved by numbers that are learned. x and y are (D, N), γ and β are (D,):

    μ_d  = (1/N) Σ_n x_dn
    v_d  = (1/N) Σ_n (x_dn - μ_d)²
    x̂_dn = (x_dn - μ_d) / √(v_d + ε)
    y_dn = γ_d x̂_dn + β_d

The variance is divided by N (not N - 1), and ε stands inside of the root.

The start of the derivation
---------------------------
γ and β are quick: y is linear in them. For x, first ∂L/∂x̂_dn = γ_d dy_dn; call
it h_dn. Now x_dn reaches x̂ on three ways: directly, through μ_d, and through
v_d, and the last two lead to ALL x̂ of its feature. Take one feature, and drop
its index:

    ∂x̂_m/∂x_n = ([m = n] - 1/N) / √(v+ε) - ½ (x_m - μ) ∂v/∂x_n / (v+ε)^(3/2)

Find ∂v/∂x_n (the way through μ adds nothing there; why?), put r = 1/√(v + ε),
write the rest with x̂, and sum over m: dx_n = Σ_m h_m ∂x̂_m/∂x_n. Two means
over the batch remain, and dx is h minus two projections, times r.

Check your answer:   python -m nnscratch.exercises check batch_norm
"""

import numpy as np


def forward(x, gamma, beta, eps):
    """Return y (D, N)."""
    raise NotImplementedError


def backward(dy, x, gamma, eps):
    """Return dx (D, N), dgamma (D,), dbeta (D,)."""
    raise NotImplementedError
