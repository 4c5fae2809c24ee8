"""DATA: a folder, a file or the name of a set, as a Dataset, and how it was read.

a name                      digits, mnist, fashion-mnist, cifar10, kmnist, emnist-letters, …
a folder of pictures        PNG, JPEG, BMP, WebP, TIFF; sub-folders are classes
a folder of IDX files       as MNIST and its relatives come; or CIFAR-10's binary files
FILE.csv                    a table
FILE.npy, FILE.npz          pictures, signals or rows
any other file              IDX
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import expanded

if TYPE_CHECKING:
    from ..data import Dataset

EMNIST = ("balanced", "bymerge", "byclass", "digits", "letters", "mnist")
NAMES = ("digits", "mnist", "fashion-mnist", "cifar10", "kmnist", *(f"emnist-{p}" for p in EMNIST))
NAMES += ("sprites",)

PLACE = (
    "a folder of pictures or IDX files, a .csv, .npy, .npz or IDX file, or a name: "
    + ", ".join(NAMES)
)

READING = {
    "pictures": ("size", "colour", "fit", "skip-bad", "memory"),
    "table": ("labels", "missing", "scale"),
    "arrays": ("kind",),
    "set": (),
}
"""Which options say how data of a format are read."""


@dataclass(frozen=True)
class Source:
    """Data, and what they are.

    kind     pictures, signals or rows
    reading  how others are to be read as these were, in words of which JSON knows
    """

    data: "Dataset"
    kind: str
    reading: dict[str, Any]


def reading_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how DATA are read; None stands for the default."""
    group = parser.add_argument_group("how data are read")
    add = group.add_argument
    from .options import integer

    add("--size", nargs=2, type=integer(1), metavar=("H", "W"), help="pixels; default 64 64")
    words = "three channels, the default for a folder"
    add("--colour", action="store_true", default=None, help=words)
    add("--grey", "--no-colour", dest="colour", action="store_false", help="one channel")
    words = "pictures of another aspect ratio: crop (the default), pad or stretch"
    add("--fit", choices=("crop", "pad", "stretch"), help=words)
    words = "leave out pictures that cannot be read, and say so; they are refused otherwise"
    add("--skip-bad", action=argparse.BooleanOptionalAction, help=words)
    words = "megabytes of decoded pictures that are kept; default 256"
    add("--memory", type=integer(0), metavar="MB", help=words)
    add("--labels", metavar="COLUMN", help="of a table: the column of the class of each row")
    words = "cells of a table without a number: refuse (the default), drop the row, mean or median"
    add("--missing", choices=("refuse", "drop", "mean", "median"), help=words)
    words = "columns of a table: standard (mean 0, variance 1; the default), unit ([0, 1]) or none"
    add("--scale", choices=("standard", "unit", "none"), help=words)
    words = "what arrays hold; default: bytes are pictures, as are numbers (N, H, W) in [0, 1]; "
    words += "others with three axes are signals (N, T, D), with two rows (N, D)"
    add("--kind", choices=("pictures", "signals", "rows"), help=words)


def read(place: str, given: Mapping[str, Any], part: str = "train") -> Source:
    """Return the data of a place.

    given  options of READING by their names
    part   train or test, of a set that has both

    Raises
        FileNotFoundError, ValueError saying what is wrong with the data, or which option is for
        other data.
    """
    path = expanded(place)
    if not path.exists() and place in NAMES:
        return named(place, given, part)
    if path.is_dir():
        return of_folder(place, path, given, part)
    if not path.exists():
        return of_prefix(place, path, given, part)
    ending = path.suffix.lower()
    if ending == ".csv":
        return of_table(place, path, given)
    if ending in (".npy", ".npz"):
        return of_arrays(place, path, given)
    refuse_others(place, given, "set")
    import numpy as np

    from ..data import Dataset, read_idx

    images = read_idx(path)
    if images.ndim < 3:
        raise ValueError(f"{path}: expected images (N, H, W), got {images.shape} {images.dtype}")
    return of_set(Dataset(images, np.zeros(len(images), np.intp), path.stem))


def refuse_others(place: str, given: Mapping[str, Any], form: str) -> None:
    """Raise ValueError for an option that says nothing about data of this format."""
    for option in given:
        if option not in READING[form]:
            home = next(name for name, options in READING.items() if option in options)
            raise ValueError(f"--{option}: is for {home}, and {place} is none ({form})")


def of_set(data: "Dataset") -> Source:
    """Return a set of pictures that is read in one way only."""
    return Source(data, "pictures", {"format": "set", "kind": "pictures"})


def named(place: str, given: Mapping[str, Any], part: str) -> Source:
    """Return a part of a set that has a name."""
    import numpy as np

    from .. import data

    refuse_others(place, given, "set")
    if place.startswith("emnist-"):
        two = data.emnist(place.removeprefix("emnist-"))
    elif place == "sprites":
        all_of_them = data.sprites()
        rows = data.split(all_of_them, 0.8, rng=np.random.default_rng(0))
        two = data.Split(all_of_them[rows.train], all_of_them[rows.test])
    else:
        two = getattr(data, place.replace("-", "_"))()
    return of_set(two.train if part == "train" else two.test)


def of_folder(place: str, path: Path, given: Mapping[str, Any], part: str) -> Source:
    """Return the IDX files, CIFAR-10 or the pictures in a folder."""
    from ..data import Reading, cifar10, folder, read_set

    if has_set(path):
        refuse_others(place, given, "set")
        is_cifar = any((path / name).exists() for name in CIFAR)
        return of_set(getattr(cifar10(path) if is_cifar else read_set(path), part))
    refuse_others(place, given, "pictures")
    form: dict[str, Any] = {"size": (64, 64), "colour": True, "fit": "crop"}
    form |= {name: given[name] for name in form if name in given}
    bad = "skip" if given.get("skip-bad") else "refuse"
    how = Reading(bad, given.get("memory", 256))
    data = folder(
        path, size=tuple(form["size"]), colour=form["colour"], fit=form["fit"], reading=how
    )
    form["size"] = list(form["size"])
    return Source(data, "pictures", {"format": "pictures", "kind": "pictures", **form})


CIFAR = ("data_batch_1.bin", "data_batch_1")


def has_set(path: Path) -> bool:
    """Does this folder hold a set that is read in one way only: IDX files, or CIFAR-10?"""
    from ..data.idx_set import FILE

    return any(FILE.fullmatch(file.name) or file.name in CIFAR for file in path.iterdir())


def of_prefix(place: str, path: Path, given: Mapping[str, Any], part: str) -> Source:
    """Return one of several sets of IDX files in a folder, by the beginning of their names."""
    from ..data import read_set
    from ..data.idx_set import FILE

    here = path.parent.iterdir() if path.parent.is_dir() else ()
    if not any((found := FILE.fullmatch(file.name)) and found["set"] == path.name for file in here):
        raise FileNotFoundError(
            f"{place}: no such file or folder, and no set of this name: {', '.join(NAMES)}"
        )
    refuse_others(place, given, "set")
    return of_set(getattr(read_set(path), part))


def of_table(place: str, path: Path, given: Mapping[str, Any]) -> Source:
    """Return the rows of a CSV file."""
    from ..data import table

    refuse_others(place, given, "table")
    how = {name: given.get(name, default) for name, default in TABLE.items()}
    found = table(path, **how)
    scaling = {n: getattr(found.scaling, n).tolist() for n in ("shift", "scale", "filling")}
    words = {"columns": list(found.columns), "scaling": scaling}
    return Source(
        called(found.data, "row"), "rows", {"format": "table", "kind": "rows", **how, **words}
    )


TABLE = {"labels": None, "missing": "refuse", "scale": "standard"}


def table_like(place: str, reading: Mapping[str, Any], *, with_labels: bool) -> Source:
    """Return the rows of a CSV file in the columns, classes and scaling of another one."""
    import numpy as np

    from ..data import Dataset, Scaling, Table, table

    numbers = (np.array(reading["scaling"][n], float) for n in ("shift", "scale", "filling"))
    columns, labels = tuple(reading["columns"]), reading["labels"] if with_labels else None
    classes = tuple(reading["classes"]) if with_labels else ("",)
    none = Dataset(np.zeros((1, len(columns))), np.zeros(1, np.intp), classes=classes)
    like = Table(none, columns, Scaling(*numbers))
    found = table(expanded(place), labels=labels, missing=reading["missing"], like=like)
    return Source(called(found.data, "row"), "rows", dict(reading))


def of_arrays(place: str, path: Path, given: Mapping[str, Any]) -> Source:
    """Return the pictures, signals or rows in a file of NumPy's."""
    import numpy as np

    from ..data import arrays

    refuse_others(place, given, "arrays")
    data = arrays(path, unit=False)
    x, kind = data.images, given.get("kind")
    if kind is None:
        unit = x.dtype == np.uint8 or (x.min() >= 0 and x.max() <= 1)
        kind = "rows" if x.ndim == 2 else "pictures" if x.ndim == 4 or unit else "signals"
        print(f"{place}: {len(x):,} {kind} of {'×'.join(map(str, x.shape[1:]))}, {x.dtype}")
    # Pictures are read once more, with the checks of pictures.
    data = arrays(path) if kind == "pictures" else called(data, kind.removesuffix("s"))
    return Source(data, kind, {"format": "arrays", "kind": kind})


def called(data: "Dataset", noun: str) -> "Dataset":
    """Return the same set with another word for what is in it."""
    return replace(data, nouns=(noun, f"{noun}s"))
