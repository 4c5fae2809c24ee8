"""Half a network as an ONNX graph, for the runtimes that take one."""

from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from nnscratch.core import Array

from .. import networks as net
from .. import workloads as w

CHUNK = 1000
"""Images a call of inference."""

OPSET, FORMAT = 17, 8
"""Versions of ONNX's operators and of its file: old enough for every runtime."""


ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh"}


def nodes_of(layer: net.Layer, i: int) -> list[Any]:
    """Return the nodes of the i-th layer and its activation, from x{i} to x{i+1}."""
    names = [f"x{i}", f"w{i}", f"b{i}"]
    act = getattr(layer, "act", None)
    out = f"a{i}" if act else f"x{i + 1}"
    match layer:
        case net.Dense():
            node = helper.make_node("Gemm", names, [out], transB=1)
        case net.Conv(kernel=K, stride=S, padding=P):
            its = {"kernel_shape": [K, K], "strides": [S, S], "pads": [P] * 4}
            node = helper.make_node("Conv", names, [out], **its)
        case net.ConvTranspose(kernel=K, stride=S, padding=P):
            its = {"kernel_shape": [K, K], "strides": [S, S], "pads": [P] * 4}
            node = helper.make_node(
                "ConvTranspose", names, [out], **its, output_padding=[S - 1] * 2
            )
        case net.Reshape():
            node = helper.make_node("Reshape", [f"x{i}", f"shape{i}"], [out])
    if act is None:
        return [node]
    return [node, helper.make_node(ACTIVATIONS[act], [out], [f"x{i + 1}"])]


def half(what: str) -> tuple[bytes, list[Array]]:
    """Return encoder or decoder of the inference benchmark, and its input in chunks.

    The encoder returns μ, the decoder a sigmoid of its logits.
    """
    workload = w.WORKLOADS[w.INFERENCE]
    rows, first = w.inference_input(what), len(workload.encoder)
    if what == "encode":
        rows = rows[:, None].astype(np.float32) / 255
    layers = workload.encoder if what == "encode" else workload.decoder
    affine = [layer for layer in workload.layers if isinstance(layer, net.Affine)]
    theta = dict(zip(map(id, affine), net.first_weights(workload), strict=True))
    nodes, constants = [], []
    for i, layer in enumerate(layers):
        its = theta.get(id(layer))
        nodes += nodes_of(layer, i)
        if its:
            weight, bias = its
            if what == "encode" and i == first - 1:  # of μ and log σ², the first half
                weight, bias = weight[: workload.latent], bias[: workload.latent]
            constants += [numpy_helper.from_array(weight, f"w{i}")]
            constants += [numpy_helper.from_array(bias, f"b{i}")]
        if isinstance(layer, net.Reshape):
            constants += [numpy_helper.from_array(np.array([-1, *layer.to], np.int64), f"shape{i}")]
    last = f"x{len(layers)}"
    nodes.append(helper.make_node("Sigmoid" if what == "decode" else "Identity", [last], ["y"]))
    shape = [CHUNK, *rows.shape[1:]]
    image = [CHUNK, workload.latent] if what == "encode" else [CHUNK, *workload.input_shape]
    graph = helper.make_graph(
        nodes,
        what,
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, image)],
        constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=FORMAT)
    checker.check_model(model)
    chunks = [np.ascontiguousarray(rows[i : i + CHUNK]) for i in range(0, len(rows), CHUNK)]
    return model.SerializeToString(), chunks
