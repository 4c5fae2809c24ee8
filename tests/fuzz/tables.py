"""Tables in text files: numbers in all spellings, odd cells and lines, and damaged bytes."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from nnscratch.data import table

from . import Case
from .arrays import Rng
from .files import damaged, little_memory

CELLS = (
    "",
    "nan",
    "NA",
    "?",
    "inf",
    "-Infinity",
    "1e999",
    "1_000",
    "0x1f",
    "1,5",
    '"7"',
    " 8 ",
    "dog",
)
CELLS += (
    "1e308",
    "-1e308",
    "1e-320",
    "٣",
    "１",
    "1e",
    "+",
    "--1",
    "9" * 400,
    "\0",
    "\ufeff",
    "'",
    '"',
    "é",
    "\t",
)
NAMES = ("a", "b", "kind", "", " a", "a,b", '"', "\ufeffa", "x" * 2000, "日本")


def cell(generator: Rng, odd: float) -> str:
    """Return a number, or with probability `odd` something else."""
    if generator.random() < odd:
        return CELLS[generator.integers(len(CELLS))]
    return repr(float(generator.standard_normal() * 10.0 ** generator.integers(-3, 4)))


def read(content: bytes, options: dict[str, Any]) -> Callable[[], Any]:
    """Return a call that reads a file, and undoes the scaling."""

    def call() -> Any:
        with TemporaryDirectory() as folder, little_memory():
            path = Path(folder, "file.csv")
            path.write_bytes(content)
            found = table(path, report=lambda _: None, **options)
            return found.data.images, found.scaling.undo(found.data.images.astype(np.float64))

    return call


def case(generator: Rng) -> Case:
    """Return a call of table with some file."""
    D, N = (int(n) for n in generator.integers(1, 7, 2))
    plain = generator.random() < 0.2
    odd = 0 if plain else float(generator.choice([0.0, 0.05, 0.5]))
    names = [f"c{d}" for d in range(D)]
    if not plain and generator.random() < 0.3:
        names[int(generator.integers(D))] = NAMES[generator.integers(len(NAMES))]
    rows = [[cell(generator, odd) for _ in range(D)] for _ in range(N)]
    if not plain and generator.random() < 0.1:
        rows[int(generator.integers(N))].append("1")
    end = ("\n", "\r\n", "\r", "\n\n")[0 if plain else generator.integers(4)]
    text = end.join(",".join(line) for line in [names, *rows])
    content = text.encode("utf-8" if plain or generator.random() < 0.9 else "utf-16")
    what = f"table: {D} columns, {N} rows{', plain' if plain else ''}"
    if not plain and generator.random() < 0.3:
        words, content = damaged(content, generator) if content else ("empty", b"")
        what = f"{what}, {words}"
    options: dict[str, Any] = {"scale": "none"}
    if not plain:
        options = {
            "missing": ("refuse", "drop", "mean", "median")[generator.integers(4)],
            "scale": ("standard", "unit", "none")[generator.integers(3)],
        }
        if generator.random() < 0.3:
            options["labels"] = ("c0", "kind", 3)[generator.integers(3)]
    x = np.array([[float(c) for c in row] for row in rows]) if plain else None
    expected = None if x is None else lambda: (x.astype(np.float32), x)
    return Case(what, read(content, options), True if plain else None, expected, close=1e-5)
