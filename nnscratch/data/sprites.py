"""Black-and-white pictures of one shape each, for which every factor of variation is known.

    data = sprites()                 6,144 pictures (32, 32) uint8 of 0 and 255, every combination
    data.factors                     (6144, 5) integers: shape, scale, orientation, x, y
    some = data[rng.choice(len(data), 1000, replace=False)]       a random draw, with its factors

It is dSprites in small (Matthey, Higgins, Hassabis and Lerchner 2017), with one difference. A
square and an ellipse look the same after a quarter or half turn, so that in dSprites up to four
orientations have one picture, and no encoder can tell them apart. None of the three shapes here,
a triangle, a heart and a corner, looks like itself after less than a full turn, and no two of the
pictures are equal: every factor can be read off every picture.

All of it is integer arithmetic: the bytes are the same on every platform.
"""

from dataclasses import dataclass, field
from itertools import product
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..checks.arguments import integer
from ..core import IntArray
from .dataset import Dataset

UNIT = 1024
"""The side of a picture in the units of places and radii; also 1 of a shape's own coordinates."""

SHAPES = ("triangle", "heart", "corner")

RADII = (152, 192, 232, 272)
"""The radius of the circle around a shape, for each scale: 4.75 to 8.5 pixels of 32."""

TURN = ((1024, 0), (724, 724), (0, 1024), (-724, 724))
TURNS = (*TURN, *((-c, -s) for c, s in TURN))
"""1024 cos and 1024 sin of the eight orientations, 45° apart, clockwise as one sees them."""

PLACES = tuple(range(288, 737, 64))
"""The eight places of a middle along x, and along y: two pixels of 32 apart. No shape is cut."""

FACTORS = {"shape": 3, "scale": 4, "orientation": 8, "x": 8, "y": 8}
"""How many values each factor has, by its name, in the order of the columns of `factors`."""


@dataclass(frozen=True, eq=False)
class Sprites(Dataset):
    """Pictures, the label of each (its shape), and its factors, (N, 5) integers from 0."""

    factors: IntArray = field(kw_only=True)

    def __getitem__(self, rows: slice | IntArray) -> Self:
        """Return the set of these rows."""
        part = super().__getitem__(rows)
        object.__setattr__(part, "factors", self.factors[rows])
        return part


def sprites(*, size: int = 32) -> Sprites:
    """Return a picture (size, size) of each combination of the factors, the last the fastest.

    Raises
        ValueError if size is less than 32: on fewer pixels some pictures would be equal.
    """
    size = integer("sprites", "size", size, 32)
    factors = np.array(list(product(*map(range, FACTORS.values()))), np.int64)
    middles = (2 * np.arange(size, dtype=np.int64) + 1) * UNIT // (2 * size)
    offsets = middles - np.array(PLACES)[:, None]  # (places, size)
    dx, dy = offsets[:, None, None, :], offsets[None, :, :, None]
    masks = [
        _inside(shape, (dx * c + dy * s) // radius, (dy * c - dx * s) // radius)
        for shape, radius, (c, s) in product(SHAPES, RADII, TURNS)
    ]
    images = np.stack(masks).reshape(-1, size, size) * np.uint8(255)
    return Sprites(images, factors[:, 0], "sprites", ("sprite", "sprites"), SHAPES, factors=factors)


def _inside(shape: str, u: IntArray, v: IntArray) -> NDArray[np.bool_]:
    """Return which points are in a shape, whose u goes right and whose v goes down."""
    w = np.abs(u)
    if shape == "triangle":
        return np.asarray((v < 700) & (1700 * w < 650 * (v + 1000)))
    if shape == "heart":
        lobes = (w - 430) ** 2 + (v + 300) ** 2 < 480**2
        return np.asarray(lobes | ((v > -100) & (1000 * w < 866 * (900 - v))))
    upright = (u > -600) & (u < -100) & (np.abs(v) < 800)
    return np.asarray(upright | ((w < 600) & (v > 300) & (v < 800)))
