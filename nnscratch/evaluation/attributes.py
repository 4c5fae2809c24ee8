"""Attributes of melodies: exact functions of their tokens, so that nobody need listen.

Each takes windows (N, T) of tokens and returns a number of each, (N,); 0 where there is no note.

Source
    Roberts and others, A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music
    (2018), whose latent space has directions along which these change. The formulas are ours.
"""

import numpy as np
from numpy.typing import NDArray

from ..core import Array
from ..data.melodies import FIRST_NOTE, HOLD, LOWEST, Tokens, check_tokens

C_MAJOR = (0, 2, 4, 5, 7, 9, 11)
"""Semitones above C."""


def note_density(tokens: Tokens) -> Array:
    """Return how many notes begin, a step."""
    return _notes("note_density", tokens).mean(axis=1)


def c_diatonic(tokens: Tokens) -> Array:
    """Return the share of notes that are white keys of the piano: those of C major."""
    notes = _notes("c_diatonic", tokens)
    pitch = np.asarray(tokens).astype(np.int64) - FIRST_NOTE + LOWEST
    return _share(notes & np.isin(pitch % 12, C_MAJOR), notes)


def mean_interval(tokens: Tokens) -> Array:
    """Return the mean of |pitch - pitch of the note before|, in semitones; 0 for a single note."""
    notes = _notes("mean_interval", tokens)
    x = np.asarray(tokens).astype(np.int64)
    steps = [np.abs(np.diff(row[note])) for row, note in zip(x, notes, strict=True)]
    return np.array([step.mean() if len(step) else 0.0 for step in steps])


def syncopation_8th(tokens: Tokens) -> Array:
    """Return the share of notes that begin half a quarter late: on an odd eighth, after a hold.

    The hold is the step on the quarter before it: nothing happens there.
    """
    return _syncopation("syncopation_8th", tokens, 2)


def syncopation_16th(tokens: Tokens) -> Array:
    """Return the share of notes that begin on an odd sixteenth, after a hold on the eighth."""
    return _syncopation("syncopation_16th", tokens, 1)


ATTRIBUTES = {
    "note density": note_density,
    "C diatonic": c_diatonic,
    "mean interval": mean_interval,
    "8th syncopation": syncopation_8th,
    "16th syncopation": syncopation_16th,
}
"""All of them, by name."""


def _syncopation(who: str, tokens: Tokens, late: int) -> Array:
    """Return the share of notes `late` steps after a place that divides by twice as many, held."""
    notes = _notes(who, tokens)
    held = np.zeros_like(notes)
    held[:, late:] = np.asarray(tokens)[:, :-late] == HOLD
    off_beat = np.arange(notes.shape[1]) % (2 * late) == late
    return _share(notes & held & off_beat, notes)


def _notes(who: str, tokens: Tokens) -> NDArray[np.bool_]:
    """Return where notes begin: (N, T) truth values."""
    return check_tokens(who, tokens) >= FIRST_NOTE


def _share(some: NDArray[np.bool_], of: NDArray[np.bool_]) -> Array:
    """Return what share of `of` is in `some`, a row; 0 where there are none."""
    return some.sum(axis=1) / np.maximum(of.sum(axis=1), 1)
