"""Reading a standard MIDI file.

A file is a header and tracks; a track is a list of events, each after a time in ticks. Notes, tempo
and metre are read, in files of type 0 (one track) and 1 (several tracks that sound together); other
events are skipped. A file that breaks the format is refused. No number in it makes the reader wait,
or take more memory than a few times the file's own size.

Source
    The MIDI Manufacturers Association, Standard MIDI Files 1.0 (1996).
"""

from .song import MidiError, Note, Song

TEMPO, METRE, END_OF_TRACK = 0x51, 0x58, 0x2F
DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
"""How many bytes follow a status byte, by its upper half."""


class _Bytes:
    """Bytes that are read from left to right; past the end is a refusal."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            left = len(self.data) - self.at
            raise MidiError("truncated", f"expected {count} more bytes, got {left}")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def variable(self) -> int:
        """Return a number of up to four bytes of 7 bits; all but the last have the top bit set."""
        value = 0
        for _ in range(4):
            byte = self.number(1)
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise MidiError("damaged", "a number of more than four bytes")


def parse(data: bytes) -> Song:
    """Return what a file of type 0 or 1 holds.

    A note that is struck again while it sounds ends there; one that never ends does so with its
    track. A status byte may be left out if it is that of the last note or controller, also when
    another kind of event lies between.

    Raises
        MidiError, a ValueError, if it is no such file: not MIDI, truncated, damaged …
    """
    file = _Bytes(data)
    if not data:
        raise MidiError("empty")
    if data[:4] != b"MThd":
        raise MidiError("not MIDI", f"expected MThd at its beginning, got {data[:4]!r}")
    file.take(4)
    header = _Bytes(file.take(file.number(4)))
    kind, tracks, ticks = header.number(2), header.number(2), header.number(2)
    if kind not in (0, 1):
        raise MidiError("another type of MIDI file", f"expected type 0 or 1, got {kind}")
    if not 0 < ticks < 0x8000:
        raise MidiError("no ticks a quarter", f"expected 1 to 32767, got {ticks}")
    notes: list[Note] = []
    tempos: list[tuple[int, int]] = []
    metres: list[tuple[int, int, int]] = []
    track = 0
    while track < tracks:
        name, content = file.take(4), file.take(file.number(4))
        if name == b"MTrk":  # others may be there, says the format, and are skipped
            _track(_Bytes(content), track, notes, tempos, metres)
            track += 1
    return Song(ticks, tuple(sorted(notes)), tuple(sorted(tempos)), tuple(sorted(metres)))


def _track(
    data: _Bytes,
    track: int,
    notes: list[Note],
    tempos: list[tuple[int, int]],
    metres: list[tuple[int, int, int]],
) -> None:
    """Read the events of a track into the three lists."""
    tick, running = 0, 0
    open_notes: dict[tuple[int, int], tuple[int, int]] = {}  # start and velocity, by channel, pitch

    def end(channel: int, pitch: int) -> None:
        if begun := open_notes.pop((channel, pitch), None):
            notes.append(Note(begun[0], tick, pitch, channel, track, begun[1]))

    while data.at < len(data.data):
        tick += data.variable()
        if data.data[data.at : data.at + 1] >= b"\x80":
            status = data.number(1)
        elif running:
            status = running
        else:
            raise MidiError("damaged", "an event without a status byte")
        if status == 0xFF:
            kind, content = data.number(1), data.take(data.variable())
            if kind == TEMPO and len(content) == 3:
                tempos.append((tick, int.from_bytes(content, "big")))
            elif kind == METRE and len(content) >= 2:
                if content[1] > 7:
                    raise MidiError("damaged", f"a metre of {content[0]}/2^{content[1]}")
                metres.append((tick, content[0], 2 ** content[1]))
            elif kind in (TEMPO, METRE):
                raise MidiError("damaged", f"a tempo or metre of {len(content)} bytes")
            elif kind == END_OF_TRACK:
                break
        elif status in (0xF0, 0xF7):  # for one maker's instruments
            data.take(data.variable())
        elif status > 0xF0:
            raise MidiError("damaged", f"a status byte {status:#x}, which no file has")
        else:
            running, kind, channel = status, status & 0xF0, status & 0x0F
            values = data.take(DATA_BYTES[kind])
            if max(values) > 0x7F:
                raise MidiError("damaged", f"a data byte {max(values):#x} above 0x7f")
            if kind in (0x80, 0x90):
                end(channel, values[0])
            if kind == 0x90 and values[1] > 0:
                open_notes[channel, values[0]] = tick, values[1]
    for channel, pitch in list(open_notes):
        end(channel, pitch)
