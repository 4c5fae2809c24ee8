"""Images to learn from: where they come from, how they are cut into batches and corrupted.

    digits()                 12,000 real MNIST digits that come with the package
    mnist(), fashion_mnist() the full sets, from a directory or downloaded once
    read_set(DIR)            any other four IDX files of images and labels

Sets are batch-first, as their files are: (N, 28, 28) uint8. `columns` turns a batch of them
into what the layers take: floats in [0, 1] with the batch last.
"""

from .corruptions import (
    LESSON_NOISE,
    downsample,
    gaussian_noise,
    masking,
    salt_and_pepper,
    upsample_bilinear,
    upsample_nearest,
)
from .dataset import Dataset, Split, binarize, columns, minibatches, split
from .digits import digits
from .folder import read_set
from .idx import read_idx
from .mnist import fashion_mnist, mnist
from .pairs import Pairs

__all__ = [
    "LESSON_NOISE",
    "Dataset",
    "Pairs",
    "Split",
    "binarize",
    "columns",
    "digits",
    "downsample",
    "fashion_mnist",
    "gaussian_noise",
    "masking",
    "minibatches",
    "mnist",
    "read_idx",
    "read_set",
    "salt_and_pepper",
    "split",
    "upsample_bilinear",
    "upsample_nearest",
]
