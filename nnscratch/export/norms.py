"""Normalisations as ONNX's operators: see layers.py.

They are written out. ONNX has an operator for each, but in float32 runtimes take the variance as
E[x²] - E[x]², which loses digits where the mean is large.
"""

from math import prod
from typing import Any

import numpy as np

from .. import layers
from ..core import Shape, channel_axis
from ..layers.batch_norm import FrozenBatchNorm
from ..layers.standardise import Affine
from .graph import Graph


def _affine(graph: Graph, affine: Any, x: str, shape: Shape) -> str:
    """γ x + β, where γ and β have this shape; x itself if nothing is learned."""
    if not isinstance(affine, Affine):
        return x
    gamma, beta = (graph.constant(p.value.reshape(shape)) for p in (affine.gamma, affine.beta))
    return graph.node("Add", graph.node("Mul", x, gamma), beta)


def _along_channels(shape: Shape, C: int) -> Shape:
    """Return the shape in which C numbers stand along the channels of such a sample."""
    axis = channel_axis(shape)
    return tuple(C if i == axis else 1 for i in range(len(shape)))


def batch_norm(graph: Graph, layer: FrozenBatchNorm, x: str, shape: Shape) -> str:
    """Write BatchNorm with its running averages."""
    norm = layer.norm
    channels = _along_channels(shape, len(norm.running_mean))
    mean = graph.constant(norm.running_mean.reshape(channels))
    r = graph.constant((1 / np.sqrt(norm.running_var + norm.eps)).reshape(channels))
    xhat = graph.node("Mul", graph.node("Sub", x, mean), r)
    return _affine(graph, norm.affine, xhat, channels)


def _standardised(graph: Graph, x: str, eps: float) -> str:
    """(x - μ)/√(σ² + ε) with the mean and variance of the last axis."""
    mean = graph.node("ReduceMean", x, axes=[-1], keepdims=1)
    apart = graph.node("Sub", x, mean)
    var = graph.node("ReduceMean", graph.node("Mul", apart, apart), axes=[-1], keepdims=1)
    more = graph.node("Add", var, graph.constant(np.array(eps, np.float32)))
    return graph.node("Div", apart, graph.node("Sqrt", more))


def layer_norm(graph: Graph, layer: layers.LayerNorm, x: str, shape: Shape) -> str:
    """Write the standardisation of all features of a sample."""
    xhat = _standardised(graph, graph.reshape(x, (prod(shape),)), layer.eps)
    return _affine(graph, layer.affine, graph.reshape(xhat, shape), shape)


def group_norm(graph: Graph, layer: layers.GroupNorm, x: str, shape: Shape) -> str:
    """Write the standardisation of groups of channels, for which they are turned to the front."""
    sequence = len(shape) == 2
    turned = shape[::-1] if sequence else shape
    x = graph.transpose(x, 0, 2, 1) if sequence else x
    groups = graph.reshape(x, (layer.G, prod(shape) // layer.G))
    y = graph.reshape(_standardised(graph, groups, layer.eps), turned)
    y = graph.transpose(y, 0, 2, 1) if sequence else y
    return _affine(graph, layer.affine, y, _along_channels(shape, layer.C))
