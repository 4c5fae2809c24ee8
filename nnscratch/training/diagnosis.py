"""Where did the NaN come from? The first array in a model that is not finite."""

import copy
from typing import Any

import numpy as np

from ..core import Array, Backward, Layer
from ..layers.sequential import Sequential
from ..models.autoencoder import Autoencoder


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


def broken_parameter(model: Autoencoder) -> str:
    """Say which parameter is the first that is not finite, or nothing."""
    for name, p in model.parameters().items():
        if not np.isfinite(p.value).all():
            return f"the parameter {name} holds {count(p.value)}: an earlier step broke it"
    return ""


def first_non_finite(
    model: Autoencoder, batch: tuple[Any, ...], *, rng: np.random.Generator
) -> str:
    """Say what first ceases to be finite: data, a parameter, the output of a layer, the loss."""
    if not np.isfinite(batch[0]).all():
        return f"the data hold {count(batch[0])}"
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
