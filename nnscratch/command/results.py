"""What a model makes, in the file that --out names: its ending says the format."""

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np

from ..files import expanded, write_whole
from .output import wrote
from .saved import Saved, picture_shape
from .sheets import as_bytes, png, write_sheet


def write_samples(out: str, samples: Any, saved: Saved, what: str, *, columns: int = 8) -> None:
    """Write samples (N, …) of a model: .npy, .csv in the units of the table, .png, or a folder.

    Raises
        ValueError if the ending asks for pictures, and the model makes none.
    """
    path, shape = expanded(out), picture_shape(saved.model.input_shape)
    ending = path.suffix.lower()
    if ending == ".npy":
        write_array(path, samples)
    elif ending == ".csv":
        rows = np.asarray(samples).reshape(len(samples), -1)
        write_csv(path, *in_units(saved, rows))
    elif not saved.paints or shape is None:
        raise ValueError(f"{out}: expected .npy or .csv, as {saved.path} makes no pictures")
    elif ending == ".png":
        write_sheet(path, as_bytes(samples, shape), columns)
    else:
        write_folder(path, as_bytes(samples, shape))
    wrote(path, what)


def in_units(saved: Saved, rows: Any) -> tuple[list[str], Any]:
    """Return names of columns and rows; those of a table are in the units of its file."""
    if not saved.columns:
        return [f"x{d + 1}" for d in range(rows.shape[1])], rows
    from ..data import Scaling

    words = saved.reading["scaling"]
    scaling = Scaling(*(np.array(words[name], float) for name in ("shift", "scale", "filling")))
    return saved.columns, scaling.undo(rows.astype(np.float64))


def write_array(path: Path, a: Any) -> None:
    """Write an NPY file, whole or not at all."""
    content = BytesIO()
    np.save(content, np.ascontiguousarray(a), allow_pickle=False)
    write_whole(path, content.getvalue(), "array")


def write_arrays(path: Path, named: dict[str, Any]) -> None:
    """Write an NPZ file, whole or not at all."""
    content = BytesIO()
    np.savez(content, allow_pickle=False, **named)
    write_whole(path, content.getvalue(), "arrays")


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, whole or not at all; a number is written with the digits of its type."""
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(head)
    table.writerows(rows)
    write_whole(path, text.getvalue().encode(errors="surrogateescape"), "table")


def write_folder(path: Path, pictures: Any) -> None:
    """Write each picture as a PNG file of a folder that is empty or not there yet."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{path}: expected a folder that is empty, or a name ending in .png")
    new, files = not path.exists(), [path / f"{n:05}.png" for n in range(len(pictures))]
    try:
        for file, picture in zip(files, pictures, strict=True):
            write_whole(file, png(picture), "picture")
    except BaseException:  # a full disk, Ctrl-C: all of them are there, or none
        for file in files:
            file.unlink(missing_ok=True)
        if new and path.exists():
            path.rmdir()
        raise
