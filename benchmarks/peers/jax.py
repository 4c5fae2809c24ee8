"""JAX: one jitted function for loss, gradients and Adam, its state donated, images as NHWC."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from nnscratch.core import Array, Shape

from .. import workloads as w

VARIANTS = {"jit": "JAX jit"}
ACTIVATIONS = {None: lambda x: x, "relu": jax.nn.relu, "tanh": jnp.tanh}
LAYOUT = ("NHWC", "HWIO", "NHWC")


def apply(layer: w.Layer, theta: Any, x: Any) -> Any:
    """Return a layer of the workload, and its activation, of x; theta is (weight, bias) or ()."""
    match layer:
        case w.Dense(act=act):
            return ACTIVATIONS[act](x @ theta[0] + theta[1])
        case w.Conv(act=act, stride=S, padding=P):
            y = lax.conv_general_dilated(
                x, theta[0], (S, S), ((P, P), (P, P)), dimension_numbers=LAYOUT
            )
            return ACTIVATIONS[act](y + theta[1])
        case w.ConvTranspose(act=act, kernel=K, stride=S):
            before = K - 1 - layer.padding
            pads = ((before, before + S - 1),) * 2
            y = lax.conv_general_dilated(
                x, theta[0], (1, 1), pads, lhs_dilation=(S, S), dimension_numbers=LAYOUT
            )
            return ACTIVATIONS[act](y + theta[1])
        case w.Pool():
            window = (1, 2, 2, 1)
            return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "SAME")
        case w.Up():
            return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
        case w.Reshape((_,)):
            return x.reshape(len(x), -1)
        case w.Reshape((C, H, W)):
            return x.reshape(len(x), H, W, C)


def stack(layers: tuple[w.Layer, ...], theta: list[Any], x: Any) -> Any:
    """Return the layers' output, one after the other."""
    for layer, its in zip(layers, theta, strict=True):
        x = apply(layer, its, x)
    return x


def to_nhwc(shape: Shape) -> Array:
    """Return which entry of a flat (C, H, W) stands where in a flat (H, W, C)."""
    return np.moveaxis(np.arange(prod(shape)).reshape(shape), 0, -1).ravel()


def turned(workload: w.Workload) -> Iterator[tuple[w.Layer, Any, Any]]:
    """Yield every layer with the functions that turn its weight from PyTorch's layout, and back."""
    steps = list(workload.shapes())
    for i, (layer, x, y) in enumerate(steps):
        match layer:
            case w.Dense():
                before = steps[i - 1][0] if i else None
                flattened = isinstance(before, w.Reshape) and len(before.to) == 1
                unflattened = i + 1 < len(steps) and isinstance(steps[i + 1][0], w.Reshape)
                columns = to_nhwc(steps[i - 1][1]) if flattened else np.arange(x[0])
                rows = to_nhwc(steps[i + 1][2]) if unflattened else np.arange(y[0])
                there, back = dense_turns(rows, columns)
            case w.Conv():
                there, back = (lambda a: a.transpose(2, 3, 1, 0)), (lambda a: a.transpose(3, 2, 0, 1))
            case w.ConvTranspose():
                there = lambda a: a.transpose(2, 3, 0, 1)[::-1, ::-1]  # noqa: E731
                back = lambda a: a[::-1, ::-1].transpose(2, 3, 0, 1)  # noqa: E731
            case _:
                there = back = None
        yield layer, there, back
