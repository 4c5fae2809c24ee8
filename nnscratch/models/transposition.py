"""Melodies in other keys, to learn from: a transposed tune is a tune."""

from dataclasses import dataclass

import numpy as np

from ..core import IntArray
from ..data.melodies import transpose
from .tokens import columns_of


@dataclass(frozen=True)
class Transposition:
    """Moves each melody by a number of semitones of its own, drawn from -most … most.

    One that would leave the keys of a piano stays as it is. Magenta's `most` is 5.

    Shapes
        x  (T, N), of the tokens of data/melodies.py
    """

    most: int = 5

    def __call__(self, x: IntArray, *, rng: np.random.Generator) -> IntArray:
        """Return x transposed."""
        by = np.asarray(rng.integers(-self.most, self.most + 1, x.shape[1]))
        return columns_of(transpose(x.T.astype(np.uint8), by))
