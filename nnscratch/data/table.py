"""A table in a text file (CSV) as rows to learn from: columns scaled, gaps refused or filled.

train = table("train.csv", labels="species")
test = table("test.csv", labels="species", like=train)      # the scaling of the training rows
Trainer(model, Adam(1e-3), seed=0).fit(train.data, epochs=50)
train.scaling.undo(model.reconstruct(test.data.images))     # in the units of the file
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..checks.arrays import floats_of
from ..core import Array
from ..files import expanded
from .dataset import Dataset

GAPS = ("", "na", "n/a", "nan", "null", "none", "?")
"""Cells that hold nothing, in small letters."""

FILLINGS = ("refuse", "drop", "mean", "median")
SCALES = ("standard", "unit", "none")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaling:
    """What was done to the columns, y = (x − shift) / scale, and how it is undone.

    shift, scale, filling  (D,), of each column; filling is what stands in gaps
    """

    shift: Numbers
    scale: Numbers
    filling: Numbers

    def apply(self, x: Array) -> Array:
        """Return the scaled columns of rows (N, D)."""
        x = self._rows("Scaling.apply", x)
        return ((x - self.shift) / self.scale).astype(x.dtype)

    def undo(self, y: Array) -> Array:
        """Return rows (N, D) in the units of the file."""
        y = self._rows("Scaling.undo", y)
        return (y * self.scale + self.shift).astype(y.dtype)

    def _rows(self, who: str, x: Array) -> Array:
        x = floats_of(who, x, unit=False)
        if x.ndim != 2 or x.shape[1] != len(self.shift):
            raise ValueError(f"{who}: expected (N, {len(self.shift)}), got {x.shape}")
        return x


LARGEST = float(np.finfo(np.float32).max)
"""The largest number of a table; beyond it float32 has none."""


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a file.

    data      its scaled numbers, (N, D) float32, and the class of each row
    columns   the names of the D columns
    scaling   how the numbers were scaled
    """

    data: Dataset
    columns: tuple[str, ...]
    scaling: Scaling


def table(
    path: str | PathLike[str],
    *,
    labels: str | None = None,
    missing: str = "refuse",
    scale: str = "standard",
    like: Table | None = None,
    report: Callable[[str], object] = print,
) -> Table:
    """Return the rows of a CSV file whose first line names the columns.

        labels   the column that holds the class of each row, a number or a word; the others are
                 numbers
        missing  what is done about cells without a number: refuse the file, drop the row, or put
                 the mean or the median of the column there
        scale    standard: mean 0 and variance 1; unit: from 0 to 1; or none
        like     a table whose columns, classes, scaling and fillings are taken: that of the rows
                 that are learned from
        report   is called with what was done

    Raises
        FileNotFoundError if there is no such file.
        ValueError naming the line if there is no number where one should be, or the rows are not
        equally long; or the column if one has no number or (scaled) only one; or what is expected.
    """
    for name, value, among in (("missing", missing, FILLINGS), ("scale", scale, SCALES)):
        if value not in among:
            raise ValueError(f"table: expected {name}, one of {', '.join(among)}, got {value!r}")
    names, lines = _cells(expanded(Path(path)))
    if labels is not None and labels not in names:
        raise ValueError(f"{path}: expected a column {labels!r}, got {', '.join(names)}")
    at = [n for n, name in enumerate(names) if name != labels]
    columns = tuple(names[n] for n in at)
    if like is not None and columns != like.columns:
        raise ValueError(
            f"{path}: expected the columns {', '.join(like.columns)}, got {', '.join(columns)}"
        )
    x = _numbers(path, columns, [[row[n] for n in at] for row in lines])
    gaps = np.isnan(x)
    if gaps.any() and missing == "refuse":
        line, column = np.argwhere(gaps)[0]
        raise ValueError(
            f"{path}: {gaps.sum():,} cells have no number, the first in line {line + 2}, column "
            f'{columns[column]!r}; missing="drop", "mean" or "median" says what to do'
        )
    kept = np.full(len(x), missing != "drop") | np.isfinite(x).all(axis=1)
    if not kept.any():
        raise ValueError(f"{path}: expected a row without gaps, got none")
    x = x[kept]
    scaling = _scaling(path, columns, x, missing, scale) if like is None else like.scaling
    x = np.where(np.isnan(x), scaling.filling, x)
    words = [row[names.index(labels)].strip() for row in lines] if labels else [""] * len(lines)
    words = [word for word, keep in zip(words, kept, strict=True) if keep]
    classes = tuple(sorted(set(words), key=_order)) if like is None else like.data.classes
    if new := sorted(set(words) - set(classes)):
        raise ValueError(f"{path}: expected classes {', '.join(classes)}, got {', '.join(new)}")
    y = np.array([classes.index(word) for word in words])
    rows = _single(path, columns, scaling.apply(x))
    name = Path(path).stem
    whose = "its own" if like is None else "another table's"
    filled = 0 if missing == "drop" else int(gaps.sum())
    report(
        f"{path}: {len(x):,} rows, {len(columns)} columns; {len(kept) - len(x):,} rows dropped, "
        f"{filled:,} cells filled ({missing}), scaled ({scale}, {whose})"
    )
    return Table(Dataset(rows, y, name, ("row", "rows"), classes), columns, scaling)


def _cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and the cells of each row."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = [row for row in csv.reader(file, strict=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected a CSV file in UTF-8, got {error}") from None
    while lines and not lines[-1]:  # empty lines at the end
        lines.pop()
    if len(lines) < 2:
        raise ValueError(f"{path}: expected a line of names and a row or more, got {len(lines)}")
    names = [name.strip() for name in lines[0]]
    if len(set(names)) < len(names) or "" in names:
        raise ValueError(f"{path}: expected a different name for each column, got {names}")
    for n, row in enumerate(lines[1:], 2):
        if len(row) != len(names):
            raise ValueError(f"{path}: expected {len(names)} cells in row {n}, got {len(row)}")
    return names, lines[1:]


def _numbers(path: str | PathLike[str], columns: Sequence[str], cells: list[list[str]]) -> Numbers:
    """Return the cells as numbers, NaN in gaps."""
    if not columns:
        raise ValueError(f"{path}: expected a column of numbers, got none")
    x = np.full((len(cells), len(columns)), np.nan)
    for n, row in enumerate(cells):
        for d, cell in enumerate(row):
            if cell.strip().lower() in GAPS:
                continue
            try:
                x[n, d] = float(cell)
            except ValueError:
                x[n, d] = np.inf
            if not abs(x[n, d]) <= LARGEST:
                raise ValueError(
                    f"{path}: expected a finite number in line {n + 2}, column {columns[d]!r}, "
                    f"got {cell!r}; a column of classes is named by labels="
                )
    return x


def _single(path: str | PathLike[str], columns: Sequence[str], x: Array) -> Array:
    """Return scaled numbers as float32, which all of them must be within the range of."""
    largest = np.abs(x).max(axis=0)
    if not (largest <= LARGEST).all():
        d = int(largest.argmax())
        raise ValueError(
            f"{path}: expected numbers that float32 can hold once they are scaled, got "
            f"{largest[d]:.0e} in column {columns[d]!r}"
        )
    return x.astype(np.float32)


def _scaling(
    path: str | PathLike[str], columns: Sequence[str], x: Numbers, missing: str, scale: str
) -> Scaling:
    """Return the scaling and the fillings of these rows, whose gaps are NaN."""
    empty = np.isnan(x).all(axis=0)
    if empty.any():
        raise ValueError(f"{path}: expected a number in column {columns[int(empty.argmax())]!r}")
    filling = np.nanmedian(x, axis=0) if missing == "median" else np.nanmean(x, axis=0)
    x = np.where(np.isnan(x), filling, x)
    D, low = len(columns), x.min(axis=0)
    if scale == "none":
        return Scaling(np.zeros(D), np.ones(D), filling)
    shift, by = (x.mean(axis=0), x.std(axis=0)) if scale == "standard" else (low, np.ptp(x, axis=0))
    constant = np.ptp(x, axis=0) == 0
    if constant.any():
        raise ValueError(
            f"{path}: expected more than one number in column "
            f'{columns[int(constant.argmax())]!r}; scale="none" leaves it as it is'
        )
    return Scaling(shift, by, filling)


def _order(word: str) -> tuple[float, str]:
    """Return what puts classes in order: numbers by their size, then words."""
    try:
        return float(word), word
    except ValueError:
        return float("inf"), word
