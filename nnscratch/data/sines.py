"""Sines of random frequency, phase and amplitude: sequences that a formula gives."""

from math import inf

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import generator, integer, number
from ..core import Array


def sines(
    count: int,
    steps: int,
    *,
    frequencies: tuple[float, float] = (1.0, 5.0),
    amplitudes: tuple[float, float] = (0.5, 2.0),
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Array:
    """Return sequences x_t = A sin(2π f t / steps + φ) of one number a step, (count, steps, 1).

    f, A and φ are drawn for each sequence, uniformly from `frequencies`, `amplitudes` and (0, 2π).

    frequencies  (least, largest), in cycles a sequence, up to steps / 2, beyond which the same
                 numbers belong to a lower frequency, too
    amplitudes   (least, largest)

    For equal bounds there is nothing to draw: (3, 3) makes every f 3.

    Raises
        ValueError if count or steps is not positive, or the bounds are no numbers in order.
    """
    count, steps = integer("sines", "count", count), integer("sines", "steps", steps)
    rng = generator("sines", rng)
    f = rng.uniform(*_bounds("frequencies", frequencies, steps / 2), (count, 1))
    A = rng.uniform(*_bounds("amplitudes", amplitudes, inf), (count, 1))
    phase = rng.uniform(0, 2 * np.pi, (count, 1))
    x = A * np.sin(2 * np.pi * f * np.arange(steps) / steps + phase)
    return np.asarray(x[:, :, None], dtype)


def _bounds(name: str, bounds: object, most: float) -> tuple[float, float]:
    """Return (least, largest), with 0 ≤ least ≤ largest ≤ most, as floats."""
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise ValueError(f"sines: expected {name}, a pair (least, largest), got {bounds!r}")
    end = "]" if most < inf else ")"
    low = number("sines", f"the least of {name}", bounds[0], 0, most, f"[{end}")
    return low, number("sines", f"the largest of {name}", bounds[1], low, most, f"[{end}")
