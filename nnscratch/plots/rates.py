"""Rate against distortion, and which dimensions of a code carry the rate."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..checks.arrays import floats_of
from ..core import Array
from .page import OUTLINE, QUIET, SERIES, TRAIN, Title, named_line, new_figure, new_panels


def rate_distortion(
    betas: Sequence[float],
    rates: Sequence[float] | Array,
    distortions: Sequence[float] | Array,
    *,
    marks: Mapping[str, tuple[float, float]] | None = None,
    lines: Mapping[str, float] | None = None,
    title: Title = None,
) -> Figure:
    """Show models trained to lose little of D + βR, each by its rate R and its distortion D, nats.

    marks  other points (R, D) by name
    lines  distortions by name that no rate belongs to

    Each point bears a short line of slope -β, along which D + βR is what it is there: no model of
    its kind is below that line if it was trained well. A grey line joins all of the least D + R.

    Source
        Alemi et al., Fixing a Broken ELBO (2018), §3.
    """
    figure, axes = new_figure(7.6, 5.6, title)
    R, D = np.asarray(rates), np.asarray(distortions)
    order = R.argsort()
    axes.plot(R[order], D[order], color=TRAIN, lw=1.2, alpha=0.5)
    axes.scatter(R, D, s=34, color=TRAIN, zorder=3)
    others = np.array(list((marks or {}).values())).reshape(-1, 2)
    axes.scatter(others[:, 0], others[:, 1], s=40, marker="D", color=SERIES[1], zorder=3)
    heights = np.concatenate([D, others[:, 1], [*(lines or {}).values()]])
    width, height = 1.16 * max(R.max(), *others[:, 0], 0), 1.14 * np.ptp(heights)
    low = heights.min() - 0.05 * height
    axes.set(xlim=(-0.02 * width, 0.98 * width), ylim=(low, low + height))

    for beta, r, d in zip(betas, R, D, strict=True):
        dr = 0.05 * width / np.hypot(1, beta * width / height)
        axes.plot([r - dr, r + dr], [d + beta * dr, d - beta * dr], color="black", lw=1.6, zorder=2)
        _note(axes, f"β = {beta:g}", (r, d), (8, 6))
    for name, point in (marks or {}).items():
        _note(axes, name, point, (8, 4))
    for name, d in (lines or {}).items():
        named_line(axes, name, d)
    least = float((R + D).min())
    axes.plot([0, width], [least, least - width], color=QUIET, lw=1)
    _note(axes, f"D + R = {least:.1f}", (0.7 * width, least - 0.7 * width), (-72, -11))
    axes.set(xlabel="rate R = KL, nats an image", ylabel="distortion D = BCE, nats an image")
    return figure


def kl_panels(kl: Mapping[str, Array], *, title: Title = None) -> Figure:
    """Show the KL of every latent dimension over the epochs, (E, L) a model, side by side.

    The dimensions of a model are ordered by what they carry in the end, most at the top.
    """
    sheets = {name: floats_of(f"kl_panels {name}", a, unit=False) for name, a in kl.items()}
    for name, each in sheets.items():
        if each.ndim != 2:
            raise ValueError(f"kl_panels {name}: expected (E, L), got {each.shape}")
    figure, panels = new_panels(1.6 + 2.6 * len(kl), 4.2, title, len(kl))
    most = max(float(each.max()) for each in sheets.values())
    for (name, each), axes in zip(sheets.items(), panels, strict=True):
        E, L = each.shape
        sheet = each.T[np.argsort(-each[-1], kind="stable")]
        extent = (0.5, E + 0.5, L + 0.5, 0.5)
        shown = axes.imshow(sheet, aspect="auto", vmin=0, vmax=most, extent=extent)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set(title=name, xlabel="epoch")
    panels[0].set_ylabel("latent dimension, by its KL in the end")
    for axes in panels[1:]:
        axes.set_yticklabels([])
    figure.colorbar(shown, ax=panels, shrink=0.9, pad=0.02).set_label("KL, nats an image")
    return figure


def _note(axes: Axes, text: str, at: tuple[float, float], offset: tuple[int, int]) -> None:
    """Write beside a point, so that lines behind leave it readable."""
    note = axes.annotate(text, at, offset, textcoords="offset points", size=9)
    note.set_path_effects(OUTLINE)
