"""Labels in every dtype and container, right ones and wrong ones."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from nnscratch import evaluation, losses, plots
from nnscratch.data import Dataset
from nnscratch.evaluation import probes

from . import Case
from .arrays import Foreign, Rng, Shown, masked, samples
from .entrances import GREY, drawn, models, rng, trainer

N, K = 6, 3


class Entrance(NamedTuple):
    """A call with labels; `classes` if it knows how many there are."""

    name: str
    call: Callable[[Any], Any]
    classes: bool = False


@cache
def entrances() -> list[Entrance]:
    """Return every call that takes labels."""
    x = samples(rng(), N, GREY).astype(np.float32)
    z = rng().standard_normal((N, 2))
    m = models()["conditional"]

    def fit(y: Any) -> Any:
        return trainer(m).fit(Dataset(x, y), epochs=1)[-1]["train"]

    return [
        Entrance("fit", fit, True),
        Entrance("evaluate", lambda y: trainer(m).evaluate(Dataset(x, y)), True),
        Entrance("encode", lambda y: m.encode(x, y), True),
        Entrance("posterior", lambda y: m.posterior(x, y), True),
        Entrance("decode", lambda y: m.decode(z, y), True),
        Entrance("reconstruct", lambda y: m.reconstruct(x, y), True),
        Entrance("restyle", lambda y: m.restyle(x, y), True),
        Entrance("sample", lambda y: m.sample(labels=y, rng=rng()), True),
        Entrance("interpolate", lambda y: m.interpolate(x, x[::-1], 3, y), True),
        Entrance(
            "elbo",
            lambda y: evaluation.elbo(m, Dataset(x, y), draws=1, rng=rng()).total.mean,
            True,
        ),
        Entrance("Dataset", lambda y: Dataset(x, y).labels),
        Entrance("SoftmaxProbe", lambda y: probes.SoftmaxProbe(9).fit(z, y).predict(z)),
        Entrance("NearestNeighbours", lambda y: probes.NearestNeighbours(1).fit(z, y).predict(z)),
        Entrance("accuracy", lambda y: probes.accuracy(np.arange(N) % K, y)),
        Entrance("balanced", lambda y: probes.balanced(y, K, rng=rng())),
        Entrance("latent_scatter", lambda y: drawn(plots.latent_scatter(z, y))),
        Entrance("latent_panels", lambda y: drawn(plots.latent_panels({"a": z}, y))),
        Entrance("categorical_nll", lambda y: losses.categorical_nll(z[:K].repeat(3, 1), y), True),
    ]


RIGHT: dict[str, Callable[[np.ndarray, Rng], Any]] = {
    "int64": lambda y, g: y,
    "int32": lambda y, g: y.astype("i4"),
    "uint8": lambda y, g: y.astype("u1"),
    "read-only": lambda y, g: np.broadcast_to(y, y.shape),
    "every other": lambda y, g: y.repeat(2)[::2],
    "other byte order": lambda y, g: y.astype(">i4"),
}
UNUSUAL: dict[str, Callable[[np.ndarray, Rng], Any]] = {
    "list": lambda y, g: y.tolist(),
    "tuple": lambda y, g: tuple(y),
    "another library's": lambda y, g: Foreign(y),
    "objects": lambda y, g: y.astype(object),
    "masked without a gap": lambda y, g: masked(y, False),
    "whole floats": lambda y, g: y.astype("f8"),
    "uint64": lambda y, g: y.astype("u8"),
    "one column": lambda y, g: y[:, None],
    "range": lambda y, g: Shown("", range(K), np.arange(K), None, np.inf),
    "bool": lambda y, g: Shown("", y > 1, (y > 1).astype(int), None),
}
WRONG: dict[str, Callable[[np.ndarray, Rng], Any]] = {
    "fractions": lambda y, g: y + 0.5,
    "NaN": lambda y, g: np.where(y > 0, y, np.nan),
    "negative": lambda y, g: y - 1,
    "one hot": lambda y, g: np.eye(K, dtype=int)[y],
    "text": lambda y, g: y.astype(str),
    "bytes": lambda y, g: b"012012",
    "None": lambda y, g: None,
    "objects with None": lambda y, g: np.where(y > 0, y, None),
    "a number": lambda y, g: 2,
    "nothing": lambda y, g: y[:0],
    "complex": lambda y, g: y + 0j,
    "dates": lambda y, g: y.astype("M8[D]"),
    "masked": lambda y, g: masked(y, True),
    "too many": lambda y, g: np.append(y, 0),
    "too few": lambda y, g: y[:-1],
    "ragged": lambda y, g: [[0], [1, 2], 0, 1, 2, 0],
    "dict": lambda y, g: dict(enumerate(y)),
    "out of range": lambda y, g: y + K,
    "out of every range": lambda y, g: y.astype("u8") + 2**63,
}
ANY_COUNT = ("sample", "balanced")
"""How many there are to be, these calls do not know."""


def case(generator: Rng) -> Case:
    """Return a call with some labels."""
    entrance = entrances()[generator.integers(len(entrances()))]
    y = generator.permutation(np.arange(N) % K)
    pool, must = [(RIGHT, True), (UNUSUAL, None), (WRONG, False)][generator.integers(3)]
    how = list(pool)[generator.integers(len(pool))]
    value = pool[how](y, generator)
    plain, close = y, 1e-4
    if isinstance(value, Shown):
        value, plain, close = value.value, value.plain, value.close
    if how == "out of range" and not entrance.classes:
        must = None
    if how in ("too few", "too many") and entrance.name in ANY_COUNT:
        must = None
    free = must is False or close == np.inf or how in ("too few", "too many", "out of range")
    return Case(
        f"labels of {entrance.name}: {how}",
        lambda: entrance.call(value),
        must,
        None if free else lambda: entrance.call(plain),
        close,
        value,
    )
