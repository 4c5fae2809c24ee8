"""What do others gain in bfloat16 over our float32, and what does the network lose by it?

    python -m benchmarks precision                      about fifteen minutes
    python -m benchmarks precision --workloads W1,W3 --after 200
    python -m benchmarks precision --smoke              one workload, one short round

A step's time, and beside it the loss on 1,000 images that nobody has learned from, after equal
steps from equal weights on equal batches and noise. That loss is computed in float32 from
everybody's weights, by one function. bfloat16 has 8 bits of precision where float32 has 24, so it
belongs in no table with float32; it is fast where the processor multiplies it (AMX, AVX512-BF16).

autocast runs products and convolutions in bfloat16; BF32 keeps float32 arrays, and rounds what is
multiplied.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from nnscratch.core import Array

from .contenders import OURS, REDUCED, chosen, fitting
from .contest import Worker, contest, equal_arrays, hire, working
from .machine import header
from .options import parse
from .peers.ours import Replay, latent_first, network
from .report import Table
from .timing import quotients, spread
from .workloads import WORKLOADS, held_out

RTOL = 0.02
"""How near the first losses must be; bfloat16 rounds to 0.004."""

CHUNK = 100
"""Held-out images at once."""

HEADINGS = ("workload", "contender", "min ms", "median ms", "max ms", "× our float32")
HEADINGS += ("held-out loss",)


def learned(name: str, group: Sequence[Worker], steps: int) -> dict[str, float]:
    """Let all train; return their held-out losses, by label.

    Raises
        AssertionError if they begin with other weights, or with a loss that is not within RTOL.
    """
    equal_arrays(0)(f"{name}, first weights", group)
    losses = [worker.ask("values", count=steps)["values"] for worker in group]
    for worker, its in zip(group, losses, strict=True):
        far = abs(its[0] / losses[0][0] - 1)
        assert far <= RTOL, f"{name}: {worker.contender.label} has another loss, by {far:.1e}"
    return {worker.contender.label: held_out_loss(name, worker.arrays()) for worker in group}


def held_out_loss(name: str, theta: dict[str, Array]) -> float:
    """Return the loss, in nats an image, of weights on images that nobody learned from."""
    workload = WORKLOADS[name]
    model, losses = network(workload), []
    for p, a in zip(model.parameters().values(), theta.values(), strict=True):
        p.value[...] = a
    x, eps = held_out(workload)
    for i in range(0, len(x), CHUNK):
        batch = np.ascontiguousarray(np.moveaxis(x[i : i + CHUNK], 0, -1))
        its = Replay(latent_first(eps[..., i : i + CHUNK, :]))
        losses.append(model.loss(batch, rng=its)[0]["total"])
    return float(np.mean(losses))


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, list(WORKLOADS), smoke=["W1"], rounds=3, after=500)
    title = header(options.threads)
    print(f"{title}\n")
    contenders = chosen(REDUCED, options)
    table = Table(HEADINGS)
    for name in options.workloads:
        group = hire(fitting(contenders, WORKLOADS[name]), options)
        losses: dict[str, float] = {}

        def check(name: str, group: Sequence[Worker], losses: dict[str, float] = losses) -> str:
            losses |= learned(name, group, options.after)
            return f"equal weights at first; {options.after} steps done"

        with working(group):
            outcome = contest(group, "training", name, check, replace(options, after=0))
        for label, times in outcome.times.items():
            ms = [1e3 * t for t in times]
            ratio = spread(quotients(outcome.times[OURS.label], times))
            table.add(name, label, min(ms), median(ms), max(ms), ratio, losses[label])
    table.publish(options.out, "precision", title)
