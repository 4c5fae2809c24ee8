"""Arrays in every order, dtype, container and range, with the verdict that each deserves.

A presentation starts from plain samples (N, *shape) in [0, 1], on the grid of the grey levels, and
changes how they are written (which a library may accept or refuse, but not misunderstand) or what
they say (which it has to refuse). Since that is known here, no check has to guess it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Rng = np.random.Generator


class Shown(NamedTuple):
    """An input, the plain array that it stands for, and what an entrance has to make of it."""

    what: str
    value: Any
    plain: np.ndarray
    must: bool | None
    close: float = 1e-4


class Wants(NamedTuple):
    """What an entrance takes.

    shape   of a sample
    axes    whether the order of the axes is known, so that another has to be refused
    unit    whether floats have to be in [0, 1]
    bytes   whether uint8 are grey levels; None: they are not what is meant, and may be refused
    flat    whether a sample may come as a vector
    least   the fewest samples that make sense
    """

    shape: tuple[int, ...]
    axes: bool = True
    unit: bool = True
    bytes: bool | None = True
    flat: bool = True
    least: int = 1


class Foreign:
    """An array of another library: NumPy can read it, and that is all."""

    def __init__(self, a: np.ndarray) -> None:
        self._a = a

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self._a.astype(dtype or self._a.dtype)

    def __len__(self) -> int:
        return len(self._a)


def samples(rng: Rng, N: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return grey images, black and white among them, (N, *shape) float64."""
    x = rng.integers(0, 256, (N, *shape)) / 255
    x[0].flat[0], x[-1].flat[-1] = 0, 1
    return x


def present(x: np.ndarray, wants: Wants, rng: Rng) -> Shown:
    """Return the samples x in some form."""
    what, plain = written(x, wants, rng)
    u = rng.random()
    if u < 0.35:
        dtypes = ["f4", "f8", *(["u1"] if wants.bytes is not None else [])]
        dtype = dtypes[rng.integers(len(dtypes))]
        value = np.rint(plain * 255).astype("u1") if dtype == "u1" else plain.astype(dtype)
        how, value = laid_out(value, rng)
        return Shown(f"{what}, {dtype}, {how}", value, plain, True)
    odd = CONTAINERS if u < 0.6 else WRONG
    how = list(odd)[rng.integers(len(odd))]
    made = odd[how](plain.copy(), wants, rng)
    if isinstance(made, Shown):
        return made._replace(what=f"{what}, {how}{made.what}")
    return Shown(f"{what}, {how}", made, plain, None if odd is CONTAINERS else False)


def written(x: np.ndarray, wants: Wants, rng: Rng) -> tuple[str, np.ndarray]:
    """Return samples flat, without the axis of one channel, or as they are."""
    forms = {"exact": x}
    if wants.flat:
        forms["flat"] = x.reshape(len(x), -1)
    if len(wants.shape) == 3 and wants.shape[0] == 1:
        forms["without channel"] = x[:, 0]
    what = list(forms)[rng.integers(len(forms))]
    return what, forms[what]


def laid_out(a: np.ndarray, rng: Rng) -> tuple[str, np.ndarray]:
    """Return the same array, stored in another way."""
    wide = np.zeros((2 * len(a), *a.shape[1:]), a.dtype)
    wide[::2] = a
    frozen = a.copy()
    frozen.flags.writeable = False
    unaligned = np.zeros(a.nbytes + 1, "u1")[1:].view(a.dtype).reshape(a.shape)
    unaligned[...] = a
    layouts = {
        "contiguous": a,
        "Fortran order": np.asfortranarray(a),
        "every other row": wide[::2],
        "backwards": np.ascontiguousarray(a[::-1])[::-1],
        "read-only": frozen,
        "not aligned": unaligned,
        "other byte order": a.astype(a.dtype.newbyteorder()),
    }
    how = list(layouts)[rng.integers(len(layouts))]
    return how, layouts[how]


def binary(x: np.ndarray) -> np.ndarray:
    """Return black and white."""
    return np.round(x)


def masked(x: np.ndarray, hidden: bool) -> Any:
    """Return a masked array, with or without a gap."""
    a = np.ma.array(x)
    if hidden:
        a[0] = np.ma.masked
    return a


def shuffled(x: np.ndarray, wants: Wants, rng: Rng) -> Any:
    """Return the axes of the samples in another order, where that can be seen."""
    orders = [np.moveaxis(x, 0, -1), np.moveaxis(x, 1, -1), np.swapaxes(x, -1, -2)]
    other = orders[rng.integers(3)]
    known = wants.axes and x.ndim > 2 and other.shape[1:] != x.shape[1:] and 1 not in x.shape[1:]
    return Shown(
        f" {other.shape}", np.ascontiguousarray(other), x, False if known else None, np.inf
    )


def beyond(low: float, high: float) -> Callable[[np.ndarray, Wants, Rng], Shown]:
    """Return floats that go from low to high."""

    def make(x: np.ndarray, wants: Wants, rng: Rng) -> Shown:
        value = (low + x * (high - low)).astype(("f4", "f8")[rng.integers(2)])
        return Shown(f" {value.dtype}", value, value, False if wants.unit else None)

    return make


def with_one(number: float) -> Callable[[np.ndarray, Wants, Rng], np.ndarray]:
    """Return floats of which one is this number."""

    def make(x: np.ndarray, wants: Wants, rng: Rng) -> np.ndarray:
        x.flat[rng.integers(x.size)] = number
        return x.astype(("f4", "f8")[rng.integers(2)])

    return make


def zeros_and_ones(x: np.ndarray, wants: Wants, rng: Rng) -> Shown:
    """Return bytes that are meant to be black and white, and are almost black."""
    return Shown("", binary(x).astype("u1"), x, False if wants.bytes else None, np.inf)


def tiny(x: np.ndarray, wants: Wants, rng: Rng) -> Shown:
    """Return numbers some of which are subnormal."""
    value = np.where(x < 0.5, 1e-42, x).astype("f4")
    return Shown("", value, value.astype("f8"), None)


def bytes_as_integers(x: np.ndarray, wants: Wants, rng: Rng) -> Shown:
    """Return grey levels in wider integers."""
    dtype = ("i2", "i4", "i8", "u2", "i1")[rng.integers(5)]
    value = np.rint(x * 255).astype(dtype)
    return Shown(f" {dtype}", value, x, None if wants.bytes and dtype != "i1" else False)


def no_batch(x: np.ndarray, wants: Wants, rng: Rng) -> Shown:
    """Return a sample alone; one of a single channel is a batch of one without channel."""
    known = wants.axes and (x.ndim < 4 or x.shape[1] > 1)
    return Shown("", x[0], x, False if known else None, np.inf)


def one_axis_more(x: np.ndarray, wants: Wants, rng: Rng) -> Shown:
    """Return samples with two axes too many; a vector becomes an image of one row."""
    known = wants.axes and x.ndim > 2
    return Shown("", x[:, None, None], x, False if known else None, 1e-4 if wants.axes else np.inf)


def a_number(x: np.ndarray, wants: Wants, rng: Rng) -> Shown:
    """Return a single number, of which something can be made where any shape will do."""
    value = [0.5, np.float32(0.5), np.array(0.5), 1, True][rng.integers(5)]
    return Shown("", value, x, False if wants.axes else None, np.inf)


CONTAINERS: dict[str, Callable[[np.ndarray, Wants, Rng], Any]] = {
    "list": lambda x, w, rng: x.tolist(),
    "tuple of arrays": lambda x, w, rng: tuple(x.astype("f4")),
    "another library's": lambda x, w, rng: Foreign(x.astype("f4")),
    "memory view": lambda x, w, rng: memoryview(np.ascontiguousarray(x.astype("f4"))),
    "objects": lambda x, w, rng: x.astype(object),
    "masked without a gap": lambda x, w, rng: masked(x.astype("f4"), False),
    "float16": lambda x, w, rng: Shown("", x.astype("f2"), x, None, 1e-2),
    "long double": lambda x, w, rng: x.astype(np.longdouble),
    "bool": lambda x, w, rng: Shown("", binary(x).astype(bool), binary(x), None),
    "one sample": lambda x, w, rng: Shown("", x[:1], x[:1], True if w.least == 1 else None),
    "axes": shuffled,
    "subnormal": tiny,
    "integers": bytes_as_integers,
}

WRONG: dict[str, Callable[[np.ndarray, Wants, Rng], Any]] = {
    "other axes": shuffled,
    "no batch": no_batch,
    "one axis more": one_axis_more,
    "a number more": lambda x, w, rng: Shown(
        "",
        np.pad(x.reshape(len(x), -1), ((0, 0), (0, 1))),
        x,
        False if w.axes else None,
        np.inf,
    ),
    "nothing": lambda x, w, rng: x[:0],
    "samples of nothing": lambda x, w, rng: x[..., :0],
    "a number": a_number,
    "None": lambda x, w, rng: None,
    "text": lambda x, w, rng: ["image.png", x.astype(str), b"123"][rng.integers(3)],
    "dict": lambda x, w, rng: {"images": x},
    "generator": lambda x, w, rng: (row for row in x),
    "ragged": lambda x, w, rng: [x[0].tolist(), x[1].ravel()[:-1].tolist()],
    "complex": lambda x, w, rng: x + 1j,
    "dates": lambda x, w, rng: x.astype("M8[s]"),
    "records": lambda x, w, rng: x.astype([("grey", "f4")]),
    "masked": lambda x, w, rng: masked(x, True),
    "masked rows": lambda x, w, rng: list(masked(x, True)),
    "objects with None": lambda x, w, rng: np.where(x < 0.5, x, None),
    "NaN": with_one(np.nan),
    "infinity": with_one(np.inf),
    "minus infinity": with_one(-np.inf),
    "floats to 255": beyond(0, 255),
    "just above 1": beyond(0, 1.001),
    "below 0": beyond(-1, 1),
    "huge": beyond(-1e30, 1e30),
    "bytes of 0 and 1": zeros_and_ones,
}
