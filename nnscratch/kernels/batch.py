"""From a set of byte images, batch-first, to a batch of floats, batch-last."""

import numpy as np
from numpy.typing import NDArray

from ..core import Array, IntArray
from .jit import kernel


@kernel
def gather_columns(images: NDArray[np.uint8], rows: IntArray, grey: Array, x: Array) -> None:
    """x_dn = grey[images[rows_n]_d]: in NumPy, x = grey[images[rows]].T.

    A byte has only 256 values, so its float is looked up. Reading images and writing x run across
    each other; four images at a time make one write of four neighbours.

        images  (…, D)      rows  (N,)      grey  (256,)      x  (D, N)
    """
    D, N = x.shape
    whole = N - N % 4
    for n in range(0, whole, 4):
        i0, i1 = images[rows[n]], images[rows[n + 1]]
        i2, i3 = images[rows[n + 2]], images[rows[n + 3]]
        for d in range(D):
            x4 = x[d, n : n + 4]
            x4[0] = grey[i0[d]]
            x4[1] = grey[i1[d]]
            x4[2] = grey[i2[d]]
            x4[3] = grey[i3[d]]
    for n in range(whole, N):
        image = images[rows[n]]
        for d in range(D):
            x[d, n] = grey[image[d]]
