"""What does a sample cost in batches of every size, beside the next multiple of 64?

    python -m benchmarks batches                        all sizes from 20 to 256, about ten minutes
    python -m benchmarks batches --workloads conv_autoencoder,kvfrans_vae --rounds 3
    python -m benchmarks batches --smoke                two sizes of one model, one short round

nnscratch alone, a Trainer with nothing but a batch size. Sizes take turns within a round, and the
ratio to the next multiple of 64 is taken within it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from nnscratch.models import Autoencoder, lesson
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

from .machine import header
from .options import Options, parse
from .report import Table
from .timing import quotients, spread
from .workloads import images

MODELS: dict[str, Callable[..., Autoencoder]] = {
    "conv_autoencoder": lesson.conv_autoencoder,
    "conv_denoiser": lesson.conv_denoiser,
    "kvfrans_vae": lesson.kvfrans_vae,
    "keras_conv_vae": lesson.keras_conv_vae,
    "dense_vae": partial(lesson.dense_vae, (512,), 2),
}

ODD = (21, 33, 50, 65, 97, 127, 129, 150, 250)
"""Sizes that are no multiple of four, beside those that are."""

SIZES = sorted({*range(20, 257, 4), *ODD})
HEADINGS = ("model", "batch", "min µs", "median µs", "max µs", "× next multiple of 64")


def seconds_a_sample(trainer: Trainer, seconds: float, threads: int) -> float:
    """Return what a sample costs, over as many steps as there is time for, but at least two."""
    x = images()
    with trainer.replicas.running(threads):
        trainer.train_step(x, np.arange(trainer.batch_size))
        samples, start = 0, perf_counter()
        while perf_counter() - start < seconds or samples < 2 * trainer.batch_size:
            rows = np.arange(samples, samples + trainer.batch_size) % len(x)
            trainer.train_step(x, rows)
            samples += trainer.batch_size
        return (perf_counter() - start) / samples


def measure(name: str, sizes: Sequence[int], options: Options) -> dict[int, list[float]]:
    """Return the seconds a sample of each size of batch, a number a round."""
    trainers = {}
    for size in sizes:
        model = MODELS[name](rng=np.random.default_rng(0))
        trainers[size] = Trainer(model, Adam(1e-3), seed=0, batch_size=size)
        seconds_a_sample(trainers[size], options.seconds / 4, options.threads)
    times: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(options.rounds):
        for size, trainer in trainers.items():
            times[size].append(seconds_a_sample(trainer, options.seconds, options.threads))
    return times


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    smoke = ["conv_autoencoder"]
    options = parse(__doc__, argv, list(MODELS), smoke=smoke, rounds=3, seconds=0.1)
    sizes = [50, 64] if options.smoke else SIZES
    title = header(options.threads)
    print(f"{title}\n")
    table = Table(HEADINGS)
    for name in options.workloads:
        times = measure(name, sizes, options)
        for size, each in times.items():
            µs = [1e6 * t for t in each]
            ratio = spread(quotients(each, times[-(-size // 64) * 64]))
            table.add(name, str(size), min(µs), median(µs), max(µs), ratio)
    table.publish(options.out, "batches", title)
