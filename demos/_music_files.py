"""MIDI and WAV files of melodies, and the page that plays them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from demos._music_player import player
from nnscratch.core import IntArray
from nnscratch.data import midi, wav

Parts = Mapping[str, tuple[str, Sequence[tuple[str, IntArray]]]]

WORDS = (
    "Press a button to hear a melody. Nothing is loaded from anywhere; the folders midi and wav "
    "beside this page have the same melodies as files."
)


def write_all(out: Path, parts: Parts) -> Path:
    """Write every melody as MIDI and as WAV, and index.html; return the path of the page."""
    for head, (_, named) in parts.items():
        for i, (name, tokens) in enumerate(named):
            words = "".join(c if c.isascii() and c.isalnum() else " " for c in f"{head} {name}")
            stem = "-".join([f"{i:02}", *words.lower().split()])
            midi.write(out / "midi" / f"{stem}.mid", tokens)
            wav.write(out / "wav" / f"{stem}.wav", tokens)
    return player(out / "index.html", "Melodies of a MusicVAE", WORDS, parts)
