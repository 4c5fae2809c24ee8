"""What a model consists of, as JSON; rebuilt.py makes the model that such a description is of.

    {"class": "Dense", "in_features": 784, "out_features": 32, "bias": true, …}

is a layer, a model, a likelihood or a corruption: its class and the arguments that make it, without
those that say how it starts (`rng`, `init`). An argument is a number, a text, true, false or null,
a list of arguments, or an object that says by its first key what it is:

    {"class": …}                          as above
    {"same": "encoder.layers.0"}          the part at this place, once more: tied weights
    {"function": "l1_penalty"}            a penalty or a prior
    {"dtype": "float32"}
    {"mapping": {"l1": [0.1, …]}}         arguments by name

Only names that are known can stand for a class or function: the library's, and those of a caller's
own that are passed in. Nothing else in a description is looked up, imported or executed.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np

from .. import layers, learned_scale, likelihoods, losses, models
from ..checks.recorded import Recorded, made_with
from ..layers.batch_norm import FrozenBatchNorm
from . import adversarial, conductor, sequences


@cache
def library() -> Mapping[str, Any]:
    """Return the classes and functions of the library that a description may name."""
    homes = (layers, [n for n in layers.__all__ if n != "GaussianSample"]), (models, models.__all__)
    found = {name: getattr(home, name) for home, names in homes for name in names}
    parts = {name: a for name, a in found.items() if isinstance(a, type) and name != "Trainable"}
    others: list[Any] = [FrozenBatchNorm, losses.l1_penalty]
    others += [likelihoods.Bernoulli, likelihoods.Gaussian, likelihoods.SquaredError]
    others += [learned_scale.LearnedGaussian, learned_scale.DiscretisedLogistic]
    others += [sequences.SequenceEncoder, sequences.SequenceDecoder]
    others.append(conductor.HierarchicalDecoder)
    others += [adversarial.gaussian, adversarial.ring, adversarial.mixture]
    return parts | {each.__name__: each for each in others}


def known_names(own: Collection[Any]) -> dict[str, Any]:
    """Return all that a description may name: the library's, and a caller's classes and functions.

    Raises
        ValueError if one is no class or function, or two have one name.
    """
    known = dict(library())
    if not isinstance(own, list | tuple | set):
        raise ValueError(f"layers: expected a list of classes or functions, got {own!r}")
    for each in own:
        name = getattr(each, "__name__", "")
        if not isinstance(each, type | FunctionType) or not name.isidentifier():
            raise ValueError(f"layers: expected classes or functions with a name, got {each!r}")
        if known.setdefault(name, each) is not each:
            raise ValueError(f"layers: expected another name than {name}, which is taken")
    return known


def describe(model: Any) -> tuple[dict[str, Any], list[Any]]:
    """Return the description of a model or layer, and what it names that is not the library's.

    Raises
        ValueError naming the part that cannot be described, and why.
    """
    description = _Description()
    try:
        words = description.of(model, "")
    except RecursionError:
        raise ValueError(
            f"{type(model).__name__}: its parts stand too deep in each other"
        ) from None
    return words, list(description.own.values())


class _Description:
    """The description of one model while it is written."""

    def __init__(self) -> None:
        self.own: dict[str, Any] = {}
        self.places: dict[int, tuple[Any, str]] = {}

    def of(self, a: Any, place: str) -> Any:
        """Return what stands for an argument, or a part, in JSON."""
        if isinstance(a, np.generic):
            a = a.item()
        if a is None or isinstance(a, bool | int | str):
            return a
        if isinstance(a, float):
            if not math.isfinite(a):
                raise ValueError(f"{place}: expected a finite number, got {a}")
            return a
        if isinstance(a, np.dtype):
            return {"dtype": a.name}
        if isinstance(a, list | tuple):
            return [self.of(entry, f"{place}.{i}") for i, entry in enumerate(a)]
        if isinstance(a, Mapping) and all(isinstance(name, str) for name in a):
            return {"mapping": {name: self.of(v, f"{place}.{name}") for name, v in a.items()}}
        if isinstance(a, FunctionType):
            return {"function": self.name_of(a, place)}
        return self.of_part(a, place)

    def of_part(self, part: Any, place: str) -> dict[str, Any]:
        """Return the class of a part and its arguments; or its place, if it is there twice."""
        if id(part) in self.places:
            return {"same": self.places[id(part)][1]}
        if isinstance(part, Recorded):
            arguments = made_with(part)
        elif is_dataclass(part) and not isinstance(part, type):
            arguments = {f.name: getattr(part, f.name) for f in fields(part) if f.init}
        else:
            raise ValueError(
                f"{place or 'the model'}: expected a layer, a model or plain data, got "
                f"{type(part).__name__}; a class of one's own derives from nnscratch.core.Layer or "
                "Recorded, or is a dataclass"
            )
        start = f"{place}." if place else ""
        words = {name: self.of(a, start + name) for name, a in arguments.items()}
        if isinstance(part, Recorded):
            self.places[id(part)] = part, place  # and alive: no other will have its id
        return {"class": self.name_of(type(part), place)} | words

    def name_of(self, thing: Any, place: str) -> str:
        """Return the name of a class or function, which is the library's or becomes one's own."""
        name = str(thing.__name__)
        if library().get(name) is thing:
            return name
        taken = name in library() or self.own.setdefault(name, thing) is not thing
        if taken or not name.isidentifier():
            raise ValueError(f"{place}: expected a name of its own for what is yours, got {name}")
        return name
