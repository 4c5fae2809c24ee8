"""An array that lies in a file and is mapped into memory, and whether that file is as it was.

A map has no pages of its own: what is written to the file is in the array at once, and where the
file has been cut short the system ends the program that reads there. So the file's size and time
are compared before each batch is read, and before an array is judged. A file that another one has
replaced under its name is not looked at: the map still shows the old one.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Mapped(np.memmap[Any, Any]):
    """The array of an NPY file.

    was   inode, size and time of the last change of its file, when it was mapped
    """

    was: tuple[int, int, int]


def mapped(path: Path) -> NDArray[Any]:
    """Return the array of an NPY file as a map that cannot be written to.

    Raises
        OSError if the file cannot be opened; what NumPy raises if it is no NPY file, cut short, or
        would need a pickle.
    """
    was = _stamp(path)
    found = np.load(path, mmap_mode="r", allow_pickle=False).view(Mapped)
    found.was = was
    return found


def check_unchanged(a: NDArray[Any]) -> None:
    """Raise ValueError if a is part of such a map, and the file has been changed since."""
    base: Any = a
    while isinstance(base, np.ndarray):
        if isinstance(base, Mapped) and hasattr(base, "was"):
            _compare(Path(str(base.filename)), base.was)
            return
        base = base.base


def _compare(path: Path, was: tuple[int, int, int]) -> None:
    """Raise ValueError if the file at this path is the same one, and other things are in it."""
    try:
        now = _stamp(path)
    except OSError:  # removed, or out of reach by its name; the map keeps what it shows
        return
    if now[0] == was[0] and now != was:
        raise ValueError(f"{path}: the file was changed since it was mapped")


def _stamp(path: Path) -> tuple[int, int, int]:
    """Return inode, size and time of the last change of a file."""
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns
