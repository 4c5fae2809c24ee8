"""A worker's side of the protocol: one JSON object a line in, one a line out.

    {"do": "build", "job": "training", "name": "W1", "variant": "eager"}   make it: {"note": ""}
    {"do": "values", "count": 5}       run it five times: {"values": […]}
    {"do": "arrays", "path": "…npz"}   save what it has computed, for comparison
    {"do": "time", "seconds": 1.0}     run it for a second: {"each": 0.0103}
    {"do": "memory"}                   {"rss_mb": 210.4, "peak_mb": 233.0}

A worker lives as long as its driver's pipe. It prints nothing else: stdout belongs to the protocol.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscratch.core import Array

from ..timing import repeat


@dataclass(frozen=True)
class Job:
    """Something to be timed.

    run     does it once, and may return while it is still under way
    arrays  the arrays in which contenders must agree, in PyTorch's shapes, batch-first
    wait    the value of what run returned (a loss, or 0), once it is complete
    note    what the driver should say about it
    """

    run: Callable[[], Any]
    arrays: Callable[[], Mapping[str, Array]]
    wait: Callable[[Any], float] = lambda _: 0.0
    note: str = ""


def fastest(jobs: Iterable[Job], seconds: float = 0.5) -> Job:
    """Return the job that takes the least time here, each having so many seconds."""
    return min(jobs, key=lambda job: repeat(job.run, job.wait, seconds))


Jobs = Mapping[str, Callable[[str, str], Job]]
"""What a peer can do: functions of a workload's name and a variant."""


def threads() -> int:
    """Return how many threads this worker has."""
    return int(sys.argv[2])


def serve(jobs: Jobs) -> None:
    """Obey the driver until it closes the pipe."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(jobs)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(worker, order.pop("do"))(**order)
        except Exception:
            answer = {"error": traceback.format_exc(limit=-3)}
        print(json.dumps(answer), file=answers, flush=True)


class Worker:
    """The verbs of the protocol."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs

    def build(self, job: str, name: str, variant: str) -> dict[str, Any]:
        """Make a job."""
        self.job = self.jobs[job](name, variant)
        return {"note": self.job.note}

    def values(self, count: int) -> dict[str, Any]:
        """Run it, and wait each time."""
        return {"values": [self.job.wait(self.job.run()) for _ in range(count)]}

    def arrays(self, path: str) -> dict[str, Any]:
        """Save its arrays."""
        np.savez(path, **self.job.arrays())
        return {}

    def memory(self) -> dict[str, float]:
        """Return the resident memory of this process, now and at its highest, in MB."""
        try:
            with open("/proc/self/status") as status:
                lines = dict(line.split(":", 1) for line in status)
        except OSError:
            return {"rss_mb": float("nan"), "peak_mb": float("nan")}
        keys = {"rss_mb": "VmRSS", "peak_mb": "VmHWM"}
        return {name: int(lines[key].split()[0]) / 1024 for name, key in keys.items()}

    def time(self, seconds: float) -> dict[str, float]:
        """Run it for so long."""
        return {"each": repeat(self.job.run, self.job.wait, seconds)}
