"""KMNIST and EMNIST, from a directory of yours or downloaded once: named, and the right way up.

train, test = kmnist()              (60000, 28, 28), (10000, 28, 28)
train, test = emnist("letters")     (124800, 28, 28), (20800, 28, 28)
"""

from os import PathLike
from string import ascii_lowercase, ascii_uppercase, digits

import numpy as np

from .dataset import Dataset, Split
from .digits import DIGITS
from .download import Remote, located
from .idx_set import read_set
from .mnist import FASHION_MNIST, FILES, MNIST

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

# TensorFlow Datasets has these hashes in its url_checksums/kmnist.txt and emnist.txt; torchvision
# has the MD5 of the same files.
KMNIST = Remote(
    name="KMNIST",
    folder="kmnist",
    mirrors=(
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ),
    sha256={
        f"{FILES[0]}.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        f"{FILES[1]}.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        f"{FILES[2]}.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        f"{FILES[3]}.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    },
)
EMNIST = Remote(
    name="EMNIST",
    folder="emnist",
    mirrors=(
        "https://biometrics.nist.gov/cs_links/EMNIST/",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
    ),
    sha256={"gzip.zip": "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"},
    members=tuple(
        f"emnist-{part}-{file.replace('t10k', 'test')}.gz"
        for part in EMNIST_CLASSES
        for file in FILES
    ),
)


def kmnist(directory: str | PathLike[str] | None = None) -> Split[Dataset]:
    """Return Kuzushiji-MNIST, ten kana in old cursive: (N, 28, 28) uint8, of four IDX files.

    Where they are looked for is said at `cifar10`; the folder is kmnist/, the download 21 MB.

    Raises
        FileNotFoundError if the files cannot be downloaded; or as read_set.
        ValueError as read_set; also if it is MNIST or Fashion-MNIST, whose files
        have the same names.

    Source
        Clanuwat et al., Deep Learning for Classical Japanese Literature (2018), arXiv:1812.01718.
    """
    folder = located(KMNIST, directory)
    found = read_set(folder)
    for part, each in zip(found, (6000, 1000), strict=True):
        counts = np.bincount(part.labels)
        other = part.name in (MNIST.name, FASHION_MNIST.name)
        if other or part.images.shape[1:] != (28, 28) or counts.tolist() != [each] * 10:
            raise ValueError(
                f"{folder}: expected KMNIST, 28×28 and {each} of each of ten classes, got "
                f"{part.name}, {part.images.shape[1:]} and {counts.tolist()}"
            )
    named = (KMNIST.name, ("character", "characters"), KMNIST_CLASSES)
    return Split(*(Dataset(part.images, part.labels, *named) for part in found))


def emnist(part: str, directory: str | PathLike[str] | None = None) -> Split[Dataset]:
    """Return one of EMNIST's sets of handwritten letters and digits: (N, 28, 28) uint8.

        part  balanced, bymerge, byclass, digits, letters or mnist

    EMNIST's files hold every image with rows and columns exchanged; here they stand upright, as
    those of MNIST. `read_set` returns them as they are in the files. Where the files are looked for
    is said at `cifar10`; the folder is emnist/, the download, of all parts at once, 562 MB.

    Raises
        FileNotFoundError if the files cannot be downloaded; or as read_set.
        ValueError as read_set; also if the labels are not those of the part.

    Source
        Cohen, Afshar, Tapson and van Schaik, EMNIST (2017), arXiv:1702.05373.
    """
    if part not in EMNIST_CLASSES:
        raise ValueError(f"emnist: expected one of {', '.join(EMNIST_CLASSES)}, got {part!r}")
    folder, classes = located(EMNIST, directory), tuple(EMNIST_CLASSES[part])
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
