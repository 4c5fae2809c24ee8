"""Figures of several models side by side, as bars."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from .page import QUIET, Title, colours, new_figure


def score_bars(
    scores: Mapping[str, Mapping[str, float | None]],
    *,
    floor: float,
    unit: str = "nats an image",
    title: Title = None,
) -> Figure:
    """Show for each model, by name, the scores of each contender; None leaves a bar out.

    floor  what no score can be below: a line
    """
    names = list(scores)
    kinds = list(dict.fromkeys(k for its in scores.values() for k in its if its[k] is not None))
    figure, axes = new_figure(8.4, 1.6 + 0.26 * len(names) * len(kinds), title)
    thick = 0.8 / len(kinds)
    palette = colours("score_bars", "contenders", len(kinds))
    for i, (kind, colour) in enumerate(zip(kinds, palette, strict=True)):
        known = {y: its[kind] for y, its in enumerate(scores.values()) if its.get(kind) is not None}
        places = np.array([*known]) + (i - (len(kinds) - 1) / 2) * thick
        bars = axes.barh(
            places, np.array([*known.values()], float), thick, color=colour, label=kind
        )
        axes.bar_label(bars, fmt="%.1f", padding=3, size=8)
    axes.axvline(floor, color=QUIET, lw=1, ls="--", label=f"perfect pixels {floor:.1f}")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.margins(x=0.12)
    figure.legend(frameon=False, loc="outside lower center", ncols=len(kinds) + 1, fontsize=9)
    return figure
