"""The digits that come with the package."""

from pathlib import Path

import numpy as np

from .dataset import Dataset, Split

FILE = Path(__file__).with_name("digits.npz")
NAME = "the embedded part of MNIST"
DIGITS = ("digit", "digits")


def digits() -> Split[Dataset]:
    """Return 10,000 training and 2,000 test digits of MNIST, of each class equally many.

    Enough to learn on in seconds, without a download; `make_digits.py` says how they were drawn.
    The training ones are from MNIST's training file and the test ones from its test file, so no
    writer is in both. For figures that others can compare with, use the full `mnist()`.

        images  (10000, 28, 28) and (2000, 28, 28) uint8, ink is 255
        labels  (10000,) and (2000,) uint8
    """
    with np.load(FILE, allow_pickle=False) as arrays:
        return Split(
            *(
                Dataset(arrays[f"{part}_images"], arrays[f"{part}_labels"], NAME, DIGITS)
                for part in Split._fields
            )
        )
