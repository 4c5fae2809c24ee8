"""A signal like that of a heart: beats that are never quite alike, and, if asked for, unusual ones.

A beat is a sum of five bumps, named P, Q, R, S and T as in an electrocardiogram (after McSharry,
Clifford, Tarassenko and Smith, A Dynamical Model for Generating Synthetic Electrocardiogram
Signals, 2003). It is no model of a heart: what is unusual here is made by the lines below.
"""

from typing import NamedTuple

import numpy as np

from nnscratch.core import Array

PERIOD = 50
"""Samples from beat to beat, in the mean."""

BUMPS = np.array(
    [
        (0.18, 0.035, 0.15),  # P
        (0.335, 0.018, -0.15),  # Q
        (0.37, 0.022, 1.0),  # R
        (0.405, 0.018, -0.25),  # S
        (0.62, 0.06, 0.3),  # T
    ]
)
"""Where in the beat, how wide (both in periods), and how high."""

KINDS = ("missing", "early", "turned", "spike", "drift")
"""No beat; a beat 0.3 periods too early; T upside down; one sample off; the base line wanders."""


class Record(NamedTuple):
    """A signal (T,), and for each anomaly its kind and the sample in its middle."""

    signal: Array
    anomalies: list[tuple[str, int]]


def record(beats: int, kinds: dict[int, str], *, rng: np.random.Generator) -> Record:
    """Return a signal of so many beats; `kinds` says which of them are unusual, and how.

    Usual is: a length that varies by 5 %, heights by 10 % each, a base line that swings by 0.1 in
    some ten beats, and noise of 0.05.
    """
    lengths = PERIOD * (1 + 0.05 * rng.standard_normal(beats).clip(-3, 3))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    t = np.arange(int(starts[-1]))
    x = 0.1 * np.sin(2 * np.pi * t / (10 * PERIOD) + rng.uniform(0, 2 * np.pi))
    x += 0.05 * rng.standard_normal(len(t))
    anomalies = []
    for n in range(beats):
        start, kind = starts[n], kinds.get(n, "")
        places, widths, heights = BUMPS.T.copy()
        heights *= 1 + 0.1 * rng.standard_normal(5)
        middle = start + PERIOD * 0.4
        if kind == "missing":
            heights[:] = 0
        elif kind == "early":
            start -= 0.3 * PERIOD
            middle = start + PERIOD * 0.4
        elif kind == "turned":
            heights[4] *= -1
            middle = start + PERIOD * places[4]
        elif kind == "spike":
            middle = start + PERIOD * rng.uniform(0.1, 0.9)
            x[round(middle)] += rng.choice([-0.6, 0.6])
        elif kind == "drift":
            way = ((t - middle) / (3 * PERIOD)).clip(-0.5, 0.5)
            x += rng.choice([-0.5, 0.5]) * np.cos(np.pi * way) ** 2
        for place, width, height in zip(places, widths, heights, strict=True):
            centre = start + place * PERIOD
            here = slice(max(0, int(centre) - PERIOD // 2), int(centre) + PERIOD // 2)
            x[here] += height * np.exp(-(((t[here] - centre) / (width * PERIOD)) ** 2) / 2)
        if kind:
            anomalies.append((kind, round(middle)))
    return Record(x, anomalies)
