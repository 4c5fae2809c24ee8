"""The models of `demos music`: which of them are trained, in which order, from what, how long."""

from argparse import Namespace
from copy import deepcopy
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from demos import common
from nnscratch.core import IntArray
from nnscratch.data import Split
from nnscratch.models import LanguageModel, Transposition
from nnscratch.models.music_sizes import BAR, CLASSES, SIZES, Sizes, music_vae
from nnscratch.models.sequences import SequenceDecoder
from nnscratch.optimizers import Adam
from nnscratch.schedules import Cosine, Linear, Warmup
from nnscratch.training import Trainer

CLIP = 1.0, 1e4


@dataclass(frozen=True)
class Case:
    """A model to train.

    epochs   how many
    beta     first and last β; it reaches the last one half way
    after    the case whose weights it begins with; its own first weights if None
    options  of the MusicVAE
    """

    epochs: int
    beta: tuple[float, float] = (0.0, 1.0)
    after: str | None = None
    options: tuple[tuple[str, Any], ...] = ()
    rate: float = 3e-3


LANGUAGE, NAIVE, LOW, MIDDLE, HIGH = (
    "language model, no code",
    "β = 1 from the start",
    "β = 0.2",
    "β = 0.5",
    "β = 1",
)
FREE = "β = 1, 16 nats free"
SHORT = {
    LANGUAGE: Case(20),
    NAIVE: Case(10, (1.0, 1.0)),
    LOW: Case(36, (0.2, 0.2)),
    MIDDLE: Case(8, (0.2, 0.5), LOW, rate=1e-3),
    HIGH: Case(30, (0.5, 1.0), MIDDLE),
    FREE: Case(8, (0.5, 1.0), LOW, (("free_bits", 16.0),), rate=1e-3),
}
"""Ten minutes on two cores. A lower β goes before a higher one, whose code then has something to
lose; from the start at β = 1 the decoder learns to do without it."""


@dataclass(frozen=True)
class Plan:
    """Sizes, semitones of transposition, cases, and melodies a step."""

    sizes: Sizes
    most: int
    cases: dict[str, Case]
    batch: int = 128


NEARLY = "β = 0.6"
HOUR = {
    LANGUAGE: Case(30),
    LOW: Case(24, (0.2, 0.2)),
    NEARLY: Case(6, (0.2, 0.6), LOW, rate=1.5e-3),
    HIGH: Case(50, (0.6, 1.0), NEARLY, rate=2e-3),
}
"""The same way to β = 1, by larger networks."""

PLANS = {
    "minutes": Plan(SIZES["mel_2bar"], 3, SHORT),
    "hour": Plan(Sizes(2, (192, 1), 64, (256, 2)), 4, HOUR),
}
SIXTEEN = {
    name: Plan(SIZES[f"{name}-mel_16bar_small"], 5, {name: Case(40, (0.2, 0.2))}, 64)
    for name in ("flat", "hierdec")
}
"""As in the paper: a low β, free bits (of the sizes), teacher forcing."""


def first_model(name: str, plan: Plan, rng: np.random.Generator) -> Any:
    """Return the model of a case with its first weights."""
    words: Any = {"augmentation": Transposition(plan.most)}
    if name == LANGUAGE:
        hidden, layers = plan.sizes.decoder
        decoder = SequenceDecoder(CLASSES, hidden, 0, layers=layers, rng=rng)
        return LanguageModel(decoder, steps=BAR * plan.sizes.bars, **words)
    return music_vae(plan.sizes, rng=rng, **words)


def trained(
    name: str, plan: Plan, done: dict[str, Any], data: Split[IntArray], options: Namespace
) -> Any:
    """Return the model of a case, trained; `done` has those that went before."""
    case, rng = plan.cases[name], np.random.default_rng(options.seed)
    model = first_model(name, plan, rng) if case.after is None else deepcopy(done[case.after])
    for option, value in case.options:
        setattr(model, option, value)
    epochs = 1 if options.smoke else case.epochs
    batch = min(plan.batch, len(data.train))
    steps = epochs * ceil(len(data.train) / batch)
    rate = Warmup(100, Cosine(case.rate, steps, end=1e-5))
    anneal = {}
    if hasattr(model, "beta"):
        model.beta = case.beta[1]
        anneal = {"beta": Linear(*case.beta, ceil(steps / 2))}
    trainer = Trainer(
        model,
        Adam(rate, clip_norm=CLIP),
        seed=options.seed,
        batch_size=batch,
        replicas=2,
        threads=options.threads,
        anneal=anneal,
    )
    print(name)
    of_case = Namespace(**vars(options) | {"epochs": epochs})
    common.fit(trainer, data, of_case, "".join(c if c.isalnum() else "-" for c in name))
    print()
    return model
