"""Tunes of one voice in ABC notation, the text in which collections of folk music are written down.

    for tune in read_abc(text):
        print(tune.title, len(tune.bars))

A letter is a note, a number behind it a length: `c2ec | gcec` has seven notes. Of the format there
is what such collections use: fields in a line of their own or in brackets, modes, accidentals,
broken rhythm, ties, tuplets, chords, decorations.

What becomes of the rest: sections are read once, in the order they are written in, with all of
their endings. Grace notes are left out. Of a chord the highest note is read. Notes of a tuplet have
the lengths that they sound. An accidental holds for its note and octave until the bar ends. A tune
of several voices is left out.

Source
    The ABC music standard 2.1 (2011).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

SHARPS = "FCGDAEB"
FIFTHS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1}
"""How many sharps the major key of a letter has."""

MODES = {
    "maj": 0, "ion": 0, "m": -3, "min": -3, "aeo": -3,
    "lyd": 1, "mix": -1, "dor": -2, "phr": -4, "loc": -5,
}  # fmt: skip
"""How many sharps a mode has more than the major key of its letter."""

SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MIDDLE_C = 60

NOTE = r"(?:[_^=]*[A-Ga-g][,']*\d*/*\d*)"
ONE_NOTE = re.compile(r"([_^=]*)([A-Ga-g])([,']*)(\d*/*\d*)")
TOKEN = re.compile(
    r'"[^"]*"|!\s?[\w.:()]+!|\{[^}]*\}'  # names of chords, decorations, grace notes: nothing sounds
    r"|\[(?P<field>[A-Za-z]):(?P<value>[^\]]*)\]"
    r"|(?P<bar>\|:|\|\||:\||::|\[\||\|\]|\||\[\d)"
    r"|\((?P<p>\d)(?::(?P<q>\d?))?(?::(?P<r>\d?))?"
    rf"|\[(?P<chord>{NOTE}+)\](?P<times>\d*/*\d*)|(?P<note>{NOTE})|(?P<rest>[zxZ])(?P<pause>\d*/*\d*)"
    r"|(?P<broken>[<>]+)|(?P<tie>-)|."
)


@dataclass
class Note:
    """A note, or a rest if pitch is None. Lengths are parts of a whole note; pitches are MIDI's."""

    pitch: int | None
    length: Fraction
    tied: bool = False


@dataclass
class Bar:
    """The notes between two bar lines, and the metre as it is written: 4/4, C|, 2/4 …"""

    metre: str
    notes: list[Note]


@dataclass
class AbcTune:
    """A tune: its number X in the file, its first title T, its bars."""

    number: str
    title: str
    bars: list[Bar]


def read_abc(text: str) -> Iterator[AbcTune]:
    """Return the tunes of one voice, one after the other."""
    for part in re.split(r"^(?=X:)", text.replace("\r", ""), flags=re.MULTILINE):
        if part.startswith("X:"):
            reader = _Reader()
            for line in part.split("\n"):
                reader.line(re.sub(r"(?<!\\)%.*", "", line))
            reader.end_bar()
            if reader.voices <= 1:
                yield AbcTune(reader.number, reader.title, reader.bars)


@dataclass
class _Reader:
    """What has been read of a tune, and what holds for the next note of it."""

    number: str = ""
    title: str = ""
    voices: int = 0
    bars: list[Bar] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)  # of the bar that has not ended yet
    in_body: bool = False
    metre: str = ""
    unit: Fraction | None = None  # the length of a note without a number, if the tune says it
    key: dict[str, int] = field(default_factory=dict)  # semitones up, by letter
    accidentals: dict[tuple[str, int], int] = field(default_factory=dict)  # by letter and octave
    tuplet: Fraction = Fraction(1)
    left_of_tuplet: int = 0
    broken: Fraction = Fraction(1)  # of the next note

    def line(self, line: str) -> None:
        """Read a line: a field, or music once the key has been told."""
        if match := re.match(r"([A-Za-z]):(?![|:])(.*)", line):
            self.field(match[1], match[2].strip())
        elif self.in_body:
            for match in TOKEN.finditer(line):
                self.token(match)

    def field(self, letter: str, value: str) -> None:
        """Read a field."""
        if letter == "X":
            self.number = value
        elif letter == "T" and not self.title:
            self.title = value
        elif letter == "M":
            self.metre = value.split()[0] if value else ""
        elif letter == "L" and (match := re.match(r"(\d+)/(\d+)", value)):
            self.unit = Fraction(int(match[1]), int(match[2]))
        elif letter == "K":
            self.key, self.in_body = key_signature(value), True
        elif letter == "V":
            self.voices += 1

    def token(self, match: re.Match[str]) -> None:
        """Read a note, a rest, a bar line or what changes the notes beside it."""
        if match["field"] and match["field"] in "MLK":
            self.field(match["field"], match["value"].strip())
        elif match["bar"]:
            self.end_bar()
        elif match["p"]:
            p = int(match["p"])
            q = int(match["q"] or {2: 3, 4: 3, 8: 3}.get(p, 2))
            self.tuplet, self.left_of_tuplet = Fraction(q, max(p, 1)), int(match["r"] or p)
        elif match["chord"]:
            notes = ONE_NOTE.findall(match["chord"])
            length = times(notes[-1][3]) * times(match["times"])
            self.note(max(self.pitch(*note[:3]) for note in notes), length)
        elif match["note"]:
            [(*spelling, number)] = ONE_NOTE.findall(match["note"])
            self.note(self.pitch(*spelling), times(number))
        elif match["rest"] == "Z":  # so many bars; they are one bar here, which is too long
            self.notes.append(Note(None, times(match["pause"]) * length_of_bar(self.metre)))
        elif match["rest"]:
            self.note(None, times(match["pause"]))
        elif match["tie"] and self.notes:
            self.notes[-1].tied = True
        elif match["broken"] and self.notes:
            short = Fraction(1, 2 ** len(match["broken"]))
            first, self.broken = (
                (2 - short, short) if match["broken"][0] == ">" else (short, 2 - short)
            )
            self.notes[-1].length *= first

    def note(self, pitch: int | None, number: Fraction) -> None:
        """Add a note or rest, so many times as long as the unit."""
        whole = length_of_bar(self.metre)
        unit = self.unit or (Fraction(1, 16) if 0 < whole < Fraction(3, 4) else Fraction(1, 8))
        length = unit * number * self.broken
        self.broken = Fraction(1)
        if self.left_of_tuplet:
            length *= self.tuplet
            self.left_of_tuplet -= 1
        self.notes.append(Note(pitch, length))

    def pitch(self, accidental: str, letter: str, octaves: str) -> int:
        """Return the MIDI pitch of a spelling; an accidental holds until the bar ends."""
        octave = letter.islower() + octaves.count("'") - octaves.count(",")
        name = letter.upper()
        if accidental:
            self.accidentals[name, octave] = accidental.count("^") - accidental.count("_")
        change = self.accidentals.get((name, octave), self.key.get(name, 0))
        return MIDDLE_C + 12 * octave + SEMITONES[name] + change

    def end_bar(self) -> None:
        """Keep what has been read since the last bar line, if anything."""
        if self.notes:
            self.bars.append(Bar(self.metre, self.notes))
        self.notes, self.accidentals = [], {}


def times(text: str) -> Fraction:
    """Return the number behind a note: 3, 3/2, /2, or / for 1/2 and // for 1/4."""
    [(number, slashes, divisor)] = re.findall(r"^(\d*)(/*)(\d*)$", text)
    below = int(divisor) if divisor else 2 ** len(slashes)
    return Fraction(int(number or 1), max(below, 1))


def length_of_bar(metre: str) -> Fraction:
    """Return how long a bar is, in whole notes; 0 if the metre is not known."""
    if metre.startswith("C"):
        return Fraction(1)
    match = re.match(r"(\d+)/([1-9]\d*)", metre)
    return Fraction(int(match[1]), int(match[2])) if match else Fraction(0)


def key_signature(text: str) -> dict[str, int]:
    """Return by how many semitones the key changes each letter: K:Dmix, K:Bb, K:Ador ^c, K:Hp."""
    if text[:2].lower() == "hp":  # the Highland bagpipe's
        return {"F": 1, "C": 1}
    match = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if not match:
        return {}
    letter, accidental, mode = match.groups()
    mode = mode.lower() if len(mode) < 3 else mode[:3].lower()
    sharps = FIFTHS[letter] + 7 * ((accidental == "#") - (accidental == "b")) + MODES.get(mode, 0)
    letters = SHARPS[:sharps] if sharps > 0 else SHARPS[sharps:] if sharps else ""
    key = dict.fromkeys(letters, 1 if sharps > 0 else -1)
    for sign, name in re.findall(r"([_^=])([A-Ga-g])", text[match.end() :]):
        key[name.upper()] = {"^": 1, "_": -1, "=": 0}[sign]
    return key
