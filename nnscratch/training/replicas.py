"""Replicas: one model, several threads, one gradient.

A batch is cut into micro-batches small enough to stay in a core's cache through a whole forward
and backward. A replica is a copy of the model that shares θ and has a gradient of its own; it runs
its micro-batches one after the other, on one thread. The replicas' gradients are rows of one
matrix, and the optimiser's kernel sums them in the order of the replicas.

Micro-batch i belongs to replica i mod R, whichever thread runs it, so the number of replicas R is
part of a run's arithmetic and the number of threads is not: one thread or two give the same
bits.

Across processes and machines the seam is the same: a rank runs some of the replicas (ranks.py).
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
from ..optimizers import Optimizer
from .ranks import Alone, Ranks, step_in_slices

M = TypeVar("M", bound=HasParameters)
T = TypeVar("T")


class Replicas(Generic[M]):
    """The replicas of a model and their gradients, each with micro-batches of its own.

    theta      θ of the model and of every replica, one vector (P,)
    grads      (replicas, P), a gradient a replica; theta.grad is the first
    models     the model itself, then its copies
    sources    for each replica the generators that its parts hold
    ranks      the processes that share the replicas
    mine       which replicas are this process' own

    Raises
        ValueError if replicas < 1, there are fewer than ranks, or the model cannot be run in so
        many: see held.py.
    """

    def __init__(self, model: M, replicas: int, ranks: Ranks | None = None) -> None:
        integer("Replicas", "replicas", replicas)
        self.ranks = Alone() if ranks is None else ranks
        if replicas < self.ranks.size:
            raise ValueError(
                f"Replicas: expected as many replicas as ranks or more, so {self.ranks.size}, got "
                f"{replicas}"
            )
        self.mine = self.ranks.share(replicas)
        self.slices: dict[Optimizer, list[int]] = {}
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

        Ranks of one machine have its cores in equal shares.

        Where there is one replica alone the others help it with its kernels (helpers.py).
        """
        if threads is None:
            threads = max(1, cores() // self.ranks.on_this_host)
        replicas = len(self.models)
        with (
            pool(min(threads, len(self.mine))) as run,
            kernel_threads(threads if replicas == 1 else 1),
        ):
            self.run = run
            try:
                yield
            finally:
                self.run = map

    def map(self, task: Callable[[M, int], T], count: int) -> list[T]:
        """Return [task(replica i mod R, i) for i in 0 … count-1], on every rank."""
        R, own = len(self.models), [k for k in self.mine if k < count]
        return self._joined(task, count, {k: range(k, count, R) for k in own})

    def map_on_one(self, task: Callable[[M, int], T], count: int) -> list[T]:
        """Return [task(model, i) for i in 0 … count-1], where a rank does its own in their order.

        It is for a model whose parts hold generators, which no two threads may share.
        """
        return self._joined(task, count, {0: self.ranks.share(count)})

    def _joined(
        self, task: Callable[[M, int], T], count: int, indices: dict[int, range]
    ) -> list[T]:
        """Run each replica on the indices that are its own; return the results of all ranks."""
        results: dict[int, T] = {}

        def work(k: int) -> None:
            model = self.models[k]
            # The loss of a diverging model says so, in words; NumPy's warnings would add nothing.
            quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
            with quiet, flushed_subnormals():
                for i in indices[k]:
                    results[i] = task(model, i)

        def all_of_mine() -> dict[int, T]:
            for _ in self.run(work, indices):
                pass
            return results

        found = {i: t for part in self.ranks.together(all_of_mine) for i, t in part.items()}
        return [found[i] for i in range(count)]

    def step(self, optimizer: Optimizer, within: tuple[int, int] | None = None) -> None:
        """Move θ, or the part from start to stop, by the sum of all gradients, and clear them."""
        if self.ranks.size == 1:
            optimizer.step(self.theta, self.grads, within)
        else:
            ends = step_in_slices(self, optimizer, within or (0, self.theta.value.size))
            self.slices[optimizer] = ends

    def assemble_moments(self) -> None:
        """Give every rank the moments of all slices, which until now it has for its own alone."""
        for optimizer, ends in self.slices.items():
            for moment in optimizer.state.values():
                self.ranks.assemble(moment, ends)


if not TYPE_CHECKING:
    __getattr__ = renamed(__name__)
