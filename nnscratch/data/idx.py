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
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_DIMENSIONS = 64  # NumPy's own limit; the format could say 255


def read_idx(path: str | PathLike[str]) -> NDArray[Any]:
    """Return the array of an IDX file, gzipped or not, in native byte order.

    Raises
        FileNotFoundError if there is no such file.
        ValueError naming the file if it is anything but one whole IDX array.
    """
    content = _unpacked(Path(path))

    def expect(fits: bool, expected: str, got: str) -> None:
        if not fits:
            raise ValueError(f"{path}: expected {expected}, got {got}")

    expect(len(content) >= 4, "an IDX header of 4 bytes", f"a file of {len(content)} bytes")
    zeros, code, K = content[:2], content[2], content[3]
    expect(zeros == b"\0\0", "an IDX file, which starts with bytes 00 00", zeros.hex(" "))
    known = ", ".join(f"0x{known:02x}" for known in DTYPES)
    expect(code in DTYPES, f"an IDX type code ({known})", f"0x{code:02x}")
    expect(1 <= K <= MAX_DIMENSIONS, f"1 to {MAX_DIMENSIONS} dimensions", f"{K}")

    start = 4 + 4 * K
    expect(len(content) >= start, f"a header of {start} bytes", f"a file of {len(content)} bytes")
    shape = tuple(np.frombuffer(content, ">u4", count=K, offset=4).tolist())
    expect(min(shape) > 0, "dimensions of at least 1", f"{shape}")
    dtype = np.dtype(DTYPES[code])
    size = start + prod(shape) * dtype.itemsize
    expect(len(content) == size, f"{size} bytes for {shape} {dtype.name}", f"{len(content)} bytes")
    # The copy is aligned, writable and in native byte order; the bytes are none of these.
    return np.ndarray(shape, dtype, content, start).astype(dtype.newbyteorder("="))


def _unpacked(path: Path) -> bytes:
    """Return the content of a file, unpacked if it is gzipped, whatever its name says."""
    content = path.read_bytes()
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: expected a whole gzip file, got a damaged one: {error}"
        ) from error
