"""Each layer as ONNX's operators, from a sample's shape to the next, the batch first.

A writer takes the graph, the layer, the name of its input x (N, *shape) and the shape of a sample,
and returns the name of its output.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from .. import layers
from ..core import Layer, Shape
from ..layers.batch_norm import FrozenBatchNorm
from ..layers.contract import inference
from . import images, norms
from .graph import Graph
from .recurrent import gru, lstm, rnn

Writer = Callable[[Graph, Any, str, Shape], str]


def write_layer(who: str, graph: Graph, layer: Layer, x: str, shape: Shape) -> str:
    """Add a layer, as it is once learning is over, and return the name of its output.

    Raises
        ValueError if there is no writer for it, naming it and its place `who`.
    """
    layer = inference(layer)
    if isinstance(layer, layers.Sequential):
        for i, each in enumerate(layer.layers):
            x = write_layer(f"{who}, layer {i}", graph, each, x, shape)
            shape = each.output_shape(shape)
        return x
    if isinstance(layer, layers.TimeDistributed):
        return _time_distributed(who, graph, layer, x, shape)
    if type(layer) not in WRITERS:
        known = ", ".join(sorted(NAMES))
        raise ValueError(f"{who}: ONNX files are written of the layers {known}; got {layer!r}")
    try:
        return WRITERS[type(layer)](graph, layer, x, shape)
    except ValueError as error:
        raise ValueError(f"{who}: {error}") from None


def _time_distributed(
    who: str, graph: Graph, layer: layers.TimeDistributed, x: str, shape: Shape
) -> str:
    """(N, T, *S) → (N T, *S) → (N T, *S') → (N, T, *S')."""
    y = write_layer(who, graph, layer.layer, graph.reshape(x, shape[1:]), shape[1:])
    return graph.reshape(y, layer.output_shape(shape))


def _dense(graph: Graph, layer: layers.Dense, x: str, shape: Shape) -> str:
    return graph.node("Gemm", x, *graph.values(layer.w, layer.b), transB=1)


def _tied(graph: Graph, layer: layers.TiedDense, x: str, shape: Shape) -> str:
    return graph.node("Gemm", x, *graph.values(layer.w, layer.b))


def _reshape(graph: Graph, layer: Layer, x: str, shape: Shape) -> str:
    return graph.reshape(x, layer.output_shape(shape))


def _identity(graph: Graph, layer: Layer, x: str, shape: Shape) -> str:
    return x


def _gelu(graph: Graph, layer: Layer, x: str, shape: Shape) -> str:
    """x Φ(x) = x (½ + ½ erf(x/√2))."""
    root, half = (graph.constant(np.array(a, np.float32)) for a in (sqrt(0.5), 0.5))
    erf = graph.node("Erf", graph.node("Mul", x, root))
    cdf = graph.node("Add", graph.node("Mul", erf, half), half)
    return graph.node("Mul", x, cdf)


def _as(operator: str, **names: str) -> Writer:
    """Return the writer of one operator; names are ONNX's attributes and those of the layer."""

    def write(graph: Graph, layer: Any, x: str, shape: Shape) -> str:
        settings = {name: getattr(layer, theirs) for name, theirs in names.items()}
        return graph.node(operator, x, **settings)

    return write


def _softmax(graph: Graph, layer: Layer, x: str, shape: Shape) -> str:
    return graph.node("Softmax", x, axis=-1)


def _repeat(graph: Graph, layer: layers.RepeatVector, x: str, shape: Shape) -> str:
    steps = graph.node("Unsqueeze", x, graph.integers(1))
    return graph.node("Expand", steps, graph.integers(1, layer.T, 1))


def _reverse(graph: Graph, layer: Layer, x: str, shape: Shape) -> str:
    from_end, to_start = graph.integers(-1), graph.integers(-shape[0] - 1)
    return graph.node("Slice", x, from_end, to_start, graph.integers(1), graph.integers(-1))


WRITERS: dict[type, Writer] = {
    layers.Dense: _dense,
    layers.TiedDense: _tied,
    layers.Conv1d: images.conv1d,
    layers.Conv2d: images.conv2d,
    layers.ConvTranspose1d: images.conv_transpose1d,
    layers.ConvTranspose2d: images.conv_transpose2d,
    layers.MaxPool2d: images.max_pool,
    layers.AvgPool2d: images.avg_pool,
    layers.GlobalAvgPool2d: images.global_avg_pool,
    layers.UpsampleNearest1d: images.nearest1d,
    layers.UpsampleNearest2d: images.nearest2d,
    layers.UpsampleBilinear2d: images.bilinear,
    layers.PixelShuffle: images.pixel_shuffle,
    layers.ZeroPad1d: images.pad,
    layers.ZeroPad2d: images.pad,
    layers.Crop1d: images.crop,
    layers.Crop2d: images.crop,
    layers.Reshape: _reshape,
    layers.Flatten: _reshape,
    layers.Identity: _identity,
    FrozenBatchNorm: norms.batch_norm,
    layers.LayerNorm: norms.layer_norm,
    layers.GroupNorm: norms.group_norm,
    layers.ReLU: _as("Relu"),
    layers.LeakyReLU: _as("LeakyRelu", alpha="slope"),
    layers.ELU: _as("Elu", alpha="alpha"),
    layers.GELU: _gelu,
    layers.Sigmoid: _as("Sigmoid"),
    layers.Softmax: _softmax,
    layers.Softplus: _as("Softplus"),
    layers.Tanh: _as("Tanh"),
    layers.RepeatVector: _repeat,
    layers.ReverseSteps: _reverse,
    layers.LSTM: lstm,
    layers.GRU: gru,
    layers.RNN: rnn,
}
"""The writer of each layer, by its type: no subclass passes for it.

Dropout is the identity once learning is over, and BatchNorm is FrozenBatchNorm then."""

NAMES = {*(kind.__name__ for kind in WRITERS), "BatchNorm", "Dropout", "TimeDistributed"} - {
    "FrozenBatchNorm"
}
"""The layers that may be in a model, by the names that users know."""
