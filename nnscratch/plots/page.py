"""What all pictures share: figures and axes, colours, the file that is written."""

from collections.abc import Iterator
from io import BytesIO
from itertools import cycle, product
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke

from ..files import write_whole

CLASSES = (
    "#94a4a2",
    "#e76300",
    "#b9ac70",
    "#3f90da",
    "#832db6",
    "#bd1f01",
    "#92dadd",
    "#ffa90e",
    "#717581",
    "#a96b59",
)
"""Ten colours that colour-blind readers can tell apart: Petroff, Accessible Color Sequences (2021),
in an order that gives digits which resemble each other, 3 5 8 or 4 7 9, colours that do not."""

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000")
"""Blue, vermilion, green, pink and black, for a few curves: Okabe and Ito (2008)."""

TRAIN, VALIDATION = SERIES[:2]
QUIET = "#6b6b6b"

OUTLINE: list[AbstractPathEffect] = [withStroke(linewidth=3, foreground="white")]
"""Keeps numbers and names readable on top of clouds and curves."""

LEGEND: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "framealpha": 0.9}
"""A legend stays readable where it covers a line."""

Title = str | None


class Page(Figure):
    """A figure that a notebook shows; Matplotlib's own is shown only if pyplot has made it."""

    def _repr_png_(self) -> bytes:
        return png(self)


def png(figure: Figure) -> bytes:
    """Return a figure as the content of a PNG file."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=120)
    return content.getvalue()


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, whole or not at all, making its folder if need be; return the path."""
    return write_whole(path, png(figure), "picture")


def new_figure(width: float, height: float, title: Title) -> tuple[Figure, Axes]:
    """Return an empty figure of so many inches and its axes."""
    figure, [axes] = new_panels(width, height, title, 1)
    return figure, axes


def looks() -> Iterator[dict[str, Any]]:
    """Yield colour, marker and dashes for one curve after the other; the first twenty differ."""
    pairs = list(zip(SERIES, "os^Dv", strict=True))
    for dashes, (colour, marker) in cycle(product(("-", "--", ":", "-."), pairs)):
        yield {"color": colour, "marker": marker, "ls": dashes}


def colours(who: str, what: str, count: int) -> tuple[str, ...]:
    """Return as many colours; ValueError if some of them would have to be the same."""
    if count > len(SERIES):
        raise ValueError(f"{who}: expected at most {len(SERIES)} {what}, got {count}")
    return SERIES[:count]


def named_line(axes: Axes, name: str, value: float, *, below: bool = False) -> None:
    """Draw a horizontal line with its name at its right end, above it or below."""
    axes.axhline(value, color=QUIET, lw=1, ls="--")
    axes.annotate(
        name,
        (1, value),
        (-3, -2 if below else 2),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        ha="right",
        va="top" if below else "bottom",
        size=8,
        color=QUIET,
        path_effects=OUTLINE,  # a curve may pass behind it
        zorder=5,
    )


def new_panels(width: float, height: float, title: Title, count: int) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of so many inches and its axes, side by side."""
    figure = empty_page(width, height, title)
    panels = [figure.add_subplot(1, count, i + 1) for i in range(count)]
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def empty_page(width: float, height: float, title: Title) -> Figure:
    """Return an empty figure of so many inches, with its title."""
    figure = Page((width, height), layout="compressed")
    if title is not None:
        figure.suptitle(title, x=0.02, ha="left", size=11, wrap=True)
    return figure
