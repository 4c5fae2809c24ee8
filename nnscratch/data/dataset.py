"""A set of labelled samples, and how it is cut: split, minibatches, columns.

An array of row numbers stands for a part of a set, be it a split or a minibatch, so the set itself
is never copied. Sets are batch-first; `columns` is where a batch of one becomes batch-last:

    data = digits().train
    train, validation = split(data, 0.9, rng=rng)
    for batch in minibatches(len(train), 128, rng=rng):
        x = columns(data.images, train[batch], flatten=True)        # (784, 128) float32
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Self, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..checks.arguments import flag, generator, integer, number
from ..checks.arrays import check_bytes, check_numbers, check_set, labels_of, plain
from ..checks.mapped import check_unchanged
from ..core import Array, IntArray
from ..kernels.plain import gather_columns
from .pictures import Pictures

Images: TypeAlias = NDArray[Any]
"""Grey levels 0 … 255 in uint8, or float32 or float64; or what NumPy makes such an array of."""

T = TypeVar("T")

BINARIZATIONS = ("grey", "static", "dynamic", "threshold")


class Split(NamedTuple, Generic[T]):
    """What is learned from, and what is kept apart: two sets, or two arrays of row numbers."""

    train: T
    test: T


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images, or rows of a table, or signals, and the class of each.

        images  (N, H, W) or (N, C, H, W), uint8 in 0 … 255 or float32 or float64 in [0, 1];
                or a table (N, D), whose floats may be any finite numbers;
                or with unit=False sequences (N, T, D), whose floats may be so too
        labels  (N,) integers from 0
        name    what the set is called, "" if nobody knows
        nouns   what one of its images is, and what many are
        classes the name of every class, by its label; without names a class is called its label
        unit    must floats lie in [0, 1]? None: in a table they need not, elsewhere they must

    Both may be lists, data frames or tensors (see arrays.py); what the set holds are plain arrays,
    row by row. Images may also be Pictures, which stay in their files (pictures.py). `data[rows]`
    is the set of some rows: a view if `rows` is a slice, else a copy.

    Raises
        ValueError if the set is empty, or images and labels are not as above; also if the images
        look like floats that were never divided by 255, or were divided twice, or like bytes that
        were made of zeros and ones.
    """

    images: Images
    labels: IntArray
    name: str = ""
    nouns: tuple[str, str] = ("image", "images")
    classes: tuple[str, ...] = ()
    unit: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what is not such a set."""
        images = _set("Dataset images", self.images)
        if not isinstance(images, Pictures):
            check_bytes("Dataset images", images)
        unit = images.ndim > 2 if self.unit is None else flag("Dataset", "unit", self.unit)
        check_set("Dataset images", images, unit=unit)
        object.__setattr__(self, "images", images)
        labels = labels_of("Dataset labels", self.labels, len(images))
        object.__setattr__(self, "labels", labels)
        if self.classes and labels.max() >= len(self.classes):
            raise ValueError(
                f"Dataset labels: expected 0 to {len(self.classes) - 1}, one of the classes "
                f"{', '.join(self.classes)}, got {labels.min()} to {labels.max()}"
            )

    def __len__(self) -> int:
        """Return N."""
        return len(self.images)

    def __getitem__(self, rows: slice | IntArray) -> Self:
        """Return the set of these rows."""
        part = copy(self)  # no check: some rows of a set may be darker than all of it
        images, labels = self.images[rows], self.labels[rows]
        if labels.ndim != 1 or len(labels) == 0:
            raise ValueError(f"Dataset: expected a slice or row numbers, not none, got {rows!r}")
        object.__setattr__(part, "images", images)
        object.__setattr__(part, "labels", labels)
        return part

    def class_name(self, label: int) -> str:
        """Return what the class with this label is called."""
        return self.classes[label] if self.classes else str(label)


def _set(name: str, a: Any) -> Images:
    """Return images, or a table, as a plain array."""
    images = cast(Images, a) if isinstance(a, Pictures) else plain(name, a)
    if images.ndim not in (2, 3, 4) or images.size == 0:
        raise ValueError(
            f"{name}: expected (N, H, W), (N, C, H, W) or (N, D), not empty, got {images.shape}"
        )
    return images


def split(data: Dataset, fraction: float, *, rng: np.random.Generator) -> Split[IntArray]:
    """Cut a set in two at random: the row numbers of `fraction` of it, and those of the rest."""
    N = len(data)
    number("split", "fraction", fraction)
    generator("split", rng)
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
    integer("minibatches", "N", N)
    integer("minibatches", "batch_size", batch_size)
    flag("minibatches", "drop_last", drop_last)
    generator("minibatches", rng)
    if batch_size > N:
        raise ValueError(f"minibatches: expected 1 ≤ batch_size ≤ N, got {batch_size} and {N}")
    order = rng.permutation(N)
    stop = N - N % batch_size if drop_last else N
    return (order[start : start + batch_size] for start in range(0, stop, batch_size))


def columns(
    images: Images,
    rows: IntArray | None = None,
    dtype: DTypeLike = np.float32,
    *,
    flatten: bool = False,
) -> Array:
    """Return some images as layers take them: x[…, n] = images[rows[n]], in [0, 1], batch-last.

    Bytes are divided by 255; floats are taken as they are.

        images  (…, H, W) or (…, C, H, W), the set; or a table (…, D)
        rows    (N,) integers, which of them; all if None
        x       (C, H, W, N) or (D, N), or (C·H·W, N) with `flatten`; C-contiguous
    """
    images = _set("columns images", images)
    rows = np.arange(len(images)) if rows is None else np.asarray(rows)
    x = gather(images, rows, dtype)
    check_numbers("columns images", x)
    if flatten or images.ndim == 2:
        return x
    return x.reshape(*(1, *images.shape[1:])[-3:], len(rows))


def gather(images: Images, rows: IntArray, dtype: DTypeLike) -> Array:
    """Return the same as one matrix (D, N), of a set whose numbers have been judged before.

    Raises
        ValueError if there are no such rows, or if they are in a file that was changed meanwhile.
    """
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

    if isinstance(images, Pictures):
        images, rows = np.asarray(images[rows]), np.arange(len(rows))
    check_unchanged(images)
    if images.dtype == np.uint8:
        return gather_columns(images, rows, dtype)
    return np.ascontiguousarray(images[rows].reshape(len(rows), -1).T, dtype)


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
    images = plain("binarize images", images)
    if images.size == 0:
        raise ValueError(f"binarize images: expected a pixel or more, got {images.shape}")
    byte = images.dtype == np.uint8
    check_bytes("binarize images", images)
    check_numbers("binarize images", images, unit=True)
    if how == "grey":
        return images
    if how == "threshold":
        on = images >= (128 if byte else 0.5)
    elif byte:  # of the 255 numbers 0 … 254, v are below v: P(on) is v/255 exactly
        on = rng.integers(0, 255, images.shape, np.uint8) < images
    else:
        on = rng.random(images.shape, images.dtype) < images
    return on * images.dtype.type(255 if byte else 1)
