"""Arrays as text in a page: rounded if need be, compressed, and written in 85 letters.

block = Block()
entry = block.add(w)                 # what stands in the page's JSON in place of w
text = block.text()                  # what the page's JavaScript reads (data.mjs)
"""

import base64
import copy
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core import Array, HasParameters, unique
from .network import Entry

M = TypeVar("M", bound=HasParameters)

SMALL = 4096
"""Arrays of fewer numbers, such as biases, are never rounded to integers."""


class Rounded(NamedTuple):
    """w ≈ integers · scale of its row; the integers are -largest … largest."""

    integers: NDArray[np.int32]
    scale: Array
    largest: int

    @property
    def value(self) -> Array:
        """Return w as the page computes it: a product in float64, rounded to float32."""
        scale = self.scale.reshape(-1, *(1,) * (self.integers.ndim - 1)).astype(np.float64)
        return (self.integers * scale).astype(np.float32)


def rounded(w: Array, bits: float) -> Rounded:
    """Return w with each row (what belongs to an index of the first axis) rounded to 2^bits levels.

    The number of the largest size in a row is kept.
    """
    largest = round(2 ** (bits - 1)) - 1
    rows = w.reshape(len(w), -1).astype(np.float64)
    scale = (np.abs(rows).max(axis=1) / largest).astype(np.float32)
    integers = np.rint(rows / np.where(scale > 0, scale, 1)[:, None]).clip(-largest, largest)
    return Rounded(integers.astype(np.int32).reshape(w.shape), scale, largest)


def rounded_model(
    model: M, bits: float | None, others: Sequence[Array] = ()
) -> tuple[M, list[Array], dict[int, Rounded]]:
    """Return a copy of the model, and of other arrays, as a page holds them.

    bits  of a weight; None: float32, as they are
    The last is what has been rounded, by the id of an array of the copy.
    """
    twin, copies, table = copy.deepcopy(model), [w.copy() for w in others], dict[int, Rounded]()
    weights = [p.value for p in unique(twin.parameters())] + copies
    for w in weights if bits is not None else []:
        if w.size >= SMALL and w.ndim > 1:
            r = rounded(w, bits or 0)
            w[...] = r.value
            table[id(w)] = r
    return twin, copies, table


class Block:
    """Arrays, each compressed by itself."""

    def __init__(self, rounded: dict[int, Rounded] | None = None) -> None:
        self.rounded, self.parts = rounded or {}, list[bytes]()
        self.known: dict[int, tuple[NDArray[Any], Entry]] = {}  # kept, or an id may come again

    def add(self, array: Array | NDArray[Any]) -> Entry:
        """Return where the array lies; one that is there already is not laid down again."""
        if id(array) not in self.known:
            found = self.rounded.get(id(array))
            entry = self._plain(array) if found is None else self._integers(found)
            self.known[id(array)] = array, entry
        return self.known[id(array)][1]

    def network(self, layers: list[Entry]) -> list[Entry]:
        """Return layers with the place of each array instead of it."""
        return [
            {k: self.add(v) if isinstance(v, np.ndarray) else v for k, v in layer.items()}
            for layer in layers
        ]

    def _plain(self, array: NDArray[Any]) -> Entry:
        """Lay down bytes, or float32 as planes: first bytes, second bytes, …, each plane alike."""
        if array.dtype != np.uint8:
            array = np.ascontiguousarray(array, "<f4")
        planes = np.ascontiguousarray(array).reshape(-1, 1).view(np.uint8).T
        kind = "uint8" if array.dtype == np.uint8 else "float32"
        return self._lay(kind, array.shape, zlib.compress(planes.tobytes(), 9))

    def _integers(self, r: Rounded) -> Entry:
        """Lay down integers + largest: their upper 8 bits as bytes, then each lower bit in a plane.

        Most are near 0, so their upper bits are worth less than 8, of which a Huffman code makes
        use; the lower bits are noise.
        """
        u = r.integers.ravel() + r.largest
        shift = max(0, (2 * r.largest).bit_length() - 8)
        lower = [np.packbits((u >> bit & 1).astype(np.uint8)).tobytes() for bit in range(shift)]
        coder = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_HUFFMAN_ONLY)
        bits = coder.compress((u >> shift).astype(np.uint8).tobytes()) + coder.compress(
            b"".join(lower)
        )
        entry = self._lay("integers", r.integers.shape, bits + coder.flush())
        return entry | {"largest": r.largest, "shift": shift, "scale": self._plain(r.scale)}

    def _lay(self, kind: str, shape: tuple[int, ...], compressed: bytes) -> Entry:
        self.parts.append(compressed)
        return {"kind": kind, "part": len(self.parts) - 1, "shape": list(shape)}

    def text(self) -> str:
        """Return all of it, a line each; a comma is in the place of <, which HTML would read."""
        return "\n".join(base64.b85encode(part).decode().replace("<", ",") for part in self.parts)
