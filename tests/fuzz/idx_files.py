"""IDX files that are damaged, or promise what they have not."""

import gzip
import struct
from functools import cache
from math import prod

import numpy as np

from nnscratch.data import read_idx

from . import Case
from .arrays import Rng
from .files import damaged, of_file

CODES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def parsed(content: bytes) -> np.ndarray | None:
    """Return the array of an IDX file, or None if it is none: the format, read once more."""
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except Exception:
            return None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in CODES:
        return None
    K, dtype = content[3], np.dtype(CODES[content[2]])
    if not 1 <= K <= 64 or len(content) < 4 + 4 * K:
        return None
    shape = struct.unpack(f">{K}I", content[4 : 4 + 4 * K])
    if 0 in shape or len(content) != 4 + 4 * K + prod(shape) * dtype.itemsize:
        return None
    return np.frombuffer(content, dtype, offset=4 + 4 * K).reshape(shape)


def case(generator: Rng) -> Case:
    """Return a call of read_idx with some file."""
    code = list(CODES)[generator.integers(6)]
    shape = tuple(int(n) for n in generator.integers(1, 5, generator.integers(1, 4)))
    numbers = generator.integers(0, 100, shape).astype(CODES[code])
    content = bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    content += numbers.tobytes()
    what, u = "as it should be", generator.random()
    if u < 0.1:
        return bomb(generator, content)
    if u < 0.15:
        return Case("idx: a folder", of_file(read_idx, None), False)
    if u < 0.5:
        what, content = damaged(content, generator)
    if generator.random() < 0.5:
        what, content = f"{what}, packed", gzip.compress(content, mtime=0)
        if generator.random() < 0.5:
            again, content = damaged(content, generator)
            what = f"{what}, {again}"
    known = parsed(content)
    if known is not None and known.dtype.kind == "f" and not np.isfinite(known).all():
        known = np.zeros(1)  # a reader may pass on what is there
        return Case(f"idx: {what}, not finite", lambda: True, None)
    expected = None if known is None else lambda: known
    return Case(f"idx: {what}", of_file(read_idx, content), known is not None, expected)


@cache
def gigabytes() -> bytes:
    """Return a small file that unpacks to 4 GiB of zeros."""
    return gzip.compress(bytes(2**25), 1) * 128


def bomb(generator: Rng, content: bytes) -> Case:
    """Return a file that promises gigabytes that it has not, or has gigabytes that it hides."""
    header = b"\0\0\x08\x03" + struct.pack(">3I", *generator.integers(2**10, 2**32, 3))
    files = {
        "hidden gigabytes": gzip.compress(content) + gigabytes(),
        "promised and packed": gzip.compress(header + bytes(99)),
        "promised": header + bytes(99),
    }
    what = list(files)[generator.integers(len(files))]
    return Case(f"idx: {what}", of_file(read_idx, files[what]), False)
