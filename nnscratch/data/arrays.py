"""NumPy's files as sets to learn from: NPY as memory maps, NPZ by the names in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from ..checks.mapped import mapped
from ..files import expanded
from .dataset import Dataset

PACKED, MOST_PACKED = 2**28, 100
"""An array of an NPZ file that takes more bytes than PACKED, and more than MOST_PACKED times those
that it takes in the file, is refused: it is more likely there to fill the memory."""


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
    converted, which takes memory for all. Objects are refused, as they would be pickled.

    Raises
        FileNotFoundError if there is no such file.
        ValueError naming the file if it is damaged or has not the names; or as Dataset; or, in
        training, if a mapped file was changed meanwhile.
    """
    path = expanded(Path(images))
    if _is_zip(path):
        if labels is not None:
            raise ValueError(f"arrays: expected labels in {path} itself, got {labels}")
        x, y = _members(path, names)
    elif names is not None:
        raise ValueError(f"arrays: expected names= for an NPZ file only, got {path}")
    else:
        x, y = _mapped(path), None if labels is None else _mapped(expanded(Path(labels)))
    if y is None:
        y = np.zeros(len(x) if x.ndim else 0, np.intp)
    return Dataset(x, y, path.stem, unit=unit)


def _is_zip(path: Path) -> bool:
    """Does a file begin as ZIP files do, which NPZ files are?"""
    with open(path, "rb") as file:
        return file.read(2) == b"PK"


def load_arrays(path: Path) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Return the array of an NPY file as a map, or by name all that are in an NPZ file.

    Raises
        OSError if the file cannot be opened, ValueError if it is damaged or holds objects.
    """
    if not _is_zip(path):
        return _mapped(path)
    with _damage(path), ZipFile(path) as archive:
        members = archive.infolist()
        return {m.filename.removesuffix(".npy"): _unpacked(archive, m) for m in members}


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Raise ValueError for what is wrong with a file: NumPy and zipfile raise many kinds."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        what = str(error) or type(error).__name__
        raise ValueError(f"{path}: expected a whole NPY or NPZ file, got {what}") from None


def _mapped(path: Path) -> NDArray[Any]:
    """Return the array of an NPY file as a map."""
    if _is_zip(path):
        raise ValueError(f"{path}: expected one array, got an NPZ file")
    with _damage(path):
        return mapped(path)


def _members(path: Path, names: tuple[str, str] | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return images and labels of an NPZ file; None if there are no labels and none were named."""
    found: dict[str, NDArray[Any]] = {}
    first, second = names or ("images", "labels")
    with _damage(path), ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        for name in (first, second):
            if name in members:
                found[name] = _unpacked(archive, members[name])
    for name in (first, second) if names else (first,):
        if name not in found:
            had = ", ".join(members) or "none"
            raise ValueError(f"{path}: expected an array {name!r}, got {had}; see names=")
    return found[first], found.get(second)


def _unpacked(archive: ZipFile, member: ZipInfo) -> NDArray[Any]:
    """Return one array of an NPZ file."""
    name, size, packed = member.filename, member.file_size, member.compress_size
    if size > max(PACKED, MOST_PACKED * packed):
        raise ValueError(f"{name} of {size:,} bytes packed into {packed:,}; save it as NPY")
    with archive.open(member) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise ValueError(f"{name} with more numbers than {array.shape}")
    return array
