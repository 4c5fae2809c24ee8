"""Rectifiers, each in one pass over flat arrays."""

import numpy as np

from ..core import Array, IntArray
from .machine.fork_join import next_block, parallel
from .machine.helpers import workers_for
from .machine.jit import kernel

CYCLES = 1 / 4
"""What one number costs a core, roughly."""


def relu(x: Array) -> Array:
    """y = max(x, 0)."""
    y = np.empty_like(x, order="C")
    relu_kernel(x.ravel(), y.ravel(), workers_for(int(CYCLES * x.size)))
    return y


def relu_backward(dy: Array, y: Array) -> Array:
    """dx = dy [y > 0]."""
    dx = np.empty_like(y, order="C")
    relu_backward_kernel(dy.ravel(), y.ravel(), dx.ravel(), workers_for(int(CYCLES * y.size)))
    return dx


def leaky_relu_backward(dy: Array, y: Array, slope: float) -> Array:
    """dx = dy where y > 0, slope · dy elsewhere."""
    dx = np.empty_like(y, order="C")
    leaky_relu_backward_kernel(dy.ravel(), y.ravel(), slope, dx.ravel())
    return dx


@parallel
def relu_kernel(x: Array, y: Array, workers: IntArray, me: int) -> None:
    """y_n = max(x_n, 0), all flat; a NaN stays."""
    zero = x.dtype.type(0)
    a, b = next_block(workers, me, 0, x.size)
    while a < x.size:
        xn, yn = x[a:b], y[a:b]
        for n in range(xn.size):
            yn[n] = zero if xn[n] < zero else xn[n]
        a, b = next_block(workers, me, 0, x.size)


@parallel
def relu_backward_kernel(dy: Array, y: Array, dx: Array, workers: IntArray, me: int) -> None:
    """dx_n = dy_n [y_n > 0], all flat."""
    zero = y.dtype.type(0)
    a, b = next_block(workers, me, 0, y.size)
    while a < y.size:
        dyn, yn, dxn = dy[a:b], y[a:b], dx[a:b]
        for n in range(yn.size):
            dxn[n] = dyn[n] if yn[n] > zero else zero
        a, b = next_block(workers, me, 0, y.size)


@kernel
def leaky_relu_backward_kernel(dy: Array, y: Array, slope: float, dx: Array) -> None:
    """dx_n = dy_n where y_n > 0, slope · dy_n elsewhere, all flat."""
    zero, s = y.dtype.type(0), y.dtype.type(slope)
    for n in range(dx.size):
        dx[n] = dy[n] if y[n] > zero else s * dy[n]
