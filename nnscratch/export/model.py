"""A trained model as an ONNX file, which other programs run."""

from pathlib import Path
from typing import Any

import numpy as np

from ..core import Shape, channel_axis
from ..files import write_whole
from ..learned_scale import DiscretisedLogistic, LearnedGaussian
from ..likelihoods import Bernoulli, Gaussian, SquaredError
from ..models import VAE
from ..models.codec import Codec
from .graph import Graph
from .layers import write_layer

PARTS = ("encoder", "decoder", "reconstruct")


def export_onnx(path: str | Path, model: Codec, part: str = "reconstruct") -> Path:
    """Write a part of a trained model as an ONNX file, whole or not at all; return its path.

        part         inputs                   outputs                          as
        encoder      images (N, …), labels    codes (N, …), a VAE's logvar too encode, posterior
        decoder      codes (N, …), labels     images (N, …)                    decode
        reconstruct  images (N, …), labels    reconstruction (N, …)            reconstruct

    The batch is of any size, and numbers are float32: what `encode` takes as bytes is divided by
    255 before. Labels (N,) int64 are an input where the model has classes. What is written of
    images is the mean of p(x | a), as `decode` returns it.

    Raises
        ValueError naming a layer, a likelihood or a dtype that is not exported, or another part.
        ImportError if the package onnx is not installed.
        OSError if the file cannot be written; what was there before is still there.
    """
    who = f"export_onnx {type(model).__name__}"
    if not isinstance(model, Codec):
        raise ValueError(f"{who}: expected an autoencoder or a VAE of images, vectors or sequences")
    if part not in PARTS:
        raise ValueError(f"{who}: expected part {', '.join(PARTS)}, got {part!r}")
    if not model.networks_alone:
        raise ValueError(f"{who}: expected a model of an encoder and a decoder alone")
    if model.dtype != np.float32:
        raise ValueError(f"{who}: expected a model of float32, got {model.dtype}")
    graph, model = Graph(), model.inference()
    outputs: list[tuple[str, Shape]] = []
    if part == "decoder":
        start = value = "codes"
        shape = model.code_shape
    else:
        start, shape = "images", model.corrupted_shape
        value, *more = _codes(who, graph, model, start)
        if part == "encoder":
            outputs = [(graph.named(value, "codes"), model.code_shape)]
            outputs += [(graph.named(each, "logvar"), model.code_shape) for each in more]
    if part != "encoder":
        name = "images" if part == "decoder" else "reconstruction"
        outputs = [(graph.named(_images(who, graph, model, value), name), model.input_shape)]
    labels: dict[str, Shape] = {"labels": ()} if model.classes else {}
    return write_whole(path, graph.file({start: shape}, labels, dict(outputs)), "ONNX file")


def _codes(who: str, graph: Graph, model: Codec, images: str) -> list[str]:
    """Add the encoder and return the names of the codes and, of a VAE, of log σ²."""
    encoder, shape = model.parts()["encoder"]
    x = _with_labels(graph, model, images, model.corrupted_shape)
    h = write_layer(f"{who} encoder", graph, encoder, x, shape)
    if not isinstance(model, VAE):
        return [h]
    return list(graph.node("Split", h, outputs=2, axis=1))


def _images(who: str, graph: Graph, model: Codec, codes: str) -> str:
    """Add the decoder and the likelihood and return the name of the mean of p(x | a)."""
    decoder, shape = model.parts()["decoder"]
    z = _with_labels(graph, model, codes, model.code_shape)
    a = write_layer(f"{who} decoder", graph, decoder, z, shape)
    return _mean(who, graph, model.likelihood, a, model.input_shape)


def _with_labels(graph: Graph, model: Codec, x: str, shape: Shape) -> str:
    """Append one-hot labels to the channels of x (N, *shape), as models/labels.py does."""
    K, axis = model.classes, channel_axis(shape)
    if not K:
        return x
    values = graph.constant(np.array([0, 1], np.float32))
    one_hot = graph.node("OneHot", "labels", graph.constant(np.array(K, np.int64)), values)
    ones = [K if i == axis else 1 for i in range(len(shape))]
    planes = [K if i == axis else size for i, size in enumerate(shape)]
    y = graph.node("Expand", graph.reshape(one_hot, ones), graph.integers(1, *planes))
    return graph.node("Concat", x, y, axis=axis + 1)


def _mean(who: str, graph: Graph, likelihood: Any, a: str, shape: Shape) -> str:
    """Return the name of E[x | a]."""
    kind = type(likelihood)
    if kind is Bernoulli:
        return graph.node("Sigmoid", a)
    if kind in (Gaussian, SquaredError):
        return a
    if kind not in (LearnedGaussian, DiscretisedLogistic):
        raise ValueError(f"{who}: expected a likelihood of the library, got {likelihood!r}")
    mean, b = graph.node("Split", a, outputs=2, axis=channel_axis(shape) + 1)
    if kind is LearnedGaussian:
        return mean
    return _logistic_mean(graph, mean, b, likelihood.least_scale)


def _logistic_mean(graph: Graph, mean: str, b: str, least_scale: float) -> str:
    """s (softplus(m/s) - softplus((m - 1)/s)) with s = least_scale + e^b."""
    least, one = (graph.constant(np.array(c, np.float32)) for c in (least_scale, 1))
    s = graph.node("Add", least, graph.node("Exp", b))
    first = graph.node("Softplus", graph.node("Div", mean, s))
    second = graph.node("Softplus", graph.node("Div", graph.node("Sub", mean, one), s))
    return graph.node("Mul", s, graph.node("Sub", first, second))
