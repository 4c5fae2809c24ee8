"""Exercise 10. The divergence of two Gaussians

What a VAE pays for telling its decoder about an image is the divergence of the
encoder's distribution q = N(μ, diag σ²) from the prior p = N(0, I):

    KL(q ‖ p) = ∫ q(z) ( log q(z) - log p(z) ) dz

μ and logvar = log σ² are (L, N): L dimensions, N images. The loss is the SUM
over the L dimensions and the MEAN over the N images.

The start of the derivation
---------------------------
Dimensions are independent, so the integral is a sum of L integrals over one z:

    log q(z) = -½ (z - μ)²/σ² - ½ log σ² - ½ log 2π
    log p(z) = -½ z²                     - ½ log 2π

The integral is the expectation, under q, of the difference. You need only

    E (z - μ)² = σ²        E z² = μ² + σ²

Write the result with μ², σ² and log σ², and then in terms of logvar. It must be
0 for μ = 0 and σ = 1. Then differentiate by μ and by logvar (not by σ, not by
σ²).

Check your answer:   python -m nnscratch.exercises check gaussian_kl
"""

import numpy as np


def loss(mu, logvar):
    """Return the KL, a float: a sum over dimensions, a mean over the batch."""
    raise NotImplementedError


def gradient(mu, logvar):
    """Return dmu, dlogvar, both (L, N)."""
    raise NotImplementedError
