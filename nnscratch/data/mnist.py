"""The full MNIST and Fashion-MNIST, from a directory of yours or downloaded once."""

import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from ..core import check
from ..files import expanded
from .dataset import Dataset, Split
from .digits import DIGITS
from .download import VARIABLE, Remote, advice, download
from .idx import read_idx

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True)
class Source:
    """Where the four files of a set are, and how to know that they are the right ones.

    mirrors        tried in turn: folders with the gzipped files
    sha256         of the gzipped files, in the order of FILES
    train, test    how many examples of each class there are: the two sets name their files alike,
                   and this tells them apart
    nouns, classes what its images and classes are called (see Dataset)
    content        sha256 of the unpacked files, where known
    """

    name: str
    folder: str
    mirrors: tuple[str, ...]
    sha256: tuple[str, ...]
    train: tuple[int, ...]
    test: tuple[int, ...]
    nouns: tuple[str, str] = ("image", "images")
    classes: tuple[str, ...] = ()
    content: tuple[str, ...] = ()

    @property
    def remote(self) -> Remote:
        """What can be downloaded."""
        files = (f"{file}.gz" for file in FILES)
        sha256 = dict(zip(files, self.sha256, strict=True))
        return Remote(self.name, self.folder, self.mirrors, sha256)


MNIST = Source(
    name="MNIST",
    folder="mnist",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    sha256=(
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    train=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    test=(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
    nouns=DIGITS,
    content=(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)

FASHION_MNIST = Source(
    name="Fashion-MNIST",
    folder="fashion-mnist",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    sha256=(
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    train=(6000,) * 10,
    test=(1000,) * 10,
    nouns=("garment", "garments"),
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)


def mnist(directory: str | PathLike[str] | None = None) -> Split[Dataset]:
    """Return MNIST: 60,000 training and 10,000 test digits, (N, 28, 28) and (N,) uint8.

    Read from `directory`; without one, from the directory that the environment variable
    NNSCRATCH_DATA names; without that, from the cache, into which they are downloaded once (11 MB).
    A directory may hold the four files itself or in a folder mnist/, gzipped or not, named
    train-images-idx3-ubyte or train-images.idx3-ubyte.

    Raises
        FileNotFoundError if the files are not in the directory, or cannot be downloaded.
        ValueError if a file is damaged or is not MNIST's.
    """
    return _load(MNIST, directory)


def fashion_mnist(directory: str | PathLike[str] | None = None) -> Split[Dataset]:
    """Return Fashion-MNIST, ten kinds of clothing: as `mnist`, with a folder fashion-mnist/.

    Source
        Xiao, Rasul and Vollgraf, Fashion-MNIST (2017), arXiv:1708.07747.
    """
    return _load(FASHION_MNIST, directory)


def _load(source: Source, directory: str | PathLike[str] | None) -> Split[Dataset]:
    named = ""
    if directory is None and os.environ.get(VARIABLE):
        directory, named = os.environ[VARIABLE], f", which {VARIABLE} names"
    if directory is None:
        folder = download(source.remote)
        paths = [folder / f"{file}.gz" for file in FILES]
    elif not (paths := _find(source, expanded(Path(directory)))):
        raise FileNotFoundError(
            advice(source.remote, [f"not all of them are in {directory}{named}"])
        )
    train_images, train_labels, test_images, test_labels = paths
    return Split(
        train=_read(source, train_images, train_labels, source.train),
        test=_read(source, test_images, test_labels, source.test),
    )


def _find(source: Source, directory: Path) -> list[Path]:
    """Return where the four files are, in the directory's folder or in itself, or []."""
    for place in (directory / source.folder, directory):
        paths = [path for file in FILES if (path := _spelt(place, file))]
        if len(paths) == len(FILES):
            return paths
    return []


def _spelt(place: Path, file: str) -> Path | None:
    """Return the path of `file` in one of the spellings in use, or None."""
    dotted = file.replace("-idx", ".idx")
    names = (file, f"{file}.gz", dotted, f"{dotted}.gz")
    return next((place / name for name in names if (place / name).is_file()), None)


def _read(source: Source, images: Path, labels: Path, counts: tuple[int, ...]) -> Dataset:
    """Return the set in these two files, if it is the one that is meant."""
    x, y = read_idx(images), read_idx(labels)
    N = sum(counts)
    check(f"{images}", x, (N, 28, 28), np.uint8)
    check(f"{labels}", y, (N,), np.uint8)
    found = tuple(np.bincount(y, minlength=len(counts)).tolist())
    if found != counts:
        raise ValueError(
            f"{labels}: not the labels of {source.name}, expected {counts} "
            f"of the classes 0 to 9, got {found}"
        )
    return Dataset(x, y, source.name, source.nouns, source.classes)
