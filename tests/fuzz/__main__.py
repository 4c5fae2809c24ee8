"""Run many cases in a process of their own, so that a crash or a hang is found too."""

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from queue import Empty, Queue
from threading import Thread

import numpy as np

from . import Fault, run
from .families import FAMILIES, family_of

LIMIT = 60
"""Seconds for one case; the first has to compile kernels."""


def work(seed: int, start: int, stop: int, only: str | None) -> None:
    """Run some cases and print a line for each."""
    for i in range(start, stop):
        name = family_of(i, only)
        try:
            verdict = run(FAMILIES[name](np.random.default_rng([seed, i])))
            line = {"case": i, "family": name, "verdict": verdict}
        except Fault as fault:
            line = {"case": i, "family": name, "verdict": "fault", "words": str(fault)}
        print(json.dumps(line), flush=True)


def forward(lines: Iterable[str], to: "Queue[str]") -> None:
    """Pass lines on, and an empty one after the last."""
    for line in lines:
        to.put(line)
    to.put("")


def supervise(
    seed: int, count: int, only: str | None
) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Run all cases; return how many of each verdict there were, and what was wrong."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    start = 0
    while start < count:
        words = [sys.executable, "-m", "tests.fuzz", "--seed", str(seed)]
        words += ["--from", str(start), "--count", str(count), "--worker"]
        words += ["--only", only] if only else []
        worker = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        lines: Queue[str] = Queue()
        Thread(target=forward, args=(worker.stdout, lines), daemon=True).start()
        while True:
            try:
                line = lines.get(timeout=LIMIT)
            except Empty:
                line = "hang"
            if not line.startswith("{"):
                break
            found = json.loads(line)
            counts[found["family"], found["verdict"]] += 1
            if found["verdict"] == "fault":
                wrong.append(f"case {found['case']}, {found['words']}")
                print(wrong[-1], flush=True)
            start = found["case"] + 1
        worker.kill()
        code = worker.wait()
        if start < count:
            name = family_of(start, only)
            what = f"no answer for {LIMIT} s" if line else f"the process ended with {code}"
            counts[name, "fault"] += 1
            wrong.append(f"case {start}, {name}: {what}")
            print(wrong[-1], flush=True)
            start += 1
    return counts, wrong


parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
parser.add_argument("--count", type=int, default=10_000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--only", choices=FAMILIES, help="cases of this family alone")
parser.add_argument("--from", type=int, default=0, dest="start")
parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
options = parser.parse_args()
if options.worker:
    work(options.seed, options.start, options.count, options.only)
else:
    counts, wrong = supervise(options.seed, options.count, options.only)
    for name in FAMILIES:
        found = {verdict: n for (family, verdict), n in counts.items() if family == name}
        print(f"{name:14}", found)
    sys.exit(1 if wrong else 0)
