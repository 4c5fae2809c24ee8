"""Draws docs/img/sprites.png: one factor of `nn.data.sprites` after the other, the others fixed.

python docs/img/sprites.py
"""

from pathlib import Path

import numpy as np

from nnscratch.data import sprites
from nnscratch.data.sprites import FACTORS
from nnscratch.plots import image_rows, save

MIDDLE = {"shape": 1, "scale": 3, "orientation": 1, "x": 3, "y": 3}
"""What is fixed: a large heart, turned by 45°, near the middle."""

data, most = sprites(), max(FACTORS.values())
rows = {}
for k, (name, values) in enumerate(FACTORS.items()):
    fixed = np.delete(data.factors, k, axis=1) == np.delete([*MIDDLE.values()], k)
    images = data.images[fixed.all(axis=1)]  # in the order of this factor's values
    rows[f"{name}, {values}"] = np.concatenate([images, 0 * data.images[: most - values]])

title = f"{len(data):,} pictures: every combination of five factors"
print(save(image_rows(rows, title=title), Path(__file__).with_suffix(".png")))
