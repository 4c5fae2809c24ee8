"""The kinds of input, and how many of each."""

from collections.abc import Callable
from itertools import accumulate

from . import (
    Case,
    array_files,
    checkpoints,
    entrances,
    idx_files,
    kernels,
    labels,
    midi_files,
    model_files,
    pictures,
    specs,
    tables,
)
from .arrays import Rng

SHARES = {"arrays": 8, "labels": 2, "settings": 4, "idx": 2, "checkpoints": 3, "kernels": 1}
SHARES |= {"models": 2, "midi": 2, "pictures": 2, "array_files": 2, "tables": 2}
"""Of as many cases as they add up to; the sum is no multiple of 7."""

FAMILIES: dict[str, Callable[[Rng], Case]] = {
    "arrays": entrances.case,
    "labels": labels.case,
    "settings": specs.case,
    "idx": idx_files.case,
    "checkpoints": checkpoints.case,
    "kernels": kernels.case,
    "models": model_files.case,
    "midi": midi_files.case,
    "pictures": pictures.case,
    "array_files": array_files.case,
    "tables": tables.case,
}


def family_of(i: int, only: str | None = None) -> str:
    """Return which family the i-th case belongs to, the same mixture at any count; or the only."""
    if only is not None:
        return only
    place = i * 7 % sum(SHARES.values())
    ends = accumulate(SHARES.values())
    return next(name for name, end in zip(SHARES, ends, strict=True) if place < end)
