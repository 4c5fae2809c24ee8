"""Objects that know the arguments that made them, so that they can be printed, saved and remade."""

import inspect
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from .arguments import is_number


class Unsaid:
    """Stands for an argument that is no plain data: a function, an array, a source of noise."""


class Recorded:
    """An object that keeps the arguments of the call that made it, by name and with defaults.

    Kept are numbers, texts, dtypes, other such objects, and tuples and mappings of these. Whatever
    else is passed is not held on to; `made_with` finds it in the attribute of its name.
    """

    _arguments: dict[str, Any] | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the object and keep its arguments, None if they do not fit its constructor."""
        self = super().__new__(cls)
        try:
            bound = inspect.signature(cls.__init__).bind(self, *args, **kwargs)
        except TypeError:  # which the constructor is about to raise
            self._arguments = None
            return self
        bound.apply_defaults()
        _, *given = bound.arguments.items()
        self._arguments = {name: kept(a) for name, a in given if not says_how_to_start(name)}
        return self


def says_how_to_start(name: str) -> bool:
    """Is this the name of an argument that matters to an untrained object alone: noise, or θ?"""
    return name == "rng" or name.endswith("init")


def kept(a: Any) -> Any:
    """Return an argument as it is now, with NumPy's numbers as Python's; Unsaid for what is none.

    A dtype may be given by its class: np.float32, or float.
    """
    if isinstance(a, np.generic):
        a = a.item()
    if a is None or isinstance(a, bool | int | float | str | Recorded | np.dtype):
        return a
    if isinstance(a, type) and (a is float or issubclass(a, np.generic)):
        return np.dtype(a)
    if isinstance(a, list | tuple):
        entries = tuple(map(kept, a))
        return Unsaid if Unsaid in entries else entries
    if isinstance(a, Mapping):
        named = {name: kept(entry) for name, entry in a.items()}
        return Unsaid if Unsaid in named.values() else named
    return Unsaid


def made_with(thing: Recorded) -> dict[str, Any]:
    """Return the arguments that would make an object as it is now, without sources of noise.

    A number, or what is no plain data, is that of the attribute of its name, if there is one: β may
    have been annealed, and a layer have given way to the one that is used once training is over.

    Raises
        ValueError naming an argument that is not known, or the object if none are.
    """
    who, now = type(thing).__name__, {}
    if getattr(thing, "_arguments", None) is None:
        raise ValueError(f"{who}: the arguments that made it are not known")
    for name, given in (thing._arguments or {}).items():
        here = getattr(thing, name, given)
        number = _is_plain(given) and _is_plain(here)
        now[name] = here if number or not _is_data(given) else given
        if now[name] is Unsaid:
            raise ValueError(
                f"{who}: its argument {name} is no number, text, layer or the like, and it has no "
                f"attribute {name!r}"
            )
    return now


def _is_plain(a: Any) -> bool:
    return isinstance(a, bool) or is_number(a)


def _is_data(a: Any) -> bool:
    """Is this a number, a text, a dtype or None, or a tuple of such?"""
    if isinstance(a, tuple):
        return all(map(_is_data, a))
    return a is None or isinstance(a, bool | int | float | str | np.dtype)
