"""Optimisers, schedules and trainers, and the arguments that they are made with."""

from typing import Any

import numpy as np

from nnscratch import optimizers, schedules
from nnscratch.core import Parameter
from nnscratch.training import Trainer

from .arrays import samples
from .entrances import COLOUR, models
from .settings import (
    ANY,
    AT_LEAST_0,
    BELOW_1,
    COUNT,
    FLAG,
    POSITIVE,
    SIZE,
    TIMES,
    Spec,
    between,
    optional,
)


def moved(optimizer: Any) -> np.ndarray:
    """Return θ after two steps; nothing if a rate or a decay is so large that θ may overflow."""
    theta = Parameter(np.ones(5, np.float32))
    for _ in range(2):
        theta.grad[...] = 0.1
        optimizer.step(theta)
    modest = max(optimizer.learning_rate(0), optimizer.weight_decay) < 1e9
    return theta.value if modest else np.zeros(0)


def of_learning() -> list[Spec]:
    """Return the specs of optimisers, schedules and trainers."""
    common = {"weight_decay": AT_LEAST_0, "clip_norm": optional(POSITIVE)}
    adam = {"beta1": BELOW_1, "beta2": BELOW_1, "eps": AT_LEAST_0} | common
    rate, start, end = {"learning_rate": AT_LEAST_0}, {"start": ANY}, {"end": ANY}
    train = {"batch_size": SIZE, "micro_batch": optional(SIZE), "replicas": optional(SIZE)}
    train |= {"threads": optional(TIMES), "patience": optional(SIZE), "seed": COUNT}
    x = samples(np.random.default_rng(0), 6, COLOUR).astype(np.float32)
    sgd = {"momentum": BELOW_1, "nesterov": FLAG}
    first = {"learning_rate": 1e-3}

    def trainer(**words: Any) -> Trainer:
        return Trainer(models()["convolutional"], optimizers.Adam(), **words)

    def fit(epochs: Any) -> Any:
        return trainer(seed=0, batch_size=3).fit(x, epochs=epochs)[-1]["train"]

    def value(schedule: Any) -> float:
        return schedule(3)

    return [
        # Nesterov looks ahead along the momentum, so that there must be some.
        Spec("SGD", optimizers.SGD, first | {"momentum": 0.5}, rate | sgd | common, moved),
        Spec("RMSprop", optimizers.RMSprop, first, rate | {"alpha": BELOW_1} | common, moved),
        Spec("Adam", optimizers.Adam, first, rate | adam, moved),
        Spec("AdamW", optimizers.AdamW, first, rate | adam, moved),
        Spec("Constant", schedules.Constant, {"value": 1.0}, {"value": ANY}, value),
        Spec(
            "StepDecay",
            schedules.StepDecay,
            {"start": 1.0, "factor": 0.5, "every": 3},
            start | {"factor": between(0, 1, "]]"), "every": SIZE},
            value,
        ),
        Spec(
            "Exponential",
            schedules.Exponential,
            {"start": 1.0, "factor": 0.5},
            start | end | {"factor": between(0, 1, "]]")},
            value,
        ),
        Spec(
            "Linear",
            schedules.Linear,
            {"start": 0.0, "end": 1.0, "steps": 3},
            start | end | {"steps": SIZE},
            value,
        ),
        Spec(
            "Cosine", schedules.Cosine, {"start": 1.0, "steps": 3}, start | {"steps": SIZE}, value
        ),
        Spec(
            "Warmup",
            schedules.Warmup,
            {"steps": 3, "then": 1.0},
            {"steps": SIZE, "then": ANY},
            value,
        ),
        Spec(
            "Cyclical",
            schedules.Cyclical,
            {"start": 0.0, "end": 1.0, "period": 4},
            start | end | {"period": SIZE, "ramp": between(0, 1, "]]")},
            value,
        ),
        Spec(
            "InverseSigmoid",
            schedules.InverseSigmoid,
            {"k": 10.0},
            {"k": between(1, np.inf, "[)")},
            value,
        ),
        Spec("Trainer", trainer, {"seed": 0}, train),
        Spec("fit epochs", fit, {"epochs": 1}, {"epochs": TIMES}),
    ]
