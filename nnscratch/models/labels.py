"""Labels as a network takes them: one-hot vectors, appended to the features or channels."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arrays import labels_of
from ..core import Array, IntArray, Shape, channel_axis


def one_hot(labels: IntArray, classes: int, dtype: DTypeLike) -> Array:
    """Return y_kn = [k = label_n], (K, N).

    Raises
        ValueError unless labels are (N,) integers from 0 to classes - 1.
    """
    y = labels_of("labels", labels, classes=classes)
    return np.equal.outer(np.arange(classes), y).astype(dtype)


def append_labels(x: Array, y: Array | None) -> Array:
    """Append y (K, N) to the channels of x, such as (C, H, W, N): K more, each constant.

    Without labels, y = None, x is returned as it is.
    """
    if y is None:
        return x
    K, N = y.shape
    if x.shape[-1] != N:
        raise ValueError(f"labels: expected one for each of {x.shape[-1]} images, got {N}")
    axis = channel_axis(x.shape[:-1])
    places = x.swapaxes(0, axis).shape[1:]
    planes = np.broadcast_to(y.reshape(K, *(1,) * (x.ndim - 2), N), (K, *places))
    return np.concatenate([x, planes.swapaxes(0, axis)], axis)


def shape_with_labels(shape: Shape, classes: int) -> Shape:
    """Return the shape of a sample to which its label has been appended."""
    axis = channel_axis(shape)
    return *shape[:axis], shape[axis] + classes, *shape[axis + 1 :]


def check_wanted(who: str, labels: Any, classes: int) -> None:
    """Raise ValueError if there are labels and the model has no classes, or the other way round."""
    if classes and labels is None:
        raise ValueError(f"{who} labels: expected one of {classes} classes each, got none")
    if not classes and labels is not None:
        raise ValueError(f"{who}: expected no labels, as the model has no classes; got some")
