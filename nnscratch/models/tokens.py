"""Sequences of tokens: what a decoder is given at each step, and how it runs on its own events.

Inside, tokens are (T, N) integers 0 … K-1, a sequence a column. To a decoder K stands for a token
that is not known: the one before the first, and those that word dropout has taken out.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..core import Array, IntArray, Parameter

Step: TypeAlias = Callable[[IntArray], Array]
"""The tokens before, (N,) ↦ logits (K, N) of the tokens after them. It keeps its state itself."""


class Decoder(Protocol):
    """p(x|z) = Π_t p(x_t | x_<t, z), once over whole sequences and once step by step."""

    classes: int

    def forward(self, z: Any, inputs: IntArray, /) -> tuple[Array, Callable[..., Any]]:
        """Return logits (T, K, N), given the token before each step (T, N), and backward."""
        ...

    def start(self, z: Any, /) -> Step:
        """Return the function of one step, at the beginning of N sequences."""
        ...

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        ...


def tokens_of(who: str, rows: Any, steps: int, classes: int) -> IntArray:
    """Return sequences (N, T) that a user passed as an array of integers.

    Raises
        ValueError if they are no integers of this shape, or not from 0 to classes - 1.
    """
    try:
        x = np.asarray(rows)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{who}: expected (N, {steps}) integers, but {error}") from None
    if x.ndim != 2 or x.shape[1] != steps or len(x) == 0 or x.dtype.kind not in "iu":
        advice = "; x[None] is a batch of one" if x.shape == (steps,) else ""
        got = f"{x.shape} {x.dtype}{advice}"
        raise ValueError(f"{who}: expected (N, {steps}) integers, a sequence a row, got {got}")
    low, high = int(x.min()), int(x.max())
    if low < 0 or high >= classes:
        raise ValueError(f"{who}: expected tokens 0 … {classes - 1}, got {low} … {high}")
    return x


def columns_of(rows: IntArray) -> IntArray:
    """(N, T) → (T, N), contiguous."""
    return np.ascontiguousarray(rows.T, np.intp)


def before(x: IntArray, first: int) -> IntArray:
    """Return the token before each step of x (T, N); `first` stands before the first."""
    return np.concatenate([np.full_like(x[:1], first), x[:-1]])


def drawn(logits: Array, u: Array, temperature: float) -> IntArray:
    """Return a token for each column of logits (K, N), by numbers u in [0, 1), one a column.

    P(k) ∝ exp(a_k / temperature), by the inverse of the distribution function; at 0 the likeliest.
    """
    if temperature == 0:
        return logits.argmax(axis=0)
    p = np.exp((logits - logits.max(axis=0)) / temperature)
    below = p.cumsum(axis=0, dtype=np.float64)
    return np.asarray((below <= u * below[-1]).sum(axis=0))


def free_running(decoder: Decoder, z: Array | None, u: Array, temperature: float) -> IntArray:
    """Return sequences (T, N), each event drawn given those drawn before; u (T, N) in [0, 1)."""
    step, x = decoder.start(z), np.empty(u.shape, np.intp)
    previous = np.full(u.shape[1], decoder.classes)
    for t in range(len(u)):
        x[t] = previous = drawn(step(previous), u[t], temperature)
    return x


def own_events(
    decoder: Decoder, z: Array, inputs: IntArray, probability: float, rng: np.random.Generator
) -> IntArray:
    """Return inputs in which events are replaced by draws of the decoder: scheduled sampling.

    Each of them with this probability and independently. A draw is given the inputs before it, with
    what has been replaced in them. No gradient passes through a draw.

    Source
        Bengio et al., Scheduled Sampling (2015), §2.
    """
    step, inputs = decoder.start(z), inputs.copy()
    own, u = rng.random(inputs.shape) < probability, rng.random(inputs.shape)
    for t in range(len(inputs) - 1):
        event = drawn(step(inputs[t]), u[t], 1.0)
        inputs[t + 1] = np.where(own[t], event, inputs[t + 1])
    return inputs


def log_prob_of(logits: Array, x: IntArray) -> Array:
    """Return Σ_t log softmax(logits_t)_x_t of each sequence, (N,), from (T, K, N) and (T, N)."""
    a = logits - logits.max(axis=1, keepdims=True)
    of_x = np.take_along_axis(a, x[:, None], axis=1)[:, 0]
    each: Array = (of_x - np.log(np.exp(a).sum(axis=1))).sum(axis=0)
    return each
