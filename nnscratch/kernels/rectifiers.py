"""Backward of the rectifiers, in one pass over flat arrays."""

from ..core import Array
from .jit import kernel


@kernel
def relu_backward(dy: Array, y: Array, dx: Array) -> None:
    """dx_n = dy_n [y_n > 0], all flat."""
    zero = y.dtype.type(0)
    for n in range(dx.size):
        dx[n] = dy[n] if y[n] > zero else zero


@kernel
def leaky_relu_backward(dy: Array, y: Array, slope: float, dx: Array) -> None:
    """dx_n = dy_n where y_n > 0, slope · dy_n elsewhere, all flat."""
    zero, s = y.dtype.type(0), y.dtype.type(slope)
    for n in range(dx.size):
        dx[n] = dy[n] if y[n] > zero else s * dy[n]
