"""Several threads, each working single-threaded: how lanes and chunks share the cores.

Kernels and matrix products release the GIL, so Python threads run them side by side. BLAS would
start threads of its own inside every product and fight with ours: it is held at one.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from math import ceil
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from .memory import keep_freed_memory

S = TypeVar("S")
T = TypeVar("T")


class Run(Protocol):
    """`map`, or a pool's: applies a function to every item, in any order; answers in order."""

    def __call__(self, function: Callable[[S], T], items: Iterable[S], /) -> Iterable[T]:
        """Return the results, which are complete once they have been iterated over."""
        ...


CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux tells a container how much processor time it has, in microseconds out of so many."""


def cores() -> int:
    """Return the number of processors this process may use, and has the time of."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        time, of = CPU_MAX.read_text().split()
        allowed = min(allowed or 1, ceil(int(time) / int(of)))
    except (OSError, ValueError):  # not Linux, or "max": as much as it likes
        pass
    return allowed or 1


@cache
def _libraries() -> Any:
    return ThreadpoolController()


@contextmanager
def pool(threads: int | None = None) -> Iterator[Run]:
    """Yield a parallel `map` on this many threads (all cores if None), with BLAS held at one.

    Item i goes to thread i mod `threads`, and the caller's thread is one of them: waking a thread
    costs more than a small layer, so each is woken once.

    Raises
        ValueError if threads < 1.
    """
    threads = cores() if threads is None else threads
    if threads < 1:
        raise ValueError(f"pool: expected threads ≥ 1, got {threads}")
    keep_freed_memory()
    with _libraries().limit(limits=1, user_api="blas"):
        if threads == 1:
            yield map
            return
        inboxes: list[Inbox] = [SimpleQueue() for _ in range(1, threads)]
        others = [Thread(target=serve, args=(inbox,), daemon=True) for inbox in inboxes]
        for other in others:
            other.start()

        def run(function: Callable[[S], T], items: Iterable[S]) -> list[T]:
            items = list(items)
            results: list[Any] = [None] * len(items)
            errors: dict[int, BaseException] = {}
            done: SimpleQueue[None] = SimpleQueue()

            def share(t: int) -> None:
                try:
                    for i in range(t, len(items), threads):
                        results[i] = function(items[i])
                except BaseException as error:
                    errors[t] = error
                done.put(None)

            busy = inboxes[: max(0, len(items) - 1)]
            for t, inbox in enumerate(busy, 1):
                inbox.put(partial(share, t))
            share(0)
            for _ in range(1 + len(busy)):
                done.get()  # also after an exception: nobody may still be writing
            if errors:
                raise errors[min(errors)]
            return results

        try:
            yield run
        finally:
            for inbox in inboxes:
                inbox.put(None)
            for other in others:
                other.join()


Inbox: TypeAlias = "SimpleQueue[Callable[[], None] | None]"


def serve(inbox: Inbox) -> None:
    """Do what comes in until None does: a thread's life.

    The executor of the standard library would do, but hands a task over more slowly.
    """
    while (work := inbox.get()) is not None:
        work()


def in_chunks(
    function: Callable[[Any], Any], rows: Any, size: int, threads: int | None = None
) -> Any:
    """Return function(rows) computed in chunks of `size` rows, several at a time."""
    chunks = [rows[i : i + size] for i in range(0, len(rows), size)]
    with pool(min(len(chunks), threads or cores())) as run:
        return np.concatenate(list(run(function, chunks)))
