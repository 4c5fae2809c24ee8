"""Exercise 2. Two activations: ReLU and the sigmoid

Both act on every entry by itself, so x, y, dy and dx all have one shape, (D,
N):

    ReLU      y = max(x, 0)
    sigmoid   y = σ(x) = 1 / (1 + e^(-x))

Backward is given dy = ∂L/∂y and returns dx = ∂L/∂x.

The start of the derivation
---------------------------
As y_dn depends on x_dn alone, the chain rule has one term:

    ∂L/∂x_dn = dy_dn · f'(x_dn)

ReLU has slope 1 on the right of 0 and 0 on the left. At 0 there is a corner and
no derivative; by convention nothing passes there.

For the sigmoid, differentiate (1 + e^(-x))^(-1), and write what you find in
terms of y = σ(x): then there is no exponential left.

Numbers, too: σ(-1000) is 0, but e^1000 is more than a float can hold; and 1 -
σ(30) has lost most of its digits. How can you write σ so that exp never gets a
large positive argument? (The checker tries x = ±1000, and x = -30.)

Check your answer:   python -m nnscratch.exercises check activations
"""

import numpy as np


def relu(x):
    """Return max(x, 0)."""
    raise NotImplementedError


def relu_backward(dy, x):
    """Return dx."""
    raise NotImplementedError


def sigmoid(x):
    """Return 1 / (1 + e^(-x)), without overflow for any x."""
    raise NotImplementedError


def sigmoid_backward(dy, x):
    """Return dx."""
    raise NotImplementedError
