"""How long do recurrent layers take, forward and backward, beside PyTorch's and JAX's?

    python -m benchmarks recurrent                      about five minutes
    python -m benchmarks recurrent --workloads W9a,W9e
    python -m benchmarks recurrent --smoke              one layer, one short round

LSTM and GRU of equal size in and out, over sequences of 32 steps: by the layer, and step by step by
a cell, as a decoder has to run that reads its own output. A run is forward, and the gradients of
the input and of all parameters; all arrays agree before they are timed. PyTorch's LSTM is oneDNN's.
"""

from collections.abc import Sequence
from statistics import median

from .contenders import RECURRENT as CONTENDERS
from .contenders import chosen
from .contest import contest, equal_arrays, hire, working
from .machine import header, peak_gflops
from .options import parse
from .report import Table, draw_ratios
from .sequences import RECURRENT

RTOL = 1e-4
HEADINGS = ("workload", "contender", "min ms", "median ms", "max ms", "× fastest peer")
HEADINGS += ("GFLOP/s", "% of peak")


def title_of(name: str) -> str:
    """Return what a table says of a workload."""
    its = RECURRENT[name]
    how = "step by step" if its.by_cells else "by the layer"
    return f"{its.kind} {its.features}, batch {its.batch}, {how}"


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, list(RECURRENT), smoke=["W9a"])
    peak = peak_gflops(options.threads)
    title = f"{header(options.threads)}\nmeasured peak {peak:.0f} GFLOP/s"
    print(f"{title}\n")
    table, groups = Table(HEADINGS), {}
    for name in options.workloads:
        with working(hire(chosen(CONTENDERS, options), options)) as group:
            outcome = contest(group, "recurrent", name, equal_arrays(RTOL), options)
        for label, times in outcome.times.items():
            rate = RECURRENT[name].flops() / median(times) / 1e9
            table.add(name, label, *outcome.figures(label, 1e3), rate, 100 * rate / peak)
        groups[f"{name}\n{title_of(name)}"] = outcome.ratios
    table.publish(options.out, "recurrent", title)
    draw_ratios(options.out / "recurrent.png", f"Recurrent layers\n{title}", groups)
