"""Recurrent layers as ONNX's operators, which have gates in another order and the steps first."""

from typing import Any, NamedTuple

import numpy as np

from ..core import Shape
from ..layers.recurrent import Recurrent
from .graph import Graph

LSTM_ORDER = (0, 3, 1, 2)
"""ONNX's gates i, o, f, c by their places in ours, i, f, g, o."""

GRU_ORDER = (1, 0, 2)
"""ONNX's gates z, r, h by their places in ours, r, z, n."""


class Kind(NamedTuple):
    """What an operator is called, its gates by their places in ours, and its settings."""

    operator: str
    order: tuple[int, ...]
    settings: dict[str, Any]


def lstm(graph: Graph, layer: Any, x: str, shape: Shape) -> str:
    """Write an LSTM, all of its layers and directions."""
    return _recurrent(graph, layer, x, shape, Kind("LSTM", LSTM_ORDER, {}))


def gru(graph: Graph, layer: Any, x: str, shape: Shape) -> str:
    """Write a GRU, whose r multiplies what the weights have made of the state."""
    return _recurrent(graph, layer, x, shape, Kind("GRU", GRU_ORDER, {"linear_before_reset": 1}))


def rnn(graph: Graph, layer: Any, x: str, shape: Shape) -> str:
    """Write an RNN of tanh or ReLU."""
    word = {"tanh": "Tanh", "relu": "Relu"}[layer.cells[0].nonlinearity]
    kind = Kind("RNN", (0,), {"activations": [word] * layer.directions})
    return _recurrent(graph, layer, x, shape, kind)


def _recurrent(graph: Graph, layer: Recurrent, x: str, shape: Shape, kind: Kind) -> str:
    """Write one node for each layer of cells: (N, T, D) → (N, T, directions H), or its end."""
    if len(shape) == 1:
        raise ValueError(f"an ONNX file takes floats, got {layer!r} on tokens")
    B, H = layer.directions, layer.cells[0].u.value.shape[1]
    way = "bidirectional" if B == 2 else "forward"
    steps, last = graph.transpose(x, 1, 0, 2), ""
    for k in range(0, layer.layers * B, B):
        constants = _weights(graph, layer.cells[k : k + B], kind.order)
        node = {"hidden_size": H, "direction": way, **kind.settings}
        y, last = graph.node(kind.operator, steps, *constants, outputs=2, **node)
        turned = graph.transpose(y, 0, 2, 1, 3)  # (T, directions, N, H) → (T, N, directions, H)
        steps = graph.node("Reshape", turned, graph.integers(0, 0, B * H))
    if layer.return_sequences:
        return graph.transpose(steps, 1, 0, 2)
    return graph.reshape(graph.transpose(last, 1, 0, 2), (B * H,))


def _weights(graph: Graph, cells: list[Any], order: tuple[int, ...]) -> list[str]:
    """Return the names of w, u and both biases of the directions, with ONNX's order of gates."""

    def ordered(a: Any) -> Any:
        return np.concatenate([np.split(a, len(order))[gate] for gate in order])

    weights = [cell.w for cell in cells], [cell.u for cell in cells]
    found = [graph.constant(np.stack([ordered(p.value) for p in each])) for each in weights]
    if cells[0].b_ih is not None:
        biases = [np.concatenate([ordered(c.b_ih.value), ordered(c.b_hh.value)]) for c in cells]
        found.append(graph.constant(np.stack(biases)))
    return found
