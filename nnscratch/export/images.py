"""Layers on images, and convolutions of sequences, as ONNX's operators: see layers.py."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import layers
from ..core import Layer, Pair, Shape
from ..kernels.plain_images import Windows
from ..layers.pool import means
from ..layers.upsample import Upsample
from .graph import Graph


def _pads(*sides: Pair) -> list[int]:
    """Return ((top, bottom), (left, right)) as ONNX has it: all starts, then all ends."""
    return [*(before for before, _ in sides), *(after for _, after in sides)]


def conv2d(graph: Graph, layer: layers.Conv2d, x: str, shape: Shape) -> str:
    """Write a convolution of images."""
    settings: dict[str, Any] = {
        "strides": layer.stride,
        "pads": _pads(*layer._paddings(shape)),
        "dilations": layer.dilation,
        "group": layer.groups,
    }
    return graph.node("Conv", x, *graph.values(layer.w, layer.b), **settings)


def conv1d(graph: Graph, layer: layers.Conv1d, x: str, shape: Shape) -> str:
    """Write a convolution of sequences, whose channels ONNX has before the steps."""
    settings: dict[str, Any] = {
        "strides": [layer.stride],
        "pads": layer._padding(shape[0]),
        "dilations": [layer.dilation],
        "group": layer.groups,
    }
    x = graph.transpose(x, 0, 2, 1)
    y = graph.node("Conv", x, *graph.values(layer.w, layer.b), **settings)
    return graph.transpose(y, 0, 2, 1)


def conv_transpose2d(graph: Graph, layer: layers.ConvTranspose2d, x: str, shape: Shape) -> str:
    """Write a transposed convolution of images."""
    settings = {"strides": layer.stride, "dilations": layer.dilation, "group": layer.groups}
    return _transposed(graph, layer, x, (layer.padding, layer.more), settings)


def conv_transpose1d(graph: Graph, layer: layers.ConvTranspose1d, x: str, shape: Shape) -> str:
    """Write a transposed convolution of sequences."""
    settings = {"strides": [layer.stride], "dilations": [layer.dilation], "group": layer.groups}
    x = graph.transpose(x, 0, 2, 1)
    y = _transposed(graph, layer, x, ([layer.padding], [layer.more]), settings)
    return graph.transpose(y, 0, 2, 1)


def _transposed(
    graph: Graph,
    layer: Any,
    x: str,
    borders: tuple[Sequence[Pair], Sequence[int]],
    settings: dict[str, Any],
) -> str:
    """Write a transposed convolution, its channels first.

    borders  the padding of each axis, and the output_padding

    Output padding is padding at the end that is not taken away, as far as there is any. Beyond it
    no filter reaches, so zeros come there, and the bias after them. ONNX has a setting of this
    name, but onnxruntime refuses one that is not below the stride.
    """
    sides = [(p, q - more) for (p, q), more in zip(*borders, strict=True)]
    settings["pads"] = _pads(*((p, max(q, 0)) for p, q in sides))
    beyond = [(0, max(-q, 0)) for _, q in sides]
    if not any(after for _, after in beyond):
        return graph.node("ConvTranspose", x, *graph.values(layer.w, layer.b), **settings)
    y = graph.node("ConvTranspose", x, *graph.values(layer.w), **settings)
    y = _padded(graph, y, [(0, 0), *beyond])
    if layer.b is None:
        return y
    bias = layer.b.value.reshape(-1, *(1 for _ in sides))
    return graph.node("Add", y, graph.constant(bias))


def max_pool(graph: Graph, layer: layers.MaxPool2d, x: str, shape: Shape) -> str:
    """Write the largest of each window.

    Runtimes differ in ceil_mode, so the padding behind the image says how many windows fit.
    """
    _, *outputs = layer.output_shape(shape)
    axes = zip(shape[1:], outputs, layer.K, layer.stride, layer.padding, strict=True)
    sides = [(p, max(0, (O - 1) * s + K - I - p)) for I, O, K, s, p in axes]  # noqa: E741
    pads = _pads(*sides)
    return graph.node("MaxPool", x, kernel_shape=layer.K, strides=layer.stride, pads=pads)


def avg_pool(graph: Graph, layer: layers.AvgPool2d, x: str, shape: Shape) -> str:
    """Write A x Bᵀ with the library's matrices, as runtimes differ in what counts at a border."""
    (H, W), (_, OH, OW) = shape[1:], layer.output_shape(shape)
    windows = Windows(layer.K, layer.stride, layer.padding)
    M = means((H, W), (OH, OW), windows, layer.count_include_pad)
    A, B = (graph.constant(a.astype(np.float32)) for a in (M.A, M.B.T))
    return graph.node("MatMul", graph.node("MatMul", A, x), B)


def global_avg_pool(graph: Graph, layer: Layer, x: str, shape: Shape) -> str:
    """Write the mean of each channel."""
    return graph.node("ReduceMean", x, axes=[2, 3], keepdims=0)


def _resize(graph: Graph, x: str, scales: tuple[int, ...], **settings: Any) -> str:
    factors = graph.constant(np.array([1, *scales], np.float32))
    return graph.node("Resize", x, "", factors, **settings)


NEAREST = {
    "mode": "nearest",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}
"""Pixel h of the output is pixel ⌊h/S⌋ of the input."""


def nearest2d(graph: Graph, layer: Upsample, x: str, shape: Shape) -> str:
    """Write pixels repeated along rows and columns."""
    return _resize(graph, x, (1, *layer.scale), **NEAREST)


def nearest1d(graph: Graph, layer: layers.UpsampleNearest1d, x: str, shape: Shape) -> str:
    """Write steps repeated."""
    return _resize(graph, x, (layer.scale, 1), **NEAREST)


def bilinear(graph: Graph, layer: Upsample, x: str, shape: Shape) -> str:
    """Write pixels on straight lines between pixels."""
    way = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return _resize(graph, x, (1, *layer.scale), **way)


def pixel_shuffle(graph: Graph, layer: layers.PixelShuffle, x: str, shape: Shape) -> str:
    """Write channels that become pixels."""
    return graph.node("DepthToSpace", x, blocksize=layer.r, mode="CRD")


def pad(graph: Graph, layer: Any, x: str, shape: Shape) -> str:
    """Write a border of zeros."""
    return _padded(graph, x, layer.sides)


def _padded(graph: Graph, x: str, sides: Sequence[Pair]) -> str:
    """Return x with so many zeros before and after, along each axis of a sample."""
    pads = graph.integers(*_pads((0, 0), *sides))
    return graph.node("Pad", x, pads, graph.constant(np.zeros((), np.float32)))


def crop(graph: Graph, layer: Any, x: str, shape: Shape) -> str:
    """Write a border taken away."""
    starts = graph.integers(*(before for before, _ in layer.sides))
    inside = zip(shape, layer.sides, strict=True)
    ends = graph.integers(*(size - after for size, (_, after) in inside))
    axes = graph.integers(*range(1, len(shape) + 1))
    return graph.node("Slice", x, starts, ends, axes)
