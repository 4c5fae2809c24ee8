"""Ranks: the processes of one run, on one machine or on many, that end with the bits of one.

A rank, as MPI calls it, is a process with a number. Every rank has the whole model and all of the
data. Of the R replicas (replicas.py) rank r of S runs those from R r // S to R (r + 1) // S, and of
θ it moves one slice:

    exchange    each rank sends the columns of its gradients to whom they belong    (R/S) P (S-1)/S
    step        it sums the R rows of its slice in the order of the replicas, and moves the slice
    assemble    each rank sends its slice of θ to all                               P (S-1)/S

The right column says how many numbers a rank sends. A sum that the network makes (MPI's Allreduce)
would have another order, and so other bits, for each number of ranks and each placing of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..core import Array
from ..kernels.plain_optimizers import PIECE, gradient_norm, gradient_squares
from ..optimizers import Optimizer

if TYPE_CHECKING:
    from .replicas import Replicas

T = TypeVar("T")


class Ranks(ABC):
    """The processes of a run, of which this one is number `rank` of `size`.

    `on_this_host` of them share this machine's cores. All methods but `share` are collective: every
    rank calls the same ones in the same order.
    """

    rank: int
    size: int
    on_this_host: int

    @abstractmethod
    def gather(self, value: T) -> list[T]:
        """Return the values of all ranks, in their order, on every rank."""

    @abstractmethod
    def exchange(self, pieces: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        """Send pieces[s] to rank s; return what each rank has sent to this one, by its shape."""

    @abstractmethod
    def assemble(self, vector: Array, ends: Sequence[int]) -> None:
        """Fill in vector (P,): its numbers from ends[s] to ends[s + 1] are those of rank s."""

    def share(self, count: int) -> range:
        """Return which of `count` things belong to this rank."""
        return shares(count, self.size)[self.rank]

    def agreed(self, action: Callable[[], T]) -> T:
        """Return what an action returns here; raise on every rank if it raises on one."""
        if self.size == 1:
            return action()
        result, error = attempted(action)
        raise_first(self.gather(error))
        return result  # type: ignore[return-value]

    def together(self, action: Callable[[], T]) -> list[T]:
        """Return what an action returns on each rank; raise on every rank if it raises on one."""
        if self.size == 1:
            return [action()]
        results = self.gather(attempted(action))
        raise_first([error for _, error in results])
        return [result for result, _ in results]  # type: ignore[misc]

    def first(self, action: Callable[[], None]) -> None:
        """Do something on rank 0 alone; raise on every rank if it raises there."""
        self.agreed(action if self.rank == 0 else lambda: None)


class Alone(Ranks):
    """One process by itself."""

    rank, size, on_this_host = 0, 1, 1

    def gather(self, value: T) -> list[T]:
        """Return [value]."""
        return [value]

    def exchange(self, pieces: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        """Return the pieces."""
        return list(pieces)

    def assemble(self, vector: Array, ends: Sequence[int]) -> None:
        """Leave the vector as it is."""


def shares(count: int, size: int) -> list[range]:
    """Return which of `count` things belong to each rank: as many for all, or one more."""
    return [range(count * r // size, count * (r + 1) // size) for r in range(size)]


def attempted(action: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """Return the result of an action and None, or None and what it raised."""
    try:
        return action(), None
    except Exception as error:
        return None, error


def raise_first(errors: Sequence[Exception | None]) -> None:
    """Raise the error of the first rank that has one."""
    for rank, error in enumerate(errors):
        if error is not None:
            error.add_note(f"on rank {rank}")
            raise error


def slices(start: int, stop: int, size: int) -> list[int]:
    """Return where the ranks' slices of θ[start:stop] begin, and the end of the last.

    They end at multiples of PIECE: what a kernel takes together is then together on any number of
    ranks.
    """
    first, last = start // PIECE, -(-stop // PIECE)
    cuts = [PIECE * (first + (last - first) * r // size) for r in range(1, size)]
    return [start, *(min(max(cut, start), stop) for cut in cuts), stop]


def step_in_slices(
    replicas: "Replicas[Any]", optimizer: Optimizer, within: tuple[int, int]
) -> list[int]:
    """Move θ once, each rank its slice, and clear the gradients; return where the slices begin."""
    ranks, theta, grads = replicas.ranks, replicas.theta, replicas.grads
    start, stop = within
    ends = slices(start, stop, ranks.size)
    a, b = ends[ranks.rank], ends[ranks.rank + 1]
    theirs = shares(len(grads), ranks.size)
    mine = grads[theirs[ranks.rank].start : theirs[ranks.rank].stop]
    received = ranks.exchange(
        [mine[:, c:d] for c, d in pairwise(ends)], [(len(rows), b - a) for rows in theirs]
    )
    for rows, piece in zip(theirs, received, strict=True):
        grads[rows.start : rows.stop, a:b] = piece
    mine[:, start:a] = mine[:, b:stop] = 0
    norm = None
    if optimizer.clip_norm is not None:
        squares = ranks.gather(gradient_squares(grads, (a, b)))
        norm = gradient_norm(np.concatenate(squares))
    optimizer.step(theta, grads, (a, b), norm)
    ranks.assemble(theta.value, ends)
    return ends
