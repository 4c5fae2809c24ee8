"""Pictures on a sheet: a PNG file with the exact pixels, in their own light and colours."""

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
