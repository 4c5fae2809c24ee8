"""A folder of one's own MIDI files, as melodies to learn from, and a report of what was taken."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from ...files import expanded
from ..melodies import Melodies, Tokens, Tune, families
from .song import MidiError
from .tokens import read

ENDINGS = (".mid", ".midi", ".kar")
NAMED = 3
"""Files of each reason that a report names."""


@dataclass
class Report:
    """What was taken of a folder, and what was left out, by reason; as text it says so in lines."""

    folder: str
    files: int = 0
    taken: int = 0
    windows: int = 0
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __str__(self) -> str:
        """Return the report."""
        lines = [
            f"{self.folder}: {self.files} MIDI files, {self.taken} taken, "
            f"{self.windows} windows of two bars"
        ]
        for reason, names in sorted(self.left_out.items(), key=lambda item: -len(item[1])):
            some = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
            lines.append(f"  {len(names)} left out: {reason} ({some})")
        return "\n".join(lines)


def midi_folder(path: str | PathLike[str], *, report: Callable[[str], object] = print) -> Melodies:
    """Return the melodies of the MIDI files in a folder and below it, and report what was taken.

    A file is a tune; its title is its name. Files that share a window, at whatever pitch, are of
    one family: `split` of the result keeps them together. What cannot be read, or has no two bars
    of 4/4 in a row, is left out, and the report says why: it is printed before training begins.

    Raises
        FileNotFoundError if there is no such folder.
        ValueError with the report if nothing is left.
    """
    folder = expanded(Path(path))
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a folder of MIDI files")
    found = Report(str(path))
    kept: dict[str, tuple[Tokens, ...]] = {}
    for file in _files(folder):
        name = str(file.relative_to(folder))
        found.files += 1
        try:
            runs = tuple(read(file))
            windows = len(Melodies((Tune(name, name, "", 0, runs),)).windows(2))
            if not windows:
                raise MidiError("fewer than two notes in two bars")
        except MidiError as error:
            found.left_out[error.reason].append(name)
        except OSError as error:
            found.left_out[f"not readable, {error.strerror}"].append(name)
        else:
            kept[name] = runs
            found.taken += 1
    tunes = tuple(
        Tune(Path(name).stem, name, str(path), family, runs)
        for (name, runs), family in zip(kept.items(), families(list(kept.values())), strict=True)
    )
    melodies = Melodies(tunes)
    found.windows = len(melodies.windows(2))
    if not tunes:
        raise ValueError(f"midi_folder: expected melodies in 4/4, got none: {found}")
    report(str(found))
    return melodies


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files whose names end as those of MIDI files do, in order of their names."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith(ENDINGS) and (file := Path(where, name)).is_file():
                yield file
