"""How objects are written when they are printed: the calls that make them, and their parts."""

from collections.abc import Mapping
from types import FunctionType
from typing import Any

import numpy as np


def call_text(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Return the text of a call such as Conv2d(1, 16, 3, padding=1); generators are left out."""
    texts = [argument_text(a) for a in args if not isinstance(a, np.random.Generator)]
    for key, a in kwargs.items():
        if not isinstance(a, np.random.Generator):
            texts.append(f"{key}={argument_text(a)}")
    return f"{name}({', '.join(texts)})"


def argument_text(a: Any) -> str:
    """Return a short text for an argument: the name of a function, the shape of an array."""
    if isinstance(a, np.ndarray):
        return f"<array {a.shape} {a.dtype}>"
    return a.__name__ if isinstance(a, FunctionType | type) else repr(a)


def listing(parts: Mapping[str, object]) -> str:
    """Return the parts by name, a line each, in round brackets: the end of a `__repr__`.

    A part that is a text stands there without quotes, and one whose class does not say how it
    prints by the name of its class.
    """
    lines = []
    for name, part in parts.items():
        silent = type(part).__repr__ is object.__repr__
        text = type(part).__name__ if silent else str(part)
        lines.append(f"  {name}: {text}".replace("\n", "\n  "))
    return "(\n" + "\n".join(lines) + "\n)" if lines else "()"
