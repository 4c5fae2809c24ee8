"""The public side of a model: batch-first arrays outside, batch-last columns inside."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arrays import check_numbers, codes_of, images_of, labels_of, samples_of
from ..core import Array, IntArray, Layer, Shape
from ..kernels.machine.threads import check_threads, in_chunks
from ..layers.contract import check_layer, inference, whole_batch
from .labels import append_labels, check_wanted, one_hot

CHUNK = 64
"""Samples a chunk of inference: large enough for the kernels, small enough for the caches. With 32
a convolutional VAE decodes a tenth faster and encodes a tenth slower; with 128 it decodes a tenth
slower."""


class Input(NamedTuple):
    """What goes into a network: images or codes of one shape, in [0, 1] with `unit`.

    classes  of how many a label belongs to each sample; 0 if there are no labels
    """

    shape: Shape
    dtype: DTypeLike
    unit: bool = False
    codes: bool = False
    classes: int = 0

    def rows(self, who: str, rows: Any) -> Array:
        """Return rows that a user passed as a plain array of such samples, or raise ValueError."""
        return (codes_of if self.codes else samples_of)(who, rows, self.shape)

    def labels(self, who: str, labels: Any, N: int | None) -> IntArray | None:
        """Return the labels (N,) that a user passed, None of no classes, or raise ValueError."""
        check_wanted(who, labels, self.classes)
        return labels_of(f"{who} labels", labels, N, self.classes) if self.classes else None


def to_columns(who: str, rows: Array, expected: Input) -> Array:
    """Rows that hold such samples → (*shape, N), contiguous; bytes divided by 255.

    Raises
        ValueError if a number is not finite, or not in [0, 1] where it must be.
    """
    check_numbers(who, rows, unit=expected.unit, dtype=expected.dtype)
    N = len(rows)
    x = np.empty((rows.size // N, N), expected.dtype)
    scale = 255 if rows.dtype == np.uint8 else 1
    np.divide(rows.reshape(N, -1).T, scale, out=x, casting="same_kind", dtype=expected.dtype)
    return x.reshape(*expected.shape, N)


def to_rows(y: Array) -> Array:
    """(…, N) → (N, …), contiguous."""
    return np.ascontiguousarray(np.moveaxis(y, -1, 0))


def apply_in_chunks(
    who: str,
    f: Callable[[Array], Array],
    rows: Array,
    expected: Input,
    labels: IntArray | None = None,
    threads: int | None = None,
) -> Array:
    """Return f over rows (N, …) of a user → (N, …), where f maps columns to columns.

    Where `expected` has classes, f takes columns to which the labels (N,) are appended.
    """
    check_threads(who, threads)
    rows = expected.rows(who, rows)
    labels = expected.labels(who, labels, len(rows))

    def on(chunk: range) -> Array:
        here = slice(chunk.start, chunk.stop)
        x = to_columns(who, rows[here], expected)
        y = None if labels is None else one_hot(labels[here], expected.classes, expected.dtype)
        return to_rows(f(append_labels(x, y)))

    return np.asarray(in_chunks(on, range(len(rows)), CHUNK, threads))


@contextmanager
def naming(who: str) -> Iterator[None]:
    """Put a name in front of any ValueError raised inside: which part of which model."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{who}: {error}") from None


def predict(net: Layer, rows: Any, *, threads: int | None = None) -> Array:
    """Return what a network makes of samples (N, …), batch-first as they are: (N, …).

    The network is used as it is once training is over: without dropout, with the running averages
    of BatchNorm. Bytes are divided by 255. Images of one channel may be (N, H, W), also for a
    network that takes vectors. `threads` is how many work on the rows, all cores if None, and
    changes no result.

    Raises
        ValueError if rows are no batch, hold NaN or infinity, or are not what the network takes.
    """
    check_layer("predict", net)
    rows, net = images_of("predict", rows), inference(net)
    if whole_batch(net):
        raise ValueError("predict: expected a network that takes each sample by itself")
    with naming("predict"):
        shape = _sample_shape(net, rows.shape[1:])
    floats = rows.dtype if rows.dtype.kind == "f" else np.dtype(np.float32)
    dtype = next((p.value.dtype for p in net.parameters().values()), floats)
    expected = Input(shape, dtype)
    return apply_in_chunks("predict", lambda x: net.forward(x)[0], rows, expected, threads=threads)


def _sample_shape(net: Layer, row: Shape) -> Shape:
    """Return the shape in which a network takes such rows: the same, or that of an image.

    An image of one channel, (H, W) or (1, H, W), may be meant as (1, H, W) or as a vector.
    """
    H, W = row[-2:] if len(row) in (2, 3) else (0, 0)
    others = [(1, H, W), (H * W,)] if row in ((H, W), (1, H, W)) else []
    for shape in (row, *others):
        try:
            net.output_shape(shape)
        except ValueError:
            continue
        return shape
    net.output_shape(row)  # raises, in the words of the layer that it does not fit
    return row
