"""How long does it take to encode and to decode 10,000 images with the conv VAE?

    python -m benchmarks inference                      about three minutes
    python -m benchmarks inference --workloads decode
    python -m benchmarks inference --smoke              encoding only, one short round

All return the same codes and the same images. nnscratch goes through `encode` and `decode`, which
take bytes batch-first and return images batch-first; the peers are handed floats in their layout.
"""

from collections.abc import Sequence
from statistics import median

from .contenders import INFERRERS, chosen
from .contest import contest, equal_arrays, hire, working
from .machine import header
from .options import parse
from .report import Table, draw_ratios
from .workloads import images

RTOL = 1e-4
HEADINGS = ("task", "contender", "min ms", "median ms", "max ms", "× fastest peer")
HEADINGS += ("µs an image", "peak RSS MB")


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, ["encode", "decode"], smoke=["encode"], seconds=2.0)
    title = header(options.threads)
    print(f"{title}\n")
    contenders = chosen(INFERRERS, options)
    table, groups = Table(HEADINGS), {}
    for task in options.workloads:
        with working(hire(contenders, options)) as group:
            outcome = contest(group, "inference", task, equal_arrays(RTOL), options)
        for label, times in outcome.times.items():
            each = 1e6 * median(times) / len(images())
            table.add(task, label, *outcome.figures(label, 1e3), each, outcome.peak_mb[label])
        groups[task] = outcome.ratios
    table.publish(options.out, "inference", title)
    draw_ratios(options.out / "inference.png", f"10,000 images\n{title}", groups)
