"""Exercise 1. The affine layer: y = w x + b

A batch holds N samples, each with D numbers. Here the batch is the LAST axis,
so x is (D, N) and a sample is a column:

    x  (D, N)      w  (M, D)      b  (M,)      y  (M, N)

    y_mn = Σ_d w_md x_dn + b_m

Somewhere behind the layer a loss L, a single number, is computed from y.
Backward is given dy, the derivatives of L by the entries of y:

    dy_mn = ∂L/∂y_mn        in the shape of y, (M, N)

and must return the derivatives of L by everything that y was made of, each in
the shape of what it belongs to:  dx (D, N),  dw (M, D),  db (M,).

The start of the derivation
---------------------------
A single entry of w, say w_ij, reaches L through every y_mn that it occurs in.
The chain rule sums over all of them:

    ∂L/∂w_ij = Σ_mn ∂L/∂y_mn · ∂y_mn/∂w_ij = Σ_mn dy_mn · [m = i] x_jn

([m = i] is 1 if m = i and 0 if not.) The sum over m has one term left, and

    ∂L/∂w_ij = Σ_n dy_in x_jn

Which matrix product is that? Do the same for x and b. Do not average over n: L
is a sum over all ways, and what is averaged has been averaged in L already.

Check your answer:   python -m nnscratch.exercises check dense
"""

import numpy as np


def forward(x, w, b):
    """Return y (M, N)."""
    raise NotImplementedError


def backward(dy, x, w):
    """Return dx (D, N), dw (M, D), db (M,)."""
    raise NotImplementedError
