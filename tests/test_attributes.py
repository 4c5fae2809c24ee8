"""Attributes of melodies, by small windows and by loops."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnscratch.data import transpose
from nnscratch.data.melodies import Tokens
from nnscratch.evaluation.attributes import (
    ATTRIBUTES,
    c_diatonic,
    mean_interval,
    note_density,
    syncopation_8th,
    syncopation_16th,
)

C, CIS, D, E = 41, 42, 43, 45


def window(**notes: int) -> Tokens:
    """Return a bar with tokens at these steps: window(t0=C, t4=D)."""
    tokens = np.zeros((1, 16), np.uint8)
    for step, token in notes.items():
        tokens[0, int(step[1:])] = token
    return tokens


def test_by_hand() -> None:
    x = window(t0=C, t3=CIS, t4=E, t6=1, t8=D)
    assert note_density(x) == 4 / 16
    assert c_diatonic(x) == 3 / 4
    assert mean_interval(x) == (1 + 3 + 2) / 3


@pytest.mark.parametrize(
    ("x", "eighth", "sixteenth"),
    [
        (window(t0=C, t4=C, t8=C, t12=C), 0, 0),
        (window(t0=C, t6=C), 1 / 2, 0),  # nothing on the quarter at 4
        (window(t0=C, t2=C), 0, 0),  # a note on the quarter at 0
        (window(t0=C, t4=1, t6=C), 0, 0),  # an end on it, which is no hold
        (window(t0=C, t3=C), 0, 1 / 2),  # nothing on the eighth at 2
        (window(t0=C, t5=C), 0, 1 / 2),
        (window(t0=C, t1=C), 0, 0),
        (window(t0=C, t7=C, t14=C, t15=C), 1 / 4, 1 / 4),
    ],
)
def test_syncopation(x: Tokens, eighth: float, sixteenth: float) -> None:
    assert syncopation_8th(x) == eighth
    assert syncopation_16th(x) == sixteenth


def test_a_window_without_notes_has_none() -> None:
    x = np.zeros((2, 32), np.uint8)
    for attribute in ATTRIBUTES.values():
        np.testing.assert_array_equal(attribute(x), [0, 0])


windows = arrays(np.uint8, (3, 32), elements=st.sampled_from([0, 0, 0, 1, C, CIS, D, E, 60]))


@given(windows)
def test_by_loops(x: Tokens) -> None:
    for n, row in enumerate(x.tolist()):
        notes = [(t, token + 19) for t, token in enumerate(row) if token >= 2]
        count = max(len(notes), 1)
        white = [p for _, p in notes if p % 12 in (0, 2, 4, 5, 7, 9, 11)]
        jumps = [abs(b - a) for (_, a), (_, b) in pairwise(notes)]
        late = {k: [t for t, _ in notes if t % (2 * k) == k and row[t - k] == 0] for k in (1, 2)}
        expected = {
            "note density": len(notes) / 32,
            "C diatonic": len(white) / count,
            "mean interval": sum(jumps) / max(len(jumps), 1),
            "8th syncopation": len(late[2]) / count,
            "16th syncopation": len(late[1]) / count,
        }
        for name, value in expected.items():
            assert ATTRIBUTES[name](x)[n] == pytest.approx(value), name


@given(windows, st.integers(-11, 11))
def test_only_the_share_of_white_keys_depends_on_the_pitch(x: Tokens, semitones: int) -> None:
    for name in set(ATTRIBUTES) - {"C diatonic"}:
        np.testing.assert_array_equal(
            ATTRIBUTES[name](transpose(x, semitones)), ATTRIBUTES[name](x)
        )
    np.testing.assert_array_equal(c_diatonic(transpose(x, 12)), c_diatonic(x))


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_what_is_no_window(name: str) -> None:
    who = ATTRIBUTES[name].__name__
    with pytest.raises(ValueError, match=rf"{who} tokens: expected \(N, T\) integers"):
        ATTRIBUTES[name](np.zeros(16, np.uint8))
