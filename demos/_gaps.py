"""What is put into the gaps of a table: by a model, by normal rows, by the nearest rows.

x     (N, D)  scaled rows; what stands in a gap is not looked at
gaps  (N, D)  bool, which cells are gaps
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.core import Array
from nnscratch.evaluation import nearest

Gaps = NDArray[np.bool_]
ROUNDS, NEAR = 50, 5


def refilled(model: Any, x: Array, gaps: Gaps, rounds: int = ROUNDS) -> Array:
    """Return rows whose gaps hold what the model says of them, again and again; at first, means."""
    y = np.where(gaps, 0, x).astype(np.float32)
    for _ in range(rounds):
        y = np.where(gaps, model.reconstruct(y), x).astype(np.float32)
    return y


def conditional_means(mean: Array, covariance: Array, x: Array, gaps: Gaps) -> Array:
    """Return rows whose gaps hold their means given the other cells, if rows were normal."""
    y = np.array(x, np.float64)
    for row, gone in zip(y, gaps, strict=True):
        if gone.any():
            some = covariance[np.ix_(~gone, ~gone)]
            away = np.linalg.solve(some, row[~gone] - mean[~gone])
            row[gone] = mean[gone] + covariance[np.ix_(gone, ~gone)] @ away
    return y


def from_neighbours(known: Array, x: Array, gaps: Gaps) -> Array:
    """Return rows whose gaps hold the means of the nearest known rows."""
    y = np.array(x)
    for row, gone in zip(y, gaps, strict=True):
        if gone.all():
            row[:] = known.mean(axis=0)
        elif gone.any():
            rows, _ = nearest(known[:, ~gone], row[None, ~gone], NEAR)
            row[gone] = known[rows[0]][:, gone].mean(axis=0)
    return y
