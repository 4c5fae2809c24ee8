"""How much faster are two threads than one, and are the weights the same to the last bit?

    python -m benchmarks threads                        about two minutes
    python -m benchmarks threads --workloads W3,W4
    python -m benchmarks threads --smoke                one workload, one short round

nnscratch alone, once on a single core and once on --threads of them. Replicas belong to the
arithmetic and threads do not, so both must end with the same bits.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from .contenders import OURS
from .contest import Worker, contest, equal_arrays, working
from .machine import between_cores, header
from .options import parse
from .report import Table
from .timing import quotients, spread
from .workloads import WORKLOADS

STEPS = 20
"""Steps before weights are compared."""

HEADINGS = ("workload", "threads", "min ms", "median ms", "max ms", "× one thread")


def same_weights(name: str, group: Sequence[Worker]) -> str:
    """Assert that weights are equal after STEPS steps, bit by bit."""
    for worker in group:
        worker.ask("values", count=STEPS)
    return f"{equal_arrays(0)(name, group)} after {STEPS} steps"


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, list(WORKLOADS), smoke=["W1"])
    title = header(options.threads) + between_cores(options.threads)
    print(f"{title}\n")
    table = Table(HEADINGS)
    for name in options.workloads:
        counts = sorted({1, options.threads})
        group = [Worker(replace(OURS, label=f"{n} threads"), n) for n in counts]
        with working(group):
            outcome = contest(group, "training", name, same_weights, options)
        found = list(outcome.times.values())
        for count, times in zip(counts, found, strict=True):
            ms = [1e3 * t for t in times]
            ratio = spread(quotients(found[0], times))
            table.add(name, count, min(ms), median(ms), max(ms), ratio)
    table.publish(options.out, "threads", title)
