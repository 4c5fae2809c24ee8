"""MIDI files: good ones, damaged ones, bytes at random, and files whose numbers claim too much."""

from pathlib import Path

import numpy as np

from nnscratch.data import midi
from nnscratch.data.melodies import FIRST_NOTE, Tokens

from . import Case
from .arrays import Rng
from .files import damaged, of_file

LARGE = (b"\xff\xff\xff\x7f", b"\x81\x80\x80\x00", b"\xff\xff\xff\xff\x7f", b"\x00", b"\x83\x60")
"""Times: the largest, a large one, one that is too long, none, a quarter."""


def melody(generator: Rng) -> Tokens:
    """Return a melody of two to five bars whose every bar has a note in it."""
    bars = int(generator.integers(2, 6))
    tokens = generator.choice([0, 0, 0, 1, 2], (bars, 16)).astype(np.uint8)
    tokens[tokens == FIRST_NOTE] = generator.integers(2, 90, (tokens == FIRST_NOTE).sum())
    tokens[:, 0] = generator.integers(2, 90, bars)
    return plain(tokens.ravel())


def plain(tokens: Tokens) -> Tokens:
    """Return the same melody with a silence that is never begun twice."""
    out, silent = [], False
    for token in tokens.tolist():
        out.append(0 if token == 1 and silent else token)
        silent = token == 1 or (silent and token == 0)
    return np.array(out, np.uint8)


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a file."""
    return name + len(content).to_bytes(4, "big") + content


def soup(generator: Rng) -> bytes:
    """Return a file whose events follow the grammar more or less, with numbers from its edges."""
    events = b""
    for _ in range(int(generator.integers(1, 40))):
        kind = int(generator.integers(8))
        status = bytes([int(generator.choice([0x80, 0x90, 0x90, 0xB0, 0xC0, 0x99]))])
        data = generator.integers(0, 128, 2, np.uint8).tobytes()
        events += LARGE[int(generator.integers(len(LARGE)))]
        if kind < 4:
            events += status + data[: 1 if status == b"\xc0" else 2]
        elif kind == 4:
            events += data  # the status byte of the event before
        elif kind == 5:
            events += b"\xff\x58\x04" + bytes([data[0] % 8, data[1] % 4, 24, 8])
        elif kind == 6:
            events += b"\xff\x51\x03" + generator.choice([b"\0\0\0", b"\x07\xa1\x20"])
        else:
            events += b"\xf0" + LARGE[int(generator.integers(len(LARGE)))]
    ticks = int(generator.choice([0, 1, 24, 480, 32767, 32768, 65535]))
    header = b"".join(n.to_bytes(2, "big") for n in (int(generator.integers(3)), 1, ticks))
    return chunk(b"MThd", header) + chunk(b"MTrk", events)


def read(path: Path) -> list[Tokens]:
    """Return the runs of a file."""
    return midi.read(path)


def case(generator: Rng) -> Case:
    """Return a call of midi.read with some file."""
    u = generator.random()
    if u < 0.25:
        return Case("midi: at random", of_file(read, generator.bytes(1 + int(u * 1000))), False)
    if u < 0.5:
        return Case("midi: numbers from the edges", of_file(read, soup(generator)), None)
    tokens = melody(generator)
    song = midi.song_of(tokens, tempo=float(generator.uniform(20, 300)))
    content = midi.encode(song, kind=int(generator.integers(2)))
    if u < 0.6:
        return Case("midi: as it should be", of_file(read, content), True, lambda: [tokens])
    what = ""
    for _ in range(int(generator.integers(1, 4))):
        words, content = damaged(content, generator) if content else ("empty", b"")
        what = f"{what} {words}"
    return Case(f"midi:{what}", of_file(read, content), None)
