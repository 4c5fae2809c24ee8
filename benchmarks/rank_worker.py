"""What each process of `python -m benchmarks ranks` does; rank 0 prints what it has measured.

    mpiexec -n 4 python -m mpi4py -m benchmarks.rank_worker JSON

Every rank has one thread. It measures the messages of a step by themselves, which are those of a
step whose computation is left out, and then whole steps of training.
"""

import json
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from nnscratch.core import Array
from nnscratch.layers import Dense, Tanh
from nnscratch.models import IWAE
from nnscratch.models.lesson import conv_autoencoder, mlp
from nnscratch.optimizers import SGD, Adam
from nnscratch.training import Trainer, mpi_ranks
from nnscratch.training.ranks import Ranks
from nnscratch.training.replicas import Replicas

Batch = tuple[Any, Array]


class Still(SGD):
    """An optimiser that leaves θ and the gradients as they are, and takes no time for it."""

    def step(self, *_: Any) -> None:
        """Do nothing."""


def burda(samples: int) -> Callable[[], Batch]:
    """Return what makes 784-200-200-50 with so many samples of a code, and 20 images."""

    def make() -> Batch:
        rng = np.random.default_rng(0)
        sizes = (784, 200, 200, 100), (50, 200, 200, 784)
        networks = [mlp(each, Tanh, rng=rng) for each in sizes]
        model = IWAE(*networks, 50, samples=samples, input_shape=(784,))
        return model, rng.random((20, 784)).astype(np.float32)

    return make


def lesson() -> Batch:
    """Return the lesson's convolutional autoencoder and 128 images."""
    rng = np.random.default_rng(0)
    return conv_autoencoder(rng=rng), rng.random((128, 1, 28, 28)).astype(np.float32)


MODELS = {"conv-128": lesson, "dense-20": burda(1), "iwae-50-20": burda(50)}
"""By name what makes a model and its batch: the last number is how many samples this has."""


def turns(run: Callable[[], Any], ranks: Ranks, rounds: int, seconds: float) -> list[float]:
    """Return the seconds of a run in each round, over as many runs as rank 0 finds time for."""
    for _ in range(3):
        run()
    start = perf_counter()
    run()
    once = ranks.gather(perf_counter() - start)[0]
    count, times = max(1, min(10_000, round(seconds / once))), []
    for _ in range(rounds):
        ranks.gather(None)  # they begin together
        start = perf_counter()
        for _ in range(count):
            run()
        times.append((perf_counter() - start) / count)
    return times


def messages(P: int, ranks: Ranks) -> Callable[[], None]:
    """Return what does all that a step of P parameters sends and gathers, and nothing else."""
    model = Dense(1, P, bias=False, rng=np.random.default_rng(0))
    replicas, still = Replicas(model, ranks.size, ranks), Still(0.0)

    def run() -> None:
        replicas.map(lambda _, i: {"total": 0.0}, ranks.size)
        replicas.step(still)
        ranks.gather(0)  # has a signal come?

    return run


def training(name: str, part: int, ranks: Ranks) -> tuple[int, Callable[[], None]]:
    """Return the parameters of a model, and what takes a step on the part-th part of its batch."""
    model, images = MODELS[name]()
    images = images[: -(-len(images) // part)]
    size, S = len(images), ranks.size
    trainer = Trainer(model, Adam(1e-3), seed=0, batch_size=size, replicas=S, ranks=ranks)
    rows = np.arange(len(images))

    def run() -> None:
        with trainer.replicas.running(1):
            trainer.train_step(images, rows)
        ranks.gather(0)

    return trainer.replicas.theta.value.size, run


def main(sizes: list[int], steps: list[tuple[str, int]], rounds: int, seconds: float) -> None:
    """Measure the messages of these sizes, and steps on such parts of the models' batches."""
    ranks = mpi_ranks()
    found: dict[str, Any] = {"hosts": ranks.size // ranks.on_this_host}
    found["messages"] = {P: turns(messages(P, ranks), ranks, rounds, seconds) for P in sizes}
    found["steps"] = []
    for name, part in steps:
        P, run = training(name, part, ranks)
        found["steps"].append((name, part, P, turns(run, ranks, rounds, seconds)))
    if ranks.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
