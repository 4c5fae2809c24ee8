"""MIDI files: by bytes from the specification, against mido, and whatever else comes in."""

import io
import tracemalloc
from pathlib import Path

import mido
import numpy as np
import pytest
from fuzz.midi_files import plain
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data import Split, midi, midi_folder
from nnscratch.data.melodies import Tokens
from nnscratch.data.midi import MidiError, Note, Song, encode, parse
from nnscratch.data.midi.writer import variable

pytestmark = pytest.mark.oldest


def file(events: bytes, *, kind: int = 0, ticks: int = 480) -> bytes:
    """Return a file of one track."""
    header = b"MThd\0\0\0\6" + b"".join(n.to_bytes(2, "big") for n in (kind, 1, ticks))
    return header + b"MTrk" + len(events).to_bytes(4, "big") + events


QUARTER = b"\x83\x60"
"""480 ticks."""

END = b"\0\xff\x2f\0"


# The format


def test_a_file_by_hand() -> None:
    """Two quarters with running status, tempo 120, metre 3/4."""
    events = b"\0\xff\x51\3\7\xa1\x20\0\xff\x58\4\3\2\x18\x08"
    events += (
        b"\0\x90\x3c\x40" + QUARTER + b"\x3c\0" + b"\0\x3e\x41" + QUARTER + b"\x80\x3e\x40" + END
    )
    song = parse(file(events))
    assert song.ticks == 480
    assert song.tempos == ((0, 500_000),)
    assert song.metres == ((0, 3, 4),)
    assert song.notes == (Note(0, 480, 60, velocity=64), Note(480, 960, 62, velocity=65))


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (0, b"\0"), (0x40, b"\x40"), (0x7F, b"\x7f"), (0x80, b"\x81\0"), (0x2000, b"\xc0\0"),
        (0x3FFF, b"\xff\x7f"), (0x4000, b"\x81\x80\0"), (0x0FFFFFFF, b"\xff\xff\xff\x7f"),
    ],
)  # fmt: skip
def test_numbers_of_variable_length(value: int, content: bytes) -> None:
    """The examples of the specification, written and read."""
    assert variable(value) == content
    song = parse(file(content + b"\x90\x3c\x40\x01\x3c\0" + END))
    assert song.notes[0].start == value


def test_a_note_that_is_struck_again_ends_and_one_that_never_ends_does_with_its_track() -> None:
    song = parse(file(b"\0\x90\x3c\x40\x0a\x3c\x41\x0a\x3e\x42\x05\xff\x2f\0"))
    assert song.notes == (
        Note(0, 10, 60, velocity=64),
        Note(10, 25, 60, velocity=65),
        Note(20, 25, 62, velocity=66),
    )


def test_other_events_and_chunks_are_skipped() -> None:
    events = (
        b"\0\xb0\7\x64\0\xc0\5\0\xf0\3\1\2\xf7\0\xff\3\2hi\0\xe0\0\x40\0\x90\x3c\x40\1\x3c\0" + END
    )
    content = file(events)
    content = content[:14] + b"XFIH\0\0\0\2ab" + content[14:]
    assert parse(content).notes == (Note(0, 1, 60, velocity=64),)


@pytest.mark.parametrize(
    ("content", "reason", "words"),
    [
        (b"", "empty", "MIDI file: empty"),
        (b"RIFF....", "not MIDI", "got b'RIFF'"),
        (b"MThd\0\0", "truncated", "expected 4 more bytes, got 2"),
        (file(END, kind=2), "another type of MIDI file", "expected type 0 or 1, got 2"),
        (file(END, ticks=0), "no ticks a quarter", "got 0"),
        (file(END, ticks=0xE728), "no ticks a quarter", "expected 1 to 32767"),
        (file(b"\0\x3c\x40"), "damaged", "without a status byte"),
        (file(b"\0\x90\x3c\x80"), "damaged", "a data byte 0x80"),
        (file(b"\0\xf4"), "damaged", "a status byte 0xf4"),
        (file(b"\xff\xff\xff\xff\x7f\x90\x3c\x40"), "damaged", "more than four bytes"),
        (file(b"\0\xff\x51\2\7\xa1"), "damaged", "a tempo or metre of 2 bytes"),
        (file(b"\0\xff\x58\4\4\x63\x18\x08"), "damaged", r"a metre of 4/2\^99"),
        (file(b"\0\x90\x3c"), "truncated", "expected 2 more bytes, got 1"),
        (file(b"\0\xff\1\xff\xff\xff\x7f"), "truncated", "expected 268435455 more bytes"),
    ],
)
def test_what_is_no_file(content: bytes, reason: str, words: str) -> None:
    with pytest.raises(MidiError, match=words) as found:
        parse(content)
    assert found.value.reason == reason


def test_every_beginning_of_a_file_is_refused() -> None:
    content = encode(Song(480, (Note(0, 480, 60), Note(480, 900, 62)), ((0, 500_000),)), kind=1)
    for length in range(len(content)):
        with pytest.raises(MidiError):
            parse(content[:length])


# Songs, against mido

PLACES = {
    "channel": st.integers(0, 15),
    "track": st.integers(0, 3),
    "velocity": st.integers(1, 127),
}


@st.composite
def songs(draw: st.DrawFn) -> Song:
    """A song whose notes of one pitch and channel follow one another."""
    notes: list[Note] = []
    for pitch in draw(st.sets(st.integers(0, 127), max_size=4)):
        at = 0
        place = {name: draw(values) for name, values in PLACES.items()}
        for _ in range(draw(st.integers(1, 3))):
            at += draw(st.integers(0, 2**20))
            length = draw(st.integers(1, 2**20))
            notes.append(Note(at, at + length, pitch, **place))
            at += length
    tempos = draw(st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 2**24 - 1)), max_size=2))
    metre = st.tuples(
        st.integers(0, 2**20), st.integers(1, 255), st.sampled_from([1, 2, 4, 8, 128])
    )
    metres = draw(st.lists(metre, max_size=2))
    ticks = draw(st.integers(1, 32767))
    return Song(ticks, tuple(sorted(notes)), tuple(sorted(tempos)), tuple(sorted(metres)))


def by_mido(content: bytes) -> Song:
    """Return what mido reads in a file."""
    read = mido.MidiFile(file=io.BytesIO(content))
    notes, tempos, metres = [], [], []
    for number, track in enumerate(read.tracks):
        tick, begun = 0, {}
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                tempos.append((tick, message.tempo))
            elif message.type == "time_signature":
                metres.append((tick, message.numerator, message.denominator))
            elif message.type in ("note_on", "note_off"):
                key = message.channel, message.note
                if key in begun:
                    start, velocity = begun.pop(key)
                    notes.append(Note(start, tick, key[1], key[0], number, velocity))
                if message.type == "note_on" and message.velocity:
                    begun[key] = tick, message.velocity
    song = Song(
        read.ticks_per_beat, tuple(sorted(notes)), tuple(sorted(tempos)), tuple(sorted(metres))
    )
    return song


def tracks_as_written(song: Song, kind: int) -> Song:
    """Return the song with the numbers that its tracks get in a file."""
    numbers = sorted({note.track for note in song.notes})
    notes = (
        Note(n.start, n.end, n.pitch, n.channel, kind and 1 + numbers.index(n.track), n.velocity)
        for n in song.notes
    )
    return Song(song.ticks, tuple(sorted(notes)), song.tempos, song.metres)


@given(song=songs(), kind=st.sampled_from([0, 1]))
def test_what_we_write_mido_reads_and_so_do_we(song: Song, kind: int) -> None:
    content = encode(song, kind=kind)
    expected = tracks_as_written(song, kind)
    assert by_mido(content) == expected
    assert parse(content) == expected


@given(song=songs(), data=st.data())
def test_what_mido_writes_we_read(song: Song, data: st.DataObject) -> None:
    """With note-offs of both kinds; mido leaves out the status bytes that it can."""
    written = mido.MidiFile(ticks_per_beat=song.ticks, type=1)
    for number in range(4):
        events = [(note.start, 1, note) for note in song.notes if note.track == number]
        events += [(note.end, 0, note) for note in song.notes if note.track == number]
        track, before = mido.MidiTrack(), 0
        if number == 0:
            for tempo in song.tempos[:1]:
                track.append(mido.MetaMessage("set_tempo", tempo=tempo[1], time=tempo[0]))
                before = tempo[0]
            events = [(max(tick, before), on, note) for tick, on, note in events]
        for tick, on, note in sorted(events, key=lambda event: event[:2]):
            kind = "note_on" if on or data.draw(st.booleans()) else "note_off"
            track.append(
                mido.Message(
                    kind,
                    note=note.pitch,
                    velocity=note.velocity if on else 0,
                    channel=note.channel,
                    time=tick - before,
                )
            )
            before = tick
        written.tracks.append(track)
    content = io.BytesIO()
    written.save(file=content)
    assert parse(content.getvalue()) == by_mido(content.getvalue())


def test_the_writer_leaves_out_status_bytes() -> None:
    """Four notes of one channel: one status byte, and three bytes for each of the other events."""
    notes = tuple(Note(i, i + 1, 60) for i in range(4))
    assert encode(Song(1, notes)).count(b"\x90") == 1


@pytest.mark.parametrize(
    ("song", "words"),
    [
        (Song(0, ()), "encode: expected ticks ≥ 1, got 0"),
        (Song(2**15, ()), "expected ticks in 1 … 32767"),
        (Song(1, (Note(0, 0, 60),)), "end after they begin"),
        (Song(1, (Note(-1, 1, 60),)), "expected tick ≥ 0"),
        (Song(1, (Note(0, 2**28, 60),)), "expected tick in 0"),
        (Song(1, (Note(0, 1, 128),)), "expected pitch in 0 … 127, got 128"),
        (Song(1, (Note(0, 1, 60, 16),)), "expected channel in 0 … 15"),
        (Song(1, (Note(0, 1, 60, velocity=0),)), "expected velocity ≥ 1"),
        (Song(1, (), ((0, 0),)), "expected tempo ≥ 1"),
        (Song(1, (), (), ((0, 4, 3),)), "a denominator of 1, 2, 4, 8"),
        (Song(1, (), (), ((0, 256, 4),)), "expected numerator in 1 … 255"),
    ],
)
def test_what_no_file_can_hold(song: Song, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        encode(song)
    with pytest.raises(ValueError, match="expected kind 0 or 1, got 2"):
        encode(song, kind=2)


# Tokens


@st.composite
def melodies_(draw: st.DrawFn) -> Tokens:
    """A melody every bar of which has a note, so that it is one run."""
    bars = []
    for _ in range(draw(st.integers(2, 4))):
        rest = draw(st.lists(st.sampled_from([0, 0, 1, 2, 40, 89]), min_size=15, max_size=15))
        bars += [
            draw(st.sampled_from([1, 2, 40, 89])),
            *rest[:14],
            draw(st.sampled_from([rest[14], 5])),
        ]
        if not any(token >= 2 for token in bars[-16:]):
            bars[-1] = 50
    return plain(np.array(bars, np.uint8))


@given(tokens=melodies_(), tempo=st.floats(4, 6000))
def test_tokens_come_back(tokens: Tokens, tempo: float) -> None:
    song = midi.song_of(tokens, tempo=tempo)
    [run] = midi.runs_of(parse(encode(song)))
    np.testing.assert_array_equal(run, tokens)
    assert song.tempos[0][1] == pytest.approx(60e6 / tempo, abs=0.5)


def test_a_file_of_tokens_by_mido(tmp_path: Path) -> None:
    tokens = np.array([41, 0, 43, 1, 45] + [0] * 11, np.uint8)
    written = midi.write(tmp_path / "tune.mid", tokens, tempo=90)
    found = [(n.start / 120, n.end / 120, n.pitch) for n in by_mido(written.read_bytes()).notes]
    assert found == [(0, 2, 60), (2, 3, 62), (4, 16, 64)]
    assert mido.MidiFile(written).length == pytest.approx(4 * 60 / 90, rel=1e-4)


def song(*notes: tuple[float, float, int], channel: int = 0, **fields: object) -> Song:
    """Return a song of notes in quarters."""
    each = tuple(Note(int(a * 96), int(b * 96), pitch, channel) for a, b, pitch in notes)
    return Song(96, each, **fields)  # type: ignore[arg-type]


TWO_BARS = ((0, 4, 60), (4, 8, 62))
C, D, E = 41, 43, 45


def bar(*quarters: int) -> list[int]:
    return [token for quarter in quarters for token in (quarter, 0, 0, 0)]


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        (TWO_BARS, [bar(C, 0, 0, 0) + bar(D, 0, 0, 0)]),
        (((0, 4, 60), (0, 4, 64), (0, 4, 62), (4, 8, 62)), [bar(E, 0, 0, 0) + bar(D, 0, 0, 0)]),
        (((0, 8, 64), (1, 2, 60)), []),  # a note ends where the next begins: one bar is left
        (((0, 8, 64), (1, 2, 60), (4, 5, 62)), [bar(E, C, 1, 0) + bar(D, 1, 0, 0)]),
        (((0.06, 0.98, 60), (1.1, 3.9, 62), (7, 8, 64)), [bar(C, D, 0, 0) + bar(1, 0, 0, E)]),
        (((1, 2, 60), (5, 6, 62)), [bar(1, C, 1, 0) + bar(0, D, 1, 0)]),
        (((40, 44, 60), (44, 48, 62)), [bar(C, 0, 0, 0) + bar(D, 0, 0, 0)]),  # silent bars before
        (((0, 0, 60), (4, 4, 62)), [[C, 1, *[0] * 14, D, 1, *[0] * 14]]),
    ],
)
def test_runs(notes: tuple[tuple[float, float, int], ...], expected: list[list[int]]) -> None:
    if not expected:
        with pytest.raises(MidiError, match="fewer than two bars"):
            midi.runs_of(song(*notes))
    else:
        assert [run.tolist() for run in midi.runs_of(song(*notes))] == expected


def test_a_bar_of_silence_ends_a_run() -> None:
    later = tuple((a + 12, b + 12, pitch) for a, b, pitch in TWO_BARS)
    assert len(midi.runs_of(song(*TWO_BARS, *later))) == 2


def test_a_note_lasts_four_bars_at_most() -> None:
    [run] = midi.runs_of(song((0, 1000, 60)))
    assert run.tolist() == [C, *[0] * 63]


def test_bars_of_another_metre_are_left_out() -> None:
    notes = tuple((float(i), i + 1.0, 60 + i) for i in range(30))
    metres = ((0, 4, 4), (0, 4, 4), (384 * 2 + 96, 3, 4), (384 * 3, 4, 4))
    runs = midi.runs_of(song(*notes, metres=metres))
    assert [len(run) for run in runs] == [32, 80]
    assert runs[0][0] == C
    assert runs[1][0] == C + 12


def test_voices_are_melodies_of_their_own_and_drums_are_none() -> None:
    notes = tuple(
        Note(480 * i, 480 * i + 480, pitch, channel, track)
        for i in range(8)
        for pitch, channel, track in ((60, 0, 0), (62, 1, 0), (64, 0, 1), (36, 9, 0), (10, 3, 3))
    )
    assert [run[0] for run in midi.runs_of(Song(480, notes))] == [C, D, E]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (song(*TWO_BARS, tempos=((5, 0),)), "tempo 0"),
        (song(), "silence"),
        (song(*TWO_BARS, channel=9), "drums only"),
        (song((0, 4, 60), (4, 8, 20)), "pitches outside of 21 … 108"),
        (song(*TWO_BARS, metres=((0, 3, 4),)), "another metre than 4/4"),
        (song((0, 4, 60)), "fewer than two bars in a row"),
        (song(*((16 * i, 16 * i + 16, 60) for i in range(2501))), "longer than 10,000 bars"),
    ],
)
def test_why_a_song_has_no_melody(bad: Song, reason: str) -> None:
    with pytest.raises(MidiError) as found:
        midi.runs_of(bad)
    assert found.value.reason == reason


def test_numbers_that_claim_much_take_little() -> None:
    """A note that begins and lasts 2²⁸ - 1 quarters, in a thousand tracks: five bars are kept."""
    events = b"\xff\xff\xff\x7f\x90\x3c\x40\xff\xff\xff\x7f\x3c\0"
    track = b"MTrk" + len(events).to_bytes(4, "big") + events
    content = b"MThd\0\0\0\6\0\1" + (1000).to_bytes(2, "big") + b"\0\1" + track * 1000
    tracemalloc.start()
    runs = midi.runs_of(parse(content))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(run) for run in runs] == [80] * 1000
    assert peak < 100 * len(content)


@pytest.mark.parametrize(
    ("tokens", "tempo", "words"),
    [
        (np.zeros((2, 16), np.uint8), 120, "song_of tokens"),
        (np.full(16, 90, np.uint8), 120, "expected 0 to 89, got 90 to 90"),
        (np.zeros(16), 120, "float64"),
        (np.zeros(16, np.uint8), 0, "expected tempo in"),
    ],
)
def test_what_is_no_melody(tokens: Tokens, tempo: float, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words):
        midi.write(tmp_path / "no.mid", tokens, tempo=tempo)
    assert not list(tmp_path.iterdir())


# Folders


def tune(first: int) -> Tokens:
    """Return two bars of quarters, each a semitone above the one before."""
    return np.array(bar(*range(first, first + 8)), np.uint8)


def test_a_folder(tmp_path: Path) -> None:
    midi.write(tmp_path / "a.mid", tune(40))
    midi.write(tmp_path / "deep" / "b.MID", tune(41))
    midi.write(tmp_path / "c.midi", np.concatenate([tune(30), tune(20)[::-1]]))
    (tmp_path / "notes.txt").write_text("not one")
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "cut.mid").write_bytes((tmp_path / "a.mid").read_bytes()[:-3])
    for name in ("waltz 1", "waltz 2", "waltz 3", "waltz 4"):
        (tmp_path / f"{name}.mid").write_bytes(encode(song(*TWO_BARS, metres=((0, 3, 4),))))
    (tmp_path / "long.mid").write_bytes(encode(song((0, 16, 60))))
    said: list[str] = []
    found = midi_folder(tmp_path, report=said.append)
    assert [t.title for t in found.tunes] == ["a", "c", "b"]
    assert [t.id for t in found.tunes] == ["a.mid", "c.midi", str(Path("deep", "b.MID"))]
    assert [t.family for t in found.tunes] == [0, 0, 0]  # c begins with the tune, lower
    [text] = said
    first, *lines = text.split("\n")
    assert first == f"{tmp_path}: 10 MIDI files, 3 taken, 4 windows of two bars"
    assert lines == [
        "  4 left out: another metre than 4/4 (waltz 1.mid, waltz 2.mid, waltz 3.mid, …)",
        "  1 left out: truncated (cut.mid)",
        "  1 left out: empty (empty.mid)",
        "  1 left out: fewer than two notes in two bars (long.mid)",
    ]


def test_a_folder_is_split_by_family(tmp_path: Path, rng: np.random.Generator) -> None:
    for i, tokens in enumerate([tune(40), tune(42), tune(60)[::-1].copy(), np.repeat(tune(70), 2)]):
        tokens[0] = max(tokens[0], 2)
        midi.write(tmp_path / f"{i}.mid", tokens)
    found = midi_folder(tmp_path, report=lambda text: None)
    assert [t.family for t in found.tunes] == [0, 0, 1, 2]
    train, rest = found.split(0.67, rng=rng)
    assert isinstance(found.split(0.5, rng=rng), Split)
    assert not {t.family for t in train.tunes} & {t.family for t in rest.tunes}
    assert sorted(t.id for part in (train, rest) for t in part.tunes) == [
        f"{i}.mid" for i in range(4)
    ]
    assert len({t.family for t in train.tunes}) == 2
    with pytest.raises(ValueError, match=r"leaves both parts something, got 0\.01 of 3 families"):
        found.split(0.01, rng=rng)


def test_a_folder_without_melodies(tmp_path: Path) -> None:
    (tmp_path / "no.mid").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"(?s)got none: .*1 left out: not MIDI \(no\.mid\)"):
        midi_folder(tmp_path, report=print)
    with pytest.raises(FileNotFoundError, match="expected a folder of MIDI files"):
        midi_folder(tmp_path / "nowhere")
