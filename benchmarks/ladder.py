"""What does each step from seven naive loops to the convolution that ships buy, and why?

    python -m benchmarks ladder                         about a minute
    python -m benchmarks ladder --workloads "16→8 @14"
    python -m benchmarks ladder --smoke                 a tiny convolution, one short round

Every rung is proved equal to the loops before it is timed, on one thread; Python's loops do one
sample and one filter, and their time is scaled up. The machine's peak and
the bandwidth of its memory and caches are measured, and the roofline is drawn: intensity is
operations for each byte that a core loads or stores. docs/kernel_ladder.md explains the rungs.

Beyond the last rung, PyTorch's convolution in bfloat16 is measured where the processor multiplies
such numbers, and how far it is from the loops.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from nnscratch.core import Array
from nnscratch.kernels.machine.threads import pool

from . import bfloat16
from .machine import bandwidth, header, peak_gflops
from .options import parse
from .report import COLOURS, Table
from .rungs import RUNGS, batch_first, compiled_loops, layout, loops
from .timing import quotients, repeat, spread

RTOL = 1e-5


class Case(NamedTuple):
    """A convolution 3×3 of N samples from C to F channels, H×H pixels."""

    N: int
    C: int
    F: int
    H: int

    @property
    def flops(self) -> int:
        """Return its multiplications and additions, those with the border too."""
        return 2 * 9 * self.N * self.C * self.F * self.H**2


CASES = {
    "1→16 @28": Case(64, 1, 16, 28),
    "16→8 @14": Case(64, 16, 8, 14),
    "32→32 @14": Case(64, 32, 32, 14),
    "64→64 @14": Case(64, 64, 64, 14),
}
TINY = Case(16, 3, 5, 6)
SIZES = {"L1": 0.02, "L2": 0.3, "memory": 300.0}
"""Megabytes of arrays that lie there."""

HEADINGS = ("convolution", "rung", "min ms", "median ms", "max ms", "× rung before")
HEADINGS += ("GFLOP/s", "bytes/FMA", "flop/byte", "% of peak")


def draw_case(case: Case) -> tuple[Array, Array, Array]:
    """Return x (N, C, H, H), w and b."""
    rng, (N, C, F, H) = np.random.default_rng(0), case
    shapes = (N, C, H, H), (F, C, 3, 3), (F,)
    return tuple(rng.standard_normal(shape, np.float32) for shape in shapes)


def share(label: str) -> slice:
    """Return which samples and filters a rung is given: one of each, where all would take hours."""
    return slice(1) if RUNGS[label].function is loops else slice(None)


def check(name: str, x: Array, w: Array, b: Array) -> None:
    """Assert that every rung returns the same as Python's loops, or as the compiled ones."""
    want = compiled_loops(x, w, b)
    for label, rung in RUNGS.items():
        some = share(label)
        y = batch_first(rung, rung.function(layout(rung, x[some]), w[some], b[some]))
        wanted = want[some, some]
        assert y.shape == wanted.shape, f"{name}: {label} returns {y.shape}"
        far = float(np.abs(y - wanted).max() / np.abs(want).max())
        assert far <= RTOL, f"{name}: {label} differs by {far:.1e} of the largest entry"


def climb(x: Array, w: Array, b: Array, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return the seconds of every rung, turn by turn; what sees a share is scaled up."""
    times: dict[str, list[float]] = {label: [] for label in RUNGS}
    for _ in range(rounds):
        for label, rung in RUNGS.items():
            some = share(label)
            run = partial(rung.function, layout(rung, x[some]), w[some], b[some])
            scale = len(x) * len(w) / (len(x[some]) * len(w[some]))
            times[label].append(scale * repeat(run, lambda y: y, seconds))
    return times


def beyond(x: Array, w: Array, b: Array, rounds: int, seconds: float) -> tuple[list[float], str]:
    """Return the seconds of the convolution in bfloat16, turn by turn, and what to say of it."""
    times, y = bfloat16.measure(x, w, b, rounds, seconds)
    want = compiled_loops(x, w, b)
    far = float(np.abs(y - want).max() / np.abs(want).max())
    return times, f"{BFLOAT16} with {bfloat16.unit()} differs by {far:.1e} of the largest entry"


BFLOAT16 = "bfloat16 (PyTorch)"


def draw_roofline(
    path: Path,
    title: str,
    peak: float,
    bandwidths: Mapping[str, float],
    points: Mapping[str, Mapping[str, tuple[float, float]]],
) -> None:
    """Draw the roofs, and every rung as a point (flop/byte, GFLOP/s), a marker a convolution."""
    figure, axes = plt.subplots(figsize=(8.5, 5.5), layout="constrained")
    intensity = np.geomspace(0.05, 8, 100)
    for (where, rate), style in zip(bandwidths.items(), ("-", "--", ":"), strict=False):
        label = f"{where}: {rate:.0f} GB/s"
        axes.plot(intensity, np.minimum(peak, rate * intensity), style, color="black", label=label)
    axes.annotate(f"peak {peak:.0f} GFLOP/s", (8, peak), (0, 4), ha="right", **OFFSET)
    colours = dict(zip(reversed(RUNGS), COLOURS, strict=False))
    for (case, rungs), marker in zip(points.items(), "osD^v", strict=False):
        for rung, (x, y) in rungs.items():
            axes.plot(x, y, marker, color=colours[rung], markersize=7, markeredgecolor="white")
        axes.plot([], [], marker, color="grey", label=case)
    for rung, colour in colours.items():
        axes.plot([], [], "s", color=colour, label=rung)
    axes.set(xscale="log", yscale="log", xlabel="flop/byte between core and caches")
    axes.set_ylabel("GFLOP/s, one core")
    axes.set_title(title, fontsize=10)
    axes.grid(which="major", alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


OFFSET = {"textcoords": "offset points", "fontsize": 8}


def main(argv: Sequence[str]) -> None:
    """Check, measure, print, write."""
    options = parse(__doc__, argv, list(CASES), smoke=["tiny"], threads=1, seconds=0.3)
    brief = 0.02 if options.smoke else 0.5
    peak = peak_gflops(1, brief)
    rates = {where: bandwidth(size, 1, brief) for where, size in SIZES.items()}
    measured = ", ".join(f"{where} {rate:.0f} GB/s" for where, rate in rates.items())
    title = f"{header(1)}\nmeasured peak {peak:.0f} GFLOP/s, {measured}"
    print(f"{title}\n")
    table, points = Table(HEADINGS), {}
    reason = bfloat16.why_not()
    if not any(part in BFLOAT16.lower() for part in options.contenders):
        reason = "it is none of the contenders"
    if reason:
        print(f"{BFLOAT16}: not measured: {reason}")
    with pool(1):
        for name in options.workloads:
            case = CASES.get(name, TINY)
            x, w, b = draw_case(case)
            check(name, x, w, b)
            print(f"{name}: all rungs equal", flush=True)
            times, before = climb(x, w, b, options.rounds, options.seconds), None
            for label, its in times.items():
                ms = [1e3 * t for t in its]
                gain = "" if before is None else spread(quotients(before, its))
                rate, traffic = case.flops / median(its) / 1e9, RUNGS[label].traffic(case.F, 3)
                cells = (min(ms), median(ms), max(ms), gain, rate, traffic, 2 / traffic)
                table.add(name, label, *cells, 100 * rate / peak)
                points.setdefault(name, {})[label] = (2 / traffic, rate)
                before = its
            if not reason:
                its, remark = beyond(x, w, b, options.rounds, options.seconds)
                ms, rate = [1e3 * t for t in its], case.flops / median(its) / 1e9
                table.add(
                    name,
                    BFLOAT16,
                    min(ms),
                    median(ms),
                    max(ms),
                    "",
                    rate,
                    "",
                    "",
                    100 * rate / peak,
                )
                print(f"{name}: {remark}", flush=True)
    table.publish(options.out, "ladder", title)
    draw_roofline(options.out / "ladder.png", f"A 3×3 convolution\n{title}", peak, rates, points)
