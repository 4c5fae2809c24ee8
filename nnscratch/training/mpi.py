"""Ranks by MPI, through mpi4py:

    mpiexec -n 4 python -m mpi4py -m nnscratch train …

`-m mpi4py` ends all ranks when one of them fails. Without it the others would wait for it for ever.
"""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from ..core import Array
from .ranks import Alone, Ranks

T = TypeVar("T")

COUNTS = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
"""Variables in which an mpiexec says how many processes it has started."""


class MpiRanks(Ranks):
    """The ranks of an MPI communicator."""

    def __init__(self, communicator: Any) -> None:
        from mpi4py import MPI

        self.communicator = communicator
        self.rank, self.size = communicator.rank, communicator.size
        host = communicator.Split_type(MPI.COMM_TYPE_SHARED)
        self.on_this_host = host.size
        host.Free()

    def gather(self, value: T) -> list[T]:
        """Return the values of all ranks, in their order, on every rank."""
        return self.communicator.allgather(value)

    def exchange(self, pieces: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        """Send pieces[s] to rank s; return what each rank has sent to this one, by its shape."""
        sent = np.concatenate([piece.ravel() for piece in pieces])
        sizes = [int(np.prod(shape)) for shape in shapes]
        received = np.empty(sum(sizes), sent.dtype)
        self.communicator.Alltoallv([sent, [piece.size for piece in pieces]], [received, sizes])
        parts = np.split(received, np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def assemble(self, vector: Array, ends: Sequence[int]) -> None:
        """Fill in vector (P,): its numbers from ends[s] to ends[s + 1] are those of rank s."""
        own = vector[ends[self.rank] : ends[self.rank + 1]].copy()
        part = vector[ends[0] : ends[-1]]
        sizes = [b - a for a, b in pairwise(ends)]
        self.communicator.Allgatherv([own, own.size], [part, sizes])


def mpi_ranks() -> Ranks:
    """Return the ranks to which this process belongs: it is alone unless mpiexec has started it.

    Raises
        ValueError if mpiexec has started it, but mpi4py is missing, belongs to another MPI, or does
        not run the program.
    """
    launched = "mpi4py.run" in sys.modules
    if started() == 1 and not launched:
        return Alone()
    communicator = world()
    if communicator.size == started() == 1:
        return Alone()
    if not launched:
        raise ValueError(
            "several ranks: expected them to be started by mpiexec -n N python -m mpi4py -m "
            "nnscratch …, for without -m mpi4py all wait for ever when one fails"
        )
    return MpiRanks(communicator)


def started() -> int:
    """Return how many processes mpiexec says it has started; 1 without one."""
    return next((int(os.environ[name]) for name in COUNTS if name in os.environ), 1)


def world() -> Any:
    """Return the communicator of all processes that mpiexec has started.

    Raises
        ValueError if mpi4py is missing, or knows fewer of them, as it belongs to another MPI.
    """
    count = started()
    try:
        from mpi4py import MPI
    except ImportError:
        raise ValueError(
            f"mpiexec has started {count} processes, which need mpi4py: pip install "
            '"nnscratch[cluster]"'
        ) from None
    if MPI.COMM_WORLD.size < count:
        raise ValueError(
            f"mpiexec has started {count} processes, but of them mpi4py knows "
            f"{MPI.COMM_WORLD.size}: it uses another MPI "
            f"({MPI.Get_library_version().split(',')[0].strip()}) than this mpiexec belongs to"
        )
    return MPI.COMM_WORLD
