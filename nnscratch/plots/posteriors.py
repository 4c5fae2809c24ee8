"""Posteriors in a 2-D latent plane: the true one, the encoder's, and the gaps between them."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from ..checks.arrays import floats_of, plain
from ..core import Array
from ..data.dataset import Images
from .images import pictures
from .page import SERIES, Page, Title, colours, new_figure

SHARES = (0.5, 0.95)
"""The shares of a distribution that lie within its contours."""


def posterior_panels(
    axis: Array,
    log_density: Array,
    gaussians: Mapping[str, tuple[Array, Array]],
    images: Images,
    *,
    title: Title = None,
) -> Figure:
    """Show true posteriors in grey, and upon them contours of Gaussians: 50 and 95 % of each.

    axis         (G,)       the grid's points along either axis, evenly spaced
    log_density  (n, G, G)  log p(z|x) of n images but for a constant, z_1 along the last axis
    gaussians               means (n, 2) and log-variances (n, 2) by name
    images       (n, …)     what the posteriors are of; each stands in a corner of its panel
    """
    who = "posterior_panels"
    axis = floats_of(f"{who} axis", axis, unit=False)
    log_density = plain(f"{who} log_density", log_density)  # -∞ where there is nothing
    each = partial(floats_of, unit=False)
    gaussians = {
        name: (each(f"{who} {name}", mu), each(f"{who} {name}", logvar))
        for name, (mu, logvar) in gaussians.items()
    }
    palette = colours(who, "Gaussians", len(gaussians))
    columns = min(len(log_density), 4)
    rows = -(-len(log_density) // columns)
    figure = Page((0.4 + 3.0 * columns, 0.9 + 3.1 * rows), layout="constrained")
    figure.suptitle(title or "", x=0.02, ha="left", size=11, wrap=True)
    radii = np.sqrt(-2 * np.log1p(-np.array(SHARES)))
    for i, picture in enumerate(pictures(who, images)):
        axes = figure.add_subplot(rows, columns, i + 1)
        mass = np.exp(log_density[i] - log_density[i].max())
        levels = sorted(_level(mass, share) for share in SHARES)
        axes.contourf(axis, axis, mass, [*levels, 2.0], colors=["0.85", "0.6"])
        inside = [axis[(mass >= levels[0]).any(axis=a)] for a in (0, 1)]
        lows, highs = [np.array([a.min() for a in inside])], [np.array([a.max() for a in inside])]
        for (mu, logvar), colour in zip(gaussians.values(), palette, strict=True):
            sigma, at = np.exp(logvar[i] / 2), (float(mu[i, 0]), float(mu[i, 1]))
            for radius, style in zip(radii, ("--", "-"), strict=True):
                width, height = 2 * radius * sigma
                axes.add_patch(Ellipse(at, width, height, fill=False, ec=colour, lw=1.8, ls=style))
            lows.append(mu[i] - radii[-1] * sigma)
            highs.append(mu[i] + radii[-1] * sigma)
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        half, centre = 0.75 * float((high - low).max()), (low + high) / 2
        axes.set_xlim(centre[0] - half, centre[0] + half)
        axes.set_ylim(centre[1] - half, centre[1] + half)
        axes.set_aspect("equal")
        axes.tick_params(labelsize=8)
        corner = axes.inset_axes((0.0, 0.76, 0.24, 0.24))
        corner.imshow(picture.clip(0, 1), cmap="gray_r", vmin=0, vmax=1)
        corner.set(xticks=[], yticks=[])
    handles = [Line2D([], [], color="0.6", lw=8, label="true posterior: 50 and 95 %")]
    handles += [
        Line2D([], [], color=colour, lw=1.8, label=name)
        for name, colour in zip(gaussians, palette, strict=True)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def gap_bars(
    parts: Mapping[str, Sequence[float] | Array],
    names: Sequence[str],
    *,
    ylabel: str,
    marks: Mapping[str, Sequence[float] | Array] | None = None,
    title: Title = None,
) -> Figure:
    """Show what sums are made of: a bar for each name, its parts one upon the other.

    marks  other heights to compare with, a short line each across the bar
    """
    marks = marks or {}
    colours("gap_bars", "parts and marks", len(parts) + len(marks))
    figure, axes = new_figure(float(np.clip(2.5 + 0.5 * len(names), 5.5, 12)), 4.2, title)
    at, bottom = np.arange(len(names)), np.zeros(len(names))
    for (name, part), colour in zip(parts.items(), SERIES, strict=False):
        axes.bar(at, part, bottom=bottom, color=colour, width=0.7, label=name)
        bottom = bottom + np.asarray(part)
    for (name, heights), colour in zip(marks.items(), SERIES[::-1], strict=False):
        axes.hlines(heights, at - 0.42, at + 0.42, color=colour, lw=2, label=name)
    axes.set_xticks(at, list(names))
    axes.set_ylabel(ylabel)
    axes.margins(x=0.01)
    axes.legend(frameon=False)
    return figure


def _level(mass: Array, share: float) -> float:
    """Return the density whose contour holds this share of the mass."""
    ordered = np.sort(mass.ravel())[::-1]
    total = ordered.cumsum()
    return float(ordered[np.searchsorted(total, share * total[-1])])
