"""CIFAR-10, KMNIST and EMNIST from a directory: read, named, and the right way up.

    train, test = cifar10("cifar-10-batches-bin")       (50000, 3, 32, 32), (10000, 3, 32, 32)
    train, test = emnist("letters", "gzip")             (124800, 28, 28), (20800, 28, 28)
    train, test = kmnist("kmnist")                      (60000, 28, 28), (10000, 28, 28)

They are not downloaded. Without a directory they are looked for in the one that the environment
variable NNSCRATCH_DATA names, in folders cifar-10-batches-bin/, emnist/ and kmnist/.
"""

import os
from os import PathLike
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase, digits

import numpy as np

from ..files import expanded
from .dataset import Dataset, Split
from .digits import DIGITS
from .idx_set import read_set
from .mnist import FASHION_MNIST, MNIST, VARIABLE

CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
KMNIST_CLASSES = ("お", "き", "す", "つ", "な", "は", "ま", "や", "れ", "を")
LETTERS_OF_TWO_SHAPES = "abdefghnqrt"
"""The small letters that EMNIST tells from the capitals where it merges the others."""

EMNIST_CLASSES = {
    "balanced": digits + ascii_uppercase + LETTERS_OF_TWO_SHAPES,
    "bymerge": digits + ascii_uppercase + LETTERS_OF_TWO_SHAPES,
    "byclass": digits + ascii_uppercase + ascii_lowercase,
    "digits": digits,
    "letters": ascii_uppercase,
    "mnist": digits,
}
"""The classes of each of EMNIST's sets; its letters are numbered from 1, and here from 0."""

BATCH, BYTES = 10_000, 3 * 32 * 32
"""Images in a file of CIFAR-10, and bytes of an image."""


def cifar10(directory: str | PathLike[str] | None = None) -> Split[Dataset]:
    """Return CIFAR-10 from the six files of its binary version: (N, 3, 32, 32) uint8.

    The version for Python holds pickles, which run code where they are read; it is refused.

    Raises
        FileNotFoundError if the directory has not the files.
        ValueError naming the file if one is damaged.

    Source
        Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
    """
    folder = _directory("cifar10", directory, "cifar-10-batches-bin")
    if not (folder / "test_batch.bin").is_file() and (folder / "test_batch").is_file():
        raise FileNotFoundError(
            f"{folder}: expected the binary version of CIFAR-10 (data_batch_1.bin, …), got the one "
            "for Python, whose pickles run code where they are read"
        )
    train = [folder / f"data_batch_{n}.bin" for n in range(1, 6)]
    return Split(_batches(train), _batches([folder / "test_batch.bin"]))


def _batches(files: list[Path]) -> Dataset:
    """Return the images of some files: of each a byte of label, then red, green and blue."""
    images = np.empty((len(files) * BATCH, BYTES), np.uint8)
    labels = np.empty(len(images), np.uint8)
    for n, file in enumerate(files):
        if not file.is_file():
            raise FileNotFoundError(f"{file}: expected a file of the binary version of CIFAR-10")
        size, want = file.stat().st_size, BATCH * (1 + BYTES)
        if size != want:
            raise ValueError(f"{file}: expected {want:,} bytes, got {size:,}")
        records = np.fromfile(file, np.uint8).reshape(BATCH, 1 + BYTES)
        rows = slice(n * BATCH, (n + 1) * BATCH)
        labels[rows], images[rows] = records[:, 0], records[:, 1:]
        if labels[rows].max() > 9:
            raise ValueError(f"{file}: expected labels 0 to 9, got {labels[rows].max()}")
    shaped = images.reshape(-1, 3, 32, 32)
    return Dataset(shaped, labels, "CIFAR-10", ("picture", "pictures"), CIFAR10_CLASSES)


def kmnist(directory: str | PathLike[str] | None = None) -> Split[Dataset]:
    """Return Kuzushiji-MNIST, ten kana in old cursive: (N, 28, 28) uint8, of four IDX files.

    Raises
        FileNotFoundError, ValueError as read_set; also if it is MNIST or Fashion-MNIST, whose files
        have the same names.

    Source
        Clanuwat et al., Deep Learning for Classical Japanese Literature (2018), arXiv:1812.01718.
    """
    folder = _directory("kmnist", directory, "kmnist")
    found = read_set(folder)
    for part, each in zip(found, (6000, 1000), strict=True):
        counts = np.bincount(part.labels)
        other = part.name in (MNIST.name, FASHION_MNIST.name)
        if other or part.images.shape[1:] != (28, 28) or counts.tolist() != [each] * 10:
            raise ValueError(
                f"{folder}: expected KMNIST, 28×28 and {each} of each of ten classes, got "
                f"{part.name}, {part.images.shape[1:]} and {counts.tolist()}"
            )
    named = ("KMNIST", ("character", "characters"), KMNIST_CLASSES)
    return Split(*(Dataset(part.images, part.labels, *named) for part in found))


def emnist(part: str, directory: str | PathLike[str] | None = None) -> Split[Dataset]:
    """Return one of EMNIST's sets of handwritten letters and digits: (N, 28, 28) uint8.

        part  balanced, bymerge, byclass, digits, letters or mnist

    EMNIST's files hold every image with rows and columns exchanged; here they stand upright, as
    those of MNIST. `read_set` returns them as they are in the files.

    Raises
        FileNotFoundError, ValueError as read_set; also if the labels are not those of the part.

    Source
        Cohen, Afshar, Tapson and van Schaik, EMNIST (2017), arXiv:1702.05373.
    """
    if part not in EMNIST_CLASSES:
        raise ValueError(f"emnist: expected one of {', '.join(EMNIST_CLASSES)}, got {part!r}")
    folder, classes = _directory("emnist", directory, "emnist"), tuple(EMNIST_CLASSES[part])
    found, first = read_set(folder / f"emnist-{part}"), int(part == "letters")
    nouns = DIGITS if classes == tuple(digits) else ("character", "characters")
    for half in found:
        low, high = int(half.labels.min()), int(half.labels.max())
        if low < first or high >= first + len(classes):
            raise ValueError(
                f"{folder}: expected labels {first} to {first + len(classes) - 1} in emnist-{part},"
                f" got {low} to {high}"
            )
    return Split(
        *(
            Dataset(
                np.ascontiguousarray(half.images.swapaxes(1, 2)),
                half.labels - half.labels.dtype.type(first),
                f"EMNIST {part}",
                nouns,
                classes,
            )
            for half in found
        )
    )


def _directory(who: str, directory: str | PathLike[str] | None, folder: str) -> Path:
    """Return where the files are: in the directory, or in its folder of this name."""
    named = os.environ.get(VARIABLE) if directory is None else directory
    if not named:
        raise FileNotFoundError(
            f"{who}: expected a directory, or one named by the environment variable {VARIABLE}"
        )
    place = expanded(Path(named))
    return place / folder if (place / folder).is_dir() else place
