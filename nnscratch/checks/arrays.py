"""Arrays that come from a user: what is converted, and what is refused.

    x = samples_of("encode", images, (3, 32, 32))     # a plain array, axes as expected
    check_numbers("encode", x, unit=True)             # finite, floats in [0, 1]
    y = labels_of("fit labels", labels, len(x))       # (N,) integers

What NumPy converts without loss is converted, once: lists, data frames (by position), tensors in
main memory, memory maps, any byte order. What could be meant in two ways is refused. Arrays are
batch-first here; uint8 means grey levels 0 … 255, and whoever computes divides them by 255.

Raises
    ValueError, from every function: who was given what, what was expected, and what to do.
"""

from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core import IntArray, Shape
from .mapped import check_unchanged

GREY_LEVEL = 1 / 255


def plain(who: str, a: Any) -> NDArray[Any]:
    """Return an array of uint8, float32 or float64; one that is such already is not copied.

    float16 becomes float32, and so do False and True: 0 and 1.
    """
    x = _array(who, a)
    check_unchanged(x)
    kind, size = x.dtype.kind, x.dtype.itemsize
    if kind == "b" or (kind == "f" and size == 2):
        return x.astype(np.float32)
    if x.dtype == np.uint8 or (kind == "f" and size in (4, 8)):
        return x.astype(x.dtype.newbyteorder("="), copy=False)
    advice = {
        "i": "; .astype(np.uint8) if these are grey levels 0 … 255, else .astype(np.float32)",
        "f": "; .astype(np.float64)",
        "O": "; .astype(np.float32) if every entry is a number",
    }
    hint = advice.get("i" if kind == "u" else kind, "")
    got = f"{x.dtype} ({type(a).__name__})" if kind == "O" else f"{x.shape} {x.dtype}"
    raise ValueError(f"{who}: expected uint8, float32 or float64, got {got}{hint}")


def _array(who: str, a: Any) -> NDArray[Any]:
    """Return a as NumPy sees it, whatever its dtype."""
    if isinstance(a, list | tuple) and any(isinstance(row, np.ma.MaskedArray) for row in a):
        a = np.ma.array(a)
    if np.ma.is_masked(a):
        raise ValueError(f"{who}: expected an array without gaps, got a masked one; .filled(value)")
    if hasattr(a, "toarray"):  # SciPy's, of which NumPy would make a single object
        raise ValueError(f"{who}: expected an array, got a sparse {type(a).__name__}; .toarray()")
    try:
        return np.asarray(a)
    except (ValueError, TypeError, RuntimeError) as error:  # rows of several lengths, say
        name = type(a).__name__
        raise ValueError(f"{who}: expected an array, got {name}, but {error}") from None


def samples_of(who: str, a: Any, shape: Shape) -> NDArray[Any]:
    """Return samples of this shape as a plain array, with the axes that they came with.

    The rows of an array (N, …) may be written exactly like a sample, or flat, or without the axis
    of a single channel; a sample that is a vector may be an image of one channel. So what comes
    back has the numbers of a sample in the model's order in every row.
    """
    x = plain(who, a)
    check_axes(who, x, shape)
    check_bytes(who, x)
    return x


def check_axes(who: str, x: NDArray[Any], shape: Shape) -> None:
    """Raise ValueError unless the rows of x are samples of this shape, and there is one."""
    if x.ndim < 2 or x.size == 0 or not _same_axes(x.shape[1:], shape):
        raise _axes(who, x, shape)


def codes_of(who: str, a: Any, shape: Shape) -> NDArray[Any]:
    """Return codes of this shape as a plain array (N, *shape) or (N, D) of floats."""
    x = plain(who, a)
    if x.dtype == np.uint8:
        raise ValueError(f"{who}: expected codes, float32 or float64, got uint8; .astype(float)")
    if x.ndim < 2 or x.size == 0 or x.shape[1:] not in (shape, (prod(shape),)):
        raise _axes(who, x, shape)
    return x


def floats_of(who: str, a: Any, *, unit: bool = True) -> NDArray[Any]:
    """Return finite numbers of any shape, with `unit` in [0, 1], in a plain array of floats."""
    x = plain(who, a)
    if x.dtype == np.uint8:
        raise ValueError(f"{who}: expected float32 or float64, got uint8; divide by 255 first")
    if x.size == 0 or x.ndim == 0:
        raise ValueError(f"{who}: expected an array of numbers, got {x.shape}")
    check_numbers(who, x, unit=unit)
    return x


def images_of(who: str, a: Any) -> NDArray[Any]:
    """Return images (N, …) of any shape, in a plain array."""
    x = plain(who, a)
    if x.ndim < 2 or x.size == 0:
        raise ValueError(f"{who}: expected a batch (N, …), not empty, got {x.shape}")
    check_bytes(who, x)
    return x


def check_numbers(
    who: str, x: NDArray[Any], *, unit: bool = False, dtype: DTypeLike = np.float64
) -> None:
    """Raise ValueError unless all floats are finite in this dtype and, with `unit`, in [0, 1]."""
    if x.dtype == np.uint8:
        return
    low, high = float(x.min()), float(x.max())
    if not isfinite(low) or not isfinite(high):
        raise ValueError(f"{who}: expected finite numbers, got NaN or infinity")
    if max(-low, high) > float(np.finfo(dtype).max):
        raise ValueError(
            f"{who}: expected finite numbers in {np.dtype(dtype)}, got {low} to {high}"
        )
    if unit and (low < 0 or high > 1):
        advice = "; divide by 255" if low >= 0 else ""
        raise ValueError(f"{who}: expected numbers in [0, 1], got {low:.9g} to {high:.9g}{advice}")


def check_about_unit(who: str, x: NDArray[Any]) -> None:
    """Raise ValueError for pictures far out of [0, 1]: these are in another unit.

    A picture that a model or PCA paints may leave [0, 1], but hardly by the whole range.
    """
    low, high = float(x.min()), float(x.max())
    if x.dtype != np.uint8 and not -1 <= low <= high <= 2:
        advice = "; divide by 255" if low >= 0 else ""
        raise ValueError(
            f"{who}: expected pixels about in [0, 1], got {low:.4g} to {high:.4g}{advice}"
        )


def check_set(who: str, x: NDArray[Any], *, unit: bool, dtype: DTypeLike = np.float64) -> None:
    """Check the numbers of a whole set: in [0, 1] it must also have more than one grey level."""
    check_numbers(who, x, unit=unit, dtype=dtype)
    # There is no grey level between 1/255 and 2/255, so a set below 1.5/255 was scaled twice.
    if unit and x.dtype != np.uint8 and 0 < x.max() < 1.5 * GREY_LEVEL:
        raise ValueError(
            f"{who}: the brightest pixel is {x.max():.4g}, at most one grey level of 255; were "
            "they divided by 255 twice?"
        )


def labels_of(who: str, labels: Any, N: int | None = None, classes: int | None = None) -> IntArray:
    """Return labels as (N,) integers from 0 to classes - 1; None: of any number, of any class."""
    y = _array(who, labels)
    if y.dtype.kind == "O":  # integers all the same, perhaps: data frames keep them so
        y = _array(who, y.tolist())
    advice = {
        "U": "; np.unique(labels, return_inverse=True)[1] numbers them",
        "S": "; np.unique(labels, return_inverse=True)[1] numbers them",
        "f": "; .astype(int) if these are whole numbers",
    }.get(y.dtype.kind, "")
    if y.ndim == 2:
        advice = "; .ravel()" if y.shape[1] == 1 else "; .argmax(axis=1) if rows are one-hot"
    if y.ndim != 1 or y.dtype.kind not in "biu" or len(y) != (len(y) if N is None else N):
        want = "N" if N is None else N
        raise ValueError(
            f"{who}: expected ({want},) integers, one for each image, "
            f"got {y.shape} {y.dtype}{advice}"
        )
    if y.size == 0:
        raise ValueError(f"{who}: expected a label or more, got none")
    low, high, most = int(y.min()), int(y.max()), np.iinfo(np.intp).max
    if low < 0 or high > (most if classes is None else classes - 1):
        top = "" if classes is None else f" {classes - 1}"
        raise ValueError(f"{who}: expected 0 …{top}, got {low} … {high}")
    kept = y.dtype.kind != "b" and y.dtype.isnative and np.can_cast(y.dtype, np.intp)
    return y if kept else y.astype(np.intp)


def _same_axes(row: Shape, shape: Shape) -> bool:
    """May a row of this shape be a sample of that one, with no doubt about the order?"""
    if row == (prod(shape),):
        return True
    if len(shape) == 1:
        return prod(row) == shape[0] and len(_without_channel(row)) == 2
    return _without_channel(row) == _without_channel(shape)


def _without_channel(shape: Shape) -> Shape:
    """(1, H, W) → (H, W)."""
    return shape[1:] if len(shape) == 3 and shape[0] == 1 else shape


def _axes(who: str, x: NDArray[Any], shape: Shape) -> ValueError:
    """Return what to raise for an array that does not hold samples of this shape."""
    row, D = x.shape[1:], prod(shape)
    advice = ""
    if x.size == 0:
        advice = "; a batch holds at least one"
    elif len(row) > 1 and row == (*shape[1:], shape[0]):
        advice = "; np.moveaxis(x, -1, 1) has the axes in order"
    elif len(row) > 1 and sorted(_without_channel(row)) == sorted(_without_channel(shape)):
        advice = "; the axes are in another order"
    elif x.size == D:
        advice = "; x[None] is a batch of one"
    elif len(shape) == 1 and prod(row) == D:
        advice = "; flatten each sample, always in the same order: x.reshape(len(x), -1)"
    want = ", ".join(map(str, ("N", *shape)))
    return ValueError(f"{who}: expected ({want}), got {x.shape}{advice}")


def check_bytes(who: str, x: NDArray[Any]) -> None:
    """Raise ValueError for a batch of bytes whose largest is 1: over 255 they are almost black.

    A single image may be as dark as that, as a row of a brighter set.
    """
    if x.dtype != np.uint8 or len(x) == 1 or x[:2].max() > 1 or x.max() != 1:
        return
    raise ValueError(
        f"{who}: expected grey levels 0 … 255, got bytes up to 1, of which 255 is white; "
        "multiply by 255, or .astype(np.float32) if 1 is white"
    )
