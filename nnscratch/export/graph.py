"""An ONNX graph while it is written: nodes and constants, each under a name of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import Array, IntArray, Parameter, Shape

OPSET, FORMAT = 17, 8
"""Versions of ONNX's operators and of its file: from 2022, so that most runtimes know them."""


def onnx() -> Any:
    """Return the package onnx; ImportError saying what to install if it is not there."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "export_onnx needs the package onnx: pip install 'nnscratch[onnx]'"
        ) from error
    return onnx


class Graph:
    """Nodes and constants of an ONNX graph. A value is known by its name, a text.

    All values have the batch first: (N, *shape), where shape is that of a sample.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, a: Array | IntArray) -> str:
        """Add an array and return its name."""
        name = f"constant{len(self.constants)}"
        self.constants.append(onnx().numpy_helper.from_array(np.ascontiguousarray(a), name))
        return name

    def values(self, *parameters: Parameter | None) -> list[str]:
        """Add the parameters that there are and return their names."""
        return [self.constant(p.value) for p in parameters if p is not None]

    def integers(self, *values: int) -> str:
        """Add a vector of integers, such as a shape, and return its name."""
        return self.constant(np.array(values, np.int64))

    def node(self, operator: str, *inputs: str, outputs: int = 1, **settings: Any) -> Any:
        """Add a node and return the name of its output, or a list of names of its outputs.

        settings  ONNX's attributes of this operator; an input "" is one that is left out
        """
        names = [f"value{len(self.nodes)}_{i}" for i in range(outputs)]
        make = onnx().helper.make_node
        self.nodes.append(make(operator, list(inputs), names, **settings))
        return names[0] if outputs == 1 else names

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """Return x (N, …) as (N, *shape)."""
        return self.node("Reshape", x, self.integers(-1, *shape))

    def transpose(self, x: str, *order: int) -> str:
        """Return x with its axes in this order."""
        return self.node("Transpose", x, perm=order)

    def named(self, x: str, name: str) -> str:
        """Let x be known under this name, as an output of the graph; return the name."""
        self.nodes.append(onnx().helper.make_node("Identity", [x], [name]))
        return name

    def file(
        self, floats: dict[str, Shape], labels: dict[str, Shape], outputs: dict[str, Shape]
    ) -> bytes:
        """Return the file of the graph, checked by ONNX.

        floats, labels, outputs  the shape of a sample of each; the batch is a free axis, "N"
        """
        package = onnx()

        def said(values: dict[str, Shape], kind: int) -> list[Any]:
            make = package.helper.make_tensor_value_info
            return [make(name, kind, ["N", *shape]) for name, shape in values.items()]

        number, integer = package.TensorProto.FLOAT, package.TensorProto.INT64
        inputs = said(floats, number) + said(labels, integer)
        graph = package.helper.make_graph(
            self.nodes, "nnscratch", inputs, said(outputs, number), self.constants
        )
        opset = [package.helper.make_opsetid("", OPSET)]
        model = package.helper.make_model(
            graph, opset_imports=opset, ir_version=FORMAT, producer_name="nnscratch"
        )
        package.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())
