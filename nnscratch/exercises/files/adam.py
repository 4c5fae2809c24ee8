"""Exercise 12. Adam

Adam divides each gradient by its own size, so that all parameters move at the
same pace. It keeps two running means for each, m of the gradient g and v of its
square:

    m ← β₁ m + (1 - β₁) g
    v ← β₂ v + (1 - β₂) g²

Both start from 0, and are too small at first. With m̂ and v̂, which correct
this,

    θ ← θ - rate · m̂ / (√v̂ + ε)

Write one step. theta, grad, m and v have one shape; t is the number of this
step, and is 1 for the first. Change none of the arguments: return new arrays.

The start of the derivation
---------------------------
Unroll m: after t steps

    m_t = (1 - β₁) Σ_i β₁^(t-i) g_i        i = 1 … t

That is a weighted sum of gradients. For it to be a weighted MEAN, the weights
must sum to 1. What do they sum to? (A geometric series.) Divide by that, and
you have m̂; v̂ in the same way. What you return, m and v, are the running means
themselves, without the correction.

What must come out: the first step moves each θ by rate · g / (|g| + ε),
whatever the size of g.

Check your answer:   python -m nnscratch.exercises check adam
"""

import numpy as np


def step(theta, grad, m, v, t, rate, beta1, beta2, eps):
    """Return the new theta, m and v as new arrays."""
    raise NotImplementedError
