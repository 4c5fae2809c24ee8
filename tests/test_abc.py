"""ABC notation, by small tunes whose notes are written down by hand."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data.abc import AbcTune, key_signature, length_of_bar, read_abc, times


def tune(body: str, *, metre: str = "4/4", key: str = "C", unit: str = "1/8") -> AbcTune:
    [found] = read_abc(f"X:1\nT:A tune\nM:{metre}\nL:{unit}\nK:{key}\n{body}\n")
    return found


def notes(body: str, **fields: str) -> list[list[tuple[int | None, float]]]:
    """Return (pitch, eighths) of every note of every bar."""
    return [[(n.pitch, float(n.length * 8)) for n in b.notes] for b in tune(body, **fields).bars]


def pitches(body: str, **fields: str) -> list[int | None]:
    return [pitch for bar in notes(body, **fields) for pitch, _ in bar]


def test_pitches() -> None:
    assert pitches("C, C c c' B z") == [48, 60, 72, 84, 71, None]


def test_a_key_changes_its_letters_in_every_octave() -> None:
    assert pitches("F f F, G", key="D") == [66, 78, 54, 67]
    assert pitches("B E A", key="Eb") == [70, 63, 68]


def test_an_accidental_holds_for_its_octave_until_the_bar_ends() -> None:
    assert pitches("^F F f =F F _B __B | F B", key="G") == [66, 66, 78, 65, 65, 70, 69, 66, 71]


def test_lengths() -> None:
    lengths = [n for _, n in notes("A A2 A/ A// A/2 A3/2 A/4")[0]]
    assert lengths == [1, 2, 0.5, 0.25, 0.5, 1.5, 0.25]


def test_a_length_that_is_not_told_follows_from_the_metre() -> None:
    for metre, length in (("2/4", Fraction(1, 16)), ("3/4", Fraction(1, 8)), ("C", Fraction(1, 8))):
        [found] = read_abc(f"X:1\nM:{metre}\nK:C\nA\n")
        assert found.bars[0].notes[0].length == length


def test_broken_rhythm() -> None:
    assert [n for _, n in notes("A>B c<d A>>B")[0]] == [1.5, 0.5, 0.5, 1.5, 1.75, 0.25]


def test_tuplets() -> None:
    three, two = Fraction(2, 3), Fraction(3, 2)
    [bar] = tune("(3ABc A (2AB (3:2:4 ABcd e").bars
    expected = [three] * 3 + [1] + [two] * 2 + [three] * 4 + [1]
    assert [note.length * 8 for note in bar.notes] == expected


def test_of_a_chord_the_highest_note_and_of_grace_notes_none() -> None:
    assert notes("[CEG]2 {cd}e [Ac2]") == [[(67, 2), (76, 1), (72, 2)]]


def test_bars_end_at_every_kind_of_line_and_not_at_the_end_of_a_text_line() -> None:
    body = "A|B|:c:|d::e||f[|g|]a [1 b [2 c'\nA"
    assert [[p for p, _ in bar] for bar in notes(body)] == [
        [69], [71], [72], [74], [76], [77], [79], [81], [83], [84, 69]
    ]  # fmt: skip


def test_what_does_not_sound_is_skipped() -> None:
    assert pitches('"Gm7"A !trill!B ~c .d (ef) vg ! a "D.C. al fine"b % C D E') == [
        69, 71, 72, 74, 76, 77, 79, 81, 83
    ]  # fmt: skip


def test_fields_in_the_music() -> None:
    found = tune("A [K:D]F\nM:2/4\nF [L:1/4] A | [M:C]B")
    assert [bar.metre for bar in found.bars] == ["2/4", "C"]
    assert [n.pitch for n in found.bars[0].notes] == [69, 66, 66, 69]
    assert found.bars[0].notes[-1].length == Fraction(1, 4)


def test_ties() -> None:
    assert [[n.tied for n in bar.notes] for bar in tune("A-A B-|B").bars] == [
        [True, False, True],
        [False],
    ]


def test_titles_numbers_and_voices() -> None:
    text = "X:1\nT:One\nT:Or else\nK:C\nA\n\nX: 2\nT:Two\nV:1\nV:2\nK:C\nA\nX:0003\nK:C\nA|"
    assert [(t.number, t.title) for t in read_abc(text)] == [("1", "One"), ("0003", "")]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C", {}),
        ("G", {"F": 1}),
        ("Am", {}),
        ("EMinor", {"F": 1}),
        ("A Mixolydian", {"F": 1, "C": 1}),
        ("ADor", {"F": 1}),
        ("Bb", {"B": -1, "E": -1}),
        ("F#m", {"F": 1, "C": 1, "G": 1}),
        ("Dmix =c", {"F": 1, "C": 0}),
        ("Hp", {"F": 1, "C": 1}),
        ("none", {}),
    ],
)
def test_key_signatures(text: str, key: dict[str, int]) -> None:
    assert key_signature(text) == key


def test_metres() -> None:
    assert [length_of_bar(m) for m in ("C|", "6/8", "none", "4/0")] == [1, Fraction(3, 4), 0, 0]


@given(number=st.integers(1, 64), slashes=st.integers(0, 4))
def test_times(number: int, slashes: int) -> None:
    assert times(f"{number}{'/' * slashes}") == Fraction(number, 2**slashes)


@given(text=st.text("X:1\nKMLTVABcz[]|()<>-^_=,'/0123456789{}\"! ", max_size=60))
def test_whatever_is_written_is_read(text: str) -> None:
    for found in read_abc("X:1\nK:C\n" + text):
        assert all(note.length >= 0 for bar in found.bars for note in bar.notes)
