"""What does a step cost on several ranks, what does the formula say, and what of 64 ranks?

    python -m benchmarks ranks                  two minutes
    python -m benchmarks ranks --workloads conv-128 --rounds 3
    python -m benchmarks ranks --smoke          one workload, one short round, two ranks at most

Ranks with a thread each, by MPI: as processes of this machine, and as root also on network
namespaces with a wire of 1 or 10 Gbit/s each. The messages of a step are measured by themselves
and in whole steps. Latency and bandwidth are fitted to the messages of two ranks; what the formula
then says of more of them, and of whole steps, stands beside what was measured. The third table is
not measured: it has the formula's steps on 64 machines, by the networks that it names.
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

ASSUMED = {"1 Gbit/s": Network(50e-6, 1.1e8), "10 Gbit/s": Network(20e-6, 1.1e9)}
"""Networks of the prediction: the bandwidths that were measured between namespaces, and latencies
of Ethernet with a switch, which namespaces do not have."""

MESSAGES = "network", "ranks", "parameters", "kB sent", "min ms", "median ms", "max ms"
MESSAGES += "formula ms", "measured ÷ formula", ""
STEPS = (
    "workload",
    "network",
    "ranks",
    "own share ms",
    "messages ms",
    "min ms",
    "median ms",
    "max ms",
)
STEPS += "measured ÷ formula", "× one rank", ""
PREDICTED = "workload", "network", "ranks", "own share ms", "messages ms", "× one rank, same batch"
PREDICTED += ("× one rank, batch × ranks",)


@dataclass(frozen=True)
class Place:
    """Where ranks are: all on this machine, or each on a namespace with a wire of its own."""

    ranks: int
    gigabits: int = 0

    def __str__(self) -> str:
        if self.ranks == 1:
            return "none"
        return f"{self.gigabits} Gbit/s" if self.gigabits else "shared memory"

    def note(self) -> str:
        """Return that more ranks than cores take turns on these, which the formula leaves out."""
        over = self.ranks > cores()
        return f"oversubscribed: {self.ranks} ranks on {cores()} cores" if over else ""


def measured(
    place: Place, sizes: Sequence[int], parts: Sequence[int], options: Options
) -> dict[str, Any]:
    """Return what the ranks of a place have measured.

    parts  into how many parts a batch is cut, of which all ranks together train on one

    Raises
        RuntimeError with their last words if they fail.
    """
    steps = [(name, part) for name in options.workloads for part in parts if part <= samples(name)]
    job = json.dumps([sizes, steps, options.rounds, options.seconds / 4])
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
    return [*found, Place(2, 1), Place(4, 1), Place(2, 10)]


def milliseconds(times: Sequence[float]) -> tuple[float, float, float]:
    """Return the least, the median and the most of so many seconds, in milliseconds."""
    return 1e3 * min(times), 1e3 * median(times), 1e3 * max(times)


def samples(name: str) -> int:
    """Return how many samples the batch of a workload has."""
    return int(name.rpartition("-")[2])


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, list(MODELS), smoke=["conv-128"])
    title = header(1)
    print(f"{title}\n")
    alone = measured(Place(1), [], [1, 2, MANY] if options.smoke else [1, 2, 4, 8, MANY], options)
    own = {(name, part): min(times) for name, part, _, times in alone["steps"]}
    messages, steps, predicted = Table(MESSAGES), Table(STEPS), Table(PREDICTED)
    networks: dict[str, Network] = {}
    for name, part, P, times in alone["steps"]:
        if part == 1:
            add_step(steps, name, Place(1), (P, times), own, Network(0, float("inf")))
            add_prediction(predicted, name, P, own)
    for place in places(options):
        S, sizes = place.ranks, SIZES[:3:2] if options.smoke else SIZES
        found = measured(place, sizes, [1], options)
        by_size = {int(P): times for P, times in found["messages"].items()}
        if S == 2:
            networks[str(place)] = fitted([(P, S, min(times)) for P, times in by_size.items()])
        add_messages(messages, place, by_size, networks[str(place)])
        for name, _, P, times in found["steps"]:
            if (name, S) in own:
                add_step(steps, name, place, (P, times), own, networks[str(place)])
    names = "rank_messages", "ranks", "rank_predictions"
    for table, file in zip((messages, steps, predicted), names, strict=True):
        if table.rows:
            table.publish(options.out, file, title)
    for name, network in networks.items():
        print(f"{name}: {1e6 * network.latency:.1f} µs, {network.bandwidth / 1e6:.0f} MB/s")


def add_messages(
    table: Table, place: Place, by_size: dict[int, list[float]], network: Network
) -> None:
    """Add a row of a step's messages for each number of parameters."""
    S = place.ranks
    for P, times in by_size.items():
        expected = communication(P, S, S, network)
        ratio, sent = spread([t / expected for t in times]), bytes_sent(P, S, S) / 1e3
        row = str(place), S, P, sent, *milliseconds(times), 1e3 * expected, ratio
        table.add(*row, place.note())


def add_step(
    table: Table,
    name: str,
    place: Place,
    found: tuple[int, list[float]],
    own: dict[tuple[str, int], float],
    network: Network,
) -> None:
    """Add a row of whole steps, which is (P, seconds); all places share this machine's cores."""
    (P, times), S = found, place.ranks
    expected = step_time(own[name, S], P, S, network, turns=S / cores())
    ratio, gain = spread([t / expected for t in times]), spread([own[name, 1] / t for t in times])
    parts = 1e3 * own[name, S], 1e3 * communication(P, S, S, network)
    table.add(name, str(place), S, *parts, *milliseconds(times), ratio, gain, place.note())


def add_prediction(table: Table, name: str, P: int, own: dict[tuple[str, int], float]) -> None:
    """Add the formula's rows of MANY ranks, of which each has a machine, by assumed networks."""
    one, share = own[name, 1], own.get((name, MANY))
    for words, network in ASSUMED.items():
        sent = 1e3 * communication(P, MANY, MANY, network)
        same, milli = f"none: {samples(name)} samples", ""
        if share is not None:
            same, milli = f"{one / step_time(share, P, MANY, network):.2f}", f"{1e3 * share:.2f}"
        more = MANY * one / step_time(one, P, MANY, network)
        table.add(name, words, MANY, milli, sent, same, f"{more:.1f}")
