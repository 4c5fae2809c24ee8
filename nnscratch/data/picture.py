"""One picture file as one sample: bytes in the size and the channels that are asked for.

    sample, notes, stamp = read_picture("pets/cat/1.jpg", Form((64, 64), colour=True))

`notes` names every change that was made to the picture, so that nothing of it is silent.
"""

import os
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
FITS = ("crop", "pad", "stretch")
MOST_PIXELS = 2**26
"""Larger pictures are refused before they are decoded: this many pixels take 268 MB with alpha."""

MOST_BYTES = 2**29
"""Larger files are refused before they are read."""

Stamp: TypeAlias = tuple[int, int]
"""Size and time of the last change of a file; both differ, in practice, once it is written to."""


class PictureError(ValueError):
    """A file that cannot be taken as a picture; `reason` says why in words without its name."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Form:
    """What every picture of a set is made into.

    size        (H, W)
    colour      (3, H, W) if True, else (H, W)
    fit         how a picture of another aspect ratio is made to fit: crop keeps its middle,
                pad puts it on the background, stretch distorts it
    background  the colour under transparent parts and around padded pictures
    """

    size: tuple[int, int]
    colour: bool
    fit: str = "crop"
    background: tuple[int, int, int] = (0, 0, 0)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample."""
        return (3, *self.size) if self.colour else self.size


def read_picture(path: str, form: Form) -> tuple[NDArray[np.uint8], list[str], Stamp]:
    """Return the picture in a file as uint8 of form.shape, what was changed, and its stamp.

    Raises
        PictureError if it is no picture, is damaged, too large or of a kind that has no definite
        white, or if the file is changed meanwhile.
        OSError if the file cannot be opened.
    """
    with open(path, "rb") as file:
        stamp = stamp_of(file.fileno())
        if stamp[0] > MOST_BYTES:
            raise PictureError(path, f"more than {MOST_BYTES:,} bytes")
        content = file.read()
        if stamp_of(file.fileno()) != stamp:
            raise PictureError(path, "changed while it was read")
    if not content:
        raise PictureError(path, "empty file")
    try:
        sample, notes = _decode(content, form)
    except PictureError as error:
        raise PictureError(path, error.reason) from None
    except Exception as error:  # of damaged files, Pillow's decoders raise errors of any kind
        raise PictureError(path, _reason(error)) from None
    return sample, notes, stamp


def stamp_of(file: int) -> Stamp:
    """Return the stamp of an open file."""
    found = os.fstat(file)
    return found.st_size, found.st_mtime_ns


def _reason(error: Exception) -> str:
    """Return why Pillow could not decode a file."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return f"no picture in {', '.join(FORMATS)}"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {MOST_PIXELS:,} pixels"
    words = str(error).partition(" (")[0]
    return words if "truncated" in words else f"damaged, {words or type(error).__name__}"


def _decode(content: bytes, form: Form) -> tuple[NDArray[np.uint8], list[str]]:
    """Return the sample and the notes."""
    from PIL import Image, ImageOps

    notes: list[str] = []
    with Image.open(BytesIO(content), formats=FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise PictureError("", f"more than {MOST_PIXELS:,} pixels")
        if getattr(picture, "is_animated", False):
            notes.append("have several frames, of which the first was taken")
        if _has_16_bits(picture):
            notes.append("have 16 bits a channel, of which the upper 8 were taken")
        picture.load()
        turned = ImageOps.exif_transpose(picture)
        if picture.getexif().get(0x0112, 1) not in (0, 1):
            notes.append("were turned as their EXIF data say")
        flat = _channels(turned, form, notes)
    return np.ascontiguousarray(_axes(_fitted(flat, form, notes))), notes


def _has_16_bits(picture: "Image") -> bool:
    """Does the file hold 16 bits a channel? Pillow keeps them for grey pictures only."""
    tiles: Any = getattr(picture, "tile", [])
    return any(";16" in str(tile[3]) for tile in tiles)


def _channels(picture: "Image", form: Form, notes: list[str]) -> "Image":
    """Return an opaque picture of mode RGB or L."""
    from PIL import Image

    if picture.mode.startswith("I;16"):
        if picture.has_transparency_data:
            raise PictureError("", "16 bits of grey with a transparent one")
        upper = np.asarray(picture) >> 8
        picture = Image.fromarray(upper.astype(np.uint8))
    elif picture.mode in ("I", "F"):
        raise PictureError("", f"mode {picture.mode}: 32-bit numbers, of which none is white")
    if picture.has_transparency_data:
        notes.append(f"have transparent parts, laid on the background {form.background}")
        picture = picture.convert("RGBA")
        under = Image.new("RGBA", picture.size, (*form.background, 255))
        picture = Image.alpha_composite(under, picture).convert("RGB")
    grey = picture.mode in ("1", "L") or (picture.mode == "P" and _grey_palette(picture))
    if grey and form.colour:
        notes.append("are grey, which was repeated in three channels")
    if not grey and not form.colour:
        notes.append("have colours, made grey by 0.299 R + 0.587 G + 0.114 B")
    if picture.mode not in ("1", "L", "P", "RGB"):
        notes.append(f"are {picture.mode}, converted to RGB")
        picture = picture.convert("RGB")
    return picture.convert("RGB" if form.colour else "L")


def _grey_palette(picture: "Image") -> bool:
    """Are all colours of the palette grey?"""
    colours = np.array(picture.getpalette() or [], int).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _fitted(picture: "Image", form: Form, notes: list[str]) -> "Image":
    """Return the picture in the size of the form, by bilinear filters as wide as the reduction."""
    from PIL import Image

    (H, W), (w, h) = form.size, picture.size
    if (h, w) == (H, W):
        return picture
    if w * H == W * h or form.fit == "stretch":
        box, inner = (0.0, 0.0, float(w), float(h)), (W, H)
    elif form.fit == "crop":
        scale = max(W / w, H / h)
        dx, dy = max(w - W / scale, 0) / 2, max(h - H / scale, 0) / 2
        box, inner = (dx, dy, w - dx, h - dy), (W, H)
    else:
        scale = min(W / w, H / h)
        box = (0.0, 0.0, float(w), float(h))
        inner = (min(W, max(1, round(w * scale))), min(H, max(1, round(h * scale))))
    if w * H != W * h:
        words = {"crop": "cropped to their middle", "pad": "padded", "stretch": "stretched"}
        notes.append(f"were {words[form.fit]}, as their aspect ratio is not {H}:{W}")
    part = (box[2] - box[0], box[3] - box[1])
    if inner != part:
        shrunk = inner[0] * inner[1] < part[0] * part[1]
        notes.append(f"were {'reduced' if shrunk else 'enlarged'} to {H}×{W}")
    small = picture.resize(inner, Image.Resampling.BILINEAR, box)
    if inner == (W, H):
        return small
    whole = Image.new("RGB", (W, H), form.background).convert(picture.mode)
    whole.paste(small, ((W - inner[0]) // 2, (H - inner[1]) // 2))
    return whole


def _axes(picture: "Image") -> NDArray[np.uint8]:
    """Return (H, W) or (3, H, W)."""
    sample = np.asarray(picture, np.uint8)
    return np.moveaxis(sample, -1, 0) if sample.ndim == 3 else sample
