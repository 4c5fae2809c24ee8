"""What is remembered of a run: a row of the history for each epoch."""

from typing import TYPE_CHECKING, Any, TypeAlias

from ..models.trainable import Terms

if TYPE_CHECKING:
    from .run import Run

Row: TypeAlias = dict[str, Any]
"""What the history tells of an epoch, all of which JSON can hold."""


def add_to(sums: Terms, terms: Terms, count: int) -> None:
    """Add the terms of a batch of so many samples to the sums of its epoch."""
    for name, value in terms.items():
        sums[name] = sums.get(name, 0.0) + value * count


def row_of(run: "Run[Any]", N: int) -> Row:
    """Return the row of the epoch of N samples that has just ended, before its validation."""
    optimizer = run.optimizer
    row = {
        "epoch": run.epoch + 1,
        "steps": optimizer.steps,
        "learning_rate": optimizer.learning_rate(optimizer.steps - 1),
        "train": {name: value / N for name, value in run.sums.items()},
    }
    return row | run.annealing.values(run.model)


def summary_line(row: Row, epochs: int) -> str:
    """Return an epoch in one line."""
    parts = [f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}"]
    for name in ("train", "validation"):
        if name in row:
            terms = row[name]  # a single part is the total, and said once
            names = [k for k in terms if k == "total" or terms[k] != terms["total"]]
            parts.append(name + " " + "  ".join(f"{k} {terms[k]:.3f}" for k in names))
    return " | ".join(parts)
