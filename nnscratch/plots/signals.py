"""Pictures of signals: what models make of them, and how unusual they find them, over time."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ..checks.arrays import floats_of
from ..core import Array
from .page import QUIET, SERIES, Page, Title, empty_page


def signal_rows(
    signals: Array,
    rows: Mapping[str, Array],
    *,
    lines: Sequence[float] = (),
    title: Title = None,
) -> Figure:
    """Show signals (N, T) in grey, a column each, and over them what each row makes of them.

    rows   (N, T) by name
    lines  heights of dashed lines in every panel

    Raises
        ValueError if signals are no floats (N, T), or a row has another shape.
    """
    x = floats_of("signal_rows", signals, unit=False)
    if x.ndim != 2:
        raise ValueError(f"signal_rows: expected signals (N, T), got {x.shape}")
    N, T = x.shape
    R = len(rows)
    figure = Page((1.6 + 1.5 * N, 0.6 + 0.85 * R), layout="compressed")
    panels = figure.subplots(R, N, sharex=True, sharey=True, squeeze=False)
    for (name, y), line in zip(rows.items(), panels, strict=True):
        y = floats_of(f"signal_rows {name}", y, unit=False)
        if y.shape != x.shape:
            raise ValueError(f"signal_rows {name}: expected {x.shape}, got {y.shape}")
        for axes, signal, made in zip(line, x, y, strict=True):
            axes.plot(np.arange(1, T + 1), signal, color="0.72", lw=3)
            axes.plot(np.arange(1, T + 1), made, color=SERIES[0], lw=1.2)
            for height in lines:
                axes.axhline(height, color=QUIET, lw=0.6, ls="--")
            axes.spines[:].set_visible(False)
            axes.tick_params(length=0)
            axes.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", size=9)
    if title is not None:
        figure.suptitle(title, x=0.02, ha="left", size=11, wrap=True)
    return figure


def scored_signal(
    signal: Array,
    scores: Mapping[str, Array],
    *,
    marks: Sequence[tuple[str, int]],
    width: int,
    found: Mapping[str, Sequence[int]],
    title: Title = None,
) -> Figure:
    """Show a signal (T,), and below it, a panel each, what scores (T,) say of every step.

    marks  names and middle steps of places that are marked in every panel, `width` steps wide
    found  steps that are marked on a score with a dot, by its name

    Raises
        ValueError if signal or scores are no floats (T,).
    """
    panels = {"signal": floats_of("scored_signal", signal, unit=False)}
    panels |= {n: floats_of(f"scored_signal {n}", y, unit=False) for n, y in scores.items()}
    T = len(panels["signal"])
    for name, y in panels.items():
        if y.shape != (T,):
            raise ValueError(f"scored_signal {name}: expected ({T},), got {y.shape}")
    figure = empty_page(11.0, 1.0 + 1.15 * len(panels), title)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for ax, (name, y), colour in zip(axes, panels.items(), ("0.25", *SERIES), strict=False):
        ax.plot(y, color=colour, lw=1.0)
        dots = [*found.get(name, [])]
        ax.plot(dots, y[dots], "o", color=colour, ms=5)
        for _, middle in marks:
            ax.axvspan(middle - width / 2, middle + width / 2, color="0.9", zorder=0)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", size=9)
        ax.set_yticks([])
    for name, middle in marks:
        place = (middle, 1), (0, 2)
        axes[0].annotate(
            name, *place, ("data", "axes fraction"), "offset points", ha="center", size=9
        )
    axes[-1].set(xlabel="step", xlim=(0, T - 1))
    return figure
