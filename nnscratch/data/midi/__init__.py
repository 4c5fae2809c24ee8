"""Melodies as MIDI files: `write` and `read` tokens, `parse` and `encode` whole files."""

from .reader import parse
from .song import MidiError, Note, Song
from .tokens import read, runs_of, song_of, write
from .writer import encode

__all__ = [
    "MidiError",
    "Note",
    "Song",
    "encode",
    "parse",
    "read",
    "runs_of",
    "song_of",
    "write",
]
