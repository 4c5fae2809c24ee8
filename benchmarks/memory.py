"""How much memory does training take, beside the peers, and on folders of 100 and 10,000 pictures?

    python -m benchmarks memory                         about five minutes
    python -m benchmarks memory --workloads W7 --contenders nnscratch,pytorch
    python -m benchmarks memory --smoke                 ours only, small folders

Every contender is a process of its own, whose resident memory is read: the highest, and what is
added to it between the SETTLED-th step and the last. It is all that the process holds, the set of
bytes too. The peers are handed batches of floats that exist before the first step; the table says
how much these take, and its last column is the highest memory without them. A folder is trained on
for some epochs with 256 MB of decoded pictures kept in memory, which is the default, and with none.
"""

from collections.abc import Sequence
from io import BytesIO
from math import prod
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from . import workloads as w
from .contenders import OURS, TRAINERS, Contender, chosen, fitting
from .contest import Worker, working
from .machine import header
from .options import Options, parse
from .report import Table

TUNED = ("step", "tuned", "compile")
"""Variants that hold a compiler beside the training; some of them spend minutes on trying out."""

SETTLED, STEPS, PEER_STEPS = 50, 1000, 100
"""Whether memory grows is a question to us; 1,000 steps of a peer may take ten minutes."""

FOLDERS, EPOCHS = (100, 10_000), (20, 1)
"""How many pictures there are in the folders, and how often each is learned from."""


def training(contender: Contender, name: str, options: Options) -> tuple[int, float, float]:
    """Return the steps of a run, its highest memory, and what the last of them added, in MB."""
    settled, steps = SETTLED, PEER_STEPS if contender.is_peer else STEPS
    if options.smoke:
        settled, steps = 5, 20
    with working([Worker(contender, options.threads)]) as (worker,):
        worker.ask("build", job="training", name=name, variant=contender.variant)
        worker.ask("values", count=settled)
        before = worker.ask("memory")["rss_mb"]
        worker.ask("values", count=steps - settled)
        after = worker.ask("memory")
    return steps, after["peak_mb"], after["rss_mb"] - before


def on_folder(folder: Path, kept: int, epochs: int, options: Options) -> float:
    """Return the highest memory in MB of a run that learns from a folder, `kept` MB of it kept."""
    with working([Worker(OURS, options.threads)]) as (worker,):
        worker.ask("build", job="folder", name=str(folder), variant=str(kept))
        worker.ask("values", count=epochs)
        return float(worker.ask("memory")["peak_mb"])


def fill(folder: Path, count: int, seed: int = 7) -> None:
    """Write so many JPEG pictures of 96×96, fifty of which are different."""
    rng = np.random.default_rng(seed)
    files = []
    for _ in range(50):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        coarse.resize((96, 96)).save(file := BytesIO(), "JPEG")
        files.append(file.getvalue())
    for n in range(count):
        (folder / f"{n:05}.jpg").write_bytes(files[n % len(files)])


def spread(its: Sequence[float]) -> str:
    """Return the median and the span."""
    return f"{median(its):.0f} ({min(its):.0f}–{max(its):.0f})"


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, ["W4", "W7"], smoke=["W1"], rounds=3)
    title = header(options.threads)
    print(f"{title}\n")
    contenders = [c for c in chosen(TRAINERS, options) if c.variant not in TUNED]
    if options.smoke:
        contenders = [OURS]
    headings = ("workload", "contender", "steps", "peak RSS MB", "growth MB", "of it floats MB")
    held = Table((*headings, "without them MB"))
    for name in options.workloads:
        workload = w.WORKLOADS[name]
        floats = 4 * w.BATCHES * workload.batch * prod(workload.input_shape) / 2**20
        for contender in fitting(contenders, workload):
            runs = [training(contender, name, options) for _ in range(options.rounds)]
            peaks, given = [peak for _, peak, _ in runs], floats if contender.peer != "ours" else 0
            growth, rest = median(run[2] for run in runs), [peak - given for peak in peaks]
            held.add(name, contender.label, runs[0][0], spread(peaks), growth, given, spread(rest))
            print(f"{name}, {contender.label}: {spread(peaks)} MB", flush=True)
    held.publish(options.out, "memory", title)
    table = Table(("pictures", "kept MB at most", "peak RSS MB"))
    for count, epochs in zip((3, 9) if options.smoke else FOLDERS, EPOCHS, strict=True):
        with TemporaryDirectory() as folder:
            fill(Path(folder), count)
            for kept in (256, 0):
                peaks = [
                    on_folder(Path(folder), kept, epochs, options) for _ in range(options.rounds)
                ]
                table.add(count, kept, spread(peaks))
                print(f"{count} pictures, {kept} MB kept: {spread(peaks)} MB", flush=True)
    table.publish(options.out, "folders", title)
