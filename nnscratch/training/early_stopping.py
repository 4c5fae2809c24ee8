"""Early stopping: which epoch was the best, and which weights a model and a file hold.

docs/training.md has the rule in words.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np

from ..core import Array
from ..models.trainable import Trainable
from ..schedules import Schedule
from .checkpoint import arrays_of
from .final_values import final_value, settled
from .history import Row

Weights: TypeAlias = dict[str, Array]
"""Parameters and buffers by name."""


class EarlyStopping:
    """Ends a run when the validation total has not fallen for `patience` epochs.

    best   the weights with the lowest total so far; nothing without patience
    last   those that training goes on from, while the model holds the best; nothing otherwise

    Raises
        ValueError if an annealed attribute leads to no value, so that no two totals compare.
    """

    def __init__(
        self, model: Trainable, patience: int | None, anneal: Mapping[str, Schedule]
    ) -> None:
        self.model, self.patience, self.anneal = model, patience, anneal
        self.best: Weights = {}
        self.last: Weights = {}
        self.final: dict[str, float] = {}
        if patience is not None:
            for name, schedule in anneal.items():
                try:
                    self.final[name] = final_value(schedule)
                except ValueError as error:
                    raise ValueError(
                        f"Trainer: patience compares totals of one objective, that with the final "
                        f"{name}: {error}"
                    ) from error

    # ------------------------------------------------------------------------ which epoch

    @contextmanager
    def one_objective(self) -> Iterator[None]:
        """Give annealed attributes of the model the values they will end at, where that matters."""
        now = {name: getattr(self.model, name) for name in self.final}
        try:
            for name, value in self.final.items():
                setattr(self.model, name, value)
            yield
        finally:
            for name, value in now.items():
                setattr(self.model, name, value)

    def totals(self, history: Sequence[Row]) -> list[float]:
        """Return the validation totals from the first epoch on at whose end annealing was done."""
        rows = [row for row in history if "validation" in row]
        done = (i for i, row in enumerate(rows) if self.settled(row["steps"] - 1))
        return [row["validation"]["total"] for row in rows[next(done, len(rows)) :]]

    def settled(self, step: int) -> bool:
        """Are all annealed attributes at their final values, to a hundredth of the way?"""
        return all(settled(self.anneal[name], step) for name in self.final)

    def since_best(self, history: Sequence[Row]) -> int:
        """Return how many epochs ago the total was lowest, 0 if none counts yet."""
        totals = self.totals(history)
        return len(totals) - 1 - int(np.argmin(totals)) if totals else 0

    def is_best(self, history: Sequence[Row]) -> bool:
        """Has the last epoch the lowest total?"""
        return bool(self.totals(history)) and self.since_best(history) == 0

    # ------------------------------------------------------------------------ which weights

    @contextmanager
    def training(self) -> Iterator[None]:
        """Put the last weights into the model and, however this ends, the best ones at its end."""
        put(self.last_weights(), self.model)
        self.last = {}
        try:
            yield
        finally:
            if self.best:
                last = copied(self.model)
                if all(np.isfinite(a).all() for a in last.values()):
                    self.last = last
                put(self.best, self.model)

    def last_weights(self) -> Weights:
        """Return the weights that training goes on from: the last, unless the model was changed."""
        now = arrays_of(self.model)
        unchanged = self.last and all(np.array_equal(a, self.best[k]) for k, a in now.items())
        return self.last if unchanged else now


def copied(model: Trainable) -> Weights:
    """Return a copy of what the model consists of."""
    return {name: a.copy() for name, a in arrays_of(model).items()}


def put(weights: Weights, model: Trainable) -> None:
    """Copy weights into a model."""
    for name, a in arrays_of(model).items():
        a[...] = weights[name]
