"""A folder of one's own pictures as a set to learn from, and a report of what was done to them.

train = folder("pets", size=(64, 64), colour=True)        # prints the report
Trainer(model, Adam(1e-3), seed=0).fit(train, epochs=10)
"""

import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..checks.arguments import flag, integer, is_integer
from ..files import expanded
from .dataset import Dataset, Images
from .picture import ENDINGS, FITS, Form, PictureError, Stamp, read_picture
from .pictures import Files, Pictures

NAMED = 3
"""Files of each reason that a report names."""

MEMORY = 256
"""Megabytes of decoded pictures that are kept."""


@dataclass(frozen=True)
class Reading:
    """How the files of a folder are read.

    bad      refuse, or skip, files that cannot be read
    memory   megabytes of decoded pictures that are kept
    report   is called with what was done to how many pictures
    """

    bad: str = "refuse"
    memory: int = MEMORY
    report: Callable[[str], object] = print

    def __post_init__(self) -> None:
        integer("Reading", "memory", self.memory, 0)
        if self.bad not in ("refuse", "skip"):
            raise ValueError(f"Reading: expected bad, one of refuse, skip, got {self.bad!r}")


@dataclass
class FolderReport:
    """What was taken of a folder, what was done to it and what could not be read; str() says it.

    folder   as it was asked for          shape    of a sample
    classes  how many pictures of each    changes  how many pictures were changed, by the change
    bad      names of files by the reason why they cannot be read
    others   how many files are no pictures by their names, by the endings
    kept     how many pictures stay decoded in memory
    """

    folder: str
    shape: tuple[int, ...]
    classes: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    bad: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    others: Counter[str] = field(default_factory=Counter)
    kept: int = 0

    def __str__(self) -> str:
        """Return the report, a line for each thing."""
        count = sum(self.classes.values())
        shape = "×".join(map(str, self.shape))
        each = ", ".join(f"{name} {n:,}" for name, n in sorted(self.classes.items()))
        of = f" ({each})" if len(self.classes) > 1 else ""
        lines = [f"{self.folder}: {count:,} pictures{of}, {shape}, {self.kept:,} kept in memory"]
        lines += [f"  {n:,} {change}" for change, n in self.changes.most_common()]
        lines += [f"  {line}" for line in self.bad_lines()]
        if self.others:
            lines.append(
                f"  {self.others.total():,} other files not looked at "
                f"({', '.join(f'{n:,} {ending}' for ending, n in self.others.most_common())})"
            )
        return "\n".join(lines)

    def bad_lines(self) -> list[str]:
        """Return a line for each reason why files cannot be read."""
        lines = []
        for reason, names in sorted(self.bad.items(), key=lambda item: -len(item[1])):
            some = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
            lines.append(f"{len(names):,} left out: {reason} ({some})")
        return lines


def folder(
    path: str | PathLike[str],
    *,
    size: tuple[int, int],
    colour: bool,
    fit: str = "crop",
    background: int | tuple[int, int, int] = 0,
    reading: Reading | None = None,
) -> Dataset:
    """Return the pictures in a folder as a Dataset, (N, 3, H, W) or (N, H, W) bytes, in files.

    PNG, JPEG, BMP, WebP and TIFF are read, each once, so that a bad one is found before training.
    The first 256 megabytes of them stay decoded, and the others are decoded when a batch asks
    for them: a folder may be larger than memory. Sub-folders are the classes, in order of their
    names; a folder without any is one class. Names that begin with a dot are passed over.

        size        (H, W), of every sample
        colour      three channels, or one
        fit         where the aspect ratio is another: crop to the middle, pad, or stretch
        background  grey level or (r, g, b) under transparent parts and around padded pictures
        reading     how: Reading(bad="skip", memory=1000, report=log.info); None: Reading()

    Raises
        FileNotFoundError if there is no such folder.
        ValueError if there is no picture in it, pictures lie beside the sub-folders, or one
        cannot be read; with bad="skip" if none can. All bad files are counted, some are named.
        PictureError, a ValueError, in training, if a file was changed or removed meanwhile.
    """
    form = Form(_size(size), flag("folder", "colour", colour), fit, _colour(background))
    if fit not in FITS:
        raise ValueError(f"folder: expected fit, one of {', '.join(FITS)}, got {fit!r}")
    reading = reading or Reading()
    room = reading.memory * 10**6 // int(np.prod(form.shape))
    place = expanded(Path(path))
    if not place.is_dir():
        raise FileNotFoundError(f"{place}: expected a folder of pictures")
    found = FolderReport(shown(str(path)), form.shape)
    names = _names(place, found)
    files, kinds = _read_all(place, names, form, room, found)
    if found.bad and (reading.bad == "refuse" or not kinds):
        advice = '; Reading(bad="skip") leaves them out' if kinds else ""
        lines = "".join(f"\n  {line}" for line in found.bad_lines())
        raise ValueError(f"folder: expected pictures that can be read{advice}{lines}")
    if not kinds:
        raise ValueError(f"folder: expected files {', '.join(ENDINGS)}, got none: {found}")
    classes = tuple(sorted(set(kinds)))
    number = {kind: n for n, kind in enumerate(classes)}
    labels = np.array([number[kind] for kind in kinds])
    reading.report(str(found))
    images = cast(Images, Pictures(files))  # which has what a Dataset asks of an array
    return Dataset(images, labels, place.resolve().name, ("picture", "pictures"), classes)


def _read_all(
    folder: Path, names: list[str], form: Form, room: int, found: FolderReport
) -> tuple[Files, list[str]]:
    """Return the files that can be read, and the class of each, and enter all into the report."""
    kept = np.empty((min(room, len(names)), *form.shape), np.uint8)
    paths: list[str] = []
    kinds: list[str] = []
    stamps: list[Stamp] = []
    warned: set[int] = set()
    for name in names:
        path = str(folder / name)
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            try:
                if not os.path.isfile(path):
                    raise PictureError(path, "no regular file")
                sample, notes, stamp = read_picture(path, form)
            except PictureError as error:
                found.bad[error.reason].append(shown(name))
                continue
            except OSError as error:
                found.bad[f"not readable, {error.strerror}"].append(shown(name))
                continue
        if given:
            warned.add(len(paths))
            notes.append("were read with a warning of Pillow")
        if len(paths) < len(kept):
            kept[len(paths)] = sample
        kinds.append(Path(name).parts[0] if os.sep in name else folder.resolve().name)
        paths.append(path)
        stamps.append(stamp)
        found.changes.update(notes)
        found.classes[shown(kinds[-1])] += 1
    kept = kept[: len(paths)]
    found.kept = len(kept)
    return Files(form, paths, stamps, kept, frozenset(warned)), kinds


def _names(folder: Path, found: FolderReport) -> list[str]:
    """Return the files that are pictures by their endings, relative to the folder, in order."""
    names: list[str] = []

    def unreadable(error: OSError) -> None:
        name = os.path.relpath(error.filename, folder)
        found.bad[f"folder not readable, {error.strerror}"].append(shown(name))

    for where, folders, here in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__MACOSX")
        for name in sorted(here):
            ending = os.path.splitext(name)[1].lower()
            if not name.startswith(".") and ending in ENDINGS:
                names.append(os.path.relpath(os.path.join(where, name), folder))
            else:
                found.others[shown(ending) or "without ending"] += 1
    beside = [name for name in names if os.sep not in name]
    if beside and len(beside) < len(names):
        raise ValueError(
            f"folder: expected all pictures in sub-folders, which are the classes, or none; "
            f"got {len(beside)} beside the sub-folders ({shown(beside[0])}, …)"
        )
    return names


def shown(name: str) -> str:
    """Return the name of a file as text that can be printed, whatever its bytes are."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _size(size: Any) -> tuple[int, int]:
    """Return (H, W)."""
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise ValueError(f"folder: expected size, a pair (H, W), got {size!r}")
    H, W = (integer("folder", f"{name} of size", n) for name, n in zip("HW", size, strict=True))
    return H, W


def _colour(background: Any) -> tuple[int, int, int]:
    """Return (r, g, b)."""
    rgb = background if isinstance(background, tuple | list) else (background,) * 3
    if len(rgb) != 3 or not all(is_integer(level) and 0 <= level <= 255 for level in rgb):
        raise ValueError(
            f"folder: expected background, 0 to 255 or three of them, got {background!r}"
        )
    return int(rgb[0]), int(rgb[1]), int(rgb[2])
