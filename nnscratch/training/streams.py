"""Random streams that are functions of a place: no generator has a state that could be lost.

A run's randomness is a function of its seed and of where it is wanted: for what, in which epoch, at
which step, for which micro-batch. So a run that was broken off finds the numbers again that it
would have drawn, and threads cannot take them from each other.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SHUFFLE, NOISE, VALIDATION, DUEL, AUGMENT = 0, 1, 2, 3, 4
"""What a stream is for: the order of an epoch, the noise of a step, of validation, of a duel; the
augmentation of a micro-batch."""


class Key(np.random.bit_generator.ISeedSequence):
    """A key for Philox as it stands; given one as `key`, it asks the system for another first."""

    def __init__(self, *key: int) -> None:
        self.key = np.array(key, np.uint64)

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[np.uint64]:
        """Return the key."""
        return self.key


def stream(seed: int, purpose: int, *place: int) -> np.random.Generator:
    """Return the stream of a seed, a purpose and a place of up to three numbers, always the same.

    Philox is a function of a key and a counter (Salmon et al., Parallel random numbers: as easy as
    1, 2, 3, 2011): the place is the upper part of the counter, so no two streams overlap before
    2⁶⁴ draws.
    """
    counter = np.array([0, *place, 0, 0][:4], np.uint64)
    return np.random.Generator(np.random.Philox(Key(seed, purpose), counter=counter))  # type: ignore[arg-type]
