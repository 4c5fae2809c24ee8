"""How long does it take to encode and decode 10,000 images, and to bound -log p(x) of forty?

    python -m benchmarks inference                      about six minutes
    python -m benchmarks inference --workloads decode
    python -m benchmarks inference --smoke              encoding only, one short round

The conv VAE (W4) encodes and decodes. All return the same codes and the same images. nnscratch goes
through `encode` and `decode`, which take bytes batch-first and return images batch-first; the peers
are handed floats in their layout.

"nll" is the importance-weighted bound of 5,000 draws of each code, with the network of Burda et al.
(W8). Everybody draws noise by its own generator, which is a part of the time, and as many draws
pass through the decoder at once as are fastest: of some numbers each peer takes the best,
`importance_nll` its own. All return the same bounds of twelve draws, whose noise they are handed.
Of their own 5,000 draws they return the same mean over the images, as nearly as chance allows.
"""

from collections.abc import Sequence
from statistics import median

import numpy as np

from .contenders import EVALUATORS, INFERRERS, chosen
from .contest import Worker, contest, equal_arrays, hire, working
from .machine import header
from .options import parse
from .report import Table, draw_ratios
from .workloads import JUDGED, images

RTOL = 1e-4

BY_CHANCE = 2e-3
"""How far apart bounds of 5,000 draws may be. One has a standard error of 1.6e-4 of its value."""

HEADINGS = ("task", "contender", "min ms", "median ms", "max ms", "× fastest peer")
HEADINGS += ("µs an image", "peak RSS MB")


def same_bounds(name: str, group: Sequence[Worker]) -> str:
    """Assert equal bounds on equal noise, and of everybody's own noise nearly equal ones."""
    equal = equal_arrays(RTOL)(name, group)
    bounds = np.array([worker.ask("values", count=1)["values"][0] for worker in group])
    apart = np.abs(bounds / bounds[0] - 1)
    for worker, far in zip(group, apart, strict=True):
        assert far <= BY_CHANCE, f"{name}: {worker.contender.label} has another bound, by {far:.1e}"
    return f"{equal} on equal noise, to {apart.max():.0e} on everybody's own"


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    tasks = ["encode", "decode", "nll"]
    options = parse(__doc__, argv, tasks, smoke=["encode"], seconds=2.0)
    title = header(options.threads)
    print(f"{title}\n")
    table, groups = Table(HEADINGS), {}
    for task in options.workloads:
        if task == "nll":
            job, check, who, count = "nll", same_bounds, EVALUATORS, JUDGED
        else:
            job, check, who, count = "inference", equal_arrays(RTOL), INFERRERS, len(images())
        with working(hire(chosen(who, options), options)) as group:
            outcome = contest(group, job, task, check, options)
        for label, times in outcome.times.items():
            each = 1e6 * median(times) / count
            table.add(task, label, *outcome.figures(label, 1e3), each, outcome.peak_mb[label])
        groups[task] = outcome.ratios
    table.publish(options.out, "inference", title)
    about = f"10,000 images, bounds of {JUDGED}\n{title}"
    draw_ratios(options.out / "inference.png", about, groups)
