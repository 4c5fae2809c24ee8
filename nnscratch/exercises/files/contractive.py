"""Exercise 13. The contractive penalty: the gradient of a derivative

A contractive autoencoder is charged for how much its code moves when the image
does. The code is h = σ(w x + b), and the price is the squared Frobenius norm of
its Jacobian, the sum of the squares of all its entries, as a mean over the
batch:

    x  (D, N)      w  (M, D)      b  (M,)      h  (M, N)

    L = (1/N) Σ_n Σ_md (∂h_mn/∂x_dn)²

Compute L, and its gradients by w and b. (A derivative is in L already, so this
is a second derivative.)

The start of the derivation
---------------------------
The sigmoid's slope is s = h (1 - h), so ∂h_mn/∂x_dn = s_mn w_md. The sum over d
concerns w alone:

    L = (1/N) Σ_mn s_mn² q_m        q_m = Σ_d w_md²

No Jacobian need be stored. Now w enters on TWO ways: directly, in q, and
through h, in s. Do one after the other, and add. For the second you need

    ∂s/∂h = 1 - 2h        ∂h/∂a = s,  where a = w x + b

and from ∂L/∂a on it is the backward of exercise 1. b has the second way only.

Check your answer:   python -m nnscratch.exercises check contractive
"""

import numpy as np


def penalty(x, w, b):
    """Return L, a float."""
    raise NotImplementedError


def gradient(x, w, b):
    """Return dw (M, D), db (M,)."""
    raise NotImplementedError
