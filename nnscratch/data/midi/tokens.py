"""Tokens as MIDI files, and the melodies of a MIDI file as tokens.

    write("tune.mid", tokens, tempo=120)
    runs = read("tune.mid")

Each channel of a track is a voice, and gives a melody of its own, but for the drums. Notes are
moved to the nearest sixteenth. Of notes that begin together the highest is taken; a note ends where
the next begins, after four bars at the latest, and where the metre changes. A bar of silence ends a
run. Only whole bars of four quarters are read, and no voice with a pitch outside of 21 … 108.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...checks.arguments import number
from ...files import expanded, write_whole
from ..melodies import FIRST_NOTE, HIGHEST, LOWEST, OFF, STEPS, Tokens, check_tokens, notes_of
from .reader import parse
from .song import DRUMS, MidiError, Note, Song
from .writer import encode

TICKS = 480
"""Of a quarter note, in files that are written."""

LONGEST_NOTE = 4 * STEPS
MOST_BARS = 10_000
LATEST = 2**40
"""Sixteenths. No music is so long, but a file can say so, and NumPy's integers end at 2⁶³."""

LARGEST_FILE = 10_000_000
"""Bytes; a MIDI file of an hour of music is far smaller."""


def read(path: str | PathLike[str]) -> list[Tokens]:
    """Return the runs of a MIDI file, each (16·bars,) uint8 of two bars or more.

    Raises
        MidiError, a ValueError, if the file is none or has no such melody; `reason` says why.
    """
    file = expanded(Path(path))
    if file.stat().st_size > LARGEST_FILE:
        raise MidiError("larger than 10 MB")
    return runs_of(parse(file.read_bytes()))


def write(path: str | PathLike[str], tokens: Tokens, *, tempo: float = 120) -> Path:
    """Write a melody (T,) of tokens as a MIDI file; `tempo` is in quarters a minute."""
    return write_whole(Path(path), encode(song_of(tokens, tempo=tempo)), "MIDI file")


def song_of(tokens: Tokens, *, tempo: float = 120) -> Song:
    """Return the notes of a melody (T,) of tokens."""
    [row] = check_tokens("song_of", np.asarray(tokens)[None])
    number("song_of", "tempo", tempo, 4, 6000, "[]")  # 24 bits hold the microseconds
    step = 4 * TICKS // STEPS
    notes = tuple(Note(start * step, end * step, pitch) for start, end, pitch in notes_of(row))
    return Song(TICKS, notes, ((0, round(60e6 / tempo)),), ((0, 4, 4),))


def runs_of(song: Song) -> list[Tokens]:
    """Return the runs of all voices of a song, of two bars or more.

    Raises
        MidiError if there is none.
    """
    if any(microseconds == 0 for _, microseconds in song.tempos):
        raise MidiError("tempo 0")
    if not song.notes:
        raise MidiError("silence")
    voices: defaultdict[tuple[int, int], list[Note]] = defaultdict(list)
    for note in song.notes:
        if note.channel != DRUMS:
            voices[note.track, note.channel].append(note)
    if not voices:
        raise MidiError("drums only")
    inside = [v for v in voices.values() if all(LOWEST <= note.pitch <= HIGHEST for note in v)]
    if not inside:
        raise MidiError(f"pitches outside of {LOWEST} … {HIGHEST}")
    parts = [part for voice in inside for part in _parts(voice, song)]
    if not parts:
        raise MidiError("another metre than 4/4")
    runs, bars = [], 0
    for part in parts:
        for run in _runs(part):
            bars += len(run) // STEPS
            if bars > MOST_BARS:
                raise MidiError("longer than 10,000 bars")
            if len(run) >= 2 * STEPS:
                runs.append(run)
    if not runs:
        raise MidiError("fewer than two bars in a row")
    return runs


def _parts(voice: list[Note], song: Song) -> Iterator[NDArray[np.int64]]:
    """Yield the notes of each part in 4/4, (n, 3): start, end in its sixteenths, and pitch."""
    changes = [(0, 4, 4)]
    for change in song.metres:
        if change[1:] != changes[-1][1:]:  # files often repeat the metre that holds
            changes.append(change)
    times = [tick for tick, _, _ in changes]
    parts: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for note in voice:
        part = bisect(times, note.start) - 1
        begin, above, below = changes[part]
        start, end = (
            (8 * (tick - begin) + song.ticks) // (2 * song.ticks)  # the nearest sixteenth
            for tick in (note.start, note.end)
        )
        stop = LATEST
        if part + 1 < len(times):
            stop = min((times[part + 1] - begin) // (4 * song.ticks) * STEPS, stop)
        if above == below and start < stop:
            end = min(max(end, start + 1), start + LONGEST_NOTE, stop)
            parts[part].append((start, end, note.pitch))
    for notes in parts.values():
        yield np.array(notes, np.int64)


def _runs(notes: NDArray[np.int64]) -> Iterator[Tokens]:
    """Yield the runs of the notes of a part, between bars of silence."""
    start, end, pitch = notes[np.lexsort((-notes[:, 2], notes[:, 0]))].T
    first = np.append(True, start[1:] > start[:-1])  # of those that begin together, the highest
    start, end, pitch = start[first], end[first], pitch[first]
    end = np.minimum(end, np.append(start[1:], end[-1]))
    silent = start[1:] // STEPS > (end[:-1] - 1) // STEPS + 1
    for rows in np.split(np.arange(len(start)), np.flatnonzero(silent) + 1):
        zero = start[rows[0]] // STEPS * STEPS
        bars = (end[rows[-1]] - 1 - zero) // STEPS + 1
        run = np.zeros(bars * STEPS + 1, np.uint8)
        run[end[rows] - zero] = OFF
        run[0] = OFF
        run[start[rows] - zero] = pitch[rows] - LOWEST + FIRST_NOTE
        yield run[:-1]
