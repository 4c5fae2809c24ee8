"""Images and melodies to learn from: where they come from, how they become batches, corruptions.

    digits()                 12,000 real MNIST digits that come with the package
    mnist(), fashion_mnist() the full sets, from a directory or downloaded once
    cifar10(), kmnist(), emnist(PART)    their relatives, likewise
    read_set(DIR)            any other four IDX files of images and labels
    folder(DIR, ...)         pictures of one's own, in colour or grey, decoded as they are needed
    table(FILE, ...)         rows of a CSV file, scaled
    arrays(FILE, ...)        images, signals or rows of NPY and NPZ files
    scenes(count)            small colour pictures that are made on the spot, with classes
    sprites()                pictures of one shape each, whose factors of variation are known
    sines(count, steps)      sequences of random frequency, phase and amplitude
    melodies()               1,551 tunes as tokens, which come with the package
    midi_folder(DIR)         melodies of MIDI files of one's own
    midi, wav                writing melodies as files that other programs play

Sets of images are batch-first, as their files are: (N, 28, 28) uint8. `columns` turns a batch of
them into what the layers take: floats in [0, 1] with the batch last.
"""

from typing import TYPE_CHECKING

from .._moved import renamed
from . import midi, wav
from .arrays import arrays
from .augment import Augment, DynamicBinarization
from .cifar10 import cifar10
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
from .folder import FolderReport, Reading, folder
from .idx import read_idx
from .idx_set import read_set
from .melodies import Melodies, Tune, Windows, melodies, transpose
from .midi.folder import midi_folder
from .mnist import fashion_mnist, mnist
from .pairs import Pairs
from .picture import PictureError
from .pictures import Pictures
from .relatives import emnist, kmnist
from .scenes import scenes
from .sines import sines
from .sprites import Sprites, sprites
from .table import Scaling, Table, table

__all__ = [
    "LESSON_NOISE",
    "Augment",
    "Dataset",
    "DynamicBinarization",
    "FolderReport",
    "Melodies",
    "Pairs",
    "PictureError",
    "Pictures",
    "Reading",
    "Scaling",
    "Split",
    "Sprites",
    "Table",
    "Tune",
    "Windows",
    "arrays",
    "binarize",
    "cifar10",
    "columns",
    "digits",
    "downsample",
    "emnist",
    "fashion_mnist",
    "folder",
    "gaussian_noise",
    "kmnist",
    "masking",
    "melodies",
    "midi",
    "midi_folder",
    "minibatches",
    "mnist",
    "read_idx",
    "read_set",
    "salt_and_pepper",
    "scenes",
    "sines",
    "split",
    "sprites",
    "table",
    "transpose",
    "upsample_bilinear",
    "upsample_nearest",
    "wav",
]

if not TYPE_CHECKING:
    __getattr__ = renamed(__name__)
