"""Writing a standard MIDI file of type 0 or 1, with running status (no status byte twice)."""

from collections.abc import Iterable, Iterator

from ...checks.arguments import integer
from .song import Note, Song


def encode(song: Song, *, kind: int = 0) -> bytes:
    """Return the bytes of a file of type 0, or of type 1, where notes have tracks of their own.

    Raises
        ValueError if a number of the song has no place in a MIDI file.
    """
    if kind not in (0, 1):
        raise ValueError(f"encode: expected kind 0 or 1, got {kind!r}")
    integer("encode", "ticks", song.ticks)
    events = [
        (t, b"\xff\x51\x03" + _inside("tempo", us, 1, 2**24 - 1).to_bytes(3, "big"))
        for t, us in song.tempos
    ]
    for t, numerator, denominator in song.metres:
        power = _inside("denominator", denominator, 1, 2**255).bit_length() - 1
        if denominator != 2**power:
            raise ValueError(f"encode: expected a denominator of 1, 2, 4, 8 …, got {denominator}")
        above = _inside("numerator", numerator, 1, 255)
        events.append((t, b"\xff\x58\x04" + bytes((above, power, 24, 8))))
    tracks = [[*events, *_events(song.notes)]]
    if kind == 1:
        numbers = sorted({note.track for note in song.notes})
        tracks = [events, *(list(_events(n for n in song.notes if n.track == i)) for i in numbers)]
    header = b"".join(
        n.to_bytes(2, "big") for n in (kind, len(tracks), _inside("ticks", song.ticks, 1, 32767))
    )
    return _chunk(b"MThd", header) + b"".join(_chunk(b"MTrk", _content(track)) for track in tracks)


def _events(notes: Iterable[Note]) -> Iterator[tuple[int, bytes]]:
    for note in notes:
        status = 0x90 + _inside("channel", note.channel, 0, 15)
        pitch = _inside("pitch", note.pitch, 0, 127)
        velocity = _inside("velocity", note.velocity, 1, 127)
        if note.end <= note.start:
            raise ValueError(f"encode: expected notes that end after they begin, got {note}")
        yield note.start, bytes((status, pitch, velocity))
        yield note.end, bytes((status, pitch, 0))  # a note-off that shares its status byte


def _content(events: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the events of a track by time; of one tick tempo and metre come first, then ends."""
    out, tick, running = bytearray(), 0, 0

    def order(event: tuple[int, bytes]) -> tuple[int, int]:
        return event[0], 0 if event[1][0] == 0xFF else 1 + (event[1][2] > 0)

    for time, event in sorted(events, key=order):
        out += variable(_inside("tick", time - tick, 0, 2**28 - 1))
        out += event[1:] if event[0] == running else event
        tick, running = time, event[0] if event[0] != 0xFF else 0
    return bytes(out) + b"\x00\xff\x2f\x00"


def variable(value: int) -> bytes:
    """Return 0 … 2²⁸ - 1 as one to four bytes of 7 bits; all but the last have the top bit set."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "big") + content


def _inside(name: str, value: int, low: int, high: int) -> int:
    integer("encode", name, value, low)
    if value > high:
        raise ValueError(f"encode: expected {name} in {low} … {high}, got {value}")
    return value
