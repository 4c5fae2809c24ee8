"""Tokens: integers that name classes, as a layer takes them."""

from typing import Any

import numpy as np

from ..core import check


def is_tokens(x: Any) -> bool:
    """Is x an array of integers?"""
    return getattr(x, "dtype", np.dtype(object)).kind in "iu"


def check_tokens(who: str, x: Any, shape: tuple[int | str, ...], classes: int) -> None:
    """Raise ValueError unless x has this shape and consists of integers from 0 to classes - 1."""
    check(who, x, shape, x.dtype if is_tokens(x) else np.int64)
    if x.size and (x.min() < 0 or x.max() >= classes):
        raise ValueError(
            f"{who}: expected tokens from 0 to {classes - 1}, got {x.min()} to {x.max()}"
        )
