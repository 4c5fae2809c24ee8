"""NPY and NPZ files: good ones of every dtype, damaged ones, and headers that promise too much."""

import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.data import Dataset, arrays

from . import Case, Fault
from .arrays import Rng
from .files import damaged, little_memory

BOMB = Path(gettempdir(), f"fuzz.{os.getpid()}.touched")
"""What a pickle in these files would create, if one were read."""


class Bomb:
    """Whoever unpickles it creates that file."""

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        """Return what would be called."""
        return Path.touch, (BOMB,)


GOOD = ("|u1", "<f4", ">f4", "<f8", ">f8", "<f2", "|b1")
ODD = ("<i4", "|i1", "<u2", "<c8", "<U3", "|S4", "<M8[s]", "<m8[D]", "|V5", "|O", "<f16")
SHAPES = ("()", "(3)", "(0,)", "(-1, 4)", "(True, 4)", "(10**9, 9)", "(2, 3)", "[2, 3]", "None", "")
SHAPES += (
    "(2**62, 2)",
    "(2**70,)",
    "(" * 300,
    "(1, " * 90,
    "4" * 5000,
    "(6, 4, 4, 1, 1)",
    "(6, 16)",
)
DESCRS = ("'|O'", "'|V999999999'", "[('a', '<f4')]", "'<f4'", "'x'", "3", "('<f4', (1, 2))", "None")
DESCRS += ("'<f4,<f4'", "{'names': ['a'], 'formats': ['<f4']}", "'|S2147483647'", "'\\d'", "1_0x")
TEXTS = (
    "",
    "{}",
    "{'a'}",
    "[" * 2000,
    "{'descr': '<f4'}",
    "__import__('os')",
    "\0",
    "1e999j",
    "{1:" * 80,
)


def npy(a: NDArray[Any]) -> bytes:
    """Return the file of an array; objects are pickled."""
    file = BytesIO()
    np.save(file, a, allow_pickle=True)
    return file.getvalue()


def npz(members: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    """Return a ZIP file."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def promised(content: bytes, generator: Rng) -> bytes:
    """Return an NPY file with another header before the same numbers."""
    pick = lambda among: among[generator.integers(len(among))]  # noqa: E731
    text = (
        pick(TEXTS)
        if generator.random() < 0.3
        else f"{{'descr': {pick(DESCRS)}, 'fortran_order': {pick(('True', 'False', '2', 'x'))}, "
        f"'shape': {pick(SHAPES)}, {pick(('', chr(39) + 'more' + chr(39) + ': 1'))}}}"
    )
    version = pick((b"\1\0", b"\2\0", b"\3\0", b"\4\0", b"\0\0"))
    size = "<H" if version == b"\1\0" else "<I"
    length = len(text) if generator.random() < 0.8 else pick((0, 1, 2**16 - 1, 2**16 - 9))
    numbers = content[-96:]
    return b"\x93NUMPY" + version + struct.pack(size, length) + text.encode() + b"\n" + numbers


def read(content: bytes) -> Callable[[], Any]:
    """Return a call that reads a file, and learns from nothing: its numbers are looked at."""

    def call() -> Any:
        with TemporaryDirectory() as folder, little_memory():
            path = Path(folder, "file")
            path.write_bytes(content)
            data: Dataset = arrays(path, unit=False)
            found = np.array(data.images), np.array(data.labels)
        if BOMB.exists():
            raise Fault("code was run")
        return found

    return call


def case(generator: Rng) -> Case:
    """Return a call of arrays with some file."""
    good = generator.random() < 0.8
    kinds = GOOD if good else ODD
    kind = kinds[generator.integers(len(kinds))]
    shape = tuple(int(n) for n in generator.integers(1, 6, generator.integers(2, 5)))
    if kind == "|O":
        a = np.full(shape, None)
        a.flat[0] = Bomb()
    elif kind in ("|u1", "|b1"):
        a = generator.integers(0, 2, shape).astype(kind)
    else:
        a = generator.integers(0, 99, shape).astype("<f8").astype("<i8").astype(kind)
    if generator.random() < 0.3:
        a = np.asfortranarray(a)
    zipped, u = generator.random() < 0.5, generator.random()
    content, what = npy(a), f"arrays: {'NPZ' if zipped else 'NPY'} {kind} {shape}"
    if 0.25 < u < 0.5:
        content, what = promised(content, generator), f"{what}, another header"
    elif u > 0.95:
        content, what = pickle.dumps(Bomb()), f"{what}, a pickle"
    if zipped:
        how = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        labels = npy(np.zeros(len(a), np.int64))
        content = npz({"images.npy": content, "labels.npy": labels}, how[generator.integers(4)])
    if u < 0.25:
        numbers = a.astype(np.float32 if kind in ("|b1", "<f2") else kind)
        plain = partial(lambda x: (x, np.zeros(len(x), np.intp)), numbers)
        images = a.ndim < 5 and (kind != "|u1" or a.max() > 1)
        return Case(what, read(content), (good and images) or None, plain if good else None)
    if 0.5 < u < 0.95:
        for _ in range(int(generator.integers(1, 4))):
            words, content = damaged(content, generator) if content else ("empty", b"")
            what = f"{what}, {words}"
    refused = kind == "|O" and u < 0.25
    return Case(what, read(content), False if refused or u > 0.95 else None)
