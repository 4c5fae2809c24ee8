"""The border of the library: batch-first arrays outside, batch-last columns inside."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import DTypeLike

from ..core import Array, Shape
from ..threads import check_threads, in_chunks

CHUNK = 64
"""Samples a chunk of inference: large enough for the kernels, small enough for the caches. With 32
a convolutional VAE decodes a tenth faster and encodes a tenth slower; with 128 it decodes a tenth
slower."""


def to_columns(who: str, rows: Array, sample_shape: Shape, dtype: DTypeLike) -> Array:
    """(N, …) → (*sample_shape, N), contiguous; uint8 pixels become numbers in [0, 1].

    Raises
        ValueError if rows are neither bytes nor floats, not as long as a sample, or not finite.
    """
    rows = np.asarray(rows)
    if rows.dtype != np.uint8 and rows.dtype.kind != "f":
        raise ValueError(f"{who}: expected uint8 or floats, got {rows.dtype}")
    N, D = len(rows) if rows.ndim else 0, int(np.prod(sample_shape))
    if N == 0 or rows.size != N * D:
        want = "×".join(map(str, sample_shape))
        raise ValueError(f"{who}: expected (N, …) with {want} numbers a row, got {rows.shape}")
    scale = 255 if rows.dtype == np.uint8 else 1
    x = np.empty((D, N), dtype)
    np.divide(rows.reshape(N, D).T, scale, out=x, casting="same_kind", dtype=dtype)
    if scale == 1 and not np.isfinite(x).all():
        raise ValueError(f"{who}: expected finite numbers, got NaN or infinity")
    return x.reshape(*sample_shape, N)


def to_rows(y: Array) -> Array:
    """(…, N) → (N, …), contiguous."""
    return np.ascontiguousarray(np.moveaxis(y, -1, 0))


def across(
    who: str,
    f: Callable[[Array], Array],
    rows: Array,
    sample_shape: Shape,
    dtype: DTypeLike,
    threads: int | None = None,
) -> Array:
    """Return f over rows (N, …) → (N, …), where f maps columns to columns."""
    check_threads(who, threads)
    rows = np.asarray(rows)
    if rows.ndim < 2 or len(rows) == 0:
        raise ValueError(f"{who}: expected a non-empty batch (N, …), got {rows.shape}")
    return in_chunks(
        lambda chunk: to_rows(f(to_columns(who, chunk, sample_shape, dtype))), rows, CHUNK, threads
    )


def check_count(count: int) -> None:
    """Raise ValueError unless there is something to sample."""
    if count < 1:
        raise ValueError(f"sample: expected count ≥ 1, got {count}")


@contextmanager
def naming(who: str) -> Iterator[None]:
    """Put a name in front of any ValueError raised inside: which part of which model."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{who}: {error}") from None
