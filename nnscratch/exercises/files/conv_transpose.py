"""Exercise 6. The transposed convolution is an adjoint

A convolution (exercise 5, without b) is a linear map, so there is a matrix A
with conv(u) = A u, if images are written as columns. The TRANSPOSED convolution
is Aᵀ. It goes from small images to large ones, and decoders are made of it.
Nobody writes A down; Aᵀ is defined by the identity

    ⟨conv(u), x⟩ = ⟨u, y⟩      for all u and x, where y = Aᵀ x

⟨a, b⟩ is the sum of the products of all entries. With the stride s and padding
p of the convolution:

    x  (C, h, v, N)      w  (C, F, K, L)      y  (F, H, W, N)

    H = (h - 1) s - 2p + K        W = (v - 1) s - 2p + L

(w is the weight of a convolution from F channels to C: its first axis is what x
has.) You have written this map already. Where?

The start of the derivation
---------------------------
Put the formula of exercise 5 into the left side:

    Σ_cijn x_cijn Σ_fkl w_cfkl u_f,is+k-p,js+l-p,n

and collect what stands with one entry of u. Every pixel x_ij is spread over a
window of y, weighted with the filter: y_is+k-p,js+l-p += w_kl x_ij.

For backward: y is linear in x. If y = Aᵀ x, then dx = (Aᵀ)ᵀ dy. And dw? The
formula of y is symmetric in x and w, but for the places: collect what stands
with w_cfkl.

Check your answer:   python -m nnscratch.exercises check conv_transpose
"""

import numpy as np


def forward(x, w, stride, padding):
    """Return y (F, H, W, N)."""
    raise NotImplementedError


def backward(dy, x, w, stride, padding):
    """Return dx (C, h, v, N), dw (C, F, K, L)."""
    raise NotImplementedError
