"""Gradients of layers large enough for every branch of their kernels."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np
import pytest

from checks.planting import CONVICTED, on_trial
from nnscratch.core import Array, Shape
from nnscratch.gradcheck import gradcheck
from nnscratch.kernels.machine.processor import BYTES
from nnscratch.kernels.machine.registers import MR
from nnscratch.layers import (
    GRU,
    LSTM,
    RNN,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Dense,
    Sequential,
    Tanh,
    TiedDense,
)

V = BYTES // 8
"""Numbers of double precision in a vector."""


Make = Callable[..., Any]


DENSE: dict[str, tuple[Make, Shape]] = {
    "tiles and panels with remainders": (lambda **o: Dense(9, 13, **o), (9, 37)),
    "no bias": (lambda **o: Dense(14, 8, bias=False, **o), (14, 2 * V)),
    "a long sum of dx": (lambda **o: Dense(9, 6 * V + 5, **o), (9, 3 * V - 1)),
    "strips of packed rows": (lambda **o: Dense(6 * MR + 5, 20, **o), (6 * MR + 5, 6 * V + 3)),
    "half a vector of columns": (lambda **o: Dense(20, 10, **o), (20, 2 * V + V // 2)),
    "more than half a vector": (lambda **o: Dense(20, 10, **o), (20, 2 * V + V // 2 + 1)),
    "a sum shorter than a vector": (lambda **o: Dense(8, 40, **o), (8, 9)),
    "many strips": (lambda **o: Dense(20, 6 * MR + 5, **o), (20, 11)),
    "many strips of columns": (lambda **o: Dense(6 * MR + 5, 20, **o), (6 * MR + 5, 11)),
    "tied": (lambda **o: TiedDense(Dense(13, 9, **o)), (9, 37)),
    "tied, a long sum": (lambda **o: TiedDense(Dense(9, 6 * V + 5, **o)), (6 * V + 5, 3 * V - 1)),
    "a net": (lambda **o: Sequential(Dense(9, 13, **o), Tanh(), Dense(13, 10, **o)), (9, 37)),
    "a long and a short side": (lambda **o: Dense(30, 3, **o), (30, 20)),
}


IMAGE = (2, 3, 4, 2 * V + 3)
"""A block of two vectors, and a remainder that samples of the next row share."""


CONV: dict[str, tuple[Make, Shape]] = {
    "wide": (lambda **o: Conv2d(2, 6, 3, padding=1, **o), IMAGE),
    "several tiles": (lambda **o: Conv2d(4, 13, 2, **o), (4, 3, 3, V + 1)),
    "narrow": (lambda **o: Conv2d(2, 3, 3, padding=1, **o), IMAGE),
    "narrow, shifts of dy": (lambda **o: Conv2d(5, 3, 3, padding=1, **o), (5, 4, 5, V + 1)),
    "stride": (lambda **o: Conv2d(3, 5, 3, stride=2, padding=1, **o), (3, 5, 6, 2 * V + 3)),
    "stride, narrow": (lambda **o: Conv2d(3, 2, 3, stride=2, padding=1, **o), (3, 5, 6, V + 1)),
    "dilation": (lambda **o: Conv2d(4, 5, 2, dilation=2, **o), (4, 4, 5, V + 1)),
    "stride and dilation": (
        lambda **o: Conv2d(2, 5, 3, stride=2, dilation=2, padding=2, **o),
        (2, 5, 6, V - 1),
    ),
    "eight channels": (lambda **o: Conv2d(9, 2, 2, **o), (9, 3, 4, V + 1)),
    "groups, wide": (lambda **o: Conv2d(8, 10, 2, groups=2, **o), (8, 3, 4, V + 1)),
    "groups, narrow": (lambda **o: Conv2d(6, 4, 2, groups=2, **o), (6, 3, 4, V + 1)),
    "few taps, channels by three": (lambda **o: Conv2d(7, 5, (1, 2), **o), (7, 3, 4, V + 1)),
    "rows in one block": (
        lambda **o: Conv2d(2, 5, (3, 1), padding=(1, 0), **o),
        (2, 3, 2, V // 2 + 1),
    ),
    "few numbers": (lambda **o: Conv2d(2, 5, (1, 3), **o), (2, 2, 4, V + 1)),
    "blocks of rows": (lambda **o: Conv2d(2, 5, 3, padding=1, **o), (2, 7, 14, 5 * V)),
    "pieces of a row": (lambda **o: Conv2d(2, 5, 2, **o), (2, 3, 28, 10 * V + 3)),
    "more filters than a tile": (lambda **o: Conv2d(2, 11, 2, **o), (2, 3, 4, V + 1)),
    "many channels": (
        lambda **o: Conv2d(4 * V, 2 * V + 3, 3, padding=1, **o),
        (4 * V, 3, 4, V + 3),
    ),
    "many filters, stride": (
        lambda **o: Conv2d(9, 4 * V - 1, 3, stride=2, padding=1, **o),
        (9, 5, 6, V + 1),
    ),
    "many channels, dilation": (lambda **o: Conv2d(4 * V, 8, 2, dilation=2, **o), (4 * V, 4, 5, 3)),
    "many channels, one sample": (lambda **o: Conv2d(4 * V, 9, 2, **o), (4 * V, 3, 3, 1)),
    "wide, no bias": (lambda **o: Conv2d(3, 5, 2, bias=False, **o), (3, 3, 4, 2 * V)),
    "transposed, wide": (lambda **o: ConvTranspose2d(4, 5, 3, padding=1, **o), (4, 3, 4, V + 1)),
    "transposed, narrow": (lambda **o: ConvTranspose2d(3, 2, 3, **o), (3, 3, 4, V + 1)),
    "transposed, stride": (
        lambda **o: ConvTranspose2d(5, 4, 3, stride=2, padding=1, output_padding=1, **o),
        (5, 3, 4, V + 1),
    ),
    "transposed, many channels": (
        lambda **o: ConvTranspose2d(4 * V, 9, 3, stride=2, padding=1, output_padding=1, **o),
        (4 * V, 3, 4, V + 1),
    ),
    "transposed, groups": (lambda **o: ConvTranspose2d(8, 8, 2, groups=2, **o), (8, 3, 3, V + 1)),
    "sequence, wide": (lambda **o: Conv1d(3, 5, 3, padding="same", **o), (7, 3, 2 * V + 3)),
    "sequence, causal": (
        lambda **o: Conv1d(5, 4, 3, dilation=2, padding=(4, 0), **o),
        (7, 5, V + 1),
    ),
    "sequence, stride, narrow": (lambda **o: Conv1d(4, 3, 3, stride=2, **o), (8, 4, V + 1)),
}


RECURRENT: dict[str, tuple[Make, Shape]] = {
    "LSTM, blocks and a remainder": (lambda **o: LSTM(3, 5, **o), (3, 3, 4 * V + 3)),
    "LSTM, several tiles": (lambda **o: LSTM(2, MR + 1, **o), (2, 2, V + 1)),
    "GRU, blocks and a remainder": (lambda **o: GRU(3, 5, **o), (3, 3, 4 * V + 3)),
    "GRU, several tiles": (lambda **o: GRU(2, MR + 1, **o), (2, 2, V + 1)),
    "RNN, blocks and a remainder": (lambda **o: RNN(3, 5, **o), (3, 3, 4 * V + 3)),
    "RNN, several tiles": (lambda **o: RNN(2, MR + 1, **o), (2, 2, V + 1)),
    "RNN, more inputs than a panel": (lambda **o: RNN(2 * V + 3, 3, **o), (3, 2 * V + 3, 5)),
}


ALL = DENSE | CONV


def layer_of(name: str, dtype: Any = np.float64) -> tuple[Any, Shape]:
    """A layer whose biases are not zero, and the shape of its input."""
    make, shape = (ALL | RECURRENT)[name]
    rng = np.random.default_rng(0)
    layer = make(rng=rng, dtype=dtype)
    for p in layer.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
    return layer, shape


def check_gradient(name: str, entries: int) -> None:
    layer, shape = layer_of(name)
    rng = np.random.default_rng(1)
    report = gradcheck(layer, shape, entries=entries, method="central", rng=rng)
    report.raise_if_failed()
    assert not report.notes


EMPTY = np.empty


@wraps(EMPTY)
def no_numbers(*args: Any, **named: Any) -> Array:
    """An array full of NaN: what no kernel writes is never right by what memory held before."""
    a = EMPTY(*args, **named)
    if a.dtype.kind == "f":
        a.fill(np.nan)
    return a


def convict(
    file: str, changes: Mapping[str, str], layer: str, entries: int, patch: pytest.MonkeyPatch
) -> None:
    """The gradient check passes what is unchanged, run as Python, and does not pass the changes."""
    for planted in ({old: old for old in changes}, changes):
        with patch.context() as here, np.errstate(all="ignore"):
            on_trial(file, planted, here)
            here.setattr(np, "empty", no_numbers)
            if planted is not changes:
                check_gradient(layer, entries)
            else:
                with pytest.raises((*CONVICTED, ValueError)):
                    check_gradient(layer, entries)
