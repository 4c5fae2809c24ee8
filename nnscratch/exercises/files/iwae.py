"""Exercise 14. The weights of an IWAE

The ELBO is one bound on log p(x); with K samples z_k ~ q(z|x) there is a
tighter one. Each sample has an importance weight,

    w_k = p(x, z_k) / q(z_k|x)        the mean of w over q is p(x) itself

and the bound is the log of their mean:

    L = (1/N) Σ_n log( (1/K) Σ_k w_kn )

You are given log_w (K, N): K samples for each of N images. Return three things:
the normalised weights w_kn / Σ_j w_jn, the bound, and the gradient of the
bound.

The start of the derivation
---------------------------
Weights are tiny: log w is about -100 for a digit, and lower for larger images,
where e^(log w) is 0 for a computer. So nothing may be computed but with the
logarithms shifted, as in exercise 3: which number would you subtract, and what
must be added again at the end?

The gradient: with w = e^(log w),

    ∂/∂log_w_k  log Σ_j w_j  =  w_k / Σ_j w_j

Every sample's gradient is weighted with how well it explains x. With K = 1 all
of this is the ELBO again. (Two published libraries have this wrong: in one the
best sample gets the smallest weight, the other prints Σ_k w̃_k log w_k for the
bound.)

Check your answer:   python -m nnscratch.exercises check iwae
"""

import numpy as np


def weights(log_w):
    """Return normalised weights (K, N): over the K samples they sum to 1."""
    raise NotImplementedError


def bound(log_w):
    """Return L, a float."""
    raise NotImplementedError


def gradient(log_w):
    """Return ∂L/∂log_w, (K, N)."""
    raise NotImplementedError
