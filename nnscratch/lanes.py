"""Lanes: one model, several threads, one gradient.

A batch is cut into micro-batches small enough to stay in a core's cache through a whole forward
and backward. Each lane owns a replica of the model, which shares θ and has a gradient of its own;
it runs its micro-batches depth first, single-threaded. The lanes' gradients are rows of one matrix,
and the optimiser's kernel sums them in the order of the lanes.

Micro-batch i belongs to lane i mod L, whichever thread runs that lane, so the number of lanes is
part of a run's arithmetic and the number of threads is not: one thread or two give the same bits.

Across machines the seam is the same: a lane's gradient is one vector, and its sum an all-reduce.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import numpy as np

from . import held
from .arguments import integer
from .core import Array, HasParameters, Parameter, lend, pack, replica, unique
from .subnormals import flushed_subnormals
from .team import team
from .threads import Run, cores, pool

M = TypeVar("M", bound=HasParameters)
T = TypeVar("T")


class Lanes(Generic[M]):
    """The replicas of a model and their gradients, run as `lanes` independent streams of work.

    theta      θ of the model and of every replica, one vector (P,)
    grads      (lanes, P), a gradient a lane; theta.grad is the first
    replicas   the model itself, then its twins

    sources    for each replica the generators that its parts hold

    Raises
        ValueError if lanes < 1, or the model cannot be run in so many: see held.py.
    """

    def __init__(self, model: M, lanes: int) -> None:
        integer("Lanes", "lanes", lanes)
        held.check_shared("Lanes", model, lanes)
        before = [p.value for p in unique(model.parameters())]
        self.theta: Parameter = pack(model.parameters())
        held.check_left_behind("Lanes", model, before)
        self.grads = np.zeros((lanes, self.theta.value.size), self.theta.value.dtype)
        self.theta.grad = self.grads[0]
        lend(model.parameters(), self.theta.grad)
        self.replicas = [model, *(replica(model, grad) for grad in self.grads[1:])]
        self.sources = [held.sources(twin) for twin in self.replicas]
        held.check_apart("Lanes", self.sources)
        self.run: Run = map

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a copy, or what is read back from a pickle, pack θ and make replicas anew."""
        return Lanes, (self.replicas[0], len(self.replicas)), {"grads": self.grads}

    def __setstate__(self, state: dict[str, Array]) -> None:
        self.grads[...] = state["grads"]

    def clear(self) -> None:
        """Begin all gradients at zero."""
        self.grads[...] = 0

    @contextmanager
    def running(self, threads: int | None = None) -> Iterator[None]:
        """Run the lanes on this many threads (one a core if None) for as long as this lasts.

        Where there is one lane alone the others help it with its kernels (team.py).
        """
        threads, lanes = cores() if threads is None else threads, len(self.replicas)
        with pool(min(threads, lanes)) as run, team(threads if lanes == 1 else 1):
            self.run = run
            try:
                yield
            finally:
                self.run = map

    def map(self, task: Callable[[M, int], T], count: int, lanes: int | None = None) -> list[T]:
        """Return [task(replica, i) for i in 0 … count-1], each lane on its own replica.

        By so many lanes, or by all.
        """
        results: dict[int, T] = {}
        L = len(self.replicas) if lanes is None else lanes

        def lane(start: int) -> None:
            model = self.replicas[start]
            # A diverging model is told by its loss, in words; NumPy's warnings would add nothing.
            quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
            with quiet, flushed_subnormals():
                for i in range(start, count, L):
                    results[i] = task(model, i)

        for _ in self.run(lane, range(min(count, L))):
            pass
        return [results[i] for i in range(count)]
