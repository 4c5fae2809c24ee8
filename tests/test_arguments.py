"""Arguments that are single values: what is taken, as what, and what is refused in which words."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.checks.arguments import flag, generator, integer, number


@given(st.integers(1, 2**48))
def test_an_integer_is_pythons_own_whoever_it_comes_from(n: int) -> None:
    for value in (n, np.int64(n), np.uint64(n)):
        assert integer("F", "size", value) == n
        assert type(integer("F", "size", value)) is int


@given(st.floats(0, 1, exclude_max=True))
def test_a_number_is_a_float(x: float) -> None:
    for value in (x, np.float64(x)):
        assert number("F", "p", value, 0, 1, "[)") == x
        assert type(number("F", "p", value, 0, 1, "[)")) is float
    assert number("F", "p", 3, 0) == 3.0


@pytest.mark.parametrize("value", [None, True, 3.0, np.nan, "3", b"3", [3], np.array([3]), 1j, {}])
def test_refuses_what_is_no_integer(value: Any) -> None:
    words = f"F: expected size, an integer ≥ 1, got {value!r}"
    with pytest.raises(ValueError, match=re.escape(words)):
        integer("F", "size", value)


@pytest.mark.parametrize(("value", "words"), [(0, "≥ 1, got 0"), (2**70, "≤ 2⁴⁸, got 1180")])
def test_refuses_an_integer_out_of_range(value: int, words: str) -> None:
    with pytest.raises(ValueError, match=f"F: expected size {words}"):
        integer("F", "size", value)


@pytest.mark.parametrize("value", [None, False, "3", b"3", [3], np.array([3.0]), 1j, {}, 2**2000])
def test_refuses_what_is_no_number(value: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"F: expected p, a number, got {value!r}")):
        number("F", "p", value)


@pytest.mark.parametrize(
    ("value", "interval", "words"),
    [
        (1, (0, 1, "[)"), "expected p in [0, 1), got 1"),
        (-0.1, (0, 1, "[]"), "expected p in [0, 1], got -0.1"),
        (np.nan, (0, 1, "()"), "expected p in (0, 1), got nan"),
        (0, (0,), "expected p > 0, got 0"),
        (-1, (0, np.inf, "[)"), "expected p ≥ 0, got -1"),
        (np.inf, (0, np.inf, "[)"), "expected p, a finite number, got inf"),
        (np.nan, (), "expected p, a finite number, got nan"),
    ],
)
def test_refuses_a_number_outside_of_its_interval(value: Any, interval: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"F: {words}")):
        number("F", "p", value, *interval)


def test_a_flag_is_true_or_false() -> None:
    assert flag("F", "bias", np.True_) is True
    for value in (1, 0, None, "no", np.array(True)):
        with pytest.raises(ValueError, match="F: expected bias, True or False, got"):
            flag("F", "bias", value)


def test_a_generator_is_no_seed(rng: np.random.Generator) -> None:
    assert generator("F", rng) is rng
    for value in (None, 0, np.random.RandomState(0)):
        with pytest.raises(ValueError, match=r"F: expected rng, a numpy.random.Generator, got"):
            generator("F", value)
