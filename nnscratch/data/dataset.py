"""A set of labelled images, and how it is cut: split, minibatches, columns.

An array of row numbers stands for a part of a set, be it a split or a minibatch, so the set itself
is never copied. Sets are batch-first; `columns` is where a batch of one becomes batch-last:

    data = digits().train
    train, validation = split(data, 0.9, rng=rng)
    for batch in minibatches(len(train), 128, rng=rng):
        x = columns(data.images, train[batch], flatten=True)        # (784, 128) float32
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core import Array, IntArray

Images: TypeAlias = NDArray[Any]
"""uint8 in 0 … 255, or float32 or float64 in [0, 1]."""

T = TypeVar("T")

BINARIZATIONS = ("grey", "static", "dynamic", "threshold")


class Split(NamedTuple, Generic[T]):
    """What is learned from, and what is kept apart: two sets, or two arrays of row numbers."""

    train: T
    test: T


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and the class of each.

        images  (N, H, W) or (N, C, H, W), uint8 in 0 … 255 or float32 or float64 in [0, 1]
        labels  (N,) integers
        name    what the set is called, "" if nobody knows
        nouns   what one of its images is, and what many are
        classes the name of every class, by its label; without names a class is called its label

    `data[rows]` is the set of some rows: a view if `rows` is a slice, else a copy.

    Raises
        ValueError if the set is empty, or images and labels are not as above; also if the images
        look like floats that were never divided by 255, or were divided twice.
    """

    images: Images
    labels: IntArray
    name: str = ""
    nouns: tuple[str, str] = ("image", "images")
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is not such a set."""
        check_images("Dataset images", self.images)
        N = len(self.images)
        if self.labels.shape != (N,) or self.labels.dtype.kind not in "iu":
            raise ValueError(
                f"Dataset labels: expected ({N},) integers, one for each image, "
                f"got {self.labels.shape} {self.labels.dtype}"
            )
        if self.classes and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise ValueError(
                f"Dataset labels: expected 0 to {len(self.classes) - 1}, one of the classes "
                f"{', '.join(self.classes)}, got {self.labels.min()} to {self.labels.max()}"
            )
        if self.images.dtype == np.uint8:
            return
        check_range("Dataset images", self.images)
        # There is no grey level between 1/255 and 2/255, so a set below 1.5/255 was scaled twice.
        if 0 < self.images.max() < 1.5 / 255:
            raise ValueError(
                f"Dataset images: the brightest pixel is {self.images.max():.4g}, at most one grey "
                "level of 255; were they divided by 255 twice?"
            )

    def __len__(self) -> int:
        """Return N."""
        return len(self.images)

    def __getitem__(self, rows: slice | IntArray) -> "Dataset":
        """Return the set of these rows."""
        return replace(self, images=self.images[rows], labels=self.labels[rows])

    def class_name(self, label: int) -> str:
        """Return what the class with this label is called."""
        return self.classes[label] if self.classes else str(label)


def check_images(name: str, images: Images) -> None:
    """Raise ValueError unless these are images, batch-first and at least one."""
    if not isinstance(images, np.ndarray):
        raise ValueError(f"{name}: expected an array, got {type(images).__name__}")
    known = images.dtype in (np.uint8, np.float32, np.float64)
    if images.ndim not in (3, 4) or images.size == 0 or not known:
        raise ValueError(
            f"{name}: expected (N, H, W) or (N, C, H, W) uint8, float32 or float64, not empty, "
            f"got {images.shape} {images.dtype}"
        )


def check_range(name: str, x: Array) -> None:
    """Raise ValueError unless these are floats and every one of them is in [0, 1]."""
    if x.dtype not in (np.float32, np.float64):
        advice = "; divide by 255 first" if x.dtype == np.uint8 else ""
        raise ValueError(f"{name}: expected float32 or float64, got {x.dtype}{advice}")
    low, high = x.min(), x.max()
    if not np.isfinite([low, high]).all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    if low < 0 or high > 1:
        advice = "; divide by 255" if low >= 0 else ""
        raise ValueError(f"{name}: expected numbers in [0, 1], got {low:.4g} to {high:.4g}{advice}")


def split(data: Dataset, fraction: float, *, rng: np.random.Generator) -> Split[IntArray]:
    """Cut a set in two at random: the row numbers of `fraction` of it, and those of the rest."""
    N = len(data)
    if not 0 < fraction < 1 or not 0 < round(N * fraction) < N:
        raise ValueError(
            f"split: expected a fraction that leaves both parts something, got {fraction} of {N}"
        )
    order = rng.permutation(N)
    cut = round(N * fraction)
    return Split(train=order[:cut], test=order[cut:])


def minibatches(
    N: int, batch_size: int, *, rng: np.random.Generator, drop_last: bool = False
) -> Iterator[IntArray]:
    """Shuffle N rows and yield the row numbers of one minibatch after the other.

    The last is smaller if batch_size does not divide N; `drop_last` leaves it out.
    """
    if not 1 <= batch_size <= N:
        raise ValueError(f"minibatches: expected 1 ≤ batch_size ≤ N, got {batch_size} and {N}")
    order = rng.permutation(N)
    stop = N - N % batch_size if drop_last else N
    return (order[start : start + batch_size] for start in range(0, stop, batch_size))


def columns(
    images: Images, rows: IntArray, dtype: DTypeLike = np.float32, *, flatten: bool = False
) -> Array:
    """Return some images as layers take them: x[…, n] = images[rows[n]], in [0, 1], batch-last.

    Bytes are divided by 255; floats are taken as they are.

        images  (…, H, W) or (…, C, H, W), the set: uint8, float32 or float64
        rows    (N,) integers, which of them
        x       (C, H, W, N), or (C·H·W, N) with `flatten`; C-contiguous, float32 or float64
    """
    check_images("columns images", images)
    if rows.ndim != 1 or rows.size == 0 or rows.dtype.kind not in "iu":
        raise ValueError(
            f"columns rows: expected (N,) integers and not empty, got {rows.shape} {rows.dtype}"
        )
    if rows.min() < 0 or rows.max() >= len(images):  # the kernel would read what is not ours
        raise ValueError(
            f"columns rows: expected 0 to {len(images) - 1}, got {rows.min()} to {rows.max()}"
        )
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"columns: expected float32 or float64, got {np.dtype(dtype)}")

    N = len(rows)
    C, H, W = (1, *images.shape[1:])[-3:]
    x = np.empty((C * H * W, N), dtype)
    if not images.flags.c_contiguous:
        images, rows = images[rows], np.arange(N)
    if images.dtype == np.uint8:
        from ..kernels.batch import gather_columns  # here, for Numba takes a second to import
        from ..team import helpers

        gather_columns(images.reshape(len(images), -1), rows, greys(x.dtype), x, helpers(x.size))
    else:
        x[...] = images[rows].reshape(N, -1).T
    return x if flatten else x.reshape(C, H, W, N)


@cache
def greys(dtype: DTypeLike) -> Array:
    """Return the float of every byte, (256,)."""
    return np.arange(256, dtype=dtype) / 255


def binarize(images: Images, how: str, *, rng: np.random.Generator) -> Images:
    """Return black-and-white images of the same shape, dtype and scale.

        grey        as they are; a Bernoulli likelihood of them is not one, only a cross-entropy
        static      white with probability equal to the grey level; call it once, on the set
        dynamic     the same draw, called on each batch: a set that never repeats itself
        threshold   white from one half up

    Elementwise, so images may be a set or a batch, bytes in 0 … 255 or floats in [0, 1]. State
    which it was: likelihoods compare only within one kind, and static costs nats to overfitting.

    Source
        Salakhutdinov and Murray, On the quantitative analysis of deep belief networks (2008).
    """
    if how not in BINARIZATIONS:
        raise ValueError(f"binarize: expected one of {', '.join(BINARIZATIONS)}, got {how!r}")
    byte = images.dtype == np.uint8
    if not byte:
        check_range("binarize images", images)
    if how == "grey":
        return images
    if how == "threshold":
        on = images >= (128 if byte else 0.5)
    elif byte:  # of the 255 numbers 0 … 254, v are below v: P(on) is v/255 exactly
        on = rng.integers(0, 255, images.shape, np.uint8) < images
    else:
        on = rng.random(images.shape, images.dtype) < images
    return on * images.dtype.type(255 if byte else 1)
