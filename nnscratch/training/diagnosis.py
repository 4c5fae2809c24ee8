"""Divergence: a loss that is no number, and the first array that was none. Where did it arise?"""

import copy
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Array, Backward, Layer
from ..layers.sequential import Sequential
from ..models.trainable import Terms, Trainable

if TYPE_CHECKING:
    from .run import Run


class TrainingDiverged(ArithmeticError):
    """The loss is no longer a finite number; the message says when and where it began."""


def own_loss(model: Trainable, *batch: Any, rng: np.random.Generator) -> Any:
    """Return model.loss of a batch: what is minimised, unless another loss is named."""
    found = model.loss(*batch, rng=rng)
    if not isinstance(found, tuple) or len(found) != 2:
        who, got = type(model).__name__, type(found).__name__
        raise ValueError(
            f"Trainer model: expected {who}.loss to return (terms, backward), got {got}"
        )
    return found


def all_finite(terms: Terms) -> bool:
    """Is every term a finite number?"""
    return all(map(isfinite, terms.values()))


def diverged(
    run: "Run[Any]",
    when: str,
    terms: Terms,
    batch: tuple[Any, ...],
    rng: np.random.Generator,
) -> TrainingDiverged:
    """Return what to raise: when it was, the terms, and where the first NaN or infinity arose."""
    losses = ", ".join(f"{name} {value}" for name, value in terms.items())
    where = first_non_finite(run.model, batch, rng=rng)
    return TrainingDiverged(f"epoch {run.epoch + 1}, {when}: {losses}; {where}")


def check_theta(run: "Run[Any]") -> None:
    """Raise TrainingDiverged if a step has broken θ: after the last one there is no loss yet."""
    if not np.isfinite(run.replicas.theta.value).all():
        where = broken_parameter(run.model)
        raise TrainingDiverged(f"epoch {run.epoch + 1}, step {run.batch_index}: {where}")


class _NotFinite(ArithmeticError):
    pass


class _Watched:
    """A layer that refuses to return what is not finite."""

    def __init__(self, name: str, layer: Layer) -> None:
        self.name, self.layer = name, layer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.layer, name)

    def forward(self, x: Array, **noise: Any) -> tuple[Array, Backward]:
        if not np.isfinite(x).all():  # although all layers before were finite: a sample of the code
            raise _NotFinite(f"the code that reaches {self.name} holds {count(x)}")
        y, backward = self.layer.forward(x, **noise)
        if not np.isfinite(y).all():
            raise _NotFinite(f"{self.name} ({type(self.layer).__name__}) returned {count(y)}")
        return y, backward


def count(a: Array) -> str:
    """Say how much of an array is not finite."""
    return f"{np.isnan(a).sum()} NaN and {np.isinf(a).sum()} infinite of {a.size} numbers"


def broken_parameter(model: Trainable) -> str:
    """Say which parameter is the first that is not finite, or nothing."""
    for name, p in model.parameters().items():
        if not np.isfinite(p.value).all():
            return f"the parameter {name} holds {count(p.value)}: an earlier step broke it"
    return ""


def first_non_finite(model: Trainable, batch: tuple[Any, ...], *, rng: np.random.Generator) -> str:
    """Say what first ceases to be finite: data, a parameter, the output of a layer, the loss."""
    for a in batch:
        if isinstance(a, np.ndarray) and a.dtype.kind == "f" and not np.isfinite(a).all():
            return f"the data hold {count(a)}"
    if broken := broken_parameter(model):
        return broken
    watched = copy.copy(model)
    parts = {name: part for name, part in vars(model).items() if isinstance(part, Sequential)}
    for part, layers in ((name, sequential.layers) for name, sequential in parts.items()):
        watch: list[Any] = [_Watched(f"{part}.{i}", layer) for i, layer in enumerate(layers)]
        setattr(watched, part, Sequential(*watch))
    try:
        with np.errstate(all="ignore"):
            terms, _ = watched.loss(*batch, rng=rng)
    except _NotFinite as first:
        return str(first)
    lost = [name for name, value in terms.items() if not np.isfinite(value)]
    if not lost:
        return "every layer and every term of the loss is finite"
    return f"every layer is finite, the loss is not: {', '.join(lost)}"
