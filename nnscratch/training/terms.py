"""The named terms of a loss: their mean, and that they add up."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from .._moved import renamed
from ..models.trainable import Terms


def mean(terms: Sequence[Terms], counts: Sequence[int]) -> Terms:
    """Return the mean of every term over micro-batches of these sizes."""
    total = sum(counts)
    return {
        name: sum(t[name] * n for t, n in zip(terms, counts, strict=True)) / total
        for name in terms[0]
    }


def check_terms(terms: Terms, weights: Terms) -> None:
    """Assert that the total is the weighted sum of its parts: total = reconstruction + β KL.

    Raises
        ValueError if the total, or a term that has a weight, is not there at all.
    """
    for name in ("total", *weights):
        if name not in terms:
            got = ", ".join(terms) or "none"
            raise ValueError(f"loss terms: expected one that is called {name!r}, got {got}")
    parts = sum(weight * terms[name] for name, weight in weights.items())
    if isfinite(parts) and not abs(parts - terms["total"]) <= 1e-9 * (1 + abs(parts)):
        raise AssertionError(f"loss terms: the parts sum to {parts}, the total is {terms['total']}")


if not TYPE_CHECKING:
    __getattr__ = renamed(__name__)
