"""Subnormal numbers count as zero while a model trains or infers.

A subnormal number is one so near to zero (in single precision below 1.2e-38) that it has lost
digits. Arithmetic with it takes many processors over a hundred cycles, and training makes a lot of
them: where a gradient has become zero, the optimiser's moments shrink from step to step until they
are subnormal, and rounding keeps them there. No weight has a digit that depends on them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

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
    if on_plain_path():  # which has no compiled code that could set the mode
        yield
        return
    mode = _float_mode()
    ours = mode.FLUSH & ~mode.change_bits(0, 0)
    try:
        mode.change_bits(0, ours)
        yield
    finally:
        mode.change_bits(ours, 0)


@cache
def _float_mode() -> Any:
    """Return the module float_mode, which imports Numba and so is imported when it is needed."""
    return import_module(f"{__package__}.float_mode")
