"""Straight lines and arcs through latent space."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array
from nnscratch.models.interpolation import lerp, path, slerp

BOTH = pytest.mark.parametrize("spherical", [False, True])
SIZES, SEEDS = st.integers(1, 5), st.integers(0, 99)


def unit(N: int, L: int, seed: int) -> Array:
    a = np.random.default_rng(seed).standard_normal((N, L))
    return a / np.linalg.norm(a, axis=1, keepdims=True)


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(N=SIZES, L=SIZES, steps=st.integers(2, 9), seed=SEEDS)
def test_the_ends_are_exact(
    spherical: bool, dtype: type, N: int, L: int, steps: int, seed: int
) -> None:
    a, b = np.random.default_rng(seed).standard_normal((2, N, L)).astype(dtype)
    way = path(a, b, steps, spherical=spherical)
    assert way.shape == (N, steps, L)
    assert way.dtype == dtype
    np.testing.assert_array_equal(way[:, 0], a)
    np.testing.assert_array_equal(way[:, -1], b)


@given(N=SIZES, L=st.integers(2, 5), seed=SEEDS)
def test_between_unit_vectors_the_arc_stays_on_the_sphere(N: int, L: int, seed: int) -> None:
    way = slerp(unit(N, L, seed), unit(N, L, seed + 1), np.linspace(0, 1, 7))
    np.testing.assert_allclose(np.linalg.norm(way, axis=-1), 1, rtol=1e-8)


@given(N=SIZES, L=st.integers(2, 5), seed=SEEDS)
def test_the_arc_is_walked_at_an_even_pace(N: int, L: int, seed: int) -> None:
    """Each of six steps is a sixth of the angle."""
    a, b = unit(N, L, seed), unit(N, L, seed + 1)
    way = slerp(a, b, np.linspace(0, 1, 7))
    whole = np.arccos(np.clip((a * b).sum(axis=-1), -1, 1))
    chord = np.linalg.norm(np.diff(way, axis=1), axis=-1)
    np.testing.assert_allclose(2 * np.arcsin(chord / 2), np.tile(whole[:, None] / 6, 6), atol=1e-7)


def test_a_quarter_circle_by_hand() -> None:
    """From (1, 0) to (0, 1): a third of the way is (cos 30°, sin 30°)."""
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    way = slerp(a, b, np.array([1 / 3, 2 / 3]))
    np.testing.assert_allclose(way[0], [[0.75**0.5, 0.5], [0.5, 0.75**0.5]], rtol=1e-15)


def test_a_line_by_hand() -> None:
    """Midway between (1, 0) and (0, 1) it comes as near to the origin as √½."""
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    np.testing.assert_array_equal(lerp(a, b, np.array([0.25, 0.5]))[0], [[0.75, 0.25], [0.5, 0.5]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [1.0, 3.0, 1 + 1e-6, -1.0, -2.0, 0.0])
def test_parallel_opposite_and_zero_vectors_give_a_straight_line(
    dtype: type, factor: float
) -> None:
    """No angle to divide by, no NaN, and no warning: warnings are errors here."""
    a = unit(4, 3, seed=1).astype(dtype)
    b = (factor * a).astype(dtype)
    t = np.linspace(0, 1, 5, dtype=dtype)
    way = slerp(a, b, t)
    assert np.isfinite(way).all()
    if factor:
        np.testing.assert_allclose(way, lerp(a, b, t), atol=1e-6)
    np.testing.assert_array_equal(slerp(0 * a, 0 * a, t), 0)


def test_vectors_of_unequal_length_change_length_on_the_way() -> None:
    """From (2, 0) to (0, 1): at the middle both weights are sin 45°, which is √½."""
    way = slerp(np.array([[2.0, 0.0]]), np.array([[0.0, 1.0]]), np.array([0.5]))
    np.testing.assert_allclose(way[0, 0], [2**0.5, 0.5**0.5], rtol=1e-15)


@BOTH
def test_every_row_goes_its_own_way(spherical: bool) -> None:
    a, b = unit(3, 4, 0), unit(3, 4, 9)
    together = path(a, b, 4, spherical=spherical)
    for n in range(3):
        alone = path(a[n : n + 1], b[n : n + 1], 4, spherical=spherical)
        np.testing.assert_array_equal(together[n], alone[0])


def test_path_chooses_line_or_arc() -> None:
    a, b = unit(2, 3, 0), unit(2, 3, 5)
    t = np.linspace(0, 1, 4)
    np.testing.assert_array_equal(path(a, b, 4, spherical=False), lerp(a, b, t))
    np.testing.assert_array_equal(path(a, b, 4, spherical=True), slerp(a, b, t))


@pytest.mark.parametrize(
    ("a", "b", "steps", "message"),
    [
        ((2, 3), (1, 3), 4, "interpolate: expected two (N, L) of one shape, got (2, 3), (1, 3)"),
        ((2, 3), (2, 1), 4, "interpolate: expected two (N, L) of one shape, got (2, 3), (2, 1)"),
        ((3,), (3,), 4, "interpolate: expected two (N, L) of one shape, got (3,), (3,)"),
        ((2, 3), (2, 3), 1, "interpolate: expected steps ≥ 2, got 1"),
        ((2, 3), (2, 3), -5, "interpolate: expected steps ≥ 2, got -5"),
    ],
)
def test_refuses(a: tuple[int, ...], b: tuple[int, ...], steps: int, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        path(np.zeros(a), np.zeros(b), steps, spherical=False)


def test_the_angle_does_not_depend_on_the_lengths() -> None:
    """(2, 0) and (3, 3) are 45° apart; sin 22.5°/sin 45° of each meet midway."""
    a, b = np.array([[2.0, 0.0]]), np.array([[3.0, 3.0]])
    share = np.sin(np.pi / 8) / np.sin(np.pi / 4)
    np.testing.assert_allclose(slerp(a, b, np.array([0.5]))[0, 0], share * (a + b)[0], rtol=1e-14)
    np.testing.assert_allclose(slerp(b, a, np.array([0.5]))[0, 0], share * (a + b)[0], rtol=1e-14)
