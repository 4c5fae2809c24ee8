"""Replicas: one model, several threads, one gradient.

A batch is cut into micro-batches small enough to stay in a core's cache through a whole forward
and backward. A replica is a copy of the model that shares θ and has a gradient of its own; it runs
its micro-batches one after the other, on one thread. The replicas' gradients are rows of one
matrix, and the optimiser's kernel sums them in the order of the replicas.

Micro-batch i belongs to replica i mod R, whichever thread runs it, so the number of replicas R is
part of a run's arithmetic and the number of threads is not: one thread or two give the same
bits.

Across machines the seam is the same: a replica's gradient is one vector, and its sum an all-reduce.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from .._moved import renamed
from ..checks.arguments import integer
from ..core import Array, HasParameters, Parameter, pack, set_gradient_views, unique
from ..kernels.machine.helpers import kernel_threads
from ..kernels.machine.subnormals import flushed_subnormals
from ..kernels.machine.threads import Run, cores, pool
from ..layers import held
from ..layers.replica import replica

M = TypeVar("M", bound=HasParameters)
T = TypeVar("T")


class Replicas(Generic[M]):
    """The replicas of a model and their gradients, each with micro-batches of its own.

    theta      θ of the model and of every replica, one vector (P,)
    grads      (replicas, P), a gradient a replica; theta.grad is the first
    models     the model itself, then its copies
    sources    for each replica the generators that its parts hold

    Raises
        ValueError if replicas < 1, or the model cannot be run in so many: see held.py.
    """

    def __init__(self, model: M, replicas: int) -> None:
        integer("Replicas", "replicas", replicas)
        held.check_shared("Replicas", model, replicas)
        before = [p.value for p in unique(model.parameters())]
        self.theta: Parameter = pack(model.parameters())
        held.check_left_behind("Replicas", model, before)
        self.grads = np.zeros((replicas, self.theta.value.size), self.theta.value.dtype)
        self.theta.grad = self.grads[0]
        set_gradient_views(model.parameters(), self.theta.grad)
        self.models = [model, *(replica(model, grad) for grad in self.grads[1:])]
        self.sources = [held.sources(twin) for twin in self.models]
        held.check_apart("Replicas", self.sources)
        self.run: Run = map

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a copy, or what is read back from a pickle, pack θ and make replicas anew."""
        return Replicas, (self.models[0], len(self.models)), {"grads": self.grads}

    def __setstate__(self, state: dict[str, Array]) -> None:
        self.grads[...] = state["grads"]

    def clear(self) -> None:
        """Begin all gradients at zero."""
        self.grads[...] = 0

    @contextmanager
    def running(self, threads: int | None = None) -> Iterator[None]:
        """Run the replicas on this many threads (one a core if None) for as long as this lasts.

        Where there is one replica alone the others help it with its kernels (helpers.py).
        """
        threads, replicas = cores() if threads is None else threads, len(self.models)
        with pool(min(threads, replicas)) as run, kernel_threads(threads if replicas == 1 else 1):
            self.run = run
            try:
                yield
            finally:
                self.run = map

    def map(self, task: Callable[[M, int], T], count: int, replicas: int | None = None) -> list[T]:
        """Return [task(replica, i) for i in 0 … count-1], by so many replicas, or by all."""
        results: dict[int, T] = {}
        R = len(self.models) if replicas is None else replicas

        def work(start: int) -> None:
            model = self.models[start]
            # The loss of a diverging model says so, in words; NumPy's warnings would add nothing.
            quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
            with quiet, flushed_subnormals():
                for i in range(start, count, R):
                    results[i] = task(model, i)

        for _ in self.run(work, range(min(count, R))):
            pass
        return [results[i] for i in range(count)]


if not TYPE_CHECKING:
    __getattr__ = renamed(__name__)
