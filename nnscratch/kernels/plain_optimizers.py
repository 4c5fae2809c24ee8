"""The steps of the optimisers in NumPy: definitions, as in plain.py.

Like the kernels they do not warn where a number overflows: whoever trains looks for numbers that
are not finite, and says in which parameter the first was (training/diagnosis.py).
"""

from math import fsum, sqrt
from typing import NamedTuple

import numpy as np

from ..core import Array, Parameter
from .paths import accelerated

PIECE = 8192
"""Entries of θ whose squares are summed together for the norm of a gradient."""

SILENT = np.errstate(over="ignore", invalid="ignore", divide="ignore")


class Step(NamedTuple):
    """What the steps of all optimisers have in common.

    theta   θ, of which `value` is moved
    grads   (R, P), a gradient a replica; the step leaves zeros behind
    within  (start, stop) of the part of θ that moves
    rate    η
    scale   factor on the gradient, from clipping its norm
    l2      weight decay as a gradient: l2·θ is added to the gradient
    """

    theta: Parameter
    grads: Array
    within: tuple[int, int]
    rate: float
    scale: float = 1.0
    l2: float = 0.0

    def take(self) -> tuple[slice, Array, Array]:
        """Return the part that moves, its x = θ (a view) and its gradient g; clear the latter."""
        part = slice(*self.within)
        x, g = self.theta.value[part], self.grads[:, part]
        total = self.scale * g.sum(axis=0) + self.l2 * x
        g[...] = 0
        return part, x, total


@accelerated("optimizers")
@SILENT
def gradient_squares(grads: Array, within: tuple[int, int]) -> Array:
    """Return Σ g² of each piece of a part of the gradient, in float64, where none overflows.

    grads  (R, P), whose sum over the replicas is the gradient g

    Pieces end at multiples of PIECE, wherever the part begins: what is summed together is then
    together whoever has which part of θ (training/replicas.py).
    """
    start, stop = within
    g = grads[:, start:stop].sum(axis=0).astype(np.float64)
    cuts = np.arange((start // PIECE + 1) * PIECE, stop, PIECE) - start
    return np.array([piece @ piece for piece in np.split(g, cuts)])


def gradient_norm(squares: Array) -> float:
    """Return ‖g‖₂ from the sums of squares of its pieces, whose own sum `fsum` rounds once."""
    return sqrt(fsum(squares)) if np.isfinite(squares).all() else float(squares.sum())


@accelerated("optimizers", array=None)
@SILENT
def sgd(step: Step, velocity: Array, momentum: float, nesterov: bool) -> None:
    """u ← μ u + g;  θ ← θ - η u,  or θ - η (g + μ u) with Nesterov's look-ahead.

    velocity  (P,), u        momentum  μ
    """
    part, x, g = step.take()
    u = velocity[part]
    u[...] = momentum * u + g
    x -= step.rate * (g + momentum * u if nesterov else u)


@accelerated("optimizers", array=None)
@SILENT
def rmsprop(step: Step, square: Array, alpha: float, eps: float) -> None:
    """v ← α v + (1-α) g²;  θ ← θ - η g/(√v + ε).

    square  (P,), v
    """
    part, x, g = step.take()
    v = square[part]
    v[...] = alpha * v + (1 - alpha) * g * g
    x -= step.rate * g / (np.sqrt(v) + eps)


@accelerated("optimizers", array=None)
@SILENT
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
    """m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  θ ← (1 - η λ) θ - η m̂/(√v̂ + ε).

    m̂ = m/(1-β₁ᵗ) and v̂ = v/(1-β₂ᵗ) undo the bias of averages that started at 0.

    first, second  (P,), m and v        count  t, 1 in the first step        decay  λ
    """
    part, x, g = step.take()
    m, v = first[part], second[part]
    m[...] = beta1 * m + (1 - beta1) * g
    v[...] = beta2 * v + (1 - beta2) * g * g
    m_hat, v_hat = m / (1 - beta1**count), v / (1 - beta2**count)
    x[...] = (1 - step.rate * decay) * x - step.rate * m_hat / (np.sqrt(v_hat) + eps)
