"""The model that a description is of: see architecture.py, which writes what is read here.

A description may come from anybody. It says which of the known classes are called, with which
arguments; nothing else in it is looked up, imported or executed.
"""

import inspect
from collections import OrderedDict
from collections.abc import Collection, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from ..checks.recorded import says_how_to_start
from .architecture import known_names

PARTS, DEPTH = 4096, 32
"""How many parts a model may have, counting one that is there twice as two, and how many may stand
within each other: the time that a forged description takes is bounded."""


def rebuild(words: Any, own: Collection[Any] = ()) -> Any:
    """Return the model or layer that a description is of, untrained.

    own  classes and functions, beside the library's, that it may name

    Raises
        ValueError saying where the description is wrong.
    """
    plan = _Plan(known_names(own))
    try:
        model = plan.made(words, "", 0)
    except RecursionError:
        raise ValueError(f"expected parts at most {DEPTH} deep in each other, got more") from None
    if not hasattr(model, "parameters"):
        raise ValueError(f"expected a layer or a model, got {words!r:.80}")
    return model


class _Plan:
    """A model while it is made from its description."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self.known = known
        self.parts: dict[str, tuple[Any, int]] = {}
        self.count = 0

    def made(self, words: Any, place: str, depth: int) -> Any:
        """Return the argument, or the part, that stands for in JSON."""
        if isinstance(words, list):
            return tuple(self.made(w, f"{place}.{i}", depth) for i, w in enumerate(words))
        if not isinstance(words, dict):
            return words
        if "class" in words:
            return self.part(dict(words), place, depth)
        (kind, value), *more = words.items() or [("", None)]
        if not more and kind == "mapping" and isinstance(value, dict):
            return {name: self.made(w, f"{place}.{name}", depth) for name, w in value.items()}
        if not more and kind == "same" and isinstance(value, str) and value in self.parts:
            part, size = self.parts[value]
            self.add(size, place)
            return part
        if not more and kind == "function":
            return self.named(value, FunctionType, place)
        if words in ({"dtype": "float32"}, {"dtype": "float64"}):
            return np.dtype(value).type
        raise ValueError(f"{place}: expected a class, function, dtype or part, got {words!r:.80}")

    def part(self, words: dict[str, Any], place: str, depth: int) -> Any:
        """Return the object of the class and the arguments that stand in the description."""
        cls, before = self.named(words.pop("class"), type, place), self.count
        who = f"{place}, {cls.__name__}" if place else cls.__name__
        if depth == DEPTH:
            raise ValueError(f"{who}: expected parts at most {DEPTH} deep in each other, got more")
        self.add(1, place)
        start = f"{place}." if place else ""
        given = {n: self.made(w, start + n, depth + 1) for n, w in words.items()}
        try:
            part = called(cls, given)
        except Exception as error:  # whatever a constructor makes of arguments that it never got
            raise ValueError(f"{who}: {_reason(error)}") from error
        self.parts[place] = part, self.count - before
        return part

    def named(self, name: Any, kind: type, place: str) -> Any:
        """Return the class or function of this name."""
        thing = self.known.get(name) if isinstance(name, str) else None
        if not isinstance(thing, kind):
            what = "class" if kind is type else "function"
            raise ValueError(
                f"{place or 'the model'}: expected a {what} of the library, or one of your own "
                f"passed in `layers`, got {name!r:.80}"
            )
        return thing

    def add(self, parts: int, place: str) -> None:
        """Count parts; ValueError if there are too many."""
        self.count += parts
        if self.count > PARTS:
            raise ValueError(f"{place}: expected a model of at most {PARTS} parts, got more")


def called(cls: Any, given: dict[str, Any]) -> Any:
    """Return an object of a class, made with arguments by name.

    Raises
        ValueError if the class has no argument of such a name, and what its constructor raises.
    """
    signature = inspect.signature(cls.__init__)
    first, *parameters = signature.parameters.values()
    names = [p.name for p in parameters if not says_how_to_start(p.name)]
    for name in given:
        if name not in names:
            raise ValueError(f"expected no argument {name!r:.80}")
    arguments: OrderedDict[str, Any] = OrderedDict({first.name: None})
    for p in parameters:
        if p.name == "rng":
            arguments["rng"] = np.random.default_rng(0)
        elif p.name in given and not _same(given[p.name], p.default):
            arguments[p.name] = given[p.name]
    bound = inspect.BoundArguments(signature, arguments)
    return cls(*bound.args[1:], **bound.kwargs)


def _same(a: Any, default: Any) -> bool:
    """Is this plain argument the default, so that there is no need to say it?"""
    return (type(a) is type(default) and a is not None and bool(a == default)) or a is default


def _reason(error: Exception) -> str:
    text = str(error)
    return text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}"
