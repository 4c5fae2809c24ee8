"""The melodies of the package: what they are, how windows are cut, that none is in both parts."""

import hashlib
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data import Melodies, Tune, make_melodies, melodies, transpose
from nnscratch.data.abc import Note, read_abc
from nnscratch.data.make_melodies import bar_tokens, tune_runs
from nnscratch.data.melodies import COLLECTIONS, Tokens, families, relative

pytestmark = pytest.mark.oldest

FILE = sys.modules["nnscratch.data.melodies"].FILE  # nnscratch.data.melodies is the function
PINNED = "59beed50767991c370361307ee76403ba6047ea52b872e73e2a0d1c96632a4e0"


# The file


def test_every_tune_has_what_a_tune_has() -> None:
    tunes = [tune for part in melodies() for tune in part.tunes]
    assert len({tune.id for tune in tunes}) == len(tunes)
    assert {tune.collection for tune in tunes} == set(COLLECTIONS)
    assert [t.id for t in tunes if t.title == "The Ranting Highlandman."] == ["book1:0001"]
    for run in (run for tune in tunes for run in tune.runs):
        assert run.dtype == np.uint8
        assert run.max() < 90
        assert run[0] > 0
        assert len(run) % 16 == 0
        assert len(run) >= 32


def test_the_first_bars_of_a_known_tune() -> None:
    """Aird I, 1: |B2B2 B2AG|B2B2 B2g2| in G, C| and eighths; an upbeat of two is left out."""
    [tune] = [tune for part in melodies() for tune in part.tunes if tune.id == "book1:0001"]
    B, A, G, g = (2 + pitch - 21 for pitch in (71, 69, 67, 79))
    expected = np.zeros((16, 2), np.uint8)
    expected[:, 0] = [B, 0, B, 0, B, 0, A, G, B, 0, B, 0, B, 0, g, 0]
    np.testing.assert_array_equal(tune.runs[0][:32], expected.ravel())


@pytest.mark.parametrize("bars", [2, 4, 16])
def test_no_held_out_window_is_in_training_at_any_pitch(bars: int) -> None:
    train, test = (as_set(relative(part.windows(bars).tokens)) for part in melodies())
    assert len(test) > 50
    assert not train & test


def test_a_split_by_tune_would_leak() -> None:
    """Three in a hundred or more of the windows of tunes drawn at random occur in other tunes."""
    tunes = [tune for part in melodies() for tune in part.tunes]
    order = np.random.default_rng(0).permutation(len(tunes))
    one, other = (
        as_set(Melodies(tuple(tunes[i] for i in rows)).windows(2).tokens)
        for rows in (order[:155], order[155:])
    )
    assert len(one & other) > 0.03 * len(one)


def test_a_tenth_of_the_families_is_held_out() -> None:
    train, test = ({tune.family for tune in part.tunes} for part in melodies())
    assert not train & test
    assert train | test == set(range(len(train) + len(test)))
    assert len(test) == round(0.1 * (len(train) + len(test)))


def test_the_content_is_pinned() -> None:
    """A change of the file is a change of every figure that was ever measured on it."""
    content = b"".join(w.tokens.tobytes() for part in melodies() for w in [part.windows(2)])
    assert hashlib.sha256(content).hexdigest() == PINNED


def test_the_file_is_small_and_its_licence_is_beside_it() -> None:
    assert FILE.stat().st_size < 200e3
    licence = FILE.with_name("MELODIES-LICENSE.txt").read_text()
    for name in ("Ryan", "Aird", "music21", "Ray Davies", "John Chambers", "Jack Campin"):
        assert name in licence


@pytest.mark.once
def test_the_script_writes_the_file_that_is_shipped() -> None:
    """Byte for byte, with a zlib that compresses as the one it was made with."""
    corpus = make_melodies.installed_corpus()
    if corpus is None:
        pytest.skip("needs music21==10.5.1, whose corpus it reads")
    assert make_melodies.build(corpus) == FILE.read_bytes()


def test_a_corpus_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected folders ryansMammoth and airdsAirs"):
        make_melodies.build(tmp_path)


# Bars and runs


def q(pitch: int | None, sixteenths: int | Fraction, tied: bool = False) -> Note:
    return Note(pitch, Fraction(sixteenths) / 16, tied)


def test_the_tokens_of_a_bar() -> None:
    notes = [q(60, 4), q(None, 4), q(62, 2, True), q(62, 2), q(62, 3), q(64, 1)]
    c, d, e = 41, 43, 45
    expected = [c, 0, 0, 0, 1, 0, 0, 0, d, 0, 0, 0, d, 0, 0, e]
    assert bar_tokens(notes, 1, None) == expected
    assert bar_tokens([q(60, 2), q(62, 6)], 2, None) == [c, 0, 0, 0, d, *[0] * 11]


def test_a_note_that_is_tied_over_the_bar_line_does_not_begin_again() -> None:
    for before, first in ((q(60, 1, True), 0), (q(60, 1), 41), (q(61, 1, True), 41), (None, 41)):
        assert bar_tokens([q(60, 16)], 1, before) == [first, *[0] * 15]


@pytest.mark.parametrize(
    "notes",
    [
        [q(60, 15)],
        [q(60, 17)],
        [q(60, 16), q(60, 16)],
        [q(60, Fraction(8, 3))] * 6,
        [q(60, Fraction(1, 2))] * 32,
        [q(20, 16)],
        [q(109, 16)],
        [],
    ],
)
def test_a_bar_that_is_not_whole_has_none(notes: list[Note]) -> None:
    assert bar_tokens(notes, 1, None) is None


def runs(body: str, metre: str = "4/4") -> list[list[int]]:
    [tune] = read_abc(f"X:1\nM:{metre}\nL:1/4\nK:C\n{body}\n")
    return [run.tolist() for run in tune_runs(tune)]


def test_runs_end_at_bars_that_are_not_whole_or_of_another_metre() -> None:
    whole = [41, 0, 0, 0] * 4
    assert runs("C|CCCC|CCCC|CCC|CCCC|CCCC|CCCC|") == [whole * 2, whole * 3]
    assert runs("CCCC|CCCC|[M:2/4]CC|[M:3/4]CCC|CCC") == [whole * 2]
    assert runs("CC|CC|CC", "2/4") == [[41, *[0] * 7] * 6]
    assert runs("CCCC|CCC|CCCC") == runs("CCC|CCC", "3/4") == []


def test_ties_and_rests_across_bars() -> None:
    """A rest in a rest does not begin; after a bar that is left out nothing is tied."""
    assert runs("C2z2|z4|z2C2-|C4") == [[41, *[0] * 7, 1, *[0] * 31, 41, *[0] * 23]]
    assert runs("C3-|C4|C4") == [[41, *[0] * 15] * 2]


# Windows


@st.composite
def run(draw: st.DrawFn) -> Tokens:
    """A run of up to five bars of few notes, so that windows repeat, that begins as runs do."""
    bars = draw(st.integers(1, 5))
    bar = st.lists(st.sampled_from([0, 0, 1, 40, 41]), min_size=1, max_size=3)
    beats = [draw(bar) for _ in range(bars)]
    tokens = np.array([[*beat, *[0] * (16 - len(beat))] for beat in beats], np.uint8).ravel()
    tokens[0] = draw(st.sampled_from([1, 40]))
    return tokens


def cut(tokens: Tokens, bars: int) -> Iterator[bytes]:
    """Yield the windows of a run, note by note."""
    for start in range(0, len(tokens) - 16 * bars + 1, 16):
        window = tokens[start : start + 16 * bars].tolist()
        if window[0] == 0:
            before = [token for token in tokens[:start].tolist() if token]
            if before[-1] != 1:
                continue
            window[0] = 1
        if sum(token >= 2 for token in window) >= 2:
            yield bytes(window)


def set_of(each: list[list[Tokens]]) -> Melodies:
    return Melodies(tuple(Tune("", "", "", 0, tuple(own)) for own in each))


several = st.lists(st.lists(run(), max_size=3), max_size=4)


@given(several, st.integers(1, 4))
def test_windows(each: list[list[Tokens]], bars: int) -> None:
    expected: dict[bytes, int] = {}
    for t, own in enumerate(each):
        for window in (w for tokens in own for w in cut(tokens, bars)):
            expected.setdefault(window, t)
    windows = set_of(each).windows(bars)
    assert windows.tokens.shape == (len(expected), 16 * bars)
    assert windows.tokens.dtype == np.uint8
    assert len(windows) == len(windows.tunes) == len(expected)
    assert [w.tobytes() for w in windows.tokens] == list(expected)
    assert windows.tunes.tolist() == list(expected.values())


@given(several)
def test_families(each: list[list[Tokens]]) -> None:
    """By brute force: tunes that share a window are equal, and so on until nothing changes."""
    own = [as_set(relative(w)) if len(w := set_of([t]).windows(2).tokens) else set() for t in each]
    expected = list(range(len(each)))
    for _ in each:
        for a in range(len(each)):
            for b in range(len(each)):
                if own[a] & own[b]:
                    expected[a] = expected[b] = min(expected[a], expected[b])
    numbers = sorted(set(expected))
    assert families(each, bars=(2,)) == [numbers.index(f) for f in expected]


@pytest.mark.parametrize("bars", [0, 1.5, True, "2"])
def test_bars_that_are_no_number_of_bars(bars: object) -> None:
    with pytest.raises(ValueError, match=r"Melodies\.windows: expected bars"):
        melodies().test.windows(bars)  # type: ignore[arg-type]


def as_set(windows: Tokens) -> set[bytes]:
    return {window.tobytes() for window in windows}


# Transposition


def test_transposition_by_hand() -> None:
    x = np.array([[0, 1, 2, 40], [1, 0, 50, 89], [0, 0, 1, 1]], np.uint8)
    np.testing.assert_array_equal(transpose(x, 1), [[0, 1, 3, 41], [1, 0, 50, 89], [0, 0, 1, 1]])
    up_down = transpose(x, np.array([-1, -48, 5]))
    np.testing.assert_array_equal(up_down, [[0, 1, 2, 40], [1, 0, 2, 41], [0, 0, 1, 1]])


@given(st.data())
def test_transposition(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    x = rng.integers(0, 90, (data.draw(st.integers(1, 5)), data.draw(st.integers(1, 8))), np.uint8)
    by = rng.integers(-90, 91, len(x))
    before, y = x.copy(), transpose(x, by)
    np.testing.assert_array_equal(x, before)
    assert y.dtype == np.uint8
    for a, b, k in zip(x.tolist(), y.tolist(), by.tolist(), strict=True):
        moved = [t + k if t >= 2 else t for t in a]
        fits = all(2 <= m <= 89 for m, t in zip(moved, a, strict=True) if t >= 2)
        assert b == (moved if fits else a)


@pytest.mark.parametrize(
    ("tokens", "by", "message"),
    [
        (np.zeros(3, np.uint8), 1, r"tokens: expected \(N, T\) integers"),
        (np.zeros((0, 3), np.uint8), 1, "not empty"),
        (np.zeros((2, 3)), 1, r"got \(2, 3\) float64"),
        (np.full((1, 1), 90, np.uint8), 1, "expected 0 to 89, got 90 to 90"),
        (np.zeros((2, 3), np.uint8), 0.5, r"expected an integer or \(2,\) integers"),
        (np.zeros((2, 3), np.uint8), np.zeros(3, int), r"got \(3,\) int64"),
    ],
)
def test_what_cannot_be_transposed(tokens: Tokens, by: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        transpose(tokens, by)  # type: ignore[arg-type]
