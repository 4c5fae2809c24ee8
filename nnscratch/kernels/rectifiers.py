"""Rectifiers, each in one pass over flat arrays."""

from typing import Any

from ..core import Array, IntArray
from .machine.fork_join import claim_block, shared
from .machine.jit import kernel


@shared
def _relu_forward(x: Array, y: Array, team: IntArray, me: int) -> None:
    """y_n = max(x_n, 0), all flat; a NaN stays."""
    zero = x.dtype.type(0)
    a, b = claim_block(team, me, 0, x.size)
    while a < x.size:
        xn, yn = x[a:b], y[a:b]
        for n in range(xn.size):
            yn[n] = zero if xn[n] < zero else xn[n]
        a, b = claim_block(team, me, 0, x.size)


@kernel
def relu_forward(*args: Any) -> None:
    """Run _relu_forward(*args), shared with the team."""
    _relu_forward(*args)


@shared
def _relu_backward(dy: Array, y: Array, dx: Array, team: IntArray, me: int) -> None:
    """dx_n = dy_n [y_n > 0], all flat."""
    zero = y.dtype.type(0)
    a, b = claim_block(team, me, 0, y.size)
    while a < y.size:
        dyn, yn, dxn = dy[a:b], y[a:b], dx[a:b]
        for n in range(yn.size):
            dxn[n] = dyn[n] if yn[n] > zero else zero
        a, b = claim_block(team, me, 0, y.size)


@kernel
def relu_backward(*args: Any) -> None:
    """Run _relu_backward(*args), shared with the team."""
    _relu_backward(*args)


@kernel
def leaky_relu_backward(dy: Array, y: Array, slope: float, dx: Array) -> None:
    """dx_n = dy_n where y_n > 0, slope · dy_n elsewhere, all flat."""
    zero, s = y.dtype.type(0), y.dtype.type(slope)
    for n in range(dx.size):
        dx[n] = dy[n] if y[n] > zero else s * dy[n]
