"""The distribution function of N(0, 1), which NumPy does not have; and the slope of tanh."""

from math import erf, sqrt

import numpy as np

from ..core import Array, IntArray
from .machine.fork_join import next_block, parallel
from .machine.helpers import workers_for
from .machine.jit import kernel


def normal_cdf(x: Array) -> Array:
    """Φ(x) = ½ (1 + erf(x/√2))."""
    cdf = np.empty_like(x, order="C")
    normal_cdf_kernel(x.ravel(), cdf.ravel())
    return cdf


@kernel
def normal_cdf_kernel(x: Array, cdf: Array) -> None:
    """cdf_n = Φ(x_n) = ½ (1 + erf(x_n/√2)), all flat."""
    half, root = x.dtype.type(0.5), x.dtype.type(sqrt(0.5))
    for n in range(x.size):
        cdf[n] = half + half * x.dtype.type(erf(x[n] * root))


def tanh_backward(dy: Array, y: Array) -> Array:
    """dx = dy (1 - y²)."""
    dx = np.empty_like(y, order="C")
    tanh_backward_kernel(dy.ravel(), y.ravel(), dx.ravel(), workers_for(y.size // 4))
    return dx


@parallel
def tanh_backward_kernel(dy: Array, y: Array, dx: Array, workers: IntArray, me: int) -> None:
    """dx_n = dy_n (1 - y_n²), all flat."""
    one = y.dtype.type(1)
    a, b = next_block(workers, me, 0, y.size)
    while a < y.size:
        dyn, yn, dxn = dy[a:b], y[a:b], dx[a:b]
        for n in range(yn.size):
            dxn[n] = dyn[n] * (one - yn[n] * yn[n])
        a, b = next_block(workers, me, 0, y.size)
