"""Pictures of melodies: piano rolls, time to the right and pitch upwards."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..checks.arguments import integer
from ..data.melodies import STEPS, Tokens, check_tokens, notes_of
from .page import QUIET, SERIES, Title, empty_page

FAINT = "#dddddd"
GAP = 0.25
"""Steps that a note is drawn shorter than it is, so that a repeated one shows."""


def piano_roll(
    tokens: Tokens,
    *,
    names: Sequence[str] | None = None,
    columns: int = 4,
    title: Title = None,
) -> Figure:
    """Show windows (N, T) of tokens as piano rolls of one scale, in reading order.

    A bar is a note from where it begins to where it ends; lines stand at bars and at each C. What
    sounds at the beginning without a note of its own is not known, and is not drawn.

        names  one for each, above it
    """
    x = check_tokens("piano_roll", tokens)
    columns = min(integer("piano_roll", "columns", columns), len(x))
    if names is not None and len(names) != len(x):
        raise ValueError(f"piano_roll: expected {len(x)} names, got {len(names)}")
    N, T = x.shape
    rows = ceil(N / columns)
    pitches = [pitch for row in x for _, _, pitch in notes_of(row)] or [60, 72]
    low, high = min(pitches), max(pitches)
    figure = empty_page(max(4, 0.4 + columns * (0.5 + 0.06 * T)), 0.5 + 1.35 * rows, title)
    for n, row in enumerate(x):
        axes = figure.add_subplot(rows, columns, n + 1)
        notes = [
            Rectangle((start, pitch - 0.4), end - start - GAP, 0.8)
            for start, end, pitch in notes_of(row)
        ]
        axes.add_collection(PatchCollection(notes, facecolor=SERIES[0], edgecolor="none"))
        axes.set(xlim=(0, T), ylim=(low - 1.5, high + 1.5))
        axes.set_xticks(np.arange(0, T + 1, STEPS), [])
        octaves = np.arange(ceil(low / 12) * 12, high + 1, 12)
        axes.set_yticks(octaves, [f"C{c // 12 - 1}" for c in octaves] if n % columns == 0 else [])
        axes.grid(color=FAINT, lw=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, labelsize=8, labelcolor=QUIET)
        axes.spines[:].set_color(FAINT)
        if names is not None:
            axes.set_title(names[n], size=8, loc="left", pad=3)
    return figure
