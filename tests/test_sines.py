"""Sines: that they are what they say, over all bounds; and what they refuse."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data import sines
from nnscratch.evaluation.baselines import PCA

COUNT = 20


@given(
    steps=st.integers(8, 60),
    place=st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)).map(sorted),
    amplitudes=st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)).map(sorted),
    seed=st.integers(0, 2**32),
)
def test_frequencies_and_amplitudes_lie_between_their_bounds(
    steps: int, place: list[float], amplitudes: list[float], seed: int
) -> None:
    """They are found from x alone, by x_t-1 + x_t+1 = 2 cos(ω) x_t, which holds for a sine only.

    With cos ω the part of x_t+1 that is out of phase is A cos(ω t + φ).
    """
    frequencies = place[0] * steps / 2, place[1] * steps / 2
    x = sines(
        COUNT,
        steps,
        frequencies=frequencies,
        amplitudes=(amplitudes[0], amplitudes[1]),
        rng=np.random.default_rng(seed),
        dtype=np.float64,
    )
    assert x.shape == (COUNT, steps, 1)
    x, sums = x[:, 1:-1, 0], x[:, :-2, 0] + x[:, 2:, 0]
    cosine = (x * sums).sum(axis=1, keepdims=True) / (2 * (x * x).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(sums, 2 * cosine * x, atol=1e-9 * amplitudes[1])
    omega = np.arccos(cosine)
    found = omega * steps / (2 * np.pi)
    assert frequencies[0] * (1 - 1e-6) <= found.min()
    assert found.max() <= frequencies[1] * (1 + 1e-6)
    out_of_phase = (x[:, 1:] - cosine * x[:, :-1]) / np.sin(omega)
    size = np.sqrt(x[:, :-1] ** 2 + out_of_phase**2)
    assert amplitudes[0] * (1 - 1e-6) <= size.min()
    assert size.max() <= amplitudes[1] * (1 + 1e-6)


def test_the_three_numbers_are_uniform_and_independent() -> None:
    """x_0 = A sin φ with A in (1, 2): its mean is 0, that of its square E A² / 2 = 7/6."""
    x = sines(20_000, 8, amplitudes=(1, 2), frequencies=(1, 3), rng=np.random.default_rng(0))
    first = x[:, 0, 0].astype(float)
    assert abs(first.mean()) < 4 * np.sqrt(7 / 6 / 20_000)
    square = first**2
    assert abs(square.mean() - 7 / 6) < 4 * square.std() / np.sqrt(20_000)
    # E x_0 x_t = E A² cos(ω t) / 2, here at t = 2: the mean of cos(πf/2) over (1, 3) is -2/π
    product = first * x[:, 2, 0]
    assert abs(product.mean() + 7 / 6 * 2 / np.pi) < 4 * product.std() / np.sqrt(20_000)


def test_sines_of_one_frequency_lie_in_a_plane() -> None:
    x = sines(50, 16, frequencies=(3, 3), rng=np.random.default_rng(0), dtype=np.float64)
    assert PCA(2).fit(x).errors(x)[2] < 1e-25 * (x * x).sum()
    assert PCA(2).fit(x).errors(x)[1] > 0.1


def test_the_seed_gives_the_same_bits_and_the_type_is_the_one_asked_for() -> None:
    a, b, c = (
        sines(3, 5, frequencies=(1, 2), rng=np.random.default_rng(0), dtype=dtype)
        for dtype in (np.float32, np.float32, np.float64)
    )
    assert (a.dtype, c.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, c.astype(np.float32))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "sines: expected count ≥ 1, got 0"),
        ({"steps": 2.5}, "sines: expected steps, an integer ≥ 1, got 2.5"),
        ({"rng": 0}, "sines: expected rng, a numpy.random.Generator, got 0"),
        ({"frequencies": 3}, "sines: expected frequencies, a pair (least, largest), got 3"),
        (
            {"frequencies": (1, 6)},
            "sines: expected the largest of frequencies in [1, 5], got 6",
        ),
        ({"frequencies": (-1, 2)}, "sines: expected the least of frequencies in [0, 5], got -1"),
        ({"amplitudes": (2, 1)}, "sines: expected the largest of amplitudes ≥ 2, got 1"),
        ({"amplitudes": (1, "2")}, "sines: expected the largest of amplitudes, a number, got '2'"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"count": 4, "steps": 10, "rng": np.random.default_rng(0)}
    with pytest.raises(ValueError, match=re.escape(message)):
        sines(**given | changes)
