"""Helper threads, which share the kernels of one thread.

Replicas (training/replicas.py) give every thread a part of the batch, and Python to run. Where a
batch is one piece of work, threads share each kernel instead, some ten microseconds long; in that
time no sleeping thread could be woken, nor get hold of the interpreter. So helpers spin inside of a
kernel of their own, without the interpreter, and take part in whatever kernel comes next
(fork_join.py).

    with kernel_threads(2):
        adam(value, grads, …, workers_for(value.size))      # one kernel, two threads
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from math import prod
from threading import Thread
from time import sleep
from typing import Any

import numpy as np

from ...core import Array, IntArray
from ..paths import on_plain_path
from .counters import REGION, workers_of
from .subnormals import flushed_subnormals

WORTH = 10_000
"""Cycles, roughly, below which a kernel is over before a helper has noticed it."""

SPINS = 100_000
"""How often a helper looks for work before it sleeps for a moment; some milliseconds."""

GLANCE = 1_000
"""How often it looks after it has slept, if nothing has happened meanwhile: some microseconds."""

LONGEST_SLEEP = 0.005
"""Seconds."""

MOST = 8
"""Threads of a kernel: more would find no ten microseconds' work each."""

CACHE_LINE = 64
"""Bytes."""


class ThreadState(threading.local):
    """What each Python thread has of its own.

    workers  the counters by which it shares kernels with `size` - 1 helpers; None without helpers
    alone    the counters for a kernel that it runs by itself
    memory   scratch memory by dtype
    """

    def __init__(self) -> None:
        self.workers: IntArray | None = None
        self.size = 1
        self.alone = workers_of(1)
        self.memory: dict[np.dtype[Any], Array] = {}


_state = ThreadState()


@contextmanager
def kernel_threads(threads: int) -> Iterator[None]:
    """Let parallel kernels of this thread run on so many threads, itself included, or on MOST.

    All of them flush subnormal numbers.
    """
    threads = min(threads, MOST)
    if threads <= 1 or on_plain_path():
        yield
        return
    from numba import config  # here, for the plain path does without

    from .fork_join import spin_and_help

    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        yield
        return
    outer, ended = (_state.workers, _state.size), threading.Event()
    workers = workers_of(threads)

    def help_out(me: int) -> None:
        pause, before = 0.0, -1
        with flushed_subnormals():
            while not ended.is_set():
                spin_and_help(workers, me, GLANCE if pause else SPINS)
                now = int(workers[REGION])
                pause = min(2 * pause + 1e-4, LONGEST_SLEEP) if now == before else 0.0
                before = now
                sleep(pause)

    helpers: list[Thread] = []
    try:
        for me in range(1, threads):
            helper = Thread(target=help_out, args=(me,), daemon=True)
            helper.start()
            helpers.append(helper)
        _state.workers, _state.size = workers, threads
        with flushed_subnormals():
            yield
    finally:
        _state.workers, _state.size = outer
        ended.set()
        for helper in helpers:
            helper.join()


def workers_for(cycles: int) -> IntArray:
    """Return the workers for a kernel that takes so long: this thread alone if it is short."""
    return _state.alone if _state.workers is None or cycles < WORTH else _state.workers


def thread_count() -> int:
    """Return how many threads may share a kernel of this thread."""
    return _state.size


def scratch(size: int, dtype: "np.dtype[Any]") -> Array:
    """Return at least `size` numbers for a kernel to use, until this thread asks again.

    They begin where a cache line does.
    """
    memory = _state.memory.get(dtype)
    if memory is None or memory.size < size:
        memory = _state.memory[dtype] = aligned((size,), dtype)
    return memory


def aligned(shape: tuple[int, ...], dtype: "np.dtype[Any]") -> Array:
    """Return an array of undefined numbers that begins where a cache line does.

    NumPy's begin anywhere. A vector that lies across two lines is read twice; and where threads
    write columns side by side, a line that has columns of both goes back and forth between them.
    """
    size = prod(shape)
    memory = np.empty(size + CACHE_LINE // dtype.itemsize, dtype)
    start = -memory.ctypes.data % CACHE_LINE // dtype.itemsize
    return memory[start : start + size].reshape(shape)


def scratch_of(sizes: Sequence[int], dtype: "np.dtype[Any]") -> list[Array]:
    """Return that many numbers each, one array after the other in this memory."""
    memory, ends = scratch(sum(sizes), dtype), accumulate(sizes)
    return [memory[end - size : end] for size, end in zip(sizes, ends, strict=True)]
