"""What codes stand for."""

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import expanded
from .options import model_file, out, subcommand, threads
from .output import answer
from .saved import Saved, load

if TYPE_CHECKING:
    from ..core import Array

EXAMPLES = """\
  nnscratch decode out/pets/model.safetensors codes.npy --out pictures.png
  nnscratch decode out/pets/model.safetensors codes.csv --out pictures
"""


def add(commands: Any) -> None:
    """Add the parser."""
    words = "write what codes stand for: pictures, rows or signals"
    parser = subcommand(commands, __name__, words, EXAMPLES)
    model_file(parser)
    words = "codes as `encode` writes them: .npy, .npz or .csv"
    parser.add_argument("codes", metavar="CODES", help=words)
    words = "of a conditional model: the class of all samples, its name or number; default: the "
    words += "classes in CODES, or else one after the other"
    parser.add_argument("--label", metavar="CLASS", help=words)
    threads(parser)
    words = "arrays, a table (in the units of the one learned from), a sheet, a picture a code"
    out(parser, words, ".npy", ".csv", ".png", folder=True)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Decode, and write what comes out."""
    from .results import write_samples

    saved = load(options.model)
    codes, names = read_codes(expanded(options.codes))
    chosen = [options.label] * len(codes) if options.label is not None else names
    labels = labels_for(saved, len(codes), chosen, said=options.label is not None)
    samples = saved.model.decode(codes, labels, threads=options.threads)
    write_samples(options.out, samples, saved, f"{len(samples):,} decoded codes")
    answer(options, {"out": options.out, "samples": len(samples)})
    return 0


def read_codes(path: Path) -> tuple["Array", list[str] | None]:
    """Return codes (N, …) and, if the file has them, the names of classes.

    Raises
        OSError, ValueError saying what is wrong with the file.
    """
    import numpy as np

    if path.suffix.lower() != ".csv":
        from ..data.arrays import load_arrays

        found = load_arrays(path)
        if not isinstance(found, dict):
            return np.asarray(found), None
        if "codes" not in found:
            had = ", ".join(found)
            raise ValueError(f"{path}: expected an array 'codes', got {had}")
        names = [str(k) for k in found["labels"].tolist()] if "labels" in found else None
        return found["codes"], names
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        head, *rows = list(csv.reader(file)) or [[]]
    first = int(head[:1] == ["class"])
    try:
        codes = np.array([row[first:] for row in rows], np.float64)
    except ValueError as error:
        raise ValueError(f"{path}: expected a number in every cell, got {error}") from None
    return codes, [row[0] for row in rows] if first else None


def labels_for(saved: Saved, count: int, names: list[str] | None, *, said: bool = True) -> Any:
    """Return the labels of classes by their names, None for a model that takes none.

    Without names they are one class after the other.

    Raises
        ValueError if the model has no such class; or no classes at all, and one was `said`.
    """
    import numpy as np

    classes = saved.classes[: saved.model.classes]
    if not saved.model.classes:
        if said and names is not None:
            raise ValueError(f"--label: {saved.path} takes no labels")
        return None
    if names is None:
        return np.arange(count) % saved.model.classes
    numbers = [str(k) for k in range(saved.model.classes)]
    for name in names:
        if name not in classes and name not in numbers:
            raise ValueError(f"--label: expected one of {', '.join(classes)}, got {name!r}")
    return np.array([classes.index(n) if n in classes else int(n) for n in names])
