"""How results leave: a table to read, the same as CSV and Markdown, and a picture of the ratios."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt

COLOURS = ("#D55E00", "#56B4E9", "#0072B2", "#009E73", "#999999", "#CC79A7", "#E69F00", "#F0E442")
COLOURS += ("#000000", "#882255", "#44AA99")
"""Okabe and Ito's and two of Tol's, told apart by everybody."""


@dataclass
class Table:
    """Rows under headings; a cell is a str or a number."""

    headings: Sequence[str]
    rows: list[Sequence[str | float]] = field(default_factory=list)

    def add(self, *cells: str | float) -> None:
        """Append a row."""
        if len(cells) != len(self.headings):
            raise ValueError(f"Table: expected {len(self.headings)} cells, got {len(cells)}")
        self.rows.append(cells)

    def __str__(self) -> str:
        """Return it in columns, text to the left and numbers to the right."""
        cells = [list(self.headings), *([shown(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        text = [any(isinstance(r[i], str) and r[i] for r in self.rows) for i in range(len(widths))]
        lines = [
            "  ".join(
                cell.ljust(width) if is_text else cell.rjust(width)
                for cell, width, is_text in zip(row, widths, text, strict=True)
            ).rstrip()
            for row in cells
        ]
        return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])

    def markdown(self) -> str:
        """Return it as Markdown."""
        lines = [self.headings, ["---"] * len(self.headings), *self.rows]
        return "".join(f"| {' | '.join(map(shown, line))} |\n" for line in lines)

    def publish(self, folder: Path, name: str, title: str) -> None:
        """Print it, and write NAME.csv and NAME.md."""
        print(f"\n{self}\n\nwritten to {folder / name}.*")
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([self.headings, *self.rows])
        (folder / f"{name}.md").write_text(f"{title}\n\n{self.markdown()}", "utf-8")


def shown(cell: str | float) -> str:
    """Return a number with three significant digits, and all digits before the point."""
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:#.3g}"


def draw_ratios(
    path: Path, title: str, groups: Mapping[str, Mapping[str, Sequence[float]]]
) -> None:
    """Draw how much faster than the fastest peer each contender is, a group of bars a workload.

    A bar ends at the median; the line over it spans the rounds. Without peers there is no picture.
    """
    if not any(groups.values()):
        return
    labels = list(dict.fromkeys(label for group in groups.values() for label in group))
    colours = dict(zip(labels, COLOURS, strict=False))
    rows = sum(len(group) + 1 for group in groups.values())
    figure, axes = plt.subplots(figsize=(9, 1.6 + 0.19 * rows), layout="constrained")
    y, ticks = 0.0, []
    for name, group in groups.items():
        start = y
        for label, ratios in group.items():
            middle = median(ratios)
            axes.barh(y, middle, 0.9, color=colours[label])
            axes.plot([min(ratios), max(ratios)], [y, y], color="black", linewidth=1)
            axes.annotate(
                f"{middle:.2f}",
                (max(middle, max(ratios)), y),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
            y += 1
        ticks.append(((start + y - 1) / 2, name))
        y += 1
    axes.axvline(1, color="black", linewidth=0.8, linestyle="--")
    axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    axes.set_ylim(y - 1, -1)
    axes.margins(x=0.08)
    axes.set_xlim(left=0)
    axes.set_xlabel("speed relative to the fastest peer (more is faster; line: lowest to highest)")
    axes.set_title(title, fontsize=10)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colours[label]) for label in labels]
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
