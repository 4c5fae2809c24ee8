"""Invented scenes: the same bytes everywhere, shapes as a loop over points has them, true grain."""

import hashlib
from itertools import product
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array
from nnscratch.data import scenes
from nnscratch.data.scenes import CLASSES, GRAIN_NATS, UNIT, Canvas

SEEDS = st.integers(0, 2**32 - 1)


def new(seed: int, size: int = 8) -> Canvas:
    return Canvas(size, np.random.default_rng(seed))


def test_bytes_are_the_same_on_every_platform() -> None:
    data = scenes(300, rng=np.random.default_rng(0))
    digest = hashlib.sha256(data.images.tobytes() + data.labels.astype("<i8").tobytes())
    expected = "7e0733112b3f6b0a213009e703a2fe6f821534f787eafc978010a7502892fe79"
    assert digest.hexdigest() == expected


def test_a_set_of_scenes() -> None:
    data = scenes(600, rng=np.random.default_rng(0))
    assert (data.images.shape, data.images.dtype) == ((600, 3, 32, 32), np.uint8)
    assert data.name == "scenes"
    assert data.nouns == ("scene", "scenes")
    assert data.classes == ("hills", "houses", "trees", "boats", "balloons", "towers")
    counts = np.bincount(data.labels, minlength=6)
    assert np.abs(counts - 100).max() < 5 * np.sqrt(600 * 5 / 36)
    assert len(np.unique(data.images.reshape(600, -1), axis=0)) == 600


@given(seed=SEEDS, few=st.integers(1, 3), many=st.integers(3, 5), size=st.integers(8, 21))
def test_the_first_scenes_are_the_same_however_many_there_are(
    seed: int, few: int, many: int, size: int
) -> None:
    some, all_ = (scenes(n, size=size, rng=np.random.default_rng(seed)) for n in (few, many))
    assert some.images.shape == (few, 3, size, size)
    np.testing.assert_array_equal(some.images, all_.images[:few])
    np.testing.assert_array_equal(some.labels, all_.labels[:few])


@pytest.mark.parametrize("kind", CLASSES)
def test_a_scene_is_the_same_at_another_size(kind: str) -> None:
    """Means of 2×2 pixels of the larger one: far nearer to it than to another of its class."""

    def drawn(seed: int, size: int) -> Array:
        canvas = new(seed, size)
        canvas.sky()
        CLASSES[kind](canvas)
        return canvas.developed().astype(float)

    small = np.stack([drawn(seed, 32) for seed in range(8)])
    large = np.stack([drawn(seed, 64) for seed in range(8)])
    means = large.reshape(8, 3, 32, 2, 32, 2).mean(axis=(3, 5))
    others = np.roll(means, 1, axis=0)
    assert np.abs(small - means).mean() < np.abs(small - others).mean() / 5


@given(
    corners=st.lists(st.tuples(*[st.integers(0, UNIT)] * 2), min_size=3, max_size=3),
    circle=st.tuples(st.integers(0, UNIT), st.integers(0, UNIT), st.integers(0, UNIT)),
    seed=SEEDS,
)
def test_shapes_hold_the_points_that_are_in_them(corners, circle, seed: int) -> None:
    """A point is in a triangle if it is a mean of its corners with no negative weight."""
    canvas = new(seed)
    (x1, y1), (x2, y2), (x3, y3) = corners
    area = (x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1)
    if area < 0:
        corners = corners[::-1]
    triangle = canvas.convex(*corners)
    x, y, r = circle
    disc, box = canvas.disc(x, y, r), canvas.box(x, y, x1, y1)
    for i, j in product(range(16), repeat=2):
        u, v = (2 * j + 1) * UNIT / 32, (2 * i + 1) * UNIT / 32
        assert disc[i, j] == (np.hypot(u - x, v - y) < r)
        assert box[i, j] == (x <= u < x1 and y <= v < y1)
        if area != 0:
            sides = np.array([[1, 1, 1], *np.transpose(corners)], float)
            weights = np.linalg.solve(sides, [1, u, v])
            if np.abs(weights).min() > 1e-9:
                assert triangle[i, j] == (weights > 0).all()


def test_paint_is_seen_in_the_light_of_the_hour() -> None:
    canvas = new(0)
    canvas.light = (256, 128, 64)
    canvas.paint(canvas.box(0, 0, UNIT, UNIT // 2), (100, 100, 101), canvas.x * 0 + 20)
    assert (canvas.pixels[:, :8] == np.array([120, 60, 30])[:, None, None]).all()
    assert (canvas.pixels[:, 8:] == 0).all()


def test_a_pixel_is_the_mean_of_four_points_and_grain() -> None:
    canvas = new(0, 100)
    canvas.pixels[...] = np.tile([[10, 20], [30, 41]], (100, 100))  # mean 25.25
    counts = np.bincount(canvas.developed().ravel() - 23, minlength=5)
    expected = 30_000 * np.array([1, 2, 3, 2, 1]) / 9
    assert len(counts) == 5
    assert np.abs(counts - expected).max() < 5 * np.sqrt(30_000 / 4)


def test_the_grains_entropy_is_that_of_two_throws() -> None:
    sums = np.array([a + b for a, b in product((-1, 0, 1), repeat=2)])
    p = np.unique(sums, return_counts=True)[1] / 9
    assert pytest.approx(-sum(q * log(q) for q in p)) == GRAIN_NATS


@pytest.mark.parametrize("level", [-1000, 1000])
def test_colours_beyond_the_range_are_held_in_it(level: int) -> None:
    canvas = new(0)
    canvas.pixels[...] = level
    assert np.abs(canvas.developed() - (2.0 if level < 0 else 253.0)).max() == 2


def test_refuses() -> None:
    rng = np.random.default_rng(0)
    for count, size, message in (
        (0, 32, "scenes: expected count ≥ 1, got 0"),
        (3, 7, "scenes: expected size ≥ 8, got 7"),
        (2.5, 32, "scenes: expected count, an integer ≥ 1, got 2.5"),
    ):
        with pytest.raises(ValueError, match=message):
            scenes(count, size=size, rng=rng)
    with pytest.raises(ValueError, match="scenes: expected rng, a numpy"):
        scenes(3, rng=0)
