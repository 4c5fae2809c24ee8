"""CIFAR-10: 60,000 small pictures in colour, from a directory of yours or downloaded once."""

from os import PathLike
from pathlib import Path

import numpy as np

from .dataset import Dataset, Split
from .download import Remote, located

CLASSES = (
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
TRAIN = tuple(f"data_batch_{n}.bin" for n in range(1, 6))
TEST = ("test_batch.bin",)

BATCH, BYTES = 10_000, 3 * 32 * 32
"""Images in a file, and bytes of an image."""

# TensorFlow Datasets has the hash in its url_checksums/cifar10.txt; the set's own page names the
# archive's MD5, c32a1d4ab5d03f1284b67883e8d87530, with which others have published both.
REMOTE = Remote(
    name="CIFAR-10",
    folder="cifar-10-batches-bin",
    mirrors=("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
    sha256={
        "cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
    },
    members=TRAIN + TEST,
)


def cifar10(directory: str | PathLike[str] | None = None) -> Split[Dataset]:
    """Return CIFAR-10 from the six files of its binary version: (N, 3, 32, 32) uint8.

    Read from `directory`; without one, from the directory that the environment variable
    NNSCRATCH_DATA names; without that, from the cache, into which they are downloaded once
    (170 MB). A directory may hold the files itself or in a folder cifar-10-batches-bin/. The
    version for Python holds pickles, which run code where they are read; it is refused.

    Raises
        FileNotFoundError if the directory has not the files, or they cannot be downloaded.
        ValueError naming the file if one is damaged.

    Source
        Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
    """
    folder = located(REMOTE, directory)
    if not (folder / TEST[0]).is_file() and (folder / "test_batch").is_file():
        raise FileNotFoundError(
            f"{folder}: expected the binary version of CIFAR-10 (data_batch_1.bin, …), got the one "
            "for Python, whose pickles run code where they are read"
        )
    return Split(*(_batches([folder / file for file in files]) for files in (TRAIN, TEST)))


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
    return Dataset(shaped, labels, REMOTE.name, ("picture", "pictures"), CLASSES)
