"""MODEL: a model from its file, and data read as it has to see them."""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite, isqrt
from typing import TYPE_CHECKING, Any

from ..files import expanded
from .sources import PLACE, Source, read, table_like

if TYPE_CHECKING:
    from ..core import Array, IntArray
    from ..data import Dataset
    from ..models import Autoencoder

PART = 1024
"""Samples that are in memory at a time."""


@dataclass(frozen=True)
class Saved:
    """A model, and what its file says of how its data were read."""

    path: str
    model: "Autoencoder"
    reading: dict[str, Any]

    @property
    def paints(self) -> bool:
        """Are its samples pictures?"""
        return picture_shape(self.model.input_shape) is not None and self.kind == "pictures"

    @property
    def kind(self) -> str:
        """What its samples are: pictures, signals or rows."""
        shape = self.model.input_shape
        found = picture_shape(shape) is not None and self.model.unit
        return str(self.reading.get("kind", "pictures" if found else "rows"))

    @property
    def classes(self) -> list[str]:
        """The names of its classes; those of a conditional model without names are numbers."""
        named = self.reading.get("classes") or []
        return named or [str(k) for k in range(self.model.classes)]

    @property
    def columns(self) -> list[str]:
        """The names of a table's columns; of other data there are none."""
        return list(self.reading["columns"]) if self.reading.get("format") == "table" else []


def load(path: str) -> Saved:
    """Return the model in a file.

    Raises
        OSError, ValueError as nnscratch.load; or if it is no autoencoder.
    """
    from ..models import Autoencoder
    from ..training import load as load_model
    from ..training.model_file import read_notes

    model = load_model(path)
    if not isinstance(model, Autoencoder):
        got = type(model).__name__
        raise ValueError(f"{path}: expected an autoencoder or a VAE of samples, got a {got}")
    reading = read_notes(path).get("reading", {})
    if not well_formed(reading):
        raise ValueError(f"{path}: expected notes of how data were read, got {reading!r:.80}")
    return Saved(path, model, reading)


def well_formed(reading: Any) -> bool:
    """Are these notes such as `train` writes?"""

    def texts(a: Any) -> bool:
        return isinstance(a, list) and all(isinstance(text, str) for text in a)

    def numbers(a: Any, count: int) -> bool:
        right = isinstance(a, list) and all(isinstance(x, float) and isfinite(x) for x in a)
        return right and len(a) == count

    if not isinstance(reading, dict) or not texts(reading.get("classes", [])):
        return False
    if reading.get("kind", "rows") not in ("pictures", "signals", "rows"):
        return False
    if reading.get("fit", "crop") not in ("crop", "pad", "stretch"):
        return False
    if reading.get("format") != "table":
        return True
    columns: Any = reading.get("columns")
    scaling: Any = reading.get("scaling")
    return (
        texts(columns)
        and isinstance(scaling, dict)
        and all(numbers(scaling.get(n), len(columns)) for n in ("shift", "scale", "filling"))
        and isinstance(reading.get("labels", 0), str | None)
        and isinstance(reading.get("missing"), str)
        and "classes" in reading
    )


def picture_shape(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return (C, H, W) of samples of this shape, None if they are no pictures."""
    if len(shape) == 3 and shape[0] in (1, 3):
        return shape[0], shape[1], shape[2]
    side = isqrt(shape[0]) if len(shape) == 1 else 0
    return (1, side, side) if side > 1 and side * side == shape[0] else None


def data_argument(parser: argparse.ArgumentParser) -> None:
    """DATA, and how they are read where the model leaves a choice."""
    parser.add_argument("data", metavar="DATA", help=PLACE)
    words = "of a set with two parts; default test, which `train` does not see"
    parser.add_argument("--part", choices=("train", "test"), default="test", help=words)
    words = "leave out pictures that cannot be read, and say so"
    parser.add_argument("--skip-bad", action="store_true", help=words)


def read_for(saved: Saved, options: argparse.Namespace, shape: tuple[int, ...]) -> "Dataset":
    """Return DATA as the model is to see them: pictures in this shape, a table in its scaling.

    Raises
        FileNotFoundError, ValueError if they cannot be read, or are not for this model.
    """
    place, path = options.data, expanded(options.data)
    if path.suffix.lower() == ".csv" and path.is_file():
        source = as_table(saved, options)
    else:
        given: dict[str, Any] = {}
        if path.is_dir() and not is_set(path):
            form = picture_shape(shape)
            if form is None:
                raise ValueError(f"{place}: pictures, and {saved.path} takes samples {shape}")
            given = {"size": form[1:], "colour": form[0] == 3, "skip-bad": options.skip_bad}
            given["fit"] = saved.reading.get("fit", "crop")
        elif path.suffix.lower() in (".npy", ".npz") and "kind" in saved.reading:
            given = {"kind": saved.reading["kind"]}
        source = read(place, given, options.part)
    if saved.model.classes:
        return relabelled(source.data, saved)
    return source.data


def is_set(path: Any) -> bool:
    """Is this folder a set that is read in one way only?"""
    from .sources import has_set

    return has_set(path)


def as_table(saved: Saved, options: argparse.Namespace) -> Source:
    """Return the rows of a CSV file in the columns and the scaling of those learned from."""
    if saved.reading.get("format") != "table":
        raise ValueError(
            f"{saved.path}: has no columns and no scaling of a table, as it was not trained on one"
        )
    with open(expanded(options.data), encoding="utf-8-sig", errors="replace", newline="") as file:
        names = [name.strip() for name in next(csv.reader(file), [])]
    return table_like(options.data, saved.reading, with_labels=saved.reading["labels"] in names)


def relabelled(data: "Dataset", saved: Saved) -> "Dataset":
    """Return data whose labels are those that the model has for classes of the same names."""
    import numpy as np

    names = [data.class_name(k) for k in range(int(data.labels.max()) + 1)]
    there = [names[k] for k in np.unique(data.labels)]
    if new := [name for name in there if name not in saved.classes]:
        raise ValueError(
            f"expected data of the classes {', '.join(saved.classes)}, which the model takes as "
            f"labels; got {', '.join(new[:9])}"
        )
    number = np.array([saved.classes.index(n) if n in saved.classes else 0 for n in names])
    return replace(data, labels=number[data.labels], classes=tuple(saved.classes))


def in_parts(data: "Dataset", saved: Saved) -> Iterator[tuple["Array", "IntArray | None"]]:
    """Yield images, decoded, and labels if the model takes them, some samples at a time."""
    import numpy as np

    for start in range(0, len(data), PART):
        rows = slice(start, start + PART)
        labels = data.labels[rows] if saved.model.classes else None
        yield np.asarray(data.images[rows]), labels
