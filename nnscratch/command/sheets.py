"""Samples on a sheet, a PNG file: pictures with their exact pixels, signals as curves."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import write_whole

GAP = 2
"""White pixels between pictures."""

CELL = 56
"""Pictures smaller than so many pixels are enlarged, each pixel to a square."""


def as_bytes(images: Any, shape: Sequence[int]) -> NDArray[np.uint8]:
    """Return pictures as (N, H, W, C) in grey levels; floats are rounded and held in [0, 1]."""
    x = np.asarray(images).reshape(-1, *shape)
    if x.dtype != np.uint8:
        x = np.rint(x.clip(0, 1) * 255.0).astype(np.uint8)
    return np.moveaxis(x, 1, -1)


def sheet(pictures: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Return pictures (N, H, W, C) in reading order as one picture."""
    N, H, W, C = pictures.shape
    scale = max(1, round(CELL / max(H, W)))
    large = pictures.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width, rows = H * scale + GAP, W * scale + GAP, -(-N // columns)
    page = np.full((rows * height - GAP, columns * width - GAP, C), 255, np.uint8)
    for n, picture in enumerate(large):
        top, left = n // columns * height, n % columns * width
        page[top : top + H * scale, left : left + W * scale] = picture
    return page


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture (H, W, C) as the content of a PNG file."""
    from PIL import Image

    content = BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(content, "PNG")
    return content.getvalue()


def write_sheet(path: Path, pictures: NDArray[np.uint8], columns: int) -> None:
    """Write pictures (N, H, W, C) as one PNG file, whole or not at all."""
    write_whole(path, png(sheet(pictures, columns)), "picture")


def write_curves(path: Path, signals: Any, again: Any = None) -> None:
    """Write signals (N, T, D) as one PNG file: a panel each, a curve for each of the D numbers.

    again  (N, T, D), drawn in colours over the signals, which are grey then
    """
    from ..plots.page import SERIES, Page
    from ..plots.page import png as as_png

    N, _, D = signals.shape
    columns = min(4, N)
    figure = Page((2.2 * columns, 1.1 * -(-N // columns)), layout="compressed")
    panels = figure.subplots(-(-N // columns), columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
        axes.set_frame_on(False)
    for n, axes in zip(range(N), panels.flat, strict=False):
        for d in range(D):
            if again is not None:
                axes.plot(signals[n, :, d], color="0.75", lw=2.5)
            own = signals if again is None else again
            axes.plot(own[n, :, d], color=SERIES[d % len(SERIES)], lw=1.1)
    write_whole(path, as_png(figure), "picture")
