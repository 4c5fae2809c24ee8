"""Exercise 7. Max-pooling

Of every window of size×size pixels the largest is kept:

    x  (C, H, W, N)      y  (C, I, J, N)

    y_cijn = max over k, l in 0 … size-1 of x_c,i·stride+k,j·stride+l,n

    I = (H - size) // stride + 1        J = (W - size) // stride + 1

Rows and columns at the end that fill no window are left out. With a stride
below the size, windows overlap. Loops are fine; speed is no concern.

The start of the derivation
---------------------------
Move one pixel a little. If it is the largest of its window, y moves with it, by
the same amount: ∂y/∂x = 1. If not, nothing happens: 0. So dy of a window goes
to its largest pixel, and the others get nothing.

Where windows overlap, a pixel can be the largest in several of them, and gets
the sum. What about equal pixels? There the maximum has a kink. By convention
the first of them, in the order of rows, gets all (np.argmax returns that one).

Check your answer:   python -m nnscratch.exercises check max_pool
"""

import numpy as np


def forward(x, size, stride):
    """Return y (C, I, J, N)."""
    raise NotImplementedError


def backward(dy, x, size, stride):
    """Return dx (C, H, W, N)."""
    raise NotImplementedError
