"""Several threads, each working single-threaded: how replicas and chunks share the cores.

Kernels and matrix products release the GIL, so Python threads run them side by side. BLAS would
start threads of its own inside every product and fight with ours: it is held at one.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache, partial
from math import ceil
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from ...checks.arguments import is_integer
from .memory import kept_memory
from .process_state import Shared
from .quotas import quota
from .subnormals import flushed_subnormals

S = TypeVar("S")
T = TypeVar("T")


class Run(Protocol):
    """`map`, or a pool's: applies a function to every item, in any order; answers in order."""

    def __call__(self, function: Callable[[S], T], items: Iterable[S], /) -> Iterable[T]:
        """Return the results, which are complete once they have been iterated over."""
        ...


def cores() -> int:
    """Return how many threads to start by default: NNSCRATCH_THREADS if that variable is set.

    Otherwise as many as this process may use processors and has the time of, but not more than
    OMP_NUM_THREADS or NUMBA_NUM_THREADS.

    Raises
        ValueError naming the variable if it is set to something else than a number ≥ 1.
    """
    if wanted := _variable("NNSCRATCH_THREADS"):
        return wanted
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    counts = (allowed or 1, _variable("OMP_NUM_THREADS"), _variable("NUMBA_NUM_THREADS"))
    return ceil(min(quota(), *(count for count in counts if count is not None)))


def _variable(name: str) -> int | None:
    """Return the number that an environment variable is set to, if it is."""
    value = os.environ.get(name, "").strip()
    first = value.partition(",")[0]  # OpenMP has a list, of which this is the outermost level
    if value and not (first.isdecimal() and int(first) >= 1):
        raise ValueError(f"{name}: expected a number of threads ≥ 1, got {value!r}")
    return int(first) if value else None


def check_threads(who: str, threads: int | None) -> None:
    """Raise ValueError unless this is a number of threads, or None: all cores."""
    if threads is not None and not (is_integer(threads) and threads >= 1):
        raise ValueError(f"{who}: expected threads ≥ 1, got {threads!r}")


@cache
def _libraries() -> Any:
    return ThreadpoolController()


@contextmanager
def _limited() -> Iterator[None]:
    """Hold BLAS at one thread, whichever threads this begins and ends in.

    As of version 3.8 threadpoolctl lets the thread that first sets a limit set others, and ignores
    the rest of them without a word. Shared sees to it that two of ours never do at a time.
    """

    def take_control() -> None:
        for library in _libraries().lib_controllers:
            if clear := getattr(library, "clear_controlling_thread", None):
                clear(force=True)

    take_control()
    with _libraries().limit(limits=1, user_api="blas"):
        try:
            yield
        finally:
            take_control()


one_blas_thread = Shared(_limited)
"""Holds BLAS at one thread for as long as somebody trains or infers."""


@contextmanager
def pool(threads: int | None = None) -> Iterator[Run]:
    """Yield a parallel `map` on this many threads (all cores if None), with BLAS held at one.

    Item i goes to thread i mod `threads`, and the caller's thread is one of them: waking a thread
    costs more than a small layer, so each is woken once. All of them flush subnormal numbers.

    Raises
        ValueError if threads < 1.
    """
    check_threads("pool", threads)
    threads = cores() if threads is None else threads
    # BLAS may begin threads when its limit ends: subnormal numbers must be as they were by then.
    with kept_memory, one_blas_thread, flushed_subnormals():
        if threads == 1:
            yield map
            return
        inboxes: list[Inbox] = [SimpleQueue() for _ in range(1, threads)]
        others: list[Thread] = []

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
                inbox.put(partial(copy_context().run, share, t))  # on the same path: paths.py
            share(0)
            for _ in range(1 + len(busy)):
                done.get()  # also after an exception: nobody may still be writing
            if errors:
                raise errors[min(errors)]
            return results

        try:
            for inbox in inboxes:
                life = partial(copy_context().run, run_tasks, inbox)
                other = Thread(target=life, daemon=True)
                other.start()
                others.append(other)
            yield run
        finally:
            for inbox in inboxes:
                inbox.put(None)
            for other in others:
                other.join()


Inbox: TypeAlias = "SimpleQueue[Callable[[], None] | None]"


def run_tasks(inbox: Inbox) -> None:
    """Run the tasks that come in, until None comes.

    The executor of the standard library would do the same, but hands a task over more slowly.
    """
    with flushed_subnormals():
        while (work := inbox.get()) is not None:
            work()


def in_chunks(
    function: Callable[[Any], Any], rows: Any, size: int, threads: int | None = None
) -> Any:
    """Return function(rows) computed in chunks of `size` rows, several at a time."""
    check_threads("in_chunks", threads)
    chunks = [rows[i : i + size] for i in range(0, len(rows), size)]
    return np.concatenate(on_threads(function, chunks, threads))


def on_threads(
    function: Callable[[S], T], tasks: Sequence[S], threads: int | None = None
) -> list[T]:
    """Return function(task) of each, several at a time, by no more threads than there are tasks."""
    most = len(tasks)
    with pool(most if most == 1 else min(most, cores() if threads is None else threads)) as run:
        return list(run(function, tasks))
