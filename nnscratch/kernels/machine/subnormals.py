"""Subnormal numbers count as zero while a model trains or infers.

A subnormal number is one so near to zero (in single precision below 1.2e-38) that it has lost
digits. Arithmetic with it takes many processors over a hundred cycles, and training makes a lot of
them: where a gradient has become zero, the optimiser's moments shrink from step to step until they
are subnormal, and rounding keeps them there. No weight has a digit that depends on them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..paths import on_plain_path

for _dtype in (np.float32, np.float64):  # NumPy looks once, and warns if it finds no subnormals
    np.finfo(_dtype)


@contextmanager
def flushed_subnormals() -> Iterator[None]:
    """Let this thread take subnormal numbers for zero; afterwards it does as it did before.

    Each thread has a mode of its own, and whether a new one inherits it depends on the system. So
    every thread that works on a result enters this: else bits would depend on who computed them.
    """
    if on_plain_path():  # where nothing is compiled, there is nothing to hurry
        yield
        return
    from .float_mode import FLUSH, change_bits  # here, for it imports Numba

    ours = FLUSH & ~change_bits(0, 0)
    try:
        change_bits(0, ours)
        yield
    finally:
        change_bits(ours, 0)
