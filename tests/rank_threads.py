"""Ranks that are threads of one process: what MPI does, in a millisecond and without it."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread
from typing import Any

import numpy as np

from nnscratch.core import Array
from nnscratch.training.ranks import Ranks

EXPECTED = (ValueError, ArithmeticError, OSError)
"""What all ranks are to raise together; after anything else the others would wait for ever."""


class ThreadRanks(Ranks):
    """One of several threads, which hand each other values through a list that they share."""

    on_this_host = 1

    def __init__(self, rank: int, shared: list[Any], barrier: Barrier) -> None:
        self.rank, self.size = rank, len(shared)
        self.shared, self.barrier = shared, barrier

    def gather(self, value: Any) -> list[Any]:
        self.shared[self.rank] = value
        self.barrier.wait()
        values = list(self.shared)
        self.barrier.wait()
        return values

    def exchange(self, pieces: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        sent = self.gather([piece.copy() for piece in pieces])
        received = [theirs[self.rank] for theirs in sent]
        assert [piece.shape for piece in received] == list(shapes)
        return received

    def assemble(self, vector: Array, ends: Sequence[int]) -> None:
        parts = self.gather(vector[ends[self.rank] : ends[self.rank + 1]].copy())
        vector[ends[0] : ends[-1]] = np.concatenate(parts)


def on_ranks(size: int, work: Callable[[Ranks], Any]) -> list[Any]:
    """Return what work(ranks) returns on each of `size` ranks, or the EXPECTED that it raises."""
    barrier = Barrier(size)
    shared: list[Any] = [None] * size
    results: list[Any] = [None] * size
    unexpected: list[Exception] = []

    def run(rank: int) -> None:
        try:
            results[rank] = work(ThreadRanks(rank, shared, barrier))
        except EXPECTED as error:
            results[rank] = error
        except Exception as error:
            unexpected.append(error)
            barrier.abort()

    threads = [Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if unexpected:
        raise unexpected[0]
    return results
