"""Exercise 5. The convolution of images

A filter is laid on every place of an image, and what lies under it is weighted
and summed. x holds N images of C channels, w holds F filters:

    x  (C, H, W, N)      w  (F, C, K, L)      b  (F,)      y  (F, I, J, N)

    y_fijn = b_f + Σ_ckl w_fckl x_c,is+k-p,js+l-p,n

s is the stride, p the padding. A pixel beyond the border counts as 0, and there
are

    I = (H + 2p - K) // s + 1        J = (W + 2p - L) // s + 1

places. (The filter is not turned round: what is called a convolution here is a
correlation in mathematics.) Loops are fine; speed is no concern.

The start of the derivation
---------------------------
It is a linear map with shared weights, so each derivative is a sum over all
places where the number was used. For a weight:

    ∂L/∂w_fckl = Σ_ijn dy_fijn x_c,is+k-p,js+l-p,n

For a pixel there is no need to solve for the i and j that reached it. Forward
READS a window of x at each place (i, j). Backward visits the same places, and
ADDS to the same window of dx: a gather turns into a scatter-add. Windows
overlap, so it is +=.

Padding: copy x into the middle of a larger array of zeros (np.pad). Make dx of
that size, too, and cut the border off in the end: nobody needs its gradient.

Check your answer:   python -m nnscratch.exercises check conv2d
"""

import numpy as np


def forward(x, w, b, stride, padding):
    """Return y (F, I, J, N)."""
    raise NotImplementedError


def backward(dy, x, w, stride, padding):
    """Return dx (C, H, W, N), dw (F, C, K, L), db (F,)."""
    raise NotImplementedError
