"""A table of a network: the shapes, parameters and memory of its layers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..core import Backward, Layer, Parameter, Shape, unique
from .contract import check_layer, noisy, takes_tokens
from .sequential import Sequential

HEAD = "layer", "output shape", "parameters", "bytes kept"


@dataclass(frozen=True)
class Row:
    """What one layer makes of a sample, how many parameters it has, and the bytes it keeps."""

    name: str
    output_shape: Shape
    parameters: int
    kept: int


@dataclass(frozen=True)
class Summary:
    """The rows of a network; `print` shows them as a table with totals.

    kept  bytes a sample that a backward holds on to, measured: two batches pass forward, the arrays
          that the backward functions refer to are counted, and what the larger batch has more of is
          divided by the samples that it has more. Layers run one by one, also where a Sequential
          would compute a ReLU together with its neighbour. θ is left out; an array that two layers
          keep counts for the first of them. A model's loss keeps a little besides, and gradients
          on their way back need about as much as the two largest outputs.
    """

    rows: tuple[Row, ...]
    parameters: int

    @property
    def kept(self) -> int:
        """Bytes that all layers keep for one sample."""
        return sum(row.kept for row in self.rows)

    def __str__(self) -> str:
        lines = [
            (r.name, str(r.output_shape), f"{r.parameters:,}", f"{r.kept:,}") for r in self.rows
        ]
        lines.append(("total", "", f"{self.parameters:,}", f"{self.kept:,} a sample"))
        widths = [max(map(len, column)) for column in zip(HEAD, *lines, strict=True)]
        text = [
            f"{a:{widths[0]}}  {b:{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip()
            for a, b, c, d in (HEAD, *lines)
        ]
        rule = "-" * max(map(len, text))
        return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])

    __repr__ = __str__


def summary(net: Layer, input_shape: Shape) -> Summary:
    """Return the table of a network, or of one layer, for samples of this shape.

    Raises
        ValueError if the network does not take such samples.
    """
    check_layer("summary", net)
    parameters = net.parameters().values()
    dtype = next((p.value.dtype for p in parameters), np.float32)
    return summary_of({"": (net, tuple(input_shape))}, dtype)


def summary_of(parts: Mapping[str, tuple[Layer, Shape]], dtype: DTypeLike) -> Summary:
    """Return the table of the parts of a model, by their names, each with its input shape."""
    rows: list[Row] = []
    everything: dict[int, Parameter] = {}
    for part, (net, input_shape) in parts.items():
        net.output_shape(input_shape)  # refuses what does not fit, and says where
        everything |= {id(p): p for p in unique(net.parameters())}
        few, many = (_kept(net, input_shape, N, dtype) for N in (2, 4))
        shape = input_shape
        for (name, layer), less, more in zip(_leaves(part, net), few, many, strict=True):
            shape = layer.output_shape(shape)
            count = sum(p.value.size for p in unique(layer.parameters()))
            rows.append(Row(f"{name} {_kind(layer)}".strip(), shape, count, (more - less) // 2))
    return Summary(tuple(rows), sum(p.value.size for p in everything.values()))


def _kind(layer: Layer) -> str:
    return type(layer).__name__ if type(layer).__repr__ is object.__repr__ else repr(layer)


def _leaves(name: str, net: Layer) -> Iterator[tuple[str, Layer]]:
    """Yield the layers inside of a network, in order, with names such as encoder.0.1."""
    if isinstance(net, Sequential):
        for i, layer in enumerate(net):
            yield from _leaves(f"{name}.{i}" if name else str(i), layer)
    else:
        yield name, net


def _kept(net: Layer, input_shape: Shape, N: int, dtype: DTypeLike) -> list[int]:
    """Return the bytes that each layer's backward holds on to for a batch of N samples."""
    first = next(layer for _, layer in (*_leaves("", net), ("", None)))
    tokens = takes_tokens(first, input_shape)
    x: Any = np.full((*input_shape, N), 0 if tokens else 0.5, np.intp if tokens else dtype)
    own = [a for p in net.parameters().values() for a in (p.value, p.grad)]
    seen = {id(root): root for root in map(_root, own)}
    counts = []
    for _, layer in _leaves("", net):
        noise = {"rng": np.random.default_rng(0)} if noisy(layer) else {}
        x, backward = layer.forward(x, **noise)
        new = {id(a): a for a in map(_root, _held_by(backward)) if id(a) not in seen}
        seen |= new
        counts.append(sum(a.nbytes for a in new.values()))
    return counts


def _root(a: Any) -> Any:
    """Return the array that owns the memory of this one."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def _held_by(backward: Backward) -> Iterator[Any]:
    """Yield the arrays that a function refers to: in its closure, and in functions in there."""
    todo: list[Any] = [backward]
    seen: dict[int, Any] = {}
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, np.ndarray):
            yield thing
        elif isinstance(thing, FunctionType):
            todo += [cell.cell_contents for cell in thing.__closure__ or ()]
        elif isinstance(thing, MethodType):
            todo += [*getattr(thing.__self__, "__dict__", {}).values(), thing.__func__]
        elif isinstance(thing, partial):
            todo += [thing.func, *thing.args, *thing.keywords.values()]
        elif isinstance(thing, tuple | list):
            todo += thing
        elif isinstance(thing, dict):
            todo += thing.values()
