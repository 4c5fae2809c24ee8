"""One pass over θ for each optimiser: sum the replicas' gradients, step, and clear them.

    value  (P,)     θ
    grads  (R, P)   a gradient a replica; their sum, in the order of the replicas, is the gradient
    pieces (B, 2)   starts and ends of the pieces of θ to step, in the order of the threads' shares
    scale           factor on the gradient, from clipping its norm
    l2              weight decay as a gradient: l2·θ is added to g

A piece stays in a core's cache while the replicas are summed and θ is moved; threads share them out
among each other (fork_join.py).
"""

from functools import cache
from math import ceil, sqrt

import numpy as np

from ..core import Array, IntArray
from .machine.counters import BLOCK
from .machine.fork_join import next_piece, parallel
from .machine.helpers import thread_count, workers_for
from .machine.jit import kernel
from .machine.subnormals import flushed_subnormals
from .plain_optimizers import PIECE, Step

LINE = 64
"""Pieces of θ begin at multiples of it: what the compiled loop takes together is then together on
any number of threads."""


@cache
def pieces(parts: tuple[int, ...], start: int, stop: int, T: int) -> IntArray:
    """Return the ends (B, 2) of pieces that make up θ[start:stop], in the order of T threads.

    A thread's share is a T-th of every part: the rows whose gradient it has just written, and whose
    weights nobody else reads (matmul.py). They lie in its cache; to fetch what another core has
    written would take Adam half as long again, and many times as long where they share no cache.
    """
    ends, starts = [], [sum(parts[:i]) for i in range(len(parts))]
    for t in range(T):
        for size, first in zip(parts, starts, strict=True):
            cuts = T * ceil(size / (T * BLOCK))
            for i in range(cuts * t // T, cuts * (t + 1) // T):
                a, b = ((first + size * j // cuts) // LINE * LINE for j in (i, i + 1))
                ends.append((max(a, start), min(b, stop)))
    ends.append((max(sum(parts) // LINE * LINE, start), stop))
    return np.array([(a, b) for a, b in ends if a < b], np.int64).reshape(-1, 2)


def shares(step: Step) -> IntArray:
    """Return the pieces of the part of θ that moves, for the threads that there are."""
    return pieces(step.theta.parts, *step.within, thread_count())


def gradient_squares(grads: Array, within: tuple[int, int]) -> Array:
    """Σ g² of each piece of a part of the gradient."""
    start, stop = within
    squares = np.zeros(max(1, (stop - 1) // PIECE - start // PIECE + 1))
    with flushed_subnormals():
        gradient_squares_kernel(grads, start, stop, squares)
    return squares


def sgd(step: Step, velocity: Array, momentum: float, nesterov: bool) -> None:
    """u ← μ u + g;  θ ← θ - η u,  or θ - η (g + μ u)."""
    arrays = step.theta.value, step.grads, velocity, shares(step)
    numbers = step.scale, step.rate, momentum, nesterov, step.l2
    with flushed_subnormals():  # moments that fade pass through subnormal numbers
        sgd_kernel(*arrays, *numbers, workers_for(velocity.size))


def rmsprop(step: Step, square: Array, alpha: float, eps: float) -> None:
    """v ← α v + (1-α) g²;  θ ← θ - η g/(√v + ε)."""
    arrays = step.theta.value, step.grads, square, shares(step)
    numbers = step.scale, step.rate, alpha, eps, step.l2
    with flushed_subnormals():
        rmsprop_kernel(*arrays, *numbers, workers_for(square.size))


def adam(
    step: Step,
    first: Array,
    second: Array,
    beta1: float,
    beta2: float,
    eps: float,
    count: int,
    decay: float,
) -> None:
    """m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  θ ← (1 - η λ) θ - η m̂/(√v̂ + ε)."""
    arrays = step.theta.value, step.grads, first, second, shares(step)
    numbers = step.scale, step.rate, beta1, beta2, eps, count, step.l2, decay
    with flushed_subnormals():
        adam_kernel(*arrays, *numbers, workers_for(first.size))


@kernel
def sum_replicas(grads: Array, start: int, stop: int) -> None:
    """Move the sum of all rows into row 0, and leave zeros in the others."""
    total = grads[0, start:stop]
    for replica in range(1, grads.shape[0]):
        g = grads[replica, start:stop]
        for n in range(total.size):
            total[n] += g[n]
            g[n] = 0


@kernel
def gradient_squares_kernel(grads: Array, start: int, stop: int, squares: Array) -> None:
    """Sum the replicas and write Σ g² of each piece, in float64, where no square overflows."""
    first = start // PIECE
    for i in range(squares.size):
        a, b = max(start, (first + i) * PIECE), min(stop, (first + i + 1) * PIECE)
        sum_replicas(grads, a, b)
        g, total = grads[0, a:b], 0.0
        for n in range(g.size):
            total += np.float64(g[n]) * np.float64(g[n])
        squares[i] = total


@parallel
def sgd_kernel(
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
        sum_replicas(grads, a, b)
        x, g, u = value[a:b], grads[0, a:b], velocity[a:b]
        for n in range(x.size):
            d = s * g[n] + lam * x[n]
            un = mu * u[n] + d
            u[n] = un
            x[n] -= eta * (of_g * d + of_u * un)
            g[n] = 0
        i = next_piece(workers, me, len(pieces))


@parallel
def rmsprop_kernel(
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
        sum_replicas(grads, a, b)
        x, g, v = value[a:b], grads[0, a:b], square[a:b]
        for n in range(x.size):
            d = s * g[n] + lam * x[n]
            vn = al * v[n] + be * d * d
            v[n] = vn
            x[n] -= eta * d / (real(sqrt(vn)) + tiny)
            g[n] = 0
        i = next_piece(workers, me, len(pieces))


@parallel
def adam_kernel(
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
        sum_replicas(grads, a, b)
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
