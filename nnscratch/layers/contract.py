"""What is asked of a layer, checked when it becomes part of a model: see core.Layer.

A class of one's own need not derive from Layer, so what it does not have is asked for here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core import Array, Layer, Parameter, Shape


def check_methods(who: str, part: Any, *names: str) -> None:
    """Raise ValueError unless `part` is an object that has these methods."""
    if isinstance(part, type):
        raise ValueError(f"{who}: expected an object, got the class {part.__name__} itself")
    missing = [name for name in names if not callable(getattr(part, name, None))]
    if missing:
        want, kind = ", ".join(names), type(part).__name__
        raise ValueError(f"{who}: expected {want}, got {kind} without {', '.join(missing)}")


def check_layer(who: str, layer: Any) -> None:
    """Raise ValueError unless this is a layer, whose parameters are the same in every call."""
    check_methods(who, layer, "forward", "output_shape", "parameters")
    who = f"{who}, {type(layer).__name__} parameters"
    parameters = layer.parameters()
    if not isinstance(parameters, Mapping):
        raise ValueError(f"{who}: expected a dict, got {type(parameters).__name__}")
    again = layer.parameters()
    for name, p in parameters.items():
        if not isinstance(p, Parameter):
            raise ValueError(f"{who}: expected a Parameter, got {name!r}, {type(p).__name__}")
        if again.get(name) is not p:
            raise ValueError(
                f"{who}: expected the same Parameter in every call, got another {name!r}"
            )
        value, grad = np.asarray(p.value), np.asarray(p.grad)
        if value.dtype.kind != "f" or grad.shape != value.shape or grad.dtype != value.dtype:
            raise ValueError(
                f"{who}: expected floats and a gradient like them, got {name!r}, "
                f"{value.shape} {value.dtype} and {grad.shape} {grad.dtype}"
            )


def noisy(layer: object) -> bool:
    """Does forward take `rng`?"""
    return bool(getattr(layer, "noisy", False))


def whole_batch(layer: object) -> bool:
    """Must a batch pass through this layer in one piece?"""
    return bool(getattr(layer, "whole_batch", False))


def holomorphic(layer: object) -> bool:
    """May forward be asked for a complex step?"""
    return bool(getattr(layer, "holomorphic", False))


def takes_tokens(layer: object, sample_shape: Shape) -> bool:
    """Does forward take integers, the names of classes, for samples of this shape?"""
    return len(sample_shape) == 1 and bool(getattr(layer, "takes_tokens", False))


def inference(layer: Layer) -> Layer:
    """Return what to use in place of this layer once learning is over: mostly the layer itself."""
    return layer.inference() if hasattr(layer, "inference") else layer


def buffers(layer: object) -> dict[str, Array]:
    """Return the arrays of a trained model that have no gradient: mostly none."""
    return layer.buffers() if hasattr(layer, "buffers") else {}
