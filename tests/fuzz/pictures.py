"""Picture files: good ones in every format, damaged ones, and headers that promise too much."""

import struct
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nnscratch.data.picture import FITS, Form, read_picture

from . import Case
from .arrays import Rng
from .files import damaged, of_file

LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}}
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "BMP": ("1", "L", "P", "RGB"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"),
    "WEBP": ("RGB", "RGBA"),
}
EDGES = (0, 1, 255, 256, 8192, 8193, 20_000, 65535, 2**31 - 1, 2**31, 2**32 - 1)


def encoded(generator: Rng) -> tuple[str, str, Image.Image, bytes]:
    """Return a format, a mode, a small picture and its file."""
    kind = list(MODES)[generator.integers(len(MODES))]
    mode = MODES[kind][generator.integers(len(MODES[kind]))]
    H, W = generator.integers(1, 20, 2)
    if mode == "I;16":
        picture = Image.fromarray(generator.integers(0, 2**16, (H, W), np.uint16))
    else:
        picture = Image.fromarray(generator.integers(0, 256, (H, W, 3), np.uint8)).convert(mode)
    file = BytesIO()
    options = dict(LOSSLESS.get(kind, {}))
    if kind == "TIFF" and mode != "F":
        choices = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits")
        options["compression"] = choices[generator.integers(len(choices))]
    picture.save(file, kind, **options)
    return kind, mode, picture, file.getvalue()


def promised(content: bytes, generator: Rng) -> bytes:
    """Return the content with a large number at one of its first places."""
    at = int(generator.integers(max(1, min(len(content) - 4, 64))))
    number = EDGES[generator.integers(len(EDGES))]
    order = "<I" if generator.random() < 0.5 else ">I"
    return content[:at] + struct.pack(order, number) + content[at + 4 :]


def case(generator: Rng) -> Case:
    """Return a call of read_picture with some file."""
    fit = FITS[generator.integers(len(FITS))]
    H, W = (int(n) for n in generator.integers(1, 12, 2))
    form = Form((H, W), bool(generator.integers(2)), fit)

    def read(path: Path) -> NDArray[np.uint8]:
        with warnings.catch_warnings():  # as when a folder is opened
            warnings.simplefilter("ignore")
            return read_picture(str(path), form)[0]

    u = generator.random()
    if u < 0.1:
        return Case("picture: at random", of_file(read, generator.bytes(int(u * 5000))), False)
    kind, mode, picture, content = encoded(generator)
    what = f"picture: {kind} {mode}"
    if u < 0.3:
        if kind in LOSSLESS and mode == "RGB":  # at its own size it comes back to the bit
            form = Form((picture.height, picture.width), True)
            want = np.moveaxis(np.asarray(picture), -1, 0)
            return Case(what, of_file(read, content), True, lambda: want)
        return Case(what, of_file(read, content), mode != "F")
    if u < 0.5:
        return Case(f"{what}, promises", of_file(read, promised(content, generator)), None)
    for _ in range(int(generator.integers(1, 4))):
        words, content = damaged(content, generator) if content else ("empty", b"")
        what = f"{what}, {words}"
    return Case(what, of_file(read, content), None)
