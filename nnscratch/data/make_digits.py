"""How digits.npz was drawn from the official MNIST files. Users need not run this.

    python -m nnscratch.data.make_digits DIRECTORY      one second

DIRECTORY holds the four files of MNIST. 1,000 digits of each class are drawn without replacement
from the official training file and 200 from the official test file; they keep the files' order.
The seed makes it the same draw each time, so the file it writes is the one that was there.
"""

import argparse
import io
from collections.abc import Sequence

import numpy as np

from .dataset import Dataset
from .digits import FILE
from .mnist import mnist

SEED = 1998  # the year of LeCun, Bottou, Bengio and Haffner, who introduced MNIST
TRAIN, TEST = 1000, 200  # of each class


def draw(data: Dataset, per_class: int, *, rng: np.random.Generator) -> Dataset:
    """Return `per_class` examples of each of the ten classes, in the order of the set."""
    chosen = [
        rng.choice(np.flatnonzero(data.labels == digit), per_class, replace=False)
        for digit in range(10)
    ]
    return data[np.sort(np.concatenate(chosen))]


def build(directory: str) -> bytes:
    """Return the content of digits.npz, drawn from the MNIST files in `directory`."""
    full = mnist(directory)
    rng = np.random.default_rng(SEED)
    train, test = draw(full.train, TRAIN, rng=rng), draw(full.test, TEST, rng=rng)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        train_images=train.images,
        train_labels=train.labels,
        test_images=test.images,
        test_labels=test.labels,
    )
    return file.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write digits.npz into the package."""
    parser = argparse.ArgumentParser(description="Draw digits.npz from the official MNIST files.")
    parser.add_argument("directory", help="holds the four files of MNIST, gzipped or not")
    FILE.write_bytes(build(parser.parse_args(arguments).directory))


if __name__ == "__main__":
    main()
