"""Exercise 9. The sample: noise that a gradient passes

A VAE's encoder returns two numbers for each dimension of the code, the mean μ
and the LOGARITHM OF THE VARIANCE, logvar = log σ², and the code z is drawn from
N(μ, σ²). A draw has no derivative. But it can be written as a function of μ,
logvar and noise ε ~ N(0, 1) that was drawn before:

    z = μ + σ ε

Then L depends on μ and logvar through z, and ε is a constant like any other.
All arrays are (L, N).

The start of the derivation
---------------------------
First: what is σ, if logvar = log σ²? It is easy to be wrong here, and no
gradient check would notice: the derivative of a wrong formula can be right.
What notices is the variance of many samples, which must be the one that was
asked for.

Then backward is given dz = ∂L/∂z:

    ∂L/∂μ_ln      = dz_ln · ∂z_ln/∂μ_ln
    ∂L/∂logvar_ln = dz_ln · ∂z_ln/∂logvar_ln

Mind the inner derivative of the exponential.

Check your answer:   python -m nnscratch.exercises check sample
"""

import numpy as np


def forward(mu, logvar, noise):
    """Return z."""
    raise NotImplementedError


def backward(dz, mu, logvar, noise):
    """Return dmu, dlogvar."""
    raise NotImplementedError
