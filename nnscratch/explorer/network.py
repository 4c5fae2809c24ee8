"""A network as network.mjs takes it: a list of layers, each with its kind and numbers.

models/architecture.py describes how a model is made; the page needs what has come of it: pairs
where a number was given, paddings of each side, the statistics of a frozen BatchNorm.
"""

from collections.abc import Callable
from typing import Any

from .. import layers
from ..core import Array, Layer, Parameter
from ..layers.batch_norm import FrozenBatchNorm
from ..layers.contract import inference
from ..layers.padding import Border
from ..layers.pool import Window
from ..layers.standardise import Affine
from ..layers.upsample import Upsample

Entry = dict[str, Any]
"""The kind of a layer, its settings, and its arrays, which packing.py moves into one block."""


def entries(who: str, network: Layer) -> list[Entry]:
    """Return the layers of a network, as they are once learning is over, in their order.

    Raises
        ValueError naming the first layer that network.mjs does not know, by its place and type.
    """
    found: list[Entry] = []
    chain = network.layers if isinstance(network, layers.Sequential) else (network,)
    for i, layer in enumerate(map(inference, chain)):
        if isinstance(layer, layers.Sequential):
            found += entries(f"{who}, layer {i}", layer)
        elif type(layer) in NUMBERS:
            kind = CALLED.get(type(layer), type(layer).__name__)
            found.append({"kind": kind, **NUMBERS[type(layer)](layer)})
        else:
            known = ", ".join(sorted(NAMES))
            raise ValueError(
                f"{who}, layer {i}: the explorer runs the layers {known}; got {layer!r}"
            )
    return found


def _affine(weight: Parameter, bias: Parameter | None) -> Entry:
    """Return the arrays of a layer that has a weight."""
    return {"weight": weight.value, "bias": None if bias is None else bias.value}


def _norm(affine: Any) -> Entry:
    learned = isinstance(affine, Affine)
    return _affine(affine.gamma, affine.beta) if learned else {"weight": None, "bias": None}


def _conv(layer: Any) -> Entry:
    return _affine(layer.w, layer.b) | {
        "stride": layer.stride,
        "padding": "same" if layer.same else layer.padding,
        "dilation": layer.dilation,
        "groups": layer.groups,
    }


def _conv_transpose(layer: Any) -> Entry:
    return _affine(layer.w, layer.b) | {
        "stride": layer.stride,
        "padding": layer.padding,
        "output_padding": layer.more,
        "dilation": layer.dilation,
        "groups": layer.groups,
    }


def _along_steps(entry: Callable[[Any], Entry]) -> Callable[[Any], Entry]:
    """Return the entry of a layer of sequences: its settings are those of an image of height 1."""
    height: Entry = {"stride": 1, "dilation": 1, "output_padding": 0, "padding": (0, 0)}

    def of_image(layer: Any) -> Entry:
        found = entry(layer)
        numbers = {name: found[name] for name in height if found.get(name, "same") != "same"}
        return found | {name: (height[name], number) for name, number in numbers.items()}

    return of_image


def _pool(layer: Window) -> Entry:
    return {
        "kernel": layer.K,
        "stride": layer.stride,
        "padding": layer.padding,
        "ceil": layer.ceil_mode,
    }


def _avg_pool(layer: layers.AvgPool2d) -> Entry:
    return _pool(layer) | {"count_include_pad": layer.count_include_pad}


def _batch_norm(layer: FrozenBatchNorm) -> Entry:
    norm = layer.norm
    statistics: dict[str, Array] = {"mean": norm.running_mean, "variance": norm.running_var}
    return _norm(norm.affine) | statistics | {"eps": norm.eps}


def _scale(layer: Upsample) -> Entry:
    return {"scale": layer.scale}


def _taken(layer: Border) -> list[tuple[int, int]]:
    """Return what a crop takes away, as negative paddings."""
    return [(-before, -after) for before, after in layer.sides]


def _nothing(layer: Layer) -> Entry:
    return {}


NUMBERS: dict[type, Callable[[Any], Entry]] = {
    layers.Dense: lambda layer: _affine(layer.w, layer.b),
    layers.TiedDense: lambda layer: _affine(layer.w, layer.b),
    layers.Conv1d: _along_steps(_conv),
    layers.Conv2d: _conv,
    layers.ConvTranspose1d: _along_steps(_conv_transpose),
    layers.ConvTranspose2d: _conv_transpose,
    layers.MaxPool2d: _pool,
    layers.AvgPool2d: _avg_pool,
    layers.GlobalAvgPool2d: _nothing,
    layers.UpsampleNearest1d: lambda layer: {"scale": (1, layer.scale)},
    layers.UpsampleNearest2d: _scale,
    layers.UpsampleBilinear2d: _scale,
    layers.PixelShuffle: lambda layer: {"factor": layer.r},
    layers.ZeroPad1d: lambda layer: {"padding": ((0, 0), layer.sides[0])},
    layers.ZeroPad2d: lambda layer: {"padding": layer.sides[1:]},
    layers.Crop1d: lambda layer: {"padding": ((0, 0), _taken(layer)[0])},
    layers.Crop2d: lambda layer: {"padding": _taken(layer)[1:]},
    layers.Reshape: lambda layer: {"shape": layer.sample_shape},
    layers.Flatten: _nothing,
    layers.Identity: _nothing,
    FrozenBatchNorm: _batch_norm,
    layers.LayerNorm: lambda layer: _norm(layer.affine) | {"eps": layer.eps},
    layers.GroupNorm: lambda layer: (
        _norm(layer.affine) | {"eps": layer.eps, "groups": layer.G, "channels": layer.C}
    ),
    layers.ReLU: _nothing,
    layers.LeakyReLU: lambda layer: {"slope": layer.slope},
    layers.ELU: lambda layer: {"alpha": layer.alpha},
    layers.GELU: _nothing,
    layers.Sigmoid: _nothing,
    layers.Softmax: _nothing,
    layers.Softplus: _nothing,
    layers.Tanh: _nothing,
}
"""What network.mjs has to know of a layer beside its kind, by its type: no subclass passes for it.

Dropout is not among them, as it is the identity once learning is over, nor is BatchNorm, which is
FrozenBatchNorm then."""

CALLED = {FrozenBatchNorm: "BatchNorm", layers.Crop1d: "ZeroPad1d", layers.Crop2d: "ZeroPad2d"}
"""The kinds that are not called by their type; a border taken away is a negative padding."""

NAMES = {*(kind.__name__ for kind in NUMBERS), "BatchNorm", "Dropout"} - {"FrozenBatchNorm"}
"""The layers that may be in a model, by the names that users know."""
