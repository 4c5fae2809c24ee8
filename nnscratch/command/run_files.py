"""Pictures and pages that several subcommands write."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import explorer
from ..data.dataset import Dataset
from ..models import VAE, Autoencoder
from ..models.batch_first import to_columns, to_rows
from .decode import labels_for
from .output import wrote
from .saved import Saved, picture_shape
from .sheets import as_bytes, write_sheet

SAMPLES, PAIRS, COLUMNS = 64, 16, 8
"""Samples and reconstructions that a run shows, and how many stand side by side."""

BYTES, MOST, LEAST = 400_000, 400, 8
"""Of the pictures on an explorer's page; and how many there are at the most, and at the least."""


def write_run(folder: Path, saved: Saved, data: Dataset, seed: int) -> None:
    """Write samples, reconstructions and the explorer, if the model makes pictures."""
    if not saved.paints:
        print(f"no samples.png and no explorer.html: the samples are {saved.kind}")
        return
    model, rng = saved.model, np.random.default_rng([seed, 2])
    some = data[: MOST if len(data) > MOST else len(data)]
    images = np.asarray(some.images)
    seen = corrupted(model, images, rng)
    own = some.labels if model.classes else None
    like = None if isinstance(model, VAE) else seen
    drawn = model.sample(SAMPLES, labels_for(saved, SAMPLES, None), rng=rng, like=like)
    shape = picture_shape(model.input_shape)
    write_sheet(folder / "samples.png", as_bytes(drawn, shape or ()), COLUMNS)
    whence = "the prior" if like is None else "the Gaussian that fits the codes of pictures"
    wrote(folder / "samples.png", f"{SAMPLES} new pictures, their codes drawn from {whence}")
    first = slice(0, PAIRS)
    again = model.reconstruct(seen[first], None if own is None else own[first])
    rows = (
        [images[first], again] if model.corruption is None else [images[first], seen[first], again]
    )
    count = write_rows(folder / "reconstructions.png", rows, saved)
    between = "" if model.corruption is None else ", what the model sees of them"
    words = f"{count} pictures{between}, and below what the model makes of them"
    wrote(folder / "reconstructions.png", words)
    path = folder / "explorer.html"
    try:
        count = write_explorer(path, model, data)
        wrote(path, f"the model to play with, and {count} pictures; it opens in any browser")
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


def write_explorer(
    path: Path, model: Autoencoder, data: Dataset, *, count: int | None = None, title: Any = None
) -> int:
    """Write the explorer's page with `count` pictures, or as many as fit; return how many.

    Raises
        ValueError as explorer.write.
    """
    numbers = int(np.prod(data.images.shape[1:]))
    if count is not None:
        explorer.write(path, model, data, count=count, title=title)
        return min(count, len(data))
    count = min(MOST, len(data), max(LEAST, BYTES // numbers))
    while True:
        try:
            explorer.write(path, model, data, count=count, title=title)
            return count
        except ValueError as error:
            if "fit in" not in str(error) or count <= LEAST:
                raise
            count = max(LEAST, count // 2)
