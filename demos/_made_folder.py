"""A folder of pictures as such folders are: several formats, sizes and modes, and a broken file."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from nnscratch.data import scenes

ORIENTATION = 0x0112
"""The EXIF entry that says how a camera was held."""

STORED = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture is turned for a file whose orientation is 3, 6 or 8."""

KINDS = {
    "jpg": 6,
    "png": 4,
    "turned.jpg": 3,
    "alpha.png": 2,
    "palette.png": 1,
    "grey.png": 1,
    "grey16.png": 1,
    "cmyk.jpg": 1,
    "bmp": 1,
    "webp": 1,
    "tif": 1,
}
"""How common each kind of file is."""


def write_folder(folder: Path, count: int, *, rng: np.random.Generator) -> None:
    """Write so many scenes into a folder, a sub-folder for each class, and two files that are none.

    Sides are from 64 to 112 pixels, one of them cut by up to a quarter. The same generator writes
    the same pictures.
    """
    chances = np.array(list(KINDS.values())) / sum(KINDS.values())
    for n in range(count):
        side, cut = (int(number) for number in rng.integers((64, 0), (113, 17)))
        [scene] = (data := scenes(1, size=side, rng=rng)).images
        picture = Image.fromarray(np.ascontiguousarray(np.moveaxis(scene, 0, -1)))
        left, top = (cut, 0) if rng.random() < 0.5 else (0, cut)
        picture = picture.crop((left // 2, top // 2, side - left // 2, side - top // 2))
        kind = str(rng.choice(list(KINDS), p=chances))
        place = folder / data.class_name(data.labels[0])
        place.mkdir(parents=True, exist_ok=True)
        save(picture, place / f"{n:05}.{kind}", turn=int(rng.choice(list(STORED))))
    whole = next(folder.glob("*/*.jpg")).read_bytes()
    (folder / "hills").mkdir(exist_ok=True)
    (folder / "hills" / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("no picture\n", "utf-8")


def save(picture: Image.Image, path: Path, *, turn: int) -> None:
    """Write a picture as the kind that its name says; turn is the orientation of a turned one."""
    kind = path.name.partition(".")[2]
    options = {"quality": 90} if path.suffix in (".jpg", ".webp") else {}
    if kind == "turned.jpg":
        exif = Image.Exif()
        exif[ORIENTATION] = turn
        picture, options["exif"] = picture.transpose(STORED[turn]), exif
    elif kind == "alpha.png":
        mask = Image.new("L", picture.size, 0)
        ImageDraw.Draw(mask).ellipse((0, 0, picture.width - 1, picture.height - 1), fill=255)
        picture.putalpha(mask)
    elif kind == "palette.png":
        picture = picture.quantize(64)
    elif kind == "grey.png":
        picture = picture.convert("L")
    elif kind == "grey16.png":
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    elif kind == "cmyk.jpg":
        picture = picture.convert("CMYK")
    picture.save(path, **options)
