"""The tables of `demos music`: what each model is worth, and what happens on the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from nnscratch.core import Array, IntArray
from nnscratch.data import Melodies, Split
from nnscratch.evaluation.attributes import ATTRIBUTES
from nnscratch.evaluation.elbo import Estimate, estimate
from nnscratch.evaluation.melody_baselines import (
    CountingModel,
    NGram,
    copied_bar,
    next_step,
)
from nnscratch.models import MusicVAE
from nnscratch.models.interpolation import path
from nnscratch.models.tokens import columns_of

Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def split_tunes(tunes: Melodies) -> Split[Melodies]:
    """Return the tunes of one's own to learn from, and a tenth of their families, held out."""
    families = sorted({tune.family for tune in tunes.tunes})
    held_out = {*families[::10]} if len(families) > 1 else set()
    parts = ([t for t in tunes.tunes if (t.family in held_out) == out] for out in (False, True))
    return Split(*(Melodies(tuple(part)) for part in parts))


def foreseen(model: Any, x: IntArray, rng: np.random.Generator) -> float:
    """Return how often the likeliest event is right, given the true events before it."""
    hits = []
    for i in range(0, len(x), 128):
        terms, _ = model.inference().loss(columns_of(x[i : i + 128]), rng=rng)
        hits.append(terms["accuracy"] * len(x[i : i + 128]))
    return sum(hits) / len(x)


def redrawn(model: MusicVAE, x: IntArray, rng: np.random.Generator) -> float:
    """Return the share of events that come back from the mean codes, by draws at temperature 1."""
    return float((model.reconstruct(x, temperature=1.0, rng=rng) == x).mean())


def models_table(
    models: Mapping[str, Any], metre: CountingModel, data: Split[IntArray], rng: Any
) -> Table:
    """Return what each model and each baseline takes for held-out melodies."""
    train, test = data
    head = ("held-out windows of two bars", "reconstruction, nats", "KL, nats", "bound, nats")
    head += ("KL, bits", "next event right", "redrawn")
    unigram, four = NGram(0).fit(train), NGram(4).fit(train)
    rows: list[tuple[Any, ...]] = []
    kinds = (("always hold", unigram), ("4-gram", four), ("metre and last notes", metre))
    for name, counting in kinds:
        nats, accuracy = next_step(counting, test)
        worth = estimate(nats)
        rows.append((name, worth, None, worth, None, accuracy, None))
    rows.append(("bar 2 = bar 1, of bar 2", None, None, None, None, copied_bar(test), None))
    for name, model in models.items():
        if not isinstance(model, MusicVAE):
            worth = estimate(-model.log_prob(test))
            rows.append((name, worth, None, worth, None, foreseen(model, test, rng), None))
            continue
        total = estimate(-np.mean([model.log_prob(test, rng=rng) for _ in range(4)], axis=0))
        mu, logvar = model.posterior(test)
        kl = estimate((mu**2 + np.expm1(logvar) - logvar).sum(axis=1) / 2)
        rest = Estimate(total.mean - kl.mean, total.error)
        shares = foreseen(model, test, rng), redrawn(model, test, rng)
        rows.append((name, rest, kl, total, kl.mean / log(2), *shares))
    return head, rows


def blended(a: IntArray, b: IntArray, steps: int, rng: np.random.Generator) -> IntArray:
    """Return melodies (N, steps, T) whose events are those of b with probability 0 … 1, else a's.

    That is what is between two melodies in the space of the data.
    """
    t = np.linspace(0, 1, steps)[None, :, None]
    of_b = rng.random((len(a), steps, a.shape[1])) < t
    return np.where(of_b, b[:, None], a[:, None])


@dataclass(frozen=True)
class Between:
    """Means over pairs, by the place on the way, their errors, and a sentence that judges them."""

    lines: dict[str, Array]
    errors: dict[str, Array]
    text: str


def between(
    model: MusicVAE,
    x: IntArray,
    pairs: int,
    steps: int,
    judge: CountingModel,
    rng: np.random.Generator,
) -> Between:
    """Return how far it is from each place to both ends, and what `judge` takes for it."""
    order = np.concatenate([rng.permutation(len(x)) for _ in range(2 * pairs // len(x) + 1)])
    a, b = x[order[:pairs]], x[order[pairs : 2 * pairs]]
    codes = path(model.encode(a), model.encode(b), steps, spherical=True)
    way = model.decode(codes.reshape(-1, model.latent_dim)).reshape(pairs, steps, -1)
    lines, spread = {}, {}
    for name, melodies in {"codes": way, "events": blended(a, b, steps, rng)}.items():
        flat = melodies.reshape(-1, melodies.shape[-1]).astype(np.uint8)
        each = {
            f"{name}: distance to the first": (melodies != a[:, None]).mean(axis=2),
            f"{name}: distance to the last": (melodies != b[:, None]).mean(axis=2),
            f"{name}: nats": -judge.log_prob(flat).sum(axis=1).reshape(pairs, steps),
        }
        for key, values in each.items():
            lines[key] = values.mean(axis=0)
            spread[key] = values.std(axis=0, ddof=1) / np.sqrt(pairs)
    middle = steps // 2
    of_codes, of_events = (
        f"{lines[f'{name}: nats'][middle]:.1f} ± {spread[f'{name}: nats'][middle]:.1f}"
        for name in ("codes", "events")
    )
    rises = np.diff(lines["codes: distance to the first"]).min()
    falls = np.diff(lines["codes: distance to the last"]).max()
    text = (
        f"In the middle of {pairs} ways a melody takes {of_codes} nats on the arc of codes, by a "
        f"choice of events {of_events}.\nFrom place to place the distance to the first melody "
        f"changes by {rises:+.3f} or more, that to the last by {falls:+.3f} or less."
    )
    return Between(lines, {f"{key}, s.e.": s for key, s in spread.items()}, text)


def vector(model: MusicVAE, x: IntArray, attribute: Callable[[IntArray], Array]) -> Array:
    """Return the mean code of the quarter with most of an attribute less that of the other end."""
    order = np.argsort(attribute(x.astype(np.uint8)), kind="stable")
    quarter = max(1, len(x) // 4)
    most, least = (model.encode(x[rows]) for rows in (order[-quarter:], order[:quarter]))
    difference: Array = most.mean(axis=0) - least.mean(axis=0)
    return difference


def changes(model: MusicVAE, x: IntArray, vectors: Mapping[str, Array]) -> Table:
    """Return by how many of its standard deviations each attribute changes with each vector."""
    z, spread = model.encode(x), {k: f(x.astype(np.uint8)).std() for k, f in ATTRIBUTES.items()}

    def values(codes: Array) -> dict[str, float]:
        melodies = model.decode(codes).astype(np.uint8)
        return {name: float(f(melodies).mean()) for name, f in ATTRIBUTES.items()}

    here = values(z)
    rows = []
    for name, v in vectors.items():
        for sign, word in ((1.0, "added"), (-1.0, "taken away")):
            there = values(z + np.asarray(sign * v, z.dtype))
            moved = [(there[k] - here[k]) / max(spread[k], 1e-9) for k in ATTRIBUTES]
            rows.append((f"{name}, {word}", *moved))
    return ("change, in standard deviations", *ATTRIBUTES), rows
