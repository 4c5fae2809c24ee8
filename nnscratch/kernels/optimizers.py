"""One pass over θ for each optimiser: sum the replicas' gradients, step, and clear them.

    value  (P,)     θ
    grads  (L, P)   a gradient a replica; their sum, in the order of the replicas, is the gradient
    pieces (B, 2)   starts and ends of the pieces of θ to step, in the order of the threads' shares
    scale           factor on the gradient, from clipping its norm
    l2              weight decay as a gradient: l2·θ is added to g

A piece stays in a core's cache while the replicas are summed and θ is moved; threads share them out
among each other (fork_join.py).
"""

from math import sqrt

import numpy as np

from ..core import Array, IntArray
from .machine.fork_join import BLOCK, next_piece, parallel
from .machine.jit import kernel


@kernel
def sum_lanes(grads: Array, start: int, stop: int) -> None:
    """Move the sum of all rows into row 0, and leave zeros in the others."""
    total = grads[0, start:stop]
    for replica in range(1, grads.shape[0]):
        g = grads[replica, start:stop]
        for n in range(total.size):
            total[n] += g[n]
            g[n] = 0


@kernel
def gradient_norm(grads: Array, start: int, stop: int) -> float:
    """Sum the replicas and return ‖g‖₂ of a piece of θ; in float64, where no square overflows."""
    squares = 0.0
    for a in range(start, stop, BLOCK):
        b = min(a + BLOCK, stop)
        sum_lanes(grads, a, b)
        g = grads[0, a:b]
        for n in range(g.size):
            squares += np.float64(g[n]) * np.float64(g[n])
    return sqrt(squares)


@parallel
def sgd(
    value: Array,
    grads: Array,
    velocity: Array,
    pieces: IntArray,
    scale: float,
    rate: float,
    momentum: float,
    nesterov: bool,
    l2: float,
    workers: IntArray,
    me: int,
) -> None:
    """u ← μ u + g;  θ ← θ - η u,  or θ - η (g + μ u) with Nesterov's look-ahead."""
    real = value.dtype.type
    s, eta, mu, lam = real(scale), real(rate), real(momentum), real(l2)
    of_g, of_u = (real(1), mu) if nesterov else (real(0), real(1))
    i = next_piece(workers, me, len(pieces))
    while i < len(pieces):
        a, b = pieces[i]
        sum_lanes(grads, a, b)
        x, g, u = value[a:b], grads[0, a:b], velocity[a:b]
        for n in range(x.size):
            d = s * g[n] + lam * x[n]
            un = mu * u[n] + d
            u[n] = un
            x[n] -= eta * (of_g * d + of_u * un)
            g[n] = 0
        i = next_piece(workers, me, len(pieces))


@parallel
def rmsprop(
    value: Array,
    grads: Array,
    square: Array,
    pieces: IntArray,
    scale: float,
    rate: float,
    alpha: float,
    eps: float,
    l2: float,
    workers: IntArray,
    me: int,
) -> None:
    """v ← α v + (1-α) g²;  θ ← θ - η g/(√v + ε)."""
    real = value.dtype.type
    s, eta, al, be = real(scale), real(rate), real(alpha), real(1 - alpha)
    tiny, lam = real(eps), real(l2)
    i = next_piece(workers, me, len(pieces))
    while i < len(pieces):
        a, b = pieces[i]
        sum_lanes(grads, a, b)
        x, g, v = value[a:b], grads[0, a:b], square[a:b]
        for n in range(x.size):
            d = s * g[n] + lam * x[n]
            vn = al * v[n] + be * d * d
            v[n] = vn
            x[n] -= eta * d / (real(sqrt(vn)) + tiny)
            g[n] = 0
        i = next_piece(workers, me, len(pieces))


@parallel
def adam(
    value: Array,
    grads: Array,
    first: Array,
    second: Array,
    pieces: IntArray,
    scale: float,
    rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
    l2: float,
    decay: float,
    workers: IntArray,
    me: int,
) -> None:
    """m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  θ ← (1 - η λ) θ - η m̂/(√v̂ + ε).

    m̂ = m/(1-β₁ᵗ) and v̂ = v/(1-β₂ᵗ) undo the bias of averages that started at 0, t = `step` ≥ 1.
    `decay` is λ.
    """
    real = value.dtype.type
    s, b1, c1, b2, c2 = real(scale), real(beta1), real(1 - beta1), real(beta2), real(1 - beta2)
    eta = real(rate / (1 - beta1**step))
    unbias, tiny = real(1 / (1 - beta2**step)), real(eps)
    lam, keep = real(l2), real(1 - rate * decay)
    i = next_piece(workers, me, len(pieces))
    while i < len(pieces):
        a, b = pieces[i]
        sum_lanes(grads, a, b)
        x, g = value[a:b], grads[0, a:b]
        m, v = first[a:b], second[a:b]
        for n in range(x.size):
            d = s * g[n] + lam * x[n]
            mn = b1 * m[n] + c1 * d
            vn = b2 * v[n] + c2 * d * d
            m[n], v[n] = mn, vn
            x[n] = keep * x[n] - eta * mn / (real(sqrt(vn * unbias)) + tiny)
            g[n] = 0
        i = next_piece(workers, me, len(pieces))
