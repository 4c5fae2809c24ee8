"""What is asked of the parts of a model, checked when it is put together.

A part of one's own is tried on a batch of two: a wrong shape would be found when training begins,
or be broadcast and never found. The library's own parts are left to their tests.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core import Array, Shape, noisy
from ..layers.contract import check_methods
from ..layers.held import sources, unmoved
from ..layers.sequential import Sequential

NOT_TRIED = object()


def try_layer(who: str, layer: Any, x: Array) -> None:
    """Raise ValueError unless forward returns (y, backward), and y is what output_shape says."""
    *sample, N = x.shape
    if isinstance(layer, Sequential):
        for i, step in enumerate(layer.layers):
            try_layer(f"{who}, layer {i}", step, x)
            x = np.full((*step.output_shape(x.shape[:-1]), N), 0.5, x.dtype)
        return
    who = f"{who}, {type(layer).__name__} forward"
    noise = {"rng": np.random.default_rng(0)} if noisy(layer) else {}
    result = _tried(who, layer, layer.forward, x, **noise)
    if result is not NOT_TRIED:
        y, backward = _two(who, "(y, backward)", result)
        _check_like(f"{who}: y", y, (*layer.output_shape(tuple(sample)), N), x)
        check_methods(f"{who}: backward", backward, "__call__")


def try_likelihood(who: str, likelihood: Any, a: Array) -> None:
    """Raise ValueError unless nll returns (value, da), and mean what is like an image."""
    check_methods(who, likelihood, "nll", "mean")
    _try_loss(f"{who} nll", likelihood, likelihood.nll, a, a)
    mean = _tried(f"{who} mean", likelihood, likelihood.mean, a)
    if mean is not NOT_TRIED:
        _check_like(f"{who} mean", mean, a.shape, a)


def checked_penalty(who: str, pair: Any) -> tuple[float, Any]:
    """Return weight and penalty; ValueError unless these are a number and a function."""
    weight, penalty = _two(who, "(weight, penalty)", pair)
    check_methods(who, penalty, "__call__")
    return float(weight), penalty


def try_penalties(who: str, penalties: Mapping[str, Any], z: Array) -> None:
    """Raise ValueError unless each penalty(z) returns (value, dz)."""
    for name, (_, penalty) in penalties.items():
        _try_loss(f"{who} penalty {name!r}", penalty, penalty, z)


def try_corruption(who: str, corruption: Any, x: Array) -> None:
    """Raise ValueError unless it returns what its output_shape says."""
    want = (*corruption.output_shape(x.shape[:-1]), x.shape[-1])
    seen = _tried(who, corruption, corruption, x, rng=np.random.default_rng(0))
    if seen is not NOT_TRIED:
        _check_like(who, seen, want, x)


def _try_loss(who: str, part: Any, loss: Callable[..., Any], a: Array, *targets: Array) -> None:
    """Raise ValueError unless a loss returns a number and a gradient like a."""
    result = _tried(who, part, loss, a, *targets)
    if result is not NOT_TRIED:
        value, da = _two(who, "(value, gradient)", result)
        if np.ndim(value) != 0:
            raise ValueError(f"{who}: expected a number for a value, got {np.shape(value)}")
        _check_like(f"{who}: gradient", da, a.shape, a)


def _tried(who: str, part: Any, call: Callable[..., Any], *args: Any, **noise: Any) -> Any:
    """Return what a call returns; NOT_TRIED of the library's own, and if it refuses the numbers."""
    if (getattr(part, "__module__", None) or "").startswith("nnscratch."):
        return NOT_TRIED
    with np.errstate(all="ignore"), unmoved(sources(part)):
        try:
            return call(*args, **noise)
        except (TypeError, AttributeError, NameError) as error:  # which no other numbers would mend
            raise ValueError(f"{who}: {type(error).__name__}: {error}") from error
        except Exception:
            return NOT_TRIED


def _two(who: str, want: str, result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        many = f" of {len(result)}" if isinstance(result, tuple) else ""
        raise ValueError(f"{who}: expected {want}, got {type(result).__name__}{many}")
    return result


def _check_like(who: str, a: Any, shape: Shape, x: Array) -> None:
    """Raise ValueError unless `a` has this shape and x's dtype."""
    if np.shape(a) != shape or getattr(a, "dtype", None) != x.dtype:
        got = f"{np.shape(a)} {getattr(a, 'dtype', type(a).__name__)}"
        raise ValueError(f"{who}: expected {shape} {x.dtype}, got {got}")
