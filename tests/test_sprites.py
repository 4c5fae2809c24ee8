"""Sprites: the same bytes everywhere, every combination once, and no two pictures alike."""

import hashlib
from itertools import product
from math import cos, hypot, pi, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscratch.data import Dataset, Sprites, sprites
from nnscratch.data.sprites import FACTORS, PLACES, RADII, SHAPES, UNIT

DATA = sprites()
ROWS = st.integers(0, len(DATA) - 1)


def test_bytes_are_the_same_on_every_platform() -> None:
    digest = hashlib.sha256(DATA.images.tobytes() + DATA.factors.astype("<i8").tobytes())
    assert digest.hexdigest() == "edc277eecd4915124dd26bad6097dda34e9a149849994f8af14ec9a40e774f97"


def test_every_combination_is_there_once() -> None:
    assert (DATA.images.shape, DATA.images.dtype) == ((6144, 32, 32), np.uint8)
    assert set(np.unique(DATA.images)) == {0, 255}
    combinations = [tuple(row) for row in DATA.factors.tolist()]
    assert combinations == list(product(*map(range, (3, 4, 8, 8, 8))))
    assert list(FACTORS) == ["shape", "scale", "orientation", "x", "y"]
    np.testing.assert_array_equal(DATA.labels, DATA.factors[:, 0])
    assert (DATA.name, DATA.nouns) == ("sprites", ("sprite", "sprites"))
    assert DATA.classes == ("triangle", "heart", "corner")


def test_no_two_pictures_are_nearer_than_eleven_pixels() -> None:
    """By symmetry, it is enough to compare those in two neighbouring corners with all others."""
    x = (DATA.images > 0).reshape(len(DATA), -1).astype(np.float32)
    area = x.sum(axis=1)
    corners = np.flatnonzero(np.isin(DATA.factors[:, 3], (0, 7)) & (DATA.factors[:, 4] == 0))
    different = area[corners, None] + area - 2 * x[corners] @ x.T
    different[np.arange(len(corners)), corners] = np.inf
    assert different.min() == 11


@pytest.mark.parametrize("size", [33, 47, 64])
def test_pictures_of_other_sizes_are_all_different(size: int) -> None:
    images = sprites(size=size).images
    assert images.shape == (6144, size, size)
    assert len({image.tobytes() for image in images}) == 6144


def test_a_place_further_is_two_pixels_further_and_nothing_is_cut() -> None:
    at = DATA.images.reshape(96, 8, 8, 32, 32)
    np.testing.assert_array_equal(at[:, 1:], np.roll(at[:, :-1], 2, axis=4))
    np.testing.assert_array_equal(at[:, :, 1:], np.roll(at[:, :, :-1], 2, axis=3))
    assert not DATA.images[:, [0, -1]].any()
    assert not DATA.images[:, :, [0, -1]].any()


def within(shape: str, u: float, v: float) -> bool:
    """Is this point in a shape that stands upright, in floats? 1 is the radius around it."""
    if shape == "triangle":
        return v < 0.7 and abs(u) < 0.65 * (v + 1) / 1.7
    if shape == "heart":
        left, right = hypot(u + 0.43, v + 0.3) < 0.48, hypot(u - 0.43, v + 0.3) < 0.48
        return left or right or (v > -0.1 and abs(u) < 0.866 * (0.9 - v))
    return (-0.6 < u < -0.1 and abs(v) < 0.8) or (abs(u) < 0.6 and 0.3 < v < 0.8)


@settings(max_examples=20)
@given(row=ROWS)
def test_pictures_point_by_point_in_floats(row: int) -> None:
    """Integers are rounded down: what is nearer to an edge than 4/1000 may be on either side."""
    shape, scale, orientation, x, y = DATA.factors[row]
    angle, radius, near = 2 * pi * orientation / 8, RADII[scale] * 1000 / UNIT, (-0.004, 0.004)
    clear = 0
    for i, j in product(range(32), repeat=2):
        dx, dy = (j + 0.5) * UNIT / 32 - PLACES[x], (i + 0.5) * UNIT / 32 - PLACES[y]
        u, v = dx * cos(angle) + dy * sin(angle), dy * cos(angle) - dx * sin(angle)
        around = product(near, near)
        found = {within(SHAPES[shape], u / radius + du, v / radius + dv) for du, dv in around}
        if len(found) == 1:
            assert {bool(DATA.images[row, i, j])} == found
            clear += 1
    assert clear > 950


@given(rows=st.lists(ROWS, min_size=1, max_size=9))
def test_some_of_them_keep_their_factors(rows: list[int]) -> None:
    some = DATA[np.array(rows)]
    assert isinstance(some, Sprites)
    assert isinstance(some, Dataset)
    np.testing.assert_array_equal(some.images, DATA.images[rows])
    np.testing.assert_array_equal(some.labels, DATA.labels[rows])
    np.testing.assert_array_equal(some.factors, DATA.factors[rows])
    assert len(DATA[5:7].factors) == 2


@pytest.mark.parametrize("size", [31, 0, 40.0, True])
def test_refuses(size: object) -> None:
    with pytest.raises(ValueError, match=r"^sprites: expected size.*≥ 32.*got"):
        sprites(size=size)
