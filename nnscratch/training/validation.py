"""The loss of a whole set, in chunks, with noise that is the same at every call."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import IntArray
from ..models.trainable import Terms, Trainable
from .diagnosis import TrainingDiverged, all_finite, diverged, own_loss
from .streams import VALIDATION
from .terms import mean

if TYPE_CHECKING:
    from .run import Run

CHUNK = 32
"""The least number of samples in a chunk, or kernels would be mostly overhead."""


def chunks(run: "Run[Any]", data: Any) -> list[IntArray]:
    """Return the rows of all samples in chunks of a micro-batch, so in as little memory."""
    size = max(run.micro_batch, CHUNK)
    return np.split(np.arange(len(data)), range(size, len(data), size))


def mean_terms(run: "Run[Any]", data: Any, loss: Callable[..., Any] = own_loss) -> Terms:
    """Return the mean over a set of the terms of a loss, of the model without noise."""
    model, parts = run.model.inference(), chunks(run, data)

    def task(_: Trainable, i: int) -> Terms:
        run.restart(0, VALIDATION, i)
        terms: Terms
        terms, _ = loss(model, *model.batch(data, parts[i]), rng=run.stream(VALIDATION, i))
        return terms

    # All chunks go through one model: if its parts hold generators, one after the other.
    replicas = run.replicas
    each = (replicas.map_on_one if replicas.sources[0] else replicas.map)(task, len(parts))
    return mean(each, [len(rows) for rows in parts])


@np.errstate(over="ignore", invalid="ignore")  # which is what it looks for
def diverged_in_validation(run: "Run[Any]", data: Any, terms: Terms) -> TrainingDiverged:
    """Return what to raise, with the place in the first chunk that has a NaN or infinity."""
    model = run.model.inference()
    for i, rows in enumerate(chunks(run, data)):
        batch = model.batch(data, rows)
        run.restart(0, VALIDATION, i)
        if not all_finite(model.loss(*batch, rng=run.stream(VALIDATION, i))[0]):
            break
    run.restart(0, VALIDATION, i)
    return diverged(run, "validation", terms, batch, run.stream(VALIDATION, i))
