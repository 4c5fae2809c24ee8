"""How samples are shown: as pictures, as curves of a signal, or as the bars of a table's row."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import Shape
from ..data.dataset import Images
from ..models.autoencoder import Autoencoder

WHO = "explorer.write"

SIDE = 8
"""A square of as many pixels at least is taken for a picture, whatever the likelihood is."""

BARS = 32
"""Vectors of more numbers, if these have no names, are taken for signals."""


@dataclass(frozen=True)
class Form:
    """How a sample is shown.

    kind    "image", or "chart" of a signal or a row
    shape   (C, H, W), C is 1 or 3; or (T, D), T steps of D numbers: D curves, or D bars if T is 1
    names   of the D curves or bars
    """

    kind: str
    shape: Shape
    names: tuple[str, ...] = ()

    @property
    def nouns(self) -> tuple[str, str]:
        """What a sample is called, and many are, if nothing else is known."""
        if self.kind == "image":
            return "image", "images"
        return ("row", "rows") if self.shape[0] == 1 else ("signal", "signals")


def form_of(images: Images, model: Autoencoder, names: Sequence[str]) -> Form:
    """Return how the samples of this set are shown.

    Raises
        ValueError if they are images of other than one or three channels, or names do not fit.
    """
    shape = None if names else _picture(images, model)
    if shape is not None:
        return Form("image", shape)
    sample = model.input_shape
    if len(sample) == 3 and names:
        raise ValueError(f"{WHO}: expected no columns for images {sample}, got {list(names)}")
    if len(sample) == 3:
        raise ValueError(
            f"{WHO}: expected images of one or three channels, got a model of {sample}"
        )
    if len(sample) == 2:
        shape = sample
    elif names or sample[0] <= BARS:
        shape = (1, *sample)
    else:
        shape = (*sample, 1)
    D = shape[1]
    if names and len(names) != D:
        raise ValueError(f"{WHO}: expected columns, {D} names, got {list(names)}")
    return Form("chart", shape, tuple(map(str, names)) or tuple(f"x{d + 1}" for d in range(D)))


def _picture(images: Images, model: Autoencoder) -> Shape | None:
    """Return (C, H, W) of samples that are pictures, None of others."""
    sample, shape = images.shape[1:], model.input_shape
    for each in (shape, sample):
        if len(each) == 3 and each[0] in (1, 3):
            return each
    likely = images.dtype == np.uint8 or getattr(model.likelihood, "unit", False)
    if len(shape) == 2:
        return (1, *shape) if likely and min(shape) >= SIDE else None
    if len(sample) == 2:
        return (1, *sample) if min(sample) > 1 else None
    side = isqrt(prod(sample))
    flat = side * side == prod(sample) and (likely or side >= SIDE)
    return (1, side, side) if flat and _unit(images) else None


def _unit(images: Images) -> bool:
    return images.dtype == np.uint8 or bool(images.min() >= 0 and images.max() <= 1)


def as_bytes(images: Images) -> NDArray[np.uint8]:
    """Return images in grey levels 0 … 255; floats in [0, 1] are rounded to the nearest."""
    if images.dtype == np.uint8:
        return np.asarray(images)
    return np.rint(images * 255.0).astype(np.uint8)


def as_shown(images: Images, form: Form) -> NDArray[Any]:
    """Return samples (n, *form.shape): pictures in bytes, all else in float32."""
    x = np.asarray(images)
    if form.kind == "image":
        return as_bytes(x).reshape(-1, *form.shape)
    scale = np.float32(255 if x.dtype == np.uint8 else 1)
    return (x / scale).astype(np.float32).reshape(-1, *form.shape)


def as_numbers(shown: NDArray[Any]) -> NDArray[np.float64]:
    """Return samples as networks take them, flat: bytes in [0, 1]."""
    scale = 255 if shown.dtype == np.uint8 else 1
    return shown.reshape(len(shown), -1).astype(np.float64) / scale
