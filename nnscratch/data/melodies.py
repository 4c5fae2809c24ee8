"""Melodies as rows of tokens, and those that come with the package.

    train, test = melodies()
    x = train.windows(bars=2).tokens        # (N, 32) uint8, every window once

A token says what happens in a sixteenth, of which a bar of 4/4 has 16:

    0           nothing: a note is held, or a silence lasts
    1           a note ends, and silence begins
    2 … 89      a note begins, of MIDI pitch 21 … 108 (the piano's keys)

Source
    The tokens are those of Roberts, Engel, Raffel, Hawthorne and Eck, A Hierarchical Latent Vector
    Model for Learning Long-Term Structure in Music (2018).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..checks.arguments import generator, integer, number
from ..core import IntArray
from .dataset import Split

HOLD, OFF, FIRST_NOTE = 0, 1, 2
LOWEST, HIGHEST = 21, 108
CLASSES = FIRST_NOTE + HIGHEST - LOWEST + 1
STEPS = 16
"""Tokens a bar."""

FILE = Path(__file__).with_name("melodies.npz")
COLLECTIONS = ("Ryan's Mammoth Collection (1883)", "Aird's Airs (1778-1801)")

Tokens: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Tune:
    """A tune: its runs, which are as many whole bars of 4/4 as follow one another in it.

    title       as it is printed
    id          where it was read: file and number
    collection  what it is a part of
    family      number of the tune family: tunes of different families share no window
    runs        each (16·bars,) uint8; the first token of a run is a note or the beginning of a rest
    """

    title: str
    id: str
    collection: str
    family: int
    runs: tuple[Tokens, ...]


@dataclass(frozen=True, eq=False)
class Windows:
    """Pieces of equal length, each of which is there once: tokens (N, 16·bars), its tune (N,)."""

    tokens: Tokens
    tunes: IntArray

    def __len__(self) -> int:
        """Return N."""
        return len(self.tokens)


@dataclass(frozen=True, eq=False)
class Melodies:
    """Tunes, and the windows that are cut from them."""

    tunes: tuple[Tune, ...]

    def __len__(self) -> int:
        """Return the number of tunes."""
        return len(self.tunes)

    def windows(self, bars: int = 2) -> Windows:
        """Return all windows of so many bars, each once, with the first tune that has it.

        They slide by a bar. A window begins with a note or a rest, not while a note is held, and
        has two notes or more. A rest that lasts from the bar before begins again: its first token
        is 1.
        """
        bars = integer("Melodies.windows", "bars", bars)
        pieces = [(t, w) for t, tune in enumerate(self.tunes) for w in _windows(tune.runs, bars)]
        tokens = np.concatenate([np.empty((0, bars * STEPS), np.uint8), *(w for _, w in pieces)])
        tunes = np.repeat([t for t, _ in pieces], [len(w) for _, w in pieces]).astype(np.int64)
        first = np.sort(np.unique(tokens, axis=0, return_index=True)[1])
        return Windows(tokens[first], tunes[first])

    def split(self, fraction: float, *, rng: np.random.Generator) -> "Split[Melodies]":
        """Cut in two at random: the tunes of `fraction` of the families, and those of the rest.

        No window of the one part is in the other.
        """
        number("Melodies.split", "fraction", fraction)
        generator("Melodies.split", rng)
        numbers = np.unique([tune.family for tune in self.tunes])
        cut = round(len(numbers) * fraction)
        if not 0 < fraction < 1 or not 0 < cut < len(numbers):
            raise ValueError(
                f"Melodies.split: expected a fraction that leaves both parts something, "
                f"got {fraction} of {len(numbers)} families"
            )
        first = set(rng.permutation(numbers)[:cut].tolist())
        return _parts(self.tunes, [tune.family not in first for tune in self.tunes])


def melodies() -> Split[Melodies]:
    """Return the melodies of the package, to learn from and held out, split by tune family.

    1,551 tunes for fiddle or fife from two printed collections, Ryan's Mammoth Collection (1883)
    and Aird's Airs (1778-1801). A tenth of the 1,305 families is held out; no window of 2, 4 or 16
    bars of theirs occurs in the others, also if it is transposed. `make_melodies.py` says how the
    file was made, and MELODIES-LICENSE.txt who wrote the tunes down.
    """
    with np.load(FILE, allow_pickle=False) as arrays:
        runs = np.split(arrays["tokens"], np.cumsum(arrays["run_bars"].astype(int))[:-1] * STEPS)
        own = np.split(np.arange(len(runs)), np.cumsum(arrays["runs"].astype(int))[:-1])
        names = [line.split("\t") for line in arrays["names"].tobytes().decode().split("\n")]
        tunes = [
            Tune(title, id, COLLECTIONS[c], int(family), tuple(runs[r] for r in rows))
            for (title, id), c, family, rows in zip(
                names, arrays["collection"], arrays["family"], own, strict=True
            )
        ]
        return _parts(tunes, arrays["held_out"])


def _parts(tunes: Iterable[Tune], second: Iterable[bool]) -> Split[Melodies]:
    """Return the tunes in two parts, given of each whether it is of the second."""
    parts: tuple[list[Tune], list[Tune]] = ([], [])
    for tune, which in zip(tunes, second, strict=True):
        parts[bool(which)].append(tune)
    return Split(*(Melodies(tuple(part)) for part in parts))


def transpose(tokens: Tokens, semitones: int | IntArray) -> Tokens:
    """Return windows with every note moved by so many semitones: one number, or one for each.

    A window some of whose notes would leave the pitches 21 … 108 is returned as it is.

        tokens     (N, T) integers 0 … 89
        semitones  an integer or (N,) integers; `rng.integers(-5, 6, N)` augments as MusicVAE does
    """
    x = check_tokens("transpose", tokens)
    by = np.asarray(semitones)
    if by.dtype.kind not in "iu" or by.shape not in ((), (len(x),)):
        raise ValueError(
            f"transpose semitones: expected an integer or ({len(x)},) integers, "
            f"got {by.shape} {by.dtype}"
        )
    moved = x.astype(np.int64) + by.reshape(-1, 1).astype(np.int64)
    outside = (x >= FIRST_NOTE) & ((moved < FIRST_NOTE) | (moved >= CLASSES))
    change = (x >= FIRST_NOTE) & ~outside.any(axis=1, keepdims=True)
    return np.where(change, moved, x).astype(np.uint8)


def check_tokens(who: str, tokens: Tokens | IntArray) -> Tokens:
    """Return windows (N, T) of integers 0 … 89 as uint8, or raise ValueError."""
    x = np.asarray(tokens)
    if x.ndim != 2 or x.size == 0 or x.dtype.kind not in "iu":
        raise ValueError(
            f"{who} tokens: expected (N, T) integers and not empty, got {x.shape} {x.dtype}"
        )
    if x.min() < 0 or x.max() >= CLASSES:
        raise ValueError(f"{who} tokens: expected 0 to {CLASSES - 1}, got {x.min()} to {x.max()}")
    return x.astype(np.uint8)


def notes_of(melody: Tokens) -> list[tuple[int, int, int]]:
    """Return the notes of a melody (T,): the steps where each begins and ends, its MIDI pitch."""
    events = [*np.flatnonzero(melody != HOLD).tolist(), len(melody)]
    return [
        (start, end, int(melody[start]) - FIRST_NOTE + LOWEST)
        for start, end in pairwise(events)
        if melody[start] >= FIRST_NOTE
    ]


def families(tunes: Sequence[Sequence[Tokens]], bars: Sequence[int] = (2, 4, 16)) -> list[int]:
    """Return the family of each tune, given its runs, numbered in the order of their first tunes.

    Two tunes are of one family if they share a window of so many bars, up to transposition, or if
    a third tune is of one family with both.
    """
    parent = list(range(len(tunes)))

    def root(tune: int) -> int:
        while parent[tune] != tune:
            parent[tune] = parent[parent[tune]]
            tune = parent[tune]
        return tune

    first: dict[bytes, int] = {}
    for tune, runs in enumerate(tunes):
        for length in bars:
            for windows in _windows(runs, length):
                for window in relative(windows):
                    a, b = root(tune), root(first.setdefault(window.tobytes(), tune))
                    parent[max(a, b)] = min(a, b)
    roots = [root(tune) for tune in range(len(tunes))]
    number = {r: n for n, r in enumerate(sorted(set(roots)))}
    return [number[r] for r in roots]


def relative(windows: Tokens) -> Tokens:
    """Return windows with the lowest note of each as 2: equal if they are, up to transposition."""
    note = windows >= FIRST_NOTE
    lowest = np.where(note, windows, CLASSES).min(axis=1, initial=CLASSES, keepdims=True)
    return np.where(note, windows - lowest + FIRST_NOTE, windows).astype(np.uint8)


def _windows(runs: Sequence[Tokens], bars: int) -> Iterator[Tokens]:
    """Return the windows (n, 16·bars) of each run, repeated ones too."""
    for run in runs:
        count = len(run) // STEPS - bars + 1
        if count > 0:
            starts = STEPS * np.arange(count)
            x = np.lib.stride_tricks.sliding_window_view(run, bars * STEPS)[starts].copy()
            event = np.maximum.accumulate(np.where(run > HOLD, np.arange(len(run)), 0))
            x[:, 0] = np.where(run[event[starts]] == OFF, OFF, x[:, 0])
            yield x[(x[:, 0] > HOLD) & ((x >= FIRST_NOTE).sum(axis=1) >= 2)]
