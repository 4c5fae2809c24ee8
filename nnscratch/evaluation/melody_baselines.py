"""What a model of melodies must beat: models that count, and copying.

A model of sequences is worth showing where it beats these on tunes that it has not learned from:

    model = NGram(4).fit(train.tokens)
    print(next_step(model, test.tokens))     # nats a window; how often the next token is foreseen

All give p(x_t | x_<t), by counts of what followed in the same context. A context that was seen n
times with u different successors is smoothed with the next smaller one (Witten and Bell 1991):

    p(x | c) = (n(c, x) + u(c) p(x | c')) / (n(c) + u(c))

down to the uniform distribution over the 90 tokens. A context that was never seen says what the
smaller one says.

Source
    Witten and Bell, The zero-frequency problem (1991). Chen and Goodman, An empirical study of
    smoothing techniques for language modeling (1999), §2.6.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np

from ..checks.arguments import integer
from ..core import Array, IntArray
from ..data.melodies import CLASSES, FIRST_NOTE, STEPS, Tokens, check_tokens, transpose

BLOCK = 256
"""Windows whose distributions are computed at a time."""

LONGEST = 64
"""Sixteenths that a context tells apart; longer ones count as this."""


class _Counts:
    """How often each token followed each context: contexts sorted, and their tokens and counts."""

    def __init__(self, contexts: IntArray, tokens: IntArray) -> None:
        pairs, counts = np.unique(contexts * CLASSES + tokens, return_counts=True)
        self.tokens, self.counts = pairs % CLASSES, counts
        self.contexts, self.starts = np.unique(pairs // CLASSES, return_index=True)
        self.different = np.diff(self.starts, append=len(pairs))
        self.seen = np.add.reduceat(counts, self.starts)

    def smooth(self, p: Array, contexts: IntArray) -> None:
        """Turn p (n, 90), of the smaller contexts, into that of these contexts (n,)."""
        place = np.searchsorted(self.contexts, contexts).clip(max=len(self.contexts) - 1)
        rows = np.flatnonzero(self.contexts[place] == contexts)
        place = place[rows]
        n, u = self.seen[place], self.different[place]
        p[rows] *= (u / (n + u))[:, None]
        each = np.repeat(np.arange(len(rows)), u)  # a row for each token that has followed
        entry = np.arange(len(each)) - np.repeat(np.cumsum(u) - u, u) + self.starts[place][each]
        p[rows[each], self.tokens[entry]] += self.counts[entry] / (n + u)[each]


class CountingModel(ABC):
    """p(x_t | x_<t) from counts; a subclass says what the contexts of each step are."""

    _counts: list[_Counts]

    @abstractmethod
    def contexts(self, tokens: Tokens) -> Iterable[IntArray]:
        """Return an integer (N, T) for the context of each step: the smallest context first."""

    def fit(self, tokens: Tokens, *, transposed: Iterable[int] = (0,)) -> Self:
        """Count in windows (N, T), in each transposition by so many semitones; return self."""
        x = check_tokens(f"{type(self).__name__} fit", tokens)
        x = np.concatenate([transpose(x, semitones) for semitones in transposed])
        flat = x.ravel().astype(np.int64)
        self._counts = [_Counts(context.ravel(), flat) for context in self.contexts(x)]
        return self

    def probabilities(self, tokens: Tokens) -> Array:
        """Return p(· | x_<t) of each step of windows (N, T): (N, T, 90)."""
        who = type(self).__name__
        x = check_tokens(who, tokens)
        if not hasattr(self, "_counts"):
            raise ValueError(f"{who}: expected a call of fit first")
        p = np.full((x.size, CLASSES), 1 / CLASSES)
        for counts, context in zip(self._counts, self.contexts(x), strict=True):
            counts.smooth(p, context.ravel())
        return p.reshape(*x.shape, CLASSES)

    def log_prob(self, tokens: Tokens) -> Array:
        """Return log p(x_t | x_<t) of each token of windows (N, T), in nats: (N, T)."""
        x = check_tokens(type(self).__name__, tokens)
        return np.concatenate([_of_tokens(np.log(self.probabilities(b)), b) for b in _blocks(x)])

    def foreseen(self, tokens: Tokens) -> Tokens:
        """Return the likeliest token of each step, given those before it: (N, T) uint8."""
        x = check_tokens(type(self).__name__, tokens)
        best = [self.probabilities(b).argmax(axis=2) for b in _blocks(x)]
        return np.concatenate(best).astype(np.uint8)


class NGram(CountingModel):
    """The tokens before: as many as `order`, then one less, down to none.

    NGram(0) knows how frequent tokens are, and foresees that nothing happens. Before the first
    token of a window stand marks of its beginning.
    """

    def __init__(self, order: int) -> None:
        self.order = integer("NGram", "order", order, 0)
        if order > 8:
            raise ValueError(
                f"NGram: expected order ≤ 8, for a context is one integer, got {order}"
            )

    def contexts(self, tokens: Tokens) -> Iterable[IntArray]:
        """Yield the last tokens as digits of a number to the base of 91; the mark is digit 90."""
        N, T = tokens.shape
        padded = np.concatenate([np.full((N, self.order), CLASSES), tokens], axis=1)
        context = np.zeros((N, T), np.int64)
        yield context
        for back in range(1, self.order + 1):
            context = context * (CLASSES + 1) + padded[:, self.order - back : self.order - back + T]
            yield context


class MetreModel(CountingModel):
    """The place in the bar and the last three notes: their pitches, and how long ago each began.

    The contexts, smallest first: the place; and how long ago the last note began, and its pitch;
    and the same of the note before it; and of the one before that.
    """

    def contexts(self, tokens: Tokens) -> Iterable[IntArray]:
        """Yield the contexts as digits of a number."""
        N, T = tokens.shape
        steps = np.arange(T)
        rows = np.arange(N)[:, None]
        context = np.tile(steps % STEPS, (N, 1))
        yield context
        latest = np.maximum.accumulate(np.where(tokens >= FIRST_NOTE, steps, -1), axis=1)
        before = np.concatenate([np.full((N, 1), -1), latest[:, :-1]], axis=1)  # of each step
        later, note = np.tile(steps, (N, 1)), before
        for _ in range(3):
            there = note >= 0
            pitch = np.where(there, tokens[rows, note], 0)
            age = np.where(there, (later - note).clip(max=LONGEST), 0)
            context = (context * (LONGEST + 1) + age) * CLASSES + pitch
            yield context
            later, note = note, np.where(there, before[rows, note], -1)


class NextStep(NamedTuple):
    """How well the next step is foreseen: nats a window (N,), and the share of steps foreseen."""

    nats: Array
    accuracy: float

    def __str__(self) -> str:
        """Return the mean and the accuracy."""
        return f"{self.nats.mean():.1f} nats a window, accuracy {self.accuracy:.3f}"


def next_step(model: CountingModel, tokens: Tokens) -> NextStep:
    """Return how well a model foresees windows (N, T)."""
    hits = model.foreseen(tokens) == check_tokens("next_step", tokens)
    return NextStep(-model.log_prob(tokens).sum(axis=1), float(hits.mean()))


def copied_bar(tokens: Tokens) -> float:
    """Return the share of steps that are those of the bar before, from the second bar on."""
    x = check_tokens("copied_bar", tokens)
    if x.shape[1] <= STEPS:
        raise ValueError(f"copied_bar: expected windows of more than a bar, got {x.shape}")
    return float((x[:, STEPS:] == x[:, :-STEPS]).mean())


def _blocks(tokens: Tokens) -> list[Tokens]:
    return [tokens[i : i + BLOCK] for i in range(0, len(tokens), BLOCK)]


def _of_tokens(values: Array, tokens: Tokens) -> Array:
    """Return values (N, T, 90) at the tokens: (N, T)."""
    return np.take_along_axis(values, tokens[..., None].astype(np.int64), axis=2)[..., 0]
