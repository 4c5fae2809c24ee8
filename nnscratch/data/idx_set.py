"""A set of images that lies in a directory as four IDX files, as MNIST and its relatives come.

    Fashion-MNIST, KMNIST   train-images-idx3-ubyte, t10k-labels-idx1-ubyte, …
    EMNIST                  emnist-letters-train-images-idx3-ubyte, …; several sets a directory

A set is recognised by the SHA-256 of its files. One that is not known here is named after its
directory, and its classes after their labels.
"""

import hashlib
import re
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..files import expanded
from .dataset import Dataset, Split
from .idx import read_idx
from .mnist import FASHION_MNIST, MNIST, Source

FILE = re.compile(
    r"(?P<set>.*?)[-_.]?(?P<part>train|t10k|test)[-_.](?P<what>images|labels)"
    r"([-_.]idx\d?([-_.]\w+)?)?(\.gz)?"
)
Role: TypeAlias = tuple[str, str]
Arrays: TypeAlias = dict[Role, NDArray[Any]]
ROLES: list[Role] = [(part, what) for part in ("train", "test") for what in ("images", "labels")]


def read_set(place: str | PathLike[str]) -> Split[Dataset]:
    """Return the set of four IDX files in a directory: images and labels to learn from, and others.

    Images are (N, H, W) uint8 of any size, labels (N,) integers from 0 or 1, of any number. Files
    may be gzipped and are known by their names: train or else t10k or test, images or labels, with
    the name of the set before it. Of several sets in one directory one is asked for by it:
    `read_set("gzip/emnist-letters")`. A directory may also hold one folder that holds the set.

    Raises
        FileNotFoundError if there is no such directory, or not one set of four files in it.
        ValueError naming the file if it is damaged or does not go with the others.
    """
    path = expanded(Path(place))
    files = _files(path)
    arrays = {role: read_idx(file) for role, file in files.items()}
    _check(files, arrays)
    source = _source(files, arrays)
    directory = files["train", "images"].parent.resolve()
    names: dict[str, Any] = {"name": directory.name if path.is_dir() else path.name}
    if source:
        names = {"name": source.name, "nouns": source.nouns, "classes": source.classes}
    train, test = (
        Dataset(arrays[part, "images"], arrays[part, "labels"], **names) for part in Split._fields
    )
    return Split(train, test)


def _files(path: Path) -> dict[Role, Path]:
    """Return the four files of the set that is asked for, by their roles."""
    directory, prefix = (path, None) if path.is_dir() else (path.parent, path.name)
    if not directory.is_dir() or (prefix is not None and not _sets(directory).get(prefix)):
        raise FileNotFoundError(f"{path}: no such directory, and no set of IDX files of this name")
    found = _sets(directory)
    if not found:  # in a folder of its own, perhaps
        inner = sorted(folder for folder in directory.iterdir() if folder.is_dir())
        found = {f"{d.name}/{name}": f for d in inner for name, f in _sets(d).items()}
    if prefix is not None:
        found = {prefix: found[prefix]}
    whole = {name: files for name, files in found.items() if len(files) == len(ROLES)}
    if len(whole) == 1:
        return whole.popitem()[1]
    if whole:
        names = ", ".join(name.rstrip("/") for name in sorted(whole))
        raise FileNotFoundError(f"{path}: expected one set, got {len(whole)}: ask for one, {names}")
    missing = [f"{part} {what}" for part, what in ROLES]
    if len(found) == 1:
        [files] = found.values()
        missing = [f"{part} {what}" for part, what in ROLES if (part, what) not in files]
    raise FileNotFoundError(
        f"{path}: expected four IDX files, named as train-images-idx3-ubyte, "
        "train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte are, gzipped "
        f"or not; there is none of {', '.join(missing)}"
    )


def _sets(directory: Path) -> dict[str, dict[Role, Path]]:
    """Return the files of every set in this very directory, by its name and by their roles."""
    sets: dict[str, dict[Role, Path]] = {}
    for file in sorted(directory.iterdir()):  # x comes before x.gz, which is the same
        if (match := FILE.fullmatch(file.name)) and file.is_file():
            part = "train" if match["part"] == "train" else "test"
            sets.setdefault(match["set"], {}).setdefault((part, match["what"]), file)
    return sets


def _check(files: dict[Role, Path], arrays: Arrays) -> None:
    """Raise ValueError, naming the file, unless the four arrays are one set of images."""
    size = arrays["train", "images"].shape[1:]
    for part in Split._fields:
        file, x = files[part, "images"], arrays[part, "images"]
        if x.ndim != 3 or x.dtype != np.uint8:
            raise ValueError(f"{file}: expected images (N, H, W) uint8, got {x.shape} {x.dtype}")
        if x.shape[1:] != size:
            raise ValueError(
                f"{file}: expected images {size} like those of {files['train', 'images']}, "
                f"got {x.shape[1:]}"
            )
        N, file, y = len(x), files[part, "labels"], arrays[part, "labels"]
        if y.shape != (N,) or y.dtype.kind not in "iu":
            raise ValueError(
                f"{file}: expected ({N},) integers, a label for each image of "
                f"{files[part, 'images']}, got {y.shape} {y.dtype}"
            )
        if y.min() < 0:
            raise ValueError(f"{file}: expected labels from 0 on, got {y.min()}")
    new = np.setdiff1d(arrays["test", "labels"], arrays["train", "labels"])
    if len(new):
        raise ValueError(
            f"{files['test', 'labels']}: expected the classes of {files['train', 'labels']}, "
            f"got {', '.join(map(str, new[:9]))} too"
        )


def _source(files: dict[Role, Path], arrays: Arrays) -> Source | None:
    """Return the known set that all four files are of; ValueError if one of them is odd.

    Two of four may be: there are sets with the labels of MNIST and other images.
    """
    for source in (MNIST, FASHION_MNIST):
        known = {*source.sha256, *source.content}
        ours = [not known.isdisjoint(_hashes(files[r], arrays[r])) for r in ROLES]
        if all(ours):
            return source
        if sum(ours) in (1, 3):
            odd = files[ROLES[ours.index(sum(ours) == 1)]]
            what = "is" if sum(ours) == 1 else "is not"
            raise ValueError(
                f"{odd}: expected four files of one set, but this {what} a file of {source.name}, "
                f"unlike the three beside it"
            )
    return None


def _hashes(file: Path, a: NDArray[Any]) -> set[str]:
    """Return the SHA-256 of a file, and of the IDX file of bytes that it unpacks to."""
    header = bytes((0, 0, 8, a.ndim)) + np.array(a.shape, ">u4").tobytes()
    contents = (file.read_bytes(), header + a.tobytes())
    return {hashlib.sha256(content).hexdigest() for content in contents}
