"""Figures of several models side by side, as bars or as dots."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from .page import QUIET, Title, colours, looks, new_figure


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


def score_dots(
    scores: Mapping[str, Mapping[str, tuple[float, float]]],
    *,
    line: float,
    unit: str,
    title: Title = None,
) -> Figure:
    """Show for each row, by name, the scores of each contender: (a figure, its standard error).

    line  the score of one that knows nothing
    """
    kinds = list(dict.fromkeys(kind for its in scores.values() for kind in its))
    figure, axes = new_figure(8.4, 1.4 + 0.4 * len(scores), title)
    for i, (kind, look) in enumerate(zip(kinds, looks(), strict=False)):
        found = {y: its[kind] for y, its in enumerate(scores.values()) if kind in its}
        places = np.array([*found]) + 0.07 * (i - (len(kinds) - 1) / 2)
        means, errors = np.array([*found.values()], float).T
        look |= {"ls": "none", "mfc": "white" if i >= len(kinds) // 2 else look["color"]}
        axes.errorbar(means, places, xerr=errors, **look, ms=5, elinewidth=1, label=kind)
    axes.axvline(line, color=QUIET, lw=1, ls="--")
    axes.set_yticks(range(len(scores)), list(scores))
    axes.invert_yaxis()
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
    axes.set_xlabel(unit)
    figure.legend(loc="outside right upper", frameon=False)
    return figure
