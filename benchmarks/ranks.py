"""What does a step cost on several ranks, what does the formula say, and what of 64 ranks?

    python -m benchmarks ranks                  two minutes
    python -m benchmarks ranks --workloads conv-128 --rounds 3
    python -m benchmarks ranks --smoke          one workload, one short round, two ranks at most

Ranks with a thread each, by MPI: as processes of this machine, and as root also on network
namespaces with a wire of 1 Gbit/s each. The messages of a step are measured by themselves and in
whole steps. Latency and bandwidth are fitted to the messages of two ranks; what the formula then
says of more of them, and of whole steps, stands beside what was measured. The third table is not
measured: it has the formula's steps on 64 machines, by the networks that it names.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from nnscratch.kernels.machine.threads import cores

from . import namespaces
from .machine import header
from .options import Options, parse
from .rank_worker import MODELS
from .report import Table
from .step_cost import Network, bytes_sent, communication, fitted, step_time
from .timing import spread

MPIEXEC = Path(sys.executable).parent / "mpiexec"
MISSING = (
    "" if find_spec("mpi4py") and MPIEXEC.exists() else 'needs pip install "nnscratch[cluster]"'
)

SIZES = (4_385, 65_536, 424_000, 1_600_000)
"""Numbers of parameters whose messages are measured."""

MANY = 64
"""Ranks of the prediction."""

ASSUMED = {"1 Gbit/s": Network(50e-6, 0.9e8), "10 Gbit/s": Network(20e-6, 0.9e9)}
"""Networks of the prediction: three quarters of the rate are bytes of ours."""

MESSAGES = "network", "ranks", "parameters", "kB sent", "min ms", "median ms", "max ms"
MESSAGES += "formula ms", "measured ÷ formula", ""
STEPS = "workload", "network", "ranks", "min ms", "median ms", "max ms", "formula ms"
STEPS += "measured ÷ formula", "× one rank", ""
PREDICTED = "workload", "network", "ranks", "messages ms", "× one rank, same batch"
PREDICTED += ("× one rank, batch × ranks",)


@dataclass(frozen=True)
class Place:
    """Where ranks are: all on this machine, or each on a namespace with a wire of its own."""

    ranks: int
    gigabits: int = 0

    def __str__(self) -> str:
        return f"{self.gigabits} Gbit/s" if self.gigabits else "shared memory"

    def note(self) -> str:
        """Return that more ranks than cores take turns on these, which the formula leaves out."""
        over = self.ranks > cores()
        return f"oversubscribed: {self.ranks} ranks on {cores()} cores" if over else ""


def measured(place: Place, sizes: Sequence[int], options: Options) -> dict[str, Any]:
    """Return what the ranks of a place have measured.

    Raises
        RuntimeError with their last words if they fail.
    """
    seconds = options.seconds / 4
    job = json.dumps([sizes, options.workloads, options.rounds, seconds])
    words, environment = [sys.executable], None
    with TemporaryDirectory() as folder:
        made = namespaces.machines(place.ranks, place.gigabits, Path(folder))
        with made if place.gigabits else nullcontext() as machines:
            if place.ranks > 1:
                start = machines.mpiexec(MPIEXEC) if machines else [str(MPIEXEC)]
                words = [*start, "-n", str(place.ranks), sys.executable, "-m", "mpi4py"]
                environment = machines.environment() if machines else None
            words += ["-m", "benchmarks.rank_worker", job]
            done = subprocess.run(
                words, env=environment, capture_output=True, text=True, check=False, timeout=600
            )
    if done.returncode:
        raise RuntimeError(f"{place.ranks} ranks, {place}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    if found["hosts"] != (place.ranks if place.gigabits else 1):
        raise RuntimeError(f"{place.ranks} ranks, {place}: they ran on {found['hosts']} machines")
    return found


def places(options: Options) -> list[Place]:
    """Return where to measure besides one process; say what cannot be measured here, and why."""
    if MISSING:
        print(f"NOT MEASURED: more than one rank, which {MISSING}")
        return []
    found = [Place(2)] if options.smoke else [Place(2), Place(4), Place(8)]
    if options.smoke:
        return found
    if absent := namespaces.missing():
        print(f"NOT MEASURED: ranks on several machines: {absent}")
        return found
    return [*found, Place(2, 1), Place(4, 1)]


def milliseconds(times: Sequence[float]) -> tuple[float, float, float]:
    """Return the least, the median and the most of so many seconds, in milliseconds."""
    return 1e3 * min(times), 1e3 * median(times), 1e3 * max(times)


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, list(MODELS), smoke=["conv-128"])
    title = header(1)
    print(f"{title}\n")
    alone = measured(Place(1), [], options)["steps"]
    tables = Table(MESSAGES), Table(STEPS), Table(PREDICTED)
    messages, steps, predicted = tables
    for name, step in alone.items():
        add_step(steps, name, Place(1), step, alone, Network(0, 1))
    networks: dict[str, Network] = {}
    for place in places(options):
        S, found = place.ranks, measured(place, SIZES[:3:2] if options.smoke else SIZES, options)
        by_size = {int(P): times for P, times in found["messages"].items()}
        if S == 2:
            points = [(P, S, min(times)) for P, times in by_size.items()]
            networks[str(place)] = network = fitted(points)
            says = f"{1e6 * network.latency:.1f} µs, {network.bandwidth / 1e6:.0f} MB/s"
            print(f"{place}, fitted to two ranks: {says}", flush=True)
        network = networks[str(place)]
        for P, times in by_size.items():
            expected = communication(P, S, S, network)
            ratio = spread([t / expected for t in times])
            sent, note = bytes_sent(P, S, S) / 1e3, place.note()
            row = str(place), S, P, sent, *milliseconds(times), 1e3 * expected, ratio, note
            messages.add(*row)
        for name, step in found["steps"].items():
            add_step(steps, name, place, step, alone, network)
    for name, step in alone.items():
        add_prediction(predicted, name, step)
    names = "rank_messages", "ranks", "rank_predictions"
    for table, file in zip(tables, names, strict=True):
        if table.rows:
            table.publish(options.out, file, title)


def add_step(
    table: Table,
    name: str,
    place: Place,
    step: dict[str, Any],
    alone: dict[str, Any],
    network: Network,
) -> None:
    """Add a row of whole steps; computation shares the cores of this machine in every place."""
    one, times = min(alone[name]["seconds"]), step["seconds"]
    expected = step_time(one, step["P"], place.ranks, network, cores())
    ratio = spread([t / expected for t in times])
    gain = spread([one / t for t in times])
    row = name, str(place), place.ranks, *milliseconds(times), 1e3 * expected, ratio, gain
    table.add(*row, place.note())


def add_prediction(table: Table, name: str, step: dict[str, Any]) -> None:
    """Add the formula's row of MANY ranks for each assumed network."""
    one, P, samples = min(step["seconds"]), step["P"], int(name.rpartition("-")[2])
    for network, values in ASSUMED.items():
        sent = communication(P, MANY, MANY, values)
        same = f"{one / step_time(one, P, MANY, values):.2f}"
        if samples < MANY:
            same = f"none: {samples} samples"
        table.add(name, network, MANY, 1e3 * sent, same, f"{MANY * one / (one + sent):.1f}")
