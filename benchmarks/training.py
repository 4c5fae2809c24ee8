"""How long does a late training step take, beside four other libraries, on the lesson's networks?

    python -m benchmarks training                       all workloads, about forty minutes
    python -m benchmarks training --workloads W1,W2 --rounds 7
    python -m benchmarks training --after 0             first steps alone
    python -m benchmarks training --contenders nnscratch --before ../other
                                                        beside another checkout of nnscratch
    python -m benchmarks training --smoke               one workload, one short round

Every contender is a process of its own, warm, with the same cores. Before the clock starts all hold
the same weights, and step by step on the same batches and noise they report the same loss.

Steps are timed early and, after --after more of them on the workload's own data, late: Adam's
moments of weights that are no longer used have become subnormal numbers by then, on which many
processors are slow. A training run is mostly late steps, so ratios and rates are theirs. Peers that
are far behind early are not trained on.

nnscratch gathers its batch from the set of bytes in every step; the peers are handed theirs.
"""

from collections.abc import Sequence
from statistics import median

import numpy as np

from .contenders import TRAINERS, chosen, fitting
from .contest import Worker, contest, equal_arrays, hire, working
from .machine import between_cores, header, peak_gflops
from .options import parse
from .report import Table, draw_ratios
from .workloads import WORKLOADS

STEPS, RTOL = 5, 1e-4
"""Steps whose losses are compared, and how near they must be.

float32 agrees to about 1e-6 at the first step. Adam divides a gradient by its own size, so where it
is nothing but rounding error the weights part by a whole learning rate."""

HEADINGS = ("workload", "contender", "early ms", "late min ms", "late ms", "late max ms")
HEADINGS += ("late/early", "× fastest peer", "GFLOP/s", "% of peak", "peak RSS MB")


def same_losses(name: str, group: Sequence[Worker]) -> str:
    """Assert equal weights and, for STEPS steps, equal losses; say how far these are apart."""
    equal_arrays(0)(f"{name}, first weights", group)
    losses = np.array([worker.ask("values", count=STEPS)["values"] for worker in group])
    apart = np.abs(losses / losses[0] - 1).max(axis=1)
    for worker, far in zip(group, apart, strict=True):
        assert far <= RTOL, f"{name}: {worker.contender.label} has another loss, by {far:.1e}"
    return f"equal weights, losses of {STEPS} steps within {apart.max():.0e}"


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, list(WORKLOADS), smoke=["W1"], after=1500)
    peak = peak_gflops(options.threads)
    distance = between_cores(options.threads)
    title = f"{header(options.threads)}\nmeasured peak {peak:.0f} GFLOP/s{distance}"
    print(f"{title}\n")
    contenders = chosen(TRAINERS, options)
    table, groups = Table(HEADINGS), {}
    for name in options.workloads:
        workload = WORKLOADS[name]
        with working(hire(fitting(contenders, workload), options)) as group:
            outcome = contest(group, "training", name, same_losses, options)
        for label, early in outcome.early.items():
            first = 1e3 * median(early)
            if label not in outcome.times:
                table.add(name, label, first, *[""] * (len(HEADINGS) - 3))
                continue
            low, middle, high, ratio = outcome.figures(label, 1e3)
            rate = workload.flops() / middle / 1e6
            speed = (rate, 100 * rate / peak, outcome.peak_mb[label])
            table.add(name, label, first, low, middle, high, middle / first, ratio, *speed)
        groups[f"{name}\n{workload.title}"] = outcome.ratios
    table.publish(options.out, "training", title)
    when = f"after {options.after}" if options.after else "at first"
    draw_ratios(options.out / "training.png", f"A training step, {when}\n{title}", groups)
