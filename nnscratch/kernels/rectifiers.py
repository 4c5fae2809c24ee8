"""Rectifiers, each in one pass over flat arrays."""

from ..core import Array, IntArray
from .machine.fork_join import next_block, parallel
from .machine.jit import kernel


@parallel
def relu_forward(x: Array, y: Array, workers: IntArray, me: int) -> None:
    """y_n = max(x_n, 0), all flat; a NaN stays."""
    zero = x.dtype.type(0)
    a, b = next_block(workers, me, 0, x.size)
    while a < x.size:
        xn, yn = x[a:b], y[a:b]
        for n in range(xn.size):
            yn[n] = zero if xn[n] < zero else xn[n]
        a, b = next_block(workers, me, 0, x.size)


@parallel
def relu_backward(dy: Array, y: Array, dx: Array, workers: IntArray, me: int) -> None:
    """dx_n = dy_n [y_n > 0], all flat."""
    zero = y.dtype.type(0)
    a, b = next_block(workers, me, 0, y.size)
    while a < y.size:
        dyn, yn, dxn = dy[a:b], y[a:b], dx[a:b]
        for n in range(yn.size):
            dxn[n] = dyn[n] if yn[n] > zero else zero
        a, b = next_block(workers, me, 0, y.size)


@kernel
def leaky_relu_backward(dy: Array, y: Array, slope: float, dx: Array) -> None:
    """dx_n = dy_n where y_n > 0, slope · dy_n elsewhere, all flat."""
    zero, s = y.dtype.type(0), y.dtype.type(slope)
    for n in range(dx.size):
        dx[n] = dy[n] if y[n] > zero else s * dy[n]
