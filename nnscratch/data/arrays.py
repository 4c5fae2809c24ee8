"""NumPy's files as sets to learn from: NPY as memory maps, NPZ by the names in it."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import expanded
from .dataset import Dataset


def arrays(
    images: str | PathLike[str],
    labels: str | PathLike[str] | None = None,
    *,
    names: tuple[str, str] | None = None,
    unit: bool | None = None,
) -> Dataset:
    """Return the images, sequences, signals or rows in NumPy's files as a Dataset.

        images  a file of one array, NPY, which is mapped into memory, not read: it may be larger;
                or of several by name, NPZ
        labels  an NPY file of the class of each; without it, all are of class 0
        names   of the images and the labels in an NPZ file, ("images", "labels") if None
        unit    must floats lie in [0, 1]? See Dataset; False for signals

    Bytes, float32 and float64 in the machine's byte order are used where they lie; others are
    converted, which takes memory for all. A mapped file must not be cut short while it is in use.

    Raises
        FileNotFoundError if there is no such file.
        ValueError naming the file if it is damaged or has not the names; or as Dataset.
    """
    path = expanded(Path(images))
    found = load_arrays(path)
    if isinstance(found, dict):
        if labels is not None:
            raise ValueError(f"arrays: expected labels in {path} itself, got {labels}")
        first, second = names or ("images", "labels")
        for name in (first, second) if names else (first,):
            if name not in found:
                had = ", ".join(f"{name} {a.shape}" for name, a in found.items())
                raise ValueError(f"{path}: expected an array {name!r}, got {had}; see names=")
        x: NDArray[Any] = found[first]
        y: Any = found.get(second)
    elif names is not None:
        raise ValueError(f"arrays: expected names= for an NPZ file only, got {path}")
    else:
        x, y = found, None if labels is None else load_arrays(expanded(Path(labels)))
    if isinstance(y, dict):
        raise ValueError(f"{labels}: expected one array, got an NPZ file")
    if y is None:
        y = np.zeros(len(x) if x.ndim else 0, np.intp)
    return Dataset(x, y, path.stem, unit=unit)


def load_arrays(path: Path) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Return the array of a file as a map, or all of several; objects would be pickled."""
    with open(path, "rb") as file:
        try:
            if file.read(2) != b"PK":  # as a ZIP file begins, which an NPZ file is
                return np.load(path, mmap_mode="r", allow_pickle=False)
            file.seek(0)
            with np.load(file, allow_pickle=False) as found:
                return {name: found[name] for name in found.files}
        except OSError:
            raise
        except Exception as error:  # of damaged files, NumPy and zipfile raise errors of many kinds
            raise ValueError(f"{path}: expected a whole NPY or NPZ file, got {error}") from None
