"""Every picture of the lesson, one function each; all return a matplotlib Figure.

    save(latent_scatter(codes, labels, title="Do the classes keep apart?"), "out/latent.png")

Figures are objects of their own, with no pyplot and no global state: nothing opens a window,
nothing is left behind, and a notebook shows what a function returns. A title says what to look at.

Images are (N, H, W), (N, 1, H, W) or (N, H·W) with H = W, bytes or numbers in [0, 1]; ink is dark.
"""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from math import ceil, isqrt, log, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from .core import Array, IntArray
from .data.dataset import Images
from .files import write_whole

CLASSES = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
"""Ten colours that remain ten for colour-blind eyes: Petroff, Accessible Color Sequences (2021)."""

TRAIN, VALIDATION, QUIET = "#0072b2", "#d55e00", "#6b6b6b"
"""Blue and vermilion (Okabe and Ito 2008), and grey for what stands in the background."""

GAP = 2
"""White pixels between images."""

Title = str | None


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, whole or not at all, making its folder if need be; return the path."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=120)
    return write_whole(path, content.getvalue(), "picture")


# ------------------------------------------------------------------------------ images


def image_rows(rows: Mapping[str, Images], *, title: Title = None) -> Figure:
    """Show rows of images with a name each, what belongs together in one column."""
    stacked = np.stack([_pictures(images) for images in rows.values()])
    R, N = stacked.shape[:2]
    figure, axes = _figure(max(5.5, 1.4 + 0.75 * N), 0.6 + 0.78 * R, title)
    height, _ = _mosaic(axes, stacked)
    axes.set_yticks((np.arange(R) + 0.5) * height - GAP / 2, list(rows))
    return figure


def image_grid(images: Images, *, columns: int = 10, title: Title = None) -> Figure:
    """Show images in reading order."""
    x = _pictures(images)
    R = ceil(len(x) / columns)
    blank = np.full((R * columns - len(x), *x.shape[1:]), np.nan)
    figure, axes = _figure(0.3 + 0.62 * columns, 0.6 + 0.62 * R, title)
    _mosaic(axes, np.concatenate([x, blank]).reshape(R, columns, *x.shape[1:]))
    return figure


def manifold(
    decode: Callable[[Array], Images],
    *,
    side: int = 20,
    names: Sequence[str] = ("z₁", "z₂"),
    title: Title = None,
) -> Figure:
    """Show what the points of a 2-D latent plane decode to, first axis right and second upwards.

    The points are quantiles of the prior, Φ⁻¹((i + ½)/side), so each image stands for the same share
    of N(0, I). A grid over [-1, 1]² would show less than half of it (0.683² = 0.466).
    """
    z = np.array([NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)])
    points = np.array([(right, up) for up in z[::-1] for right in z], np.float32)
    x = _pictures(decode(points))
    figure, axes = _figure(7.4, 7.8, title)
    height, width = _mosaic(axes, x.reshape(side, side, *x.shape[1:]), gap=0)
    some = np.linspace(0, side - 1, min(side, 7)).round().astype(int)
    labels = [f"{v:.2f}" for v in z[some]]
    axes.set_xticks((some + 0.5) * width, labels)
    axes.set_yticks((side - 0.5 - some) * height, labels)
    axes.set_xlabel(f"{names[0]}, at equal steps of its probability")
    axes.set_ylabel(names[1])
    return figure


def code_images(codes: Array, *, title: Title = None) -> Figure:
    """Show codes (N, C, H, W) as images: a row a sample, a column a channel.

    Codes without shape, (N, L), are strips of one pixel a number.
    """
    if codes.ndim == 2:
        codes = codes[:, None, None, :].repeat(max(1, codes.shape[1] // 8), axis=2)
    N, C, H, W = codes.shape
    scale = max(1, ceil(28 / H)) if C > 1 else 1
    large = codes.repeat(scale, axis=2).repeat(scale, axis=3)
    figure, axes = _figure(1.6 + 0.75 * C * W / H, 0.8 + 0.8 * N, title)
    height, width = _mosaic(axes, large, low=min(0.0, codes.min()), high=codes.max())
    axes.set_yticks((np.arange(N) + 0.5) * height - GAP / 2, [f"sample {n}" for n in range(N)])
    if C > 1:
        axes.set_xticks((np.arange(C) + 0.5) * width - GAP / 2, list(map(str, range(C))))
        axes.set_xlabel("channel")
    bar = figure.colorbar(axes.images[0], ax=axes, shrink=0.9, pad=0.02)
    bar.set_label("activation")
    return figure


# ------------------------------------------------------------------------------ codes


def latent_scatter(
    codes: Array,
    labels: IntArray,
    *,
    names: Sequence[str] = ("z₁", "z₂"),
    prior: bool = False,
    title: Title = None,
) -> Figure:
    """Show 2-D codes (N, 2) coloured by class, each class's number at its median.

    With `prior`, circles that hold one half and 95 % of N(0, I).
    """
    figure, axes = _figure(7.6, 6.8, title)
    order = np.random.default_rng(0).permutation(len(codes))  # no class lies on top of the others
    colours = np.array(CLASSES)[np.asarray(labels) % len(CLASSES)]
    size = float(np.clip(24_000 / len(codes), 3, 30))
    axes.scatter(*codes[order].T, s=size, c=colours[order], alpha=0.75, linewidths=0)
    for k in np.unique(labels):
        x, y = np.median(codes[labels == k], axis=0)
        outline = [withStroke(linewidth=3, foreground="white")]
        axes.text(x, y, str(k), size=15, weight="bold", ha="center", va="center").set_path_effects(
            outline
        )
        axes.scatter([], [], color=CLASSES[k % len(CLASSES)], label=str(k), s=36)
    if prior:
        angle = np.linspace(0, 2 * np.pi, 200)
        for share, dashes in ((0.5, (0, (2, 2))), (0.95, (0, (6, 3)))):
            r = sqrt(-2 * log(1 - share))
            axes.plot(r * np.cos(angle), r * np.sin(angle), color="black", lw=1, ls=dashes)
            axes.text(0, -r, f"{share:.0%} of the prior", size=8, ha="center", va="bottom")
    axes.set_aspect("equal", "datalim")
    axes.set(xlabel=names[0], ylabel=names[1])
    figure.legend(title="class", loc="outside right center", frameon=False)
    return figure


def kl_bars(kl: Array, *, title: Title = None) -> Figure:
    """Show the KL of each latent dimension (L,): which of them are in use."""
    L = len(kl)
    figure, axes = _figure(float(np.clip(2.5 + 0.45 * L, 4.5, 11)), 3.6, title)
    bars = axes.bar(np.arange(1, L + 1), kl, color=TRAIN, width=0.7)
    if L <= 20:
        axes.bar_label(bars, fmt="%.2f", padding=2, size=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="latent dimension", ylabel="KL, nats an image", xlim=(0.3, L + 0.7))
    axes.margins(y=0.15)
    return figure


def histograms(values: Mapping[str, Array], *, xlabel: str, title: Title = None) -> Figure:
    """Show how the numbers of each array are distributed, over a common axis."""
    figure, axes = _figure(6.4, 3.8, title)
    flat = {name: np.ravel(a) for name, a in values.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(flat.values())), 50)
    for (name, a), colour in zip(flat.items(), CLASSES, strict=False):
        axes.hist(a, edges, weights=np.full(a.size, 1 / a.size), alpha=0.25, color=colour)
        axes.hist(
            a, edges, weights=np.full(a.size, 1 / a.size), histtype="step", lw=1.6, color=colour
        )
        axes.plot([], [], color=colour, lw=4, label=name)
    axes.set(xlabel=xlabel, ylabel="fraction")
    axes.legend(frameon=False)
    return figure


# ------------------------------------------------------------------------------ curves


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
    figure, panels = _figure(1.0 + 3.7 * len(terms), 3.9, title, columns=len(terms))
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
            axes.axhline(value, color=QUIET, lw=1, ls="--")
            axes.annotate(
                f"{name} {value:.1f}",
                (1, value),
                (-3, 2),
                xycoords=axes.get_yaxis_transform(),
                textcoords="offset points",
                ha="right",
                size=8,
                color=QUIET,
            )
            lows.append(value)
            highs.append(value)
        margin = 0.08 * (max(highs) - min(lows)) + 1e-9
        axes.set_ylim(min(lows) - margin, max(highs) + margin)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set(title=term, xlabel="epoch")
    panels[0].set_ylabel(unit)
    panels[-1].legend(frameon=False)
    return figure


def error_curves(steps: Array, errors: Mapping[str, Array], *, title: Title = None) -> Figure:
    """Show the errors of numerical derivatives over the step h, which shrinks to the right.

    Truncation falls as a power of h and rounding rises as 1/h: together they make a V.
    """
    figure, axes = _figure(7.2, 4.8, title)
    styles = zip("os^Dv", (TRAIN, VALIDATION, "#009e73", "#cc79a7", "black"), strict=True)
    for (name, error), (marker, colour) in zip(errors.items(), styles, strict=False):
        axes.loglog(steps, error.clip(1e-17), color=colour, marker=marker, ms=5, lw=1.6, label=name)
    axes.axhline(2.0**-52, color=QUIET, lw=1, ls="--")
    axes.text(steps[0], 2.5e-16, "2⁻⁵², the rounding of one number", size=8, color=QUIET)
    axes.invert_xaxis()
    axes.set(xlabel="step h", ylabel="largest error, relative to the largest derivative")
    axes.legend(frameon=False, loc="upper right")
    axes.grid(color="0.92")
    return figure


# ------------------------------------------------------------------------------ helpers


def _figure(width: float, height: float, title: Title, columns: int = 1) -> tuple[Figure, Any]:
    """Return an empty figure of so many inches and its axes, one or an array of them."""
    figure = Figure((width, height), layout="constrained")
    axes = figure.subplots(1, columns)
    for panel in np.ravel(axes):
        panel.spines[["top", "right"]].set_visible(False)
    if title is not None:
        figure.suptitle(title, x=0.02, ha="left", size=11, wrap=True)
    return figure, axes


def _pictures(images: Images) -> Array:
    """Return images as (N, H, W) in [0, 1]."""
    x = np.asarray(images)
    if x.ndim == 4 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim == 2:
        side = isqrt(x.shape[1])
        x = x.reshape(len(x), side, -1)
    if x.ndim != 3 or x.size == 0 or (images.ndim == 2 and x.shape[1] != x.shape[2]):
        raise ValueError(
            f"plots: expected images (N, H, W), (N, 1, H, W) or (N, H·W) with H = W, "
            f"got {images.shape}"
        )
    return x / 255 if x.dtype == np.uint8 else x


def _mosaic(
    axes: Axes, x: Array, gap: int = GAP, low: float = 0.0, high: float = 1.0
) -> tuple[int, int]:
    """Draw images (R, C, H, W) as one, with white between them; return a cell's height and width."""
    R, C, H, W = x.shape
    sheet = np.full((R, H + gap, C, W + gap), np.nan)
    sheet[:, :H, :, :W] = x.swapaxes(1, 2)
    sheet = sheet.reshape(R * (H + gap), C * (W + gap))
    sheet = sheet[: R * (H + gap) - gap, : C * (W + gap) - gap]
    extent = (0, sheet.shape[1], sheet.shape[0], 0)
    axes.imshow(sheet, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest", extent=extent)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xticks=[], yticks=[])
    return H + gap, W + gap
