"""Pictures of signals: what models make of them, over what they were."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ..checks.arrays import floats_of
from ..core import Array
from .page import QUIET, SERIES, Page, Title


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
