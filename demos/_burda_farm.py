"""Cells one after the other in this process, or farmed out to the workers of MPI.

    mpiexec -n 3 python -m mpi4py.futures -m demos burda --cells vae-1,iwae-5,iwae-50

Rank 0 runs the demo and trains nothing. It hands each cell to a worker, which is one of the other
ranks, as soon as one is idle. Every cell ends in the same function, `attempt`, wherever it runs, so
that it has the same bits.
"""

import io
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import demos
from demos import common
from demos._burda_runs import Settings, Trained, run_cell
from nnscratch.core import Array
from nnscratch.kernels.machine.threads import cores
from nnscratch.training.mpi import started, world

SIGNALS = signal.SIGINT, signal.SIGTERM


class Ended(NamedTuple):
    """How a cell has ended: trained, with a problem, or else by a signal, maybe before it began."""

    its: Settings
    trained: Trained | None = None
    problem: str = ""


class Here:
    """What this process is doing, and how many workers share its machine with it."""

    def __init__(self) -> None:
        self.busy, self.workers = False, 1
        self.signal: int | None = None

    def stop(self, number: int, _frame: object) -> None:
        """Handle a signal: no other cell begins, and one that is under way is stopped.

        An idle worker stays, since with it MPI would end all others before they have written their
        checkpoints.
        """
        self.signal = number
        if self.busy:
            raise KeyboardInterrupt

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Handle Ctrl-C and SIGTERM for as long as this lasts, unless they are ignored."""
        found = {number: signal.getsignal(number) for number in SIGNALS}
        before = {n: what for n, what in found.items() if what not in (signal.SIG_IGN, None)}
        self.signal = None
        for number in before:
            signal.signal(number, self.stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let signals raise KeyboardInterrupt for as long as this lasts, also one that has come."""
        self.busy = True
        try:
            if self.signal:
                raise KeyboardInterrupt
            yield
        finally:
            self.busy = False


here = Here()


class Named(io.TextIOBase):
    """A stream in which each line begins with a name, and is written whole and at once."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name, self.stream, self.begun = name, stream, ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What the stream can show."""
        return self.stream.encoding

    def write(self, text: str) -> int:
        """Write the lines that this text ends, and keep what it begins."""
        *lines, self.begun = (self.begun + text).split("\n")
        for line in lines:
            self.stream.write(f"{self.name}: {line}\n")
            self.stream.flush()
        return len(text)


def attempt(its: Settings, train: Array, test: Array) -> Ended:
    """Run a cell in this process; what goes wrong is told, and returned."""
    with redirect_stdout(Named(its.run, sys.stdout)):
        try:
            with here.at_work():
                threads = its.threads or max(1, cores() // here.workers)
                return Ended(its, run_cell(its, train, test, threads))
        except KeyboardInterrupt:
            return Ended(its)
        except (OSError, ValueError, ArithmeticError, MemoryError) as error:
            problem = str(error) or type(error).__name__
        except Exception:  # a bug, which must not take the other cells with it
            problem = traceback.format_exc()
        print(f"failed: {problem}")
        return Ended(its, problem=problem)


def workers() -> int:
    """Return how many workers there are; 0 if cells are to run in this process.

    Raises
        ValueError if mpiexec has started processes that have no manager.
    """
    pool, count = "mpi4py.futures" in sys.modules, started()
    if count == 1 and not pool:
        return 0
    size = int(world().size)
    if not pool:
        module = demos.COMMAND.removeprefix("python -m ")
        raise ValueError(
            f"mpiexec has started {size} processes, which would all train the same cells: expected "
            f"mpiexec -n {size} python -m mpi4py.futures -m {module} burda …"
        )
    return size - 1


def run_all(runs: Sequence[Settings], train: Array, test: Array) -> list[Ended]:
    """Run cells, and return how each has ended.

    Raises
        ValueError as `workers` does.
    """
    count = workers()
    with here.stoppable():
        return (on_workers if count else one_by_one)(runs, train, test)


def one_by_one(runs: Sequence[Settings], train: Array, test: Array) -> list[Ended]:
    """Run cells in this process."""
    return [attempt(its, train, test) for its in runs]


def on_workers(runs: Sequence[Settings], train: Array, test: Array) -> list[Ended]:
    """Hand cells to the workers, the first ones first.

    mpiexec sends a signal that it gets to all ranks. So the workers stop by themselves, and what is
    left to do is to wait for them.
    """
    from mpi4py.futures import MPIPoolExecutor

    path = [str(Path(demos.__file__).parents[1])]  # of an installed package it is another one
    pool = MPIPoolExecutor(main=False, path=path, initializer=begin_worker)
    futures = [pool.submit(attempt, its, train, test) for its in runs]
    try:
        with here.at_work():
            wait(futures)
    except KeyboardInterrupt:
        pass
    pool.shutdown(cancel_futures=True)
    return [result(future, its) for future, its in zip(futures, runs, strict=True)]


def result(future: Any, its: Settings) -> Ended:
    """Return how a cell has ended on its worker, or that it has not begun."""
    if future.cancelled():
        return Ended(its)
    error = future.exception()
    if error is None:
        return future.result()
    stopped = isinstance(error, KeyboardInterrupt)  # between two cells
    return Ended(its, problem="" if stopped else f"{type(error).__name__}: {error}")


def problems(ended: Sequence[Ended]) -> str:
    """Return what has gone wrong, with the names of the cells; "" if nothing has."""
    return "\n".join(f"{each.its.run}: {each.problem}" for each in ended if each.problem)


def end_if_stopped(ended: Sequence[Ended], command: str) -> None:
    """End the program if a signal has stopped it, and say what it leaves."""
    stopped = [each.its.checkpoint for each in ended if not (each.trained or each.problem)]
    if not stopped and here.signal is None:
        return
    kept = [str(path) for path in stopped if path.exists()]
    written = f"{' and '.join(kept) or 'no checkpoint'} {'are' if len(kept) > 1 else 'is'} written"
    print(f"\nStopped; {written}. Go on:  {command} --resume")
    if common.kernel():
        raise KeyboardInterrupt
    sys.exit(128 + (here.signal or signal.SIGINT))


def begin_worker() -> None:
    """Prepare a worker: it handles signals, and shares the cores with those on its machine."""
    from mpi4py import MPI
    from mpi4py.futures import get_comm_workers

    for number in SIGNALS:
        signal.signal(number, here.stop)
    together = get_comm_workers().Split_type(MPI.COMM_TYPE_SHARED)
    here.workers = together.size
    together.Free()
