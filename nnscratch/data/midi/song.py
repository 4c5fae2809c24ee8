"""What a MIDI file holds: notes, tempo and metre."""

from dataclasses import dataclass

DRUMS = 9
"""The channel of drums (the tenth), where a pitch is an instrument."""


class MidiError(ValueError):
    """A file that is not what the format says; `reason` is why, in a few words that many share."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"MIDI file: {reason}{detail and f': {detail}'}")
        self.reason = reason


@dataclass(frozen=True, order=True)
class Note:
    """A note: start and end in ticks, MIDI pitch 0 … 127 (60 is middle C), velocity 1 … 127."""

    start: int
    end: int
    pitch: int
    channel: int = 0
    track: int = 0
    velocity: int = 80


@dataclass(frozen=True)
class Song:
    """What a file holds.

    ticks   parts of a quarter note, in which time is counted
    notes   in the order in which they begin
    tempos  (tick, microseconds a quarter) of each change
    metres  (tick, numerator, denominator) of each change; before the first the metre is 4/4
    """

    ticks: int
    notes: tuple[Note, ...]
    tempos: tuple[tuple[int, int], ...] = ()
    metres: tuple[tuple[int, int, int], ...] = ()
