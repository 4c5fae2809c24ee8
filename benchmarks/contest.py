"""The driver's side: start the contenders, check that they agree, time them in turn."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import sleep
from typing import Any

import numpy as np

from nnscratch.core import Array

from .contenders import Contender
from .options import Options
from .timing import quotients, spread

ROOT = Path(__file__).resolve().parents[1]


REST = 0.3
"""Seconds between two turns: the threads of most libraries spin for a while after their last task,
and would take a core from whoever is next."""

NEAR = 1.25
"""A peer is trained for the late contest if its first steps take no longer than so many times the
fastest peer's: nobody overtakes by so much, and 1,500 steps of the slowest take ten minutes."""


class Worker:
    """A contender's process."""

    def __init__(self, contender: Contender, threads: int, env: dict[str, str] | None = None):
        self.contender = contender
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers", contender.peer, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            cwd=contender.root or ROOT,
            env=env,
        )

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Give one order and wait for its answer.

        Raises
            RuntimeError with what the worker said, if it failed or died.
        """
        try:
            print(json.dumps({"do": do, **order}), file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            self.log.seek(0)
            answer = {"error": self.log.read()[-2000:]}
        if "error" in answer:
            raise RuntimeError(f"{self.contender.label}: {do} {order}:\n{answer['error']}")
        return answer

    def arrays(self) -> dict[str, Array]:
        """Return what the job has computed."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "arrays.npz")
            self.ask("arrays", path=path)
            with np.load(path) as arrays:
                return dict(arrays)

    def close(self) -> None:
        """Let the process end."""
        with suppress(BrokenPipeError):  # it is dead already, and a line had been on its way
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.log.close()


def hire(contenders: Sequence[Contender], options: Options) -> list[Worker]:
    """Start a process for every contender."""
    return [Worker(contender, options.threads) for contender in contenders]


@contextmanager
def working(group: Sequence[Worker]) -> Iterator[Sequence[Worker]]:
    """Yield the workers, and end them when this ends."""
    try:
        yield group
    finally:
        for worker in group:
            worker.close()


@dataclass
class Outcome:
    """What a contest found, by label.

    early    seconds a run, a number a round
    times    the same after the steps of training that were asked for; the same list if none were.
             Peers that are far behind early are not in it
    ratios   how much faster than the fastest peer, round by round; empty if there is no peer
    peak_mb  resident memory at its highest
    """

    early: dict[str, list[float]]
    times: dict[str, list[float]]
    ratios: dict[str, list[float]]
    peak_mb: dict[str, float]

    def figures(self, label: str, unit: float) -> tuple[float, float, float, str]:
        """Return lowest, median and highest time in 1/unit seconds, and the ratio with its span."""
        its = [unit * t for t in self.times[label]]
        ratio = spread(self.ratios[label]) if self.ratios else "no peer"
        return min(its), median(its), max(its), ratio


def contest(
    group: Sequence[Worker],
    job: str,
    name: str,
    check: Callable[[str, Sequence[Worker]], str],
    options: Options,
) -> Outcome:
    """Let every worker build the job, check that they agree, and time them.

    With options.after, those of them who are near the fastest do so many runs, and are timed again.
    The fastest peer is the one of the lowest median; ratios are taken within a round, between
    neighbours in time.
    """
    group = [worker for worker in group if built(worker, job, name)]
    print(f"{name}: {check(name, group)}", flush=True)
    early = times = turns(group, options)
    if options.after:
        group = those_near(group, early)
        for worker in group:
            worker.ask("values", count=options.after)
        times = turns(group, options)
    best = fastest_peer(group, times)
    ratios = {label: quotients(times[best], its) for label, its in times.items()} if best else {}
    for worker in group if best else ():
        if not worker.contender.is_peer:
            label, ms = worker.contender.label, 1e3 * median(times[worker.contender.label])
            print(f"{name}: {label} {ms:.3g} ms, {spread(ratios[label])} × {best}", flush=True)
    peak_mb = {worker.contender.label: worker.ask("memory")["peak_mb"] for worker in group}
    return Outcome(early, times, ratios, peak_mb)


def turns(group: Sequence[Worker], options: Options) -> dict[str, list[float]]:
    """Return everybody's seconds a run, A B C A B C …

    In turns, so that whatever else the machine does meets all of them.
    """
    times: dict[str, list[float]] = {worker.contender.label: [] for worker in group}
    for _ in range(options.rounds):
        for worker in group:
            sleep(REST)
            each = worker.ask("time", seconds=options.seconds)["each"]
            times[worker.contender.label].append(each)
    return times


def fastest_peer(group: Sequence[Worker], times: dict[str, list[float]]) -> str | None:
    """Return the label of the peer with the lowest median, None if there is no peer."""
    peers = [worker.contender.label for worker in group if worker.contender.is_peer]
    return min(peers, key=lambda peer: median(times[peer]), default=None)


def those_near(group: Sequence[Worker], times: dict[str, list[float]]) -> list[Worker]:
    """Return ours, and the peers that take at most NEAR times as long as the fastest of them."""
    best = fastest_peer(group, times)
    near = NEAR * median(times[best]) if best else 0.0
    middle = {label: median(its) for label, its in times.items()}
    return [w for w in group if not w.contender.is_peer or middle[w.contender.label] <= near]


def built(worker: Worker, job: str, name: str) -> bool:
    """Let the worker build a job; a peer that cannot (no compiler, say) is named and left out."""
    try:
        answer = worker.ask("build", job=job, name=name, variant=worker.contender.variant)
    except RuntimeError as error:
        if not worker.contender.is_peer:
            raise
        print(f"{name}: left out, {worker.contender.label}: {str(error).splitlines()[-1]}")
        return False
    if answer["note"]:
        print(f"{name}: {worker.contender.label} {answer['note']}")
    return True


def equal_arrays(rtol: float) -> Callable[[str, Sequence[Worker]], str]:
    """Return a check that all hold the same arrays, to rtol of the largest entry of each."""

    def check(what: str, group: Sequence[Worker]) -> str:
        first, *others = [worker.arrays() for worker in group]
        apart = 0.0
        for worker, theirs in zip(group[1:], others, strict=True):
            who = f"{what}: {worker.contender.label} and {group[0].contender.label}"
            assert first.keys() == theirs.keys(), f"{who} name their arrays differently"
            for name, a in first.items():
                assert a.shape == theirs[name].shape, f"{who} differ in the shape of {name}"
                far = float(np.abs(theirs[name] - a).max() / max(np.abs(a).max(), 1e-30))
                assert far <= rtol, f"{who} differ in {name}, by {far:.1e} of its largest entry"
                apart = max(apart, far)
        return f"equal to {apart:.0e}" if others else "nobody to compare with"

    return check
