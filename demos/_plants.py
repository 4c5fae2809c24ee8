"""A made-up table whose structure is known: leaves of three kinds, ten columns, three factors.

Nobody has measured these leaves. What a column has to do with the factors is written below, so one
knows how many numbers a code needs, which relations are bent, and what a row cannot be.
"""

import csv
from pathlib import Path

import numpy as np

from nnscratch.core import Array, IntArray

COLUMNS = (
    "length_mm",
    "width_mm",
    "area_mm2",
    "thickness_mm",
    "mass_mg",
    "age_d",
    "green_pct",
    "water_pct",
    "teeth",
    "shine",
)
CLASSES = ("birch", "lime", "oak")
MEANS = np.array([(-1.0, 0.8, 0.0), (0.0, -1.0, 0.3), (1.0, 0.6, 0.0)])
"""Of size, form and age, for each class; all deviations are 0.6."""


def leaves(count: int, *, rng: np.random.Generator) -> tuple[Array, IntArray]:
    """Return rows (count, 10) and their classes; every number has a noise of 3 per cent or so."""
    kind = rng.integers(len(CLASSES), size=count)
    size, form, age = (MEANS[kind] + 0.6 * rng.standard_normal((count, 3))).T
    e = rng.standard_normal((10, count))
    length = 60 * np.exp(0.3 * size + 0.2 * form + 0.03 * e[0])
    width = 30 * np.exp(0.3 * size - 0.2 * form + 0.03 * e[1])
    area = 0.7 * length * width * np.exp(0.03 * e[2])
    thickness = 0.3 * np.exp(0.25 * age + 0.03 * e[3])
    mass = 0.5 * area * thickness * np.exp(0.03 * e[4])
    days = 60 + 25 * age + 2 * e[5]
    green = 60 + 20 * np.cos(1.5 * age) + 1.5 * e[6]  # at first it rises, then it falls
    water = 55 + 25 / (1 + np.exp(2.5 * age)) + e[7]
    teeth = 20 + 12 * form**2 + e[8]
    shine = 10 + 4 * size * form + 0.4 * e[9]
    return np.stack(
        [length, width, area, thickness, mass, days, green, water, teeth, shine], axis=1
    ), kind


def write(path: Path, rows: Array, kinds: IntArray, gaps: float, rng: np.random.Generator) -> None:
    """Write rows as a CSV file with a column `kind`; a share of the cells is empty."""
    empty = rng.random(rows.shape) < gaps
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, "kind"])
        for row, no, kind in zip(rows, empty, kinds, strict=True):
            cells = ["" if gone else f"{cell:.4g}" for cell, gone in zip(row, no, strict=True)]
            writer.writerow([*cells, CLASSES[kind]])
