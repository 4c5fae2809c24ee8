"""Small colour pictures of invented scenes, for models of colour where there are no photographs.

    train = scenes(5000, rng=np.random.default_rng(0))      Dataset, (5000, 3, 32, 32) uint8

A scene is a sky with a gradient, by day, at dusk or at night, land or sea, and what its class is
named after: hills, houses, trees, boats, balloons or towers, each with its own places, sizes and
colours. It is drawn with twice the rows and columns, and each pixel is the mean of four points, so
that edges are smooth. Last, grain is added to every number.

All of it is integer arithmetic: a seed gives the same bytes on every platform.
"""

from collections.abc import Callable
from math import log
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..checks.arguments import generator, integer
from .dataset import Dataset

UNIT = 1024
"""The side of a scene in the units of its places and sizes."""

GRAIN_PROBABILITIES = (1 / 9, 2 / 9, 3 / 9, 2 / 9, 1 / 9)
"""Of the grain -2, -1, 0, 1, 2: the sum of two throws of -1, 0, 1."""

GRAIN_NATS = -sum(p * log(p) for p in GRAIN_PROBABILITIES)
"""The entropy of the grain of one number. It is independent of the scene, so no model of scenes,
however good, has a mean -log P below this times the number of numbers."""

Colour: TypeAlias = tuple[int, int, int]
Mask: TypeAlias = NDArray[np.bool_]

SKIES: tuple[tuple[Colour, Colour, Colour, Colour], ...] = (
    ((70, 130, 215), (190, 220, 245), (255, 240, 170), (256, 256, 256)),  # day
    ((80, 70, 140), (250, 160, 90), (255, 130, 70), (250, 200, 170)),  # dusk
    ((12, 16, 48), (40, 52, 100), (235, 235, 220), (100, 110, 160)),  # night
    ((140, 150, 165), (200, 205, 210), (225, 225, 220), (210, 215, 220)),  # clouds
)
"""Colours of the zenith, the horizon and the sun or moon, and the light on things, in 256ths."""

GREEN, SAND, SEA = (90, 150, 60), (200, 170, 110), (40, 95, 150)
ROOFS: tuple[Colour, ...] = ((170, 60, 45), (95, 75, 70), (75, 90, 120))
WALLS: tuple[Colour, ...] = ((235, 225, 200), (225, 190, 130), (190, 110, 90), (170, 200, 215))
PAINTS: tuple[Colour, ...] = ((205, 50, 50), (240, 200, 60), (60, 90, 190), (240, 240, 235))


def scenes(count: int, *, size: int = 32, rng: np.random.Generator) -> Dataset:
    """Return so many scenes, (count, 3, size, size) uint8; a class is as likely as another.

    The first scenes are the same however many there are. Some 2,000 take a second.

    Raises
        ValueError if count is not positive or size is less than 8.
    """
    count, size = integer("scenes", "count", count), integer("scenes", "size", size, 8)
    rng, kinds = generator("scenes", rng), list(CLASSES.values())
    labels = np.zeros(count, np.int64)
    images = np.empty((count, 3, size, size), np.uint8)
    for n in range(count):
        labels[n] = rng.integers(len(kinds), dtype=np.int64)
        canvas = Canvas(size, rng)
        canvas.sky()
        kinds[labels[n]](canvas)
        images[n] = canvas.developed()
    return Dataset(images, labels, "scenes", ("scene", "scenes"), tuple(CLASSES))


class Canvas:
    """A picture while it is painted, in colours 0 … 255, with twice the rows and columns."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size, self.rng = size, rng
        S = 2 * size
        middles = (2 * np.arange(S, dtype=np.int64) + 1) * (UNIT // 2) // S
        self.x, self.y = middles[None, :], middles[:, None]
        self.pixels = np.zeros((3, S, S), np.int64)
        self.light: Colour = (256, 256, 256)

    def draw(self, low: int, high: int) -> int:
        """Return an integer from low to high."""
        return int(self.rng.integers(low, high, dtype=np.int64, endpoint=True))

    def one_of(self, colours: tuple[Colour, ...]) -> Colour:
        """Return one of these colours, changed a little."""
        return self.near(colours[self.draw(0, len(colours) - 1)])

    def near(self, colour: Colour, most: int = 20) -> Colour:
        """Return a colour like this one."""
        r, g, b = (level + self.draw(-most, most) for level in colour)
        return r, g, b

    def paint(self, where: Mask, colour: Colour, shade: Any = 0) -> None:
        """Paint a colour in the light of the hour; shade, broadcast to (S, S), is added."""
        for pixels, level, light in zip(self.pixels, colour, self.light, strict=True):
            np.copyto(pixels, (level + shade) * light // 256, where=where)

    def disc(self, x: int, y: int, r: int) -> Mask:
        """Return where a disc is."""
        return (self.x - x) ** 2 + (self.y - y) ** 2 < r * r

    def box(self, left: int, top: int, right: int, bottom: int) -> Mask:
        """Return where a rectangle is."""
        return (self.x >= left) & (self.x < right) & (self.y >= top) & (self.y < bottom)

    def convex(self, *corners: tuple[int, int]) -> Mask:
        """Return where a convex polygon is; corners (x, y) go clockwise as one sees them."""
        inside = np.ones(self.pixels.shape[1:], bool)
        for (x, y), (u, v) in zip(corners, (*corners[1:], corners[0]), strict=True):
            inside &= (u - x) * (self.y - y) >= (v - y) * (self.x - x)
        return inside

    def sky(self) -> None:
        """Paint the sky, its sun or moon, sometimes a cloud, and set the light."""
        zenith, horizon, sun, self.light = SKIES[self.draw(0, len(SKIES) - 1)]
        zenith, horizon = self.near(zenith, 10), self.near(horizon, 10)
        x, y, r = self.draw(80, 940), self.draw(60, 420), self.draw(45, 90)
        disc = self.disc(x, y, r)
        glow = 12 * r * r // ((self.x - x) ** 2 + (self.y - y) ** 2 + r * r)
        for pixels, above, below, level in zip(self.pixels, zenith, horizon, sun, strict=True):
            pixels[...] = above + (below - above) * self.y // UNIT + glow
            pixels[disc] = level
        for _ in range(self.draw(0, 2)):
            x, y, r = self.draw(0, UNIT), self.draw(60, 400), self.draw(40, 80)
            cloud = self.disc(x - r, y, r * 3 // 4) | self.disc(x, y - r // 4, r)
            cloud = (cloud | self.disc(x + r, y, r * 3 // 4)) & (self.y < y + r // 3)
            self.paint(cloud, (235, 235, 235))

    def ground(self, colour: Colour, horizon: int) -> None:
        """Paint land or sea below the horizon, the nearer the brighter."""
        self.paint(
            self.box(0, horizon, UNIT, UNIT), self.near(colour, 15), (self.y - horizon) // 16
        )

    def hill(self, colour: Colour, top: int) -> None:
        """Paint a hill, a parabola that falls by `steep` at half the side from its top."""
        x, steep = self.draw(0, UNIT), self.draw(100, 700)
        fall = steep * (self.x - x) ** 2 // (UNIT // 2) ** 2
        self.paint(self.y > top + fall, self.near(colour), (top + fall - self.y) // 12)

    def developed(self) -> NDArray[np.uint8]:
        """Return the picture (3, size, size) with its grain."""
        H = self.size
        tiles = self.pixels.clip(2, 253).reshape(3, H, 2, H, 2)
        means = (tiles.sum(axis=(2, 4)) + 2) // 4
        grain = self.rng.integers(-1, 1, (2, 3, H, H), dtype=np.int64, endpoint=True).sum(axis=0)
        return np.asarray(means + grain, np.uint8)


def hills(c: Canvas) -> None:
    """Paint three or four hills, the nearer the lower and the greener."""
    far, N = c.draw(0, 60), c.draw(3, 4)
    for n in range(N):
        colour = (110 - far - 15 * n, 140 - 5 * n, 150 - 35 * n)
        c.hill(colour, c.draw(380, 470) + 130 * n)


def houses(c: Canvas) -> None:
    """Paint one or two houses with a door, windows and a roof."""
    c.ground(GREEN, c.draw(560, 680))
    for left in [c.draw(60, 520)] if c.draw(0, 1) else [c.draw(40, 140), c.draw(540, 640)]:
        width, floor = c.draw(260, 380), c.draw(760, 900)
        top, roof = floor - c.draw(200, 340), c.draw(110, 200)
        right, middle = left + width, left + width // 2
        c.paint(c.box(left, top, right, floor), c.one_of(WALLS), (c.x - right) // 12)
        tip = (middle, top - roof)
        c.paint(c.convex((left - 40, top), tip, (right + 40, top)), c.one_of(ROOFS))
        pane, row = c.near((70, 80, 110)), top + 50
        for x in (left + width // 6, right - width // 6 - 60):
            c.paint(c.box(x, row, x + 60, row + 70), pane)
        c.paint(c.box(middle - 32, floor - 120, middle + 32, floor), c.one_of(ROOFS))


def trees(c: Canvas) -> None:
    """Paint two to four trees, firs or round ones."""
    c.ground(GREEN, c.draw(560, 680))
    for _ in range(c.draw(2, 4)):
        x, foot, r = c.draw(80, 940), c.draw(720, 920), c.draw(90, 160)
        c.paint(c.box(x - 18, foot - 2 * r, x + 18, foot), (95, 65, 45))
        leaves = c.near((60, 125, 55), 25)
        if c.draw(0, 1):
            for n in range(3):
                y = foot - r * (4 + 5 * n) // 5
                tier, w = r * 7 // 4, r * (5 - n) // 5
                c.paint(c.convex((x - w, y), (x, y - tier), (x + w, y)), leaves, (x - c.x) // 8)
        else:
            y = foot - 2 * r
            shade = ((x - c.x) + (y - c.y)) // 6
            for u, v in ((-r // 2, r // 3), (r // 2, r // 3), (0, -r // 4)):
                c.paint(c.disc(x + u, y + v, r * 3 // 4), leaves, shade)


def boats(c: Canvas) -> None:
    """Paint one or two sailing boats on a sea with waves."""
    horizon = c.draw(500, 620)
    c.ground(SEA, horizon)
    for _ in range(c.draw(5, 12)):
        x, y, w = c.draw(0, UNIT), c.draw(horizon + 20, UNIT), c.draw(40, 160)
        c.paint(c.box(x - w, y, x + w, y + 16), (120, 165, 200))
    for _ in range(c.draw(1, 2)):
        x, y, w = c.draw(180, 844), c.draw(horizon + 60, 860), c.draw(110, 210)
        deck, mast = y - w // 3, y - w // 3 - 2 * w
        hull = c.convex((x - w, deck), (x + w, deck), (x + w * 2 // 3, y), (x - w * 2 // 3, y))
        c.paint(hull, c.one_of(PAINTS), (deck - c.y) // 2)
        c.paint(c.box(x - 9, mast, x + 9, deck), (90, 70, 55))
        sail, low = c.one_of(PAINTS), deck - 20
        c.paint(c.convex((x + 20, low), (x + 20, mast), (x + w, low)), sail)
        c.paint(c.convex((x - w * 3 // 4, low), (x - 20, mast + w // 2), (x - 20, low)), sail)


def balloons(c: Canvas) -> None:
    """Paint one to three striped balloons over land."""
    c.hill((120, 140, 120), c.draw(640, 760))
    c.ground(c.one_of((GREEN, SAND)), c.draw(800, 880))
    for _ in range(c.draw(1, 3)):
        x, y, r = c.draw(150, 874), c.draw(180, 520), c.draw(90, 190)
        shade = ((x - c.x) + (y - c.y)) // 5
        wide, low, narrow, foot = r * 4 // 5, y + r * 3 // 5, r // 5, y + r * 3 // 2
        skirt = ((x - wide, low), (x + wide, low), (x + narrow, foot), (x - narrow, foot))
        balloon = c.disc(x, y, r) | c.convex(*skirt)
        stripes = (c.x - x + UNIT) * 5 // (2 * r) % 2 == 0
        c.paint(balloon, c.one_of(PAINTS), shade)
        c.paint(balloon & stripes, c.one_of(PAINTS), shade)
        top = y + r * 8 // 5
        c.paint(c.box(x - narrow, top, x + narrow, top + r // 3), (110, 75, 50))


def towers(c: Canvas) -> None:
    """Paint a row of towers with lit or dark windows."""
    x = c.draw(-60, 40)
    c.ground((90, 90, 95), c.draw(800, 880))
    while x < UNIT:
        width, top, wall = c.draw(120, 240), c.draw(250, 650), c.near((130, 130, 140), 45)
        c.paint(c.box(x, top, x + width, 900), wall, (x - c.x) // 10)
        step = c.draw(56, 80)
        inside = c.box(x + 20, top + 30, x + width - 20, 840)
        panes = ((c.x - x - 20) % step < step // 2) & ((c.y - top - 30) % step < step // 2)
        c.paint(inside & panes, c.one_of(((250, 220, 120), (60, 70, 90))))
        x += width + c.draw(0, 60)


CLASSES: dict[str, Callable[[Canvas], None]] = {
    kind.__name__: kind for kind in (hills, houses, trees, boats, balloons, towers)
}
