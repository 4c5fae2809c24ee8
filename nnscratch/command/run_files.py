"""Pictures, tables and pages that several subcommands write."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.dataset import Dataset
from ..explorer.page import made
from ..files import write_whole
from ..models import VAE, Autoencoder
from ..models.batch_first import to_columns, to_rows
from .decode import labels_for
from .output import wrote
from .results import in_units, write_csv, write_samples
from .saved import Saved, picture_shape
from .sheets import as_bytes, write_curves, write_sheet

SAMPLES, PAIRS, COLUMNS = 64, 16, 8
"""Samples and reconstructions that a run shows, and how many stand side by side."""

MOST = 400
"""Samples that are looked at."""


def write_run(folder: Path, saved: Saved, data: Dataset, seed: int) -> None:
    """Write samples, reconstructions and the explorer, in the form of the data."""
    model, rng = saved.model, np.random.default_rng([seed, 2])
    some = data[: min(MOST, len(data))]
    images = np.asarray(some.images)
    seen = corrupted(model, images, rng)
    own = some.labels if model.classes else None
    like = None if isinstance(model, VAE) else seen
    drawn = model.sample(SAMPLES, labels_for(saved, SAMPLES, None), rng=rng, like=like)
    first = slice(0, PAIRS)
    again = model.reconstruct(seen[first], None if own is None else own[first])
    _, many = data.nouns
    whence = "the prior" if like is None else f"the Gaussian that fits the codes of {many}"
    words = f"{SAMPLES} new {many}, their codes drawn from {whence}"
    pairs = f"{len(again)} {many} and what the model makes of each"
    if saved.paints:
        path, shape = folder / "samples.png", picture_shape(model.input_shape)
        write_sheet(path, as_bytes(drawn, shape or ()), COLUMNS)
        wrote(path, words)
        known = [images[first], again]
        rows = known if model.corruption is None else [images[first], seen[first], again]
        between = "" if model.corruption is None else "; between them what the model sees"
        write_rows(folder / "reconstructions.png", rows, saved)
        wrote(folder / "reconstructions.png", f"{pairs}, below it{between}")
    elif saved.kind == "signals":
        write_curves(folder / "samples.png", as_signals(drawn))
        wrote(folder / "samples.png", words)
        write_curves(folder / "reconstructions.png", as_signals(images[first]), as_signals(again))
        wrote(folder / "reconstructions.png", f"{pairs}, over it")
    else:
        write_samples(str(folder / "samples.csv"), drawn, saved, words)
        write_pairs(folder / "reconstructions.csv", images[first], again, saved)
        wrote(folder / "reconstructions.csv", f"{pairs}, below it")
    path = folder / "explorer.html"
    try:
        count = write_explorer(path, saved, data)
        wrote(path, f"the model to play with, and {count} {many}; it opens in any browser")
    except ValueError as error:
        print(f"no explorer.html: {error}")


def corrupted(model: Autoencoder, images: Any, rng: np.random.Generator) -> Any:
    """Return pictures as the encoder of a model with a corruption sees them in training."""
    if model.corruption is None:
        return images
    x = to_columns("train", images, model.image_input)
    return to_rows(model.corrupt(x, rng=rng))


def write_rows(path: Path, rows: Sequence[Any], saved: Saved) -> int:
    """Write several arrays of pictures below each other, some columns at a time; return N."""
    shape = picture_shape(saved.model.input_shape) or ()
    each = [fitted(row, shape) for row in rows]
    N = len(each[0])
    columns = min(COLUMNS, N)
    white = np.full((-N % columns, *each[0].shape[1:]), 255, np.uint8)
    blocks = np.array([np.concatenate([row, white]) for row in each])
    blocks = blocks.reshape(len(rows), -1, columns, *white.shape[1:]).swapaxes(0, 1)
    write_sheet(path, blocks.reshape(-1, *white.shape[1:]), columns)
    return N


def fitted(images: Any, shape: Sequence[int]) -> Any:
    """Return pictures as bytes; smaller ones, of which a model makes larger ones, enlarged."""
    C, H, W = shape
    factor = max(1, round((C * H * W / np.prod(images.shape[1:])) ** 0.5))
    small = as_bytes(images, (C, H // factor, W // factor))
    return small.repeat(factor, axis=1).repeat(factor, axis=2)


def as_signals(samples: Any) -> Any:
    """Return signals as (N, T, D): those of one number a step may come without D."""
    return samples.reshape(*samples.shape[:2], -1)


def write_pairs(path: Path, samples: Any, again: Any, saved: Saved) -> None:
    """Write rows of a table, and below each what a model makes of it, as a CSV file."""
    names, given = in_units(saved, samples.reshape(len(samples), -1))
    _, made = in_units(saved, again.reshape(len(again), -1))
    both = [("given", given), ("reconstructed", made)]
    rows = [(n, word, *values[n]) for n in range(len(given)) for word, values in both]
    write_csv(path, ("row", "which", *names), rows)


def write_explorer(
    path: Path, saved: Saved, data: Dataset, count: int | None = None, title: str | None = None
) -> int:
    """Write the explorer's page with `count` samples, or as many as fit; return how many.

    Raises
        ValueError as explorer.write.
    """
    page = made(saved.model, data, count, saved.columns, title)
    write_whole(path, page.html, "explorer")
    return page.count
