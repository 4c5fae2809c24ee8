"""How much faster are two threads than one, and are the weights the same to the last bit?

    python -m benchmarks threads                        about two minutes
    python -m benchmarks threads --workloads W3,W4
    python -m benchmarks threads --smoke                one workload, one short round

nnscratch alone, once on a single core and once on --threads of them. Lanes belong to the arithmetic
and threads do not, so both must end with the same bits. The exception are dense workloads in one
lane, where threads are BLAS's: its sums have another order on another number of cores.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from .contenders import OURS, Worker, contest, equal_arrays, working
from .machine import header
from .options import parse
from .report import Table
from .timing import quotients, spread
from .workloads import WORKLOADS

STEPS, ROUNDING = 20, 1e-3
"""Steps before weights are compared; and how near they must be, to the largest, where BLAS's order
of sums differs: Adam makes much of little where a gradient is nothing but rounding."""

HEADINGS = ("workload", "lanes", "threads", "min ms", "median ms", "max ms", "× one thread")


def same_weights(name: str, group: Sequence[Worker]) -> str:
    """Assert that weights are equal after STEPS steps, bit by bit if no product is shared."""
    for worker in group:
        worker.ask("values", count=STEPS)
    alike = equal_arrays(0 if WORKLOADS[name].blas == 1 else ROUNDING)(name, group)
    return f"{alike} after {STEPS} steps"


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, list(WORKLOADS), smoke=["W1"])
    title = header(options.threads)
    print(f"{title}\n")
    table = Table(HEADINGS)
    for name in options.workloads:
        counts = (1, options.threads)
        group = [Worker(replace(OURS, label=f"{n} threads"), n) for n in counts]
        with working(group):
            outcome = contest(group, "training", name, same_weights, options)
        one, many = outcome.times.values()
        for count, times in zip(counts, (one, many), strict=True):
            ms = [1e3 * t for t in times]
            ratio = spread(quotients(one, times))
            table.add(name, WORKLOADS[name].lanes, count, min(ms), median(ms), max(ms), ratio)
    table.publish(options.out, "threads", title)
