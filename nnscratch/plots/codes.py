"""Pictures of codes: where they lie, which of their dimensions are in use, how they spread."""

from collections.abc import Mapping, Sequence
from math import log, sqrt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..checks.arguments import flag
from ..checks.arrays import floats_of, labels_of
from ..core import Array, IntArray
from .page import CLASSES, OUTLINE, TRAIN, Title, colours, new_figure, new_panels


def latent_scatter(
    codes: Array,
    labels: IntArray,
    *,
    names: Sequence[str] = ("$z_1$", "$z_2$"),
    prior: bool = False,
    classes: Sequence[str] = (),
    title: Title = None,
) -> Figure:
    """Show 2-D codes (N, 2) coloured by class, each class's number at its median.

    classes  names by label, for the legend

    With `prior`, circles that hold one half and 95 % of N(0, I).
    """
    codes = _plane("latent_scatter", codes)
    labels = labels_of("latent_scatter labels", labels, len(codes))
    figure, axes = new_figure(7.6, 6.8, title)
    scatter(axes, codes, labels)
    if flag("latent_scatter", "prior", prior):
        _prior(axes, codes)
    axes.set(xlabel=names[0], ylabel=names[1])
    _class_legend(figure, labels, classes)
    return figure


def latent_panels(
    codes: Mapping[str, Array],
    labels: IntArray,
    *,
    prior: bool = False,
    classes: Sequence[str] = (),
    title: Title = None,
) -> Figure:
    """Show several models' 2-D codes (N, 2) of the same images side by side, each on its own scale.

    With `prior`, circles that hold one half and 95 % of N(0, I), however small they are.
    """
    planes = {name: _plane(f"latent_panels {name}", z) for name, z in codes.items()}
    for name, z in planes.items():
        labels = labels_of(f"latent_panels {name} labels", labels, len(z))
    figure, panels = new_panels(1 + 5.6 * len(codes), 5.8, title, len(codes))
    for (name, z), axes in zip(planes.items(), panels, strict=True):
        scatter(axes, z, labels)
        if flag("latent_panels", "prior", prior):
            _prior(axes, z)
        axes.set(title=name, xlabel="$z_1$")
    panels[0].set_ylabel("$z_2$")
    _class_legend(figure, labels, classes)
    return figure


def code_panels(
    codes: Mapping[str, Array],
    labels: IntArray,
    *,
    draws: Mapping[str, Array],
    classes: Sequence[str] = (),
    title: Title = None,
) -> Figure:
    """Show sets of 2-D codes (N, 2) side by side, coloured by class, on draws of a prior in grey.

    Each panel has its own scale, on which one code in a hundred may lie outside.
    """
    planes = {name: _plane(f"code_panels {name}", z) for name, z in codes.items()}
    priors = {name: _plane(f"code_panels draws {name}", draws[name]) for name in codes}
    for name, z in planes.items():
        labels = labels_of(f"code_panels {name} labels", labels, len(z))
    figure, panels = new_panels(1.2 + 3.9 * len(codes), 4.7, title, len(codes))
    for (name, z), axes in zip(planes.items(), panels, strict=True):
        axes.scatter(priors[name][:, 0], priors[name][:, 1], s=12, color="0.8", linewidths=0)
        scatter(axes, z, labels)
        low, high = np.quantile(np.concatenate([z, priors[name]]), (0.005, 0.995), axis=0)
        reach, centre = 0.6 * float((high - low).max()), (low + high) / 2
        x, y = centre
        axes.set(
            title=name, xlabel="$z_1$", xlim=(x - reach, x + reach), ylim=(y - reach, y + reach)
        )
        axes.set_aspect("equal", "box")
    panels[0].set_ylabel("$z_2$")
    _class_legend(figure, labels, classes)
    return figure


def kl_bars(kl: Array, *, title: Title = None) -> Figure:
    """Show the KL of each latent dimension (L,): which of them are in use."""
    kl = floats_of("kl_bars", kl, unit=False)
    if kl.ndim != 1:
        raise ValueError(f"kl_bars: expected one KL for each dimension (L,), got {kl.shape}")
    L = len(kl)
    figure, axes = new_figure(float(np.clip(2.5 + 0.45 * L, 4.5, 11)), 3.6, title)
    bars = axes.bar(np.arange(1, L + 1), kl, color=TRAIN, width=0.7)
    if L <= 20:
        axes.bar_label(bars, fmt="%.2f", padding=2, size=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="latent dimension", ylabel="KL, nats an image", xlim=(0.3, L + 0.7))
    axes.margins(y=0.15)
    return figure


def histograms(values: Mapping[str, Array], *, xlabel: str, title: Title = None) -> Figure:
    """Show how the numbers of each array are distributed, over a common axis."""
    figure, axes = new_figure(6.4, 3.8, title)
    flat = {n: floats_of(f"histograms {n}", a, unit=False).ravel() for n, a in values.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(flat.values())), 50).tolist()
    palette = colours("histograms", "arrays", len(flat))
    for (name, a), colour in zip(flat.items(), palette, strict=True):
        axes.hist(a, edges, weights=np.full(a.size, 1 / a.size), alpha=0.25, color=colour)
        axes.hist(
            a, edges, weights=np.full(a.size, 1 / a.size), histtype="step", lw=1.6, color=colour
        )
        axes.plot([], [], color=colour, lw=4, label=name)
    axes.set(xlabel=xlabel, ylabel="fraction")
    axes.legend(frameon=False)
    return figure


def _plane(who: str, codes: Array) -> Array:
    """Return codes as a plain array (N, 2)."""
    z = floats_of(who, codes, unit=False)
    if z.ndim != 2 or z.shape[1] != 2:
        raise ValueError(f"{who}: expected codes (N, 2), got {z.shape}")
    return z


def scatter(axes: Axes, codes: Array, labels: IntArray) -> None:
    """Draw codes coloured by class, each class's number at its median."""
    order = np.random.default_rng(0).permutation(len(codes))  # so that no class covers the others
    colours = np.array(CLASSES)[labels % len(CLASSES)]
    size = float(np.clip(24_000 / len(codes), 3, 30))
    x, y = codes[order].T
    axes.scatter(x, y, s=size, c=colours[order], alpha=0.75, linewidths=0)
    classes = np.unique(labels)
    medians = np.array([np.median(codes[labels == k], axis=0) for k in classes])
    for k, (x, y) in zip(classes, _apart(medians, 0.05 * np.ptp(codes, axis=0).max()), strict=True):
        text = axes.text(x, y, str(k), size=15, weight="bold", ha="center", va="center")
        text.set_path_effects(OUTLINE)
    axes.set_aspect("equal", "datalim")


def _prior(axes: Axes, codes: Array) -> None:
    """Draw circles that hold one half and 95 % of N(0, I), with their names if there is room."""
    angle = np.linspace(0, 2 * np.pi, 200)
    for share, dashes in ((0.5, (0, (2, 2))), (0.95, (0, (6, 3)))):
        r = sqrt(-2 * log(1 - share))
        axes.plot(r * np.cos(angle), r * np.sin(angle), color="black", lw=1, ls=dashes)
        if r > 0.1 * np.ptp(codes, axis=0).max():
            name = f"{100 * share:g} % of the prior"
            text = axes.text(0, r, name, size=9, ha="center", va="center")
            text.set_path_effects(OUTLINE)


def _class_legend(figure: Figure, labels: IntArray, classes: Sequence[str]) -> None:
    """Draw the colour of every class, and its name if it has one, beside the figure's axes."""
    axes = figure.axes[0]
    for k in np.unique(labels):
        name = f"{k} {classes[k]}" if classes else str(k)
        axes.scatter([], [], color=CLASSES[k % len(CLASSES)], label=name, s=36)
    figure.legend(title="class", loc="outside right center", frameon=False)


def _apart(points: Array, distance: float) -> Array:
    """Return points (K, 2) moved until any two of them are so far apart, where that is easy."""
    points = points.astype(np.float64)
    for _ in range(50):
        d = points[:, None] - points
        length = np.sqrt((d * d).sum(axis=-1, keepdims=True))
        missing = np.where(length > 0, distance - length, 0).clip(min=0)
        points += (d / np.where(length > 0, length, 1) * missing / 2).sum(axis=1)
    return points
