"""Exercise 4. Binary cross-entropy from logits

A decoder returns a logit a for every pixel, and σ(a) is the probability that
the pixel is white. With pixels t in [0, 1], both arrays (D, N):

    L = -(1/N) Σ_dn ( t_dn log σ(a_dn) + (1 - t_dn) log(1 - σ(a_dn)) )

One sum, one mean: SUM over the D pixels, MEAN over the N images. So L is in
nats an image, and can be added to a KL.

The start of the derivation
---------------------------
Written like this, L is no good as a program: σ(1000) is 1 and log(1 - 1) = -∞.
Put σ(a) = 1 / (1 + e^(-a)) into both logarithms:

    log σ(a)       = -log(1 + e^(-a))
    log(1 - σ(a))  = -log(1 + e^a)  =  log σ(a) - a

Use this to write L with a single logarithm, and find a form of it in which exp
never gets a positive argument. Then differentiate; what is the derivative of
log(1 + e^a)?

The checker tries a = ±1000, and a loss of 4e-18 that must not be rounded to 0.

Check your answer:   python -m nnscratch.exercises check bce
"""

import numpy as np


def loss(a, t):
    """Return L, a float."""
    raise NotImplementedError


def gradient(a, t):
    """Return da = ∂L/∂a, (D, N)."""
    raise NotImplementedError
