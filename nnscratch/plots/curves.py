"""Curves: the terms of a loss over the epochs, series over x, errors of numerical derivatives."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from ..core import Array
from .page import LEGEND, QUIET, TRAIN, VALIDATION, Title, looks, named_line, new_figure, new_panels


def loss_curves(
    history: Sequence[Mapping[str, Any]],
    *,
    baselines: Mapping[str, Mapping[str, float]] | None = None,
    unit: str = "nats an image",
    title: Title = None,
) -> Figure:
    """Show every term of the loss, of training and of validation, over the epochs.

    history    what Trainer.fit returns
    baselines  horizontal lines by term and name: {"reconstruction": {"PCA-2": 180.6}}
    """
    terms = list(history[0]["train"])
    if len(terms) == 2:  # a single term beside the total, which is the same
        terms.remove("total")
    figure, panels = new_panels(3.0 + 3.2 * len(terms), 3.9, title, len(terms))
    epochs = [row["epoch"] for row in history]
    for term, axes in zip(terms, panels, strict=True):
        lows, highs = [], []
        for part, colour in (("train", TRAIN), ("validation", VALIDATION)):
            if part in history[0]:
                curve = [row[part][term] for row in history]
                axes.plot(epochs, curve, color=colour, label=part, lw=1.8, marker=".", ms=4)
                lows.append(min(curve))
                highs.append(max(curve[1:] or curve))  # the first epoch may leave the picture
        for name, value in (baselines or {}).get(term, {}).items():
            below = curve[-1] > value  # the name is on the side of the line where no curve ends
            named_line(axes, f"{name} {value:.1f}", value, below=below)
            lows.append(value)
            highs.append(value)
        margin = 0.08 * (max(highs) - min(lows)) + 1e-9
        axes.set_ylim(min(lows) - margin, max(highs) + margin)
        axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set(title=term, xlabel="epoch")
    panels[0].set_ylabel(unit)
    panels[-1].legend(**LEGEND)
    return figure


def curves(
    x: Sequence[float] | Array,
    series: Mapping[str, Sequence[float] | Array],
    *,
    xlabel: str,
    ylabel: str,
    lines: Mapping[str, float] | None = None,
    log: bool = False,
    title: Title = None,
) -> Figure:
    """Show a few series over x, with a legend, and horizontal `lines` with their names on them.

    log  whether x is on a logarithmic scale

    Of more than three series the legend is outside, or it would hide one of them.
    """
    figure, axes = new_figure(7.0, 4.2, title)
    few = len(x) <= 40
    for (name, y), look in zip(series.items(), looks(), strict=False):
        axes.plot(x, y, **look if few else look | {"marker": ""}, lw=1.8, ms=4, label=name)
    for name, value in (lines or {}).items():
        named_line(axes, name, value)
    if log:
        axes.set_xscale("log")
    elif all(isinstance(value, int) for value in x):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if len(series) > 3:
        figure.legend(loc="outside right upper", frameon=False)
    else:
        axes.legend(**LEGEND)
    return figure


def spread_curves(
    panels: Mapping[str, Mapping[str, Mapping[int, Sequence[float] | Array]]],
    *,
    xlabel: str,
    ylabel: str = "",
    lines: Mapping[str, Mapping[str, float]] | None = None,
    log: bool = False,
    title: Title = None,
) -> Figure:
    """Show means of repeated measurements, with bars of one standard deviation.

    panels  by name: series by name: {x: the repeated measurements at x}
    lines   horizontal lines, by panel and name
    log     whether y is on a logarithmic scale, as x is

    Series are shifted a little along x, so that their bars do not hide each other.
    """
    figure, axes = new_panels(1.8 + 3.7 * len(panels), 4.4, title, len(panels))
    for (panel, series), ax in zip(panels.items(), axes, strict=True):
        for i, ((name, found), look) in enumerate(zip(series.items(), looks(), strict=False)):
            x = np.array([*found]) * 1.03 ** (i - (len(series) - 1) / 2)
            y = np.array([np.mean(again) for again in found.values()])
            sd = np.array([np.std(again, ddof=min(1, len(again) - 1)) for again in found.values()])
            ax.errorbar(x, y, sd, **look, ms=4, elinewidth=1, label=name)
        for name, value in (lines or {}).get(panel, {}).items():
            named_line(ax, name, value)
        everywhere = sorted({x for found in series.values() for x in found})
        ax.set_xscale("log")
        ax.set_xticks(everywhere, [f"{x:,}" for x in everywhere])
        ax.xaxis.set_minor_locator(NullLocator())
        if log:
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
            ax.yaxis.set_major_formatter("{x:g}")
            ax.yaxis.set_minor_locator(NullLocator())
        ax.grid(axis="y", color="0.92")
        ax.set(title=panel, xlabel=xlabel)
    axes[0].set_ylabel(ylabel)
    names = axes[0].get_legend_handles_labels()
    figure.legend(*names, loc="outside right upper", frameon=False)
    return figure


def error_curves(steps: Array, errors: Mapping[str, Array], *, title: Title = None) -> Figure:
    """Show the errors of numerical derivatives over the step h, which shrinks to the right.

    Truncation falls as a power of h and rounding rises as 1/h: together they make a V.
    """
    figure, axes = new_figure(7.2, 4.8, title)
    for (name, error), look in zip(errors.items(), looks(), strict=False):
        axes.loglog(steps, error.clip(1e-17), **look, mfc="none", label=name)
    axes.axhline(2.0**-52, color=QUIET, lw=1, ls="--")
    axes.text(steps[0], 3.2e-16, "2⁻⁵², the rounding of one number", size=8, color=QUIET)
    axes.invert_xaxis()
    axes.set(xlabel="step h", ylabel="largest error, relative to the largest derivative")
    axes.legend(frameon=False, loc="upper center")
    axes.grid(color="0.92")
    return figure
