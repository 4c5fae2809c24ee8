"""A team: threads that help one other thread with its kernels.

Replicas (training/replicas.py) give every thread a part of the batch, and Python to run. Where a
batch is one piece of work the parts are those of a kernel, some ten microseconds each; in that time
no thread could be woken, nor get hold of the interpreter. So helpers spin inside of a kernel of
their own, without the interpreter, and take part in whatever the thread that leads them runs next.

    with team(2):
        adam(value, grads, …, helpers(value.size))      # one kernel, two threads
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import sleep
from typing import Any

import numpy as np
from numba import config

from ...core import Array, IntArray
from .fork_join import TURN, serve, team_of
from .subnormals import flushed_subnormals

WORTH = 10_000
"""Cycles, roughly, below which a kernel is over before help arrives."""

LOOKS = 100_000
"""How often a helper looks for work before it lies down for a moment; some milliseconds."""

MOST = 8
"""Threads in a team: of a lesson's kernel more would find no ten microseconds' work each."""

LONGEST_NAP = 0.005
"""Seconds."""


CACHE_LINE = 64
"""Bytes."""


class Here(threading.local):
    """The counters of the team that this thread leads, and those of a team of itself alone."""

    def __init__(self) -> None:
        self.team: IntArray | None = None
        self.size = 1
        self.alone = team_of(1)
        self.memory: dict[np.dtype[Any], Array] = {}


_here = Here()


@contextmanager
def team(threads: int) -> Iterator[None]:
    """Let kernels that this thread shares run on so many threads, itself included, or on MOST.

    All of them flush subnormal numbers.
    """
    threads = min(threads, MOST)
    if threads <= 1 or config.DISABLE_JIT:  # type: ignore[attr-defined]
        yield
        return
    before, closed = (_here.team, _here.size), threading.Event()
    counters = team_of(threads)

    def help_out(me: int) -> None:
        nap = 0.0
        with flushed_subnormals():
            while not closed.is_set():
                turn = counters[TURN]
                serve(counters, me, LOOKS)
                nap = min(2 * nap + 1e-4, LONGEST_NAP) if counters[TURN] == turn else 0.0
                sleep(nap)

    crew: list[Thread] = []
    try:
        for me in range(1, threads):
            helper = Thread(target=help_out, args=(me,), daemon=True)
            helper.start()
            crew.append(helper)
        _here.team, _here.size = counters, threads
        with flushed_subnormals():
            yield
    finally:
        _here.team, _here.size = before
        closed.set()
        for helper in crew:
            helper.join()


def helpers(cycles: int) -> IntArray:
    """Return the counters for a kernel that takes so long: this thread's team's, or its own."""
    return _here.alone if _here.team is None or cycles < WORTH else _here.team


def scratch(size: int, dtype: "np.dtype[Any]") -> Array:
    """Return at least `size` numbers for a kernel to use, until this thread asks again.

    They begin where a cache line does: a vector that lies across two is read twice.
    """
    memory = _here.memory.get(dtype)
    if memory is None or memory.size < size:
        memory = np.empty(size + CACHE_LINE // dtype.itemsize, dtype)
        start = -memory.ctypes.data % CACHE_LINE // dtype.itemsize
        memory = _here.memory[dtype] = memory[start : start + size]
    return memory


def threads() -> int:
    """Return how many threads a shared kernel may meet."""
    return _here.size
