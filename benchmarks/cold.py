"""How long from nothing to the first training step?

    python -m benchmarks cold                           about ten minutes
    python -m benchmarks cold --workloads W2
    python -m benchmarks cold --smoke                   warm, ours only

A first step counts from the start of the process: imports, the model, compilation, one step.
nnscratch compiles its kernels once and keeps the machine code in Numba's cache: it starts with that
cache empty ("cold", which a user sees once after installing) and filled ("warm").
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

from .contenders import OURS, TRAINERS, Contender, chosen
from .contest import ROOT, Worker, working
from .machine import header
from .options import Options, parse
from .report import Table

COLD, WARM = (
    replace(OURS, label="nnscratch, cold cache"),
    replace(OURS, label="nnscratch, warm cache"),
)
TUNED = ("step", "tuned")
"""Variants that spend minutes on trying out how they are fastest: nobody's first step."""


def import_seconds(module: str) -> float:
    """Return how long a new Python takes to import this and end, less one that imports nothing."""

    def seconds(code: str) -> float:
        start = perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        return perf_counter() - start

    return seconds(f"import {module}") - seconds("pass")


def first_step_seconds(
    contender: Contender, name: str, options: Options, cache: Path | None
) -> float:
    """Return the time from the start of a process to the end of its first training step.

    cache  Numba's, None for the one that is in use; emptied for a cold start
    """
    if contender == COLD:
        shutil.rmtree(cache, ignore_errors=True)
    env = os.environ | ({"NUMBA_CACHE_DIR": str(cache)} if cache else {})
    start = perf_counter()
    with working([Worker(contender, options.threads, env)]) as (worker,):
        worker.ask("build", job="training", name=name, variant=contender.variant)
        worker.ask("values", count=1)
        return perf_counter() - start


def start_up(contenders: Sequence[Contender], options: Options, table: Table) -> None:
    """Measure imports and first steps."""

    def add(what: str, label: str, seconds: Sequence[float]) -> None:
        table.add(what, label, min(seconds), median(seconds), max(seconds))
        print(f"{what}, {label}: {median(seconds):.2f} s", flush=True)

    peers = list(dict.fromkeys(c.peer for c in contenders if c.is_peer))
    for module in ("nnscratch", "nnscratch.models", *peers):
        add("import", module, [import_seconds(module) for _ in range(options.rounds)])
    for name in options.workloads:
        with tempfile.TemporaryDirectory() as folder:
            times: dict[str, list[float]] = {}
            cache = Path(folder) / "numba" if COLD in contenders else None
            for _ in range(options.rounds):
                for contender in contenders:
                    took = first_step_seconds(contender, name, options, cache)
                    times.setdefault(contender.label, []).append(took)
            for label, its in times.items():
                add(f"first step {name}", label, its)


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, ["W1", "W2"], smoke=["W1"], rounds=3)
    title = header(options.threads)
    print(f"{title}\n")
    others = [c for c in chosen(TRAINERS, options) if c.is_peer and not options.smoke]
    others = [c for c in others if c.variant not in TUNED]
    starts = Table(("what", "contender", "min s", "median s", "max s"))
    start_up([WARM] if options.smoke else [COLD, WARM, *others], options, starts)
    starts.publish(options.out, "cold", title)
