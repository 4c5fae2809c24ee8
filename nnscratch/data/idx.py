"""The IDX file format, in which MNIST and its relatives are published.

    byte 0, 1       zero
    byte 2          the type of the numbers: see DTYPES
    byte 3          how many dimensions follow, K
    4 bytes each    the K dimensions, big-endian
    the rest        the numbers, big-endian, the last index running fastest

Source
    LeCun, Cortes and Burges, The MNIST database of handwritten digits, "The IDX file format".
"""

import gzip
import zlib
from io import BytesIO
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import expanded

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_DIMENSIONS = 64  # NumPy's own limit; the format could say 255


BLOCK = 2**20
"""Bytes unpacked at a time."""


def read_idx(path: str | PathLike[str]) -> NDArray[Any]:
    """Return the array of an IDX file, gzipped or not, in native byte order.

    Of a file that is not what its header says no more is unpacked than the header promises, however
    much there is.

    Raises
        FileNotFoundError if there is no such file.
        ValueError naming the file if it is anything but one whole IDX array.
    """
    content = expanded(Path(path)).read_bytes()
    packed = content.startswith(b"\x1f\x8b")  # whatever its name says
    try:
        return _read(path, gzip.GzipFile(fileobj=BytesIO(content)) if packed else BytesIO(content))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: expected a whole gzip file, got a damaged one: {error}"
        ) from error


def _read(path: str | PathLike[str], file: gzip.GzipFile | BytesIO) -> NDArray[Any]:
    """Return the array of an open file that is not packed."""

    def expect(fits: bool, expected: str, got: str) -> None:
        if not fits:
            raise ValueError(f"{path}: expected {expected}, got {got}")

    head = _bytes(file, 4)
    expect(len(head) == 4, "an IDX header of 4 bytes", f"a file of {len(head)} bytes")
    zeros, code, K = head[:2], head[2], head[3]
    expect(zeros == b"\0\0", "an IDX file, which starts with bytes 00 00", zeros.hex(" "))
    known = ", ".join(f"0x{known:02x}" for known in DTYPES)
    expect(code in DTYPES, f"an IDX type code ({known})", f"0x{code:02x}")
    expect(1 <= K <= MAX_DIMENSIONS, f"1 to {MAX_DIMENSIONS} dimensions", f"{K}")

    sizes, start = _bytes(file, 4 * K), 4 + 4 * K
    got = 4 + len(sizes)
    expect(got == start, f"a header of {start} bytes", f"a file of {got} bytes")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    expect(min(shape) > 0, "dimensions of at least 1", f"{shape}")
    dtype = np.dtype(DTYPES[code])
    size = prod(shape) * dtype.itemsize
    numbers = _bytes(file, size + 1)  # one more than there should be, if there are more
    got = start + len(numbers)
    more = "" if len(numbers) <= size else " or more"
    expect(
        got == start + size, f"{start + size} bytes for {shape} {dtype.name}", f"{got} bytes{more}"
    )
    # The copy is aligned, writable and in native byte order; the bytes are none of these.
    return np.ndarray(shape, dtype, numbers).astype(dtype.newbyteorder("="))


def _bytes(file: gzip.GzipFile | BytesIO, most: int) -> bytes:
    """Return the next bytes of a file, as many as there are and not more than `most`."""
    blocks = []
    while most > 0 and (block := file.read(min(most, BLOCK))):
        blocks.append(block)
        most -= len(block)
    return b"".join(blocks)
