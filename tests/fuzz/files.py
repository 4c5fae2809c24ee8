"""Files that are damaged, of another kind, or written by somebody with other ideas."""

import gzip
import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import cache, partial
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors.numpy import save as foreign

from nnscratch import checkpoint
from nnscratch.data import read_idx
from nnscratch.optimizers import SGD, Adam
from nnscratch.training import Trainer

from . import Case, Fault
from .arrays import Rng, samples
from .entrances import COLOUR, models, rng

ROOM = 2**30
"""Bytes that reading a small file may take."""

CODES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


@contextmanager
def little_memory() -> Iterator[None]:
    """Turn a file that takes more memory than ROOM into a fault, where Linux tells how much."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    now = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, before[1]))
    try:
        yield
    except MemoryError as error:
        raise Fault(f"more than {ROOM} bytes for a small file: {error}") from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def of_file(read: Callable[[Path], Any], content: bytes | None) -> Callable[[], Any]:
    """Return a call that reads a file with this content; None: a folder stands in its place."""

    def call() -> Any:
        with TemporaryDirectory() as folder, little_memory():
            path = Path(folder, "file")
            path.mkdir() if content is None else path.write_bytes(content)
            return read(path)

    return call


def damaged(content: bytes, generator: Rng) -> tuple[str, bytes]:
    """Return the content with some of it changed, missing or added."""
    a = bytearray(content)
    at, length = (int(generator.integers(len(a))) for _ in range(2))
    how = ("a bit", "a byte", "cut", "a hole", "zeros", "more", "inserted", "swapped")
    what = how[generator.integers(len(how))]
    if what == "a bit":
        a[at] ^= 1 << int(generator.integers(8))
    elif what == "a byte":
        a[at] = int(generator.integers(256))
    elif what == "cut":
        del a[at:]
    elif what == "a hole":
        del a[at : at + length]
    elif what == "zeros":
        a[at : at + length] = bytes(len(a[at : at + length]))
    elif what == "more":
        a += generator.bytes(1 + length % 9)
    elif what == "inserted":
        a[at:at] = generator.bytes(1 + length % 9)
    else:
        a[at], a[length] = a[length], a[at]
    return f"{what} at {at}", bytes(a)


# ------------------------------------------------------------------------------ IDX


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


def idx(generator: Rng) -> Case:
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


# ------------------------------------------------------------------------------ checkpoints


def trainer(**changed: Any) -> Trainer:
    """Return a trainer of the model whose checkpoints are read here."""
    settings = {"seed": 0, "batch_size": 3, "threads": 1} | changed
    optimizer = settings.pop("optimizer", None) or Adam(1e-3)
    name = settings.pop("model", "vae")
    return Trainer(deepcopy(models()[name]), optimizer, **settings)


@cache
def written() -> dict[str, bytes]:
    """Return the content of a run's checkpoint, of one with patience, and of weights alone."""
    x = samples(rng(), 6, COLOUR).astype(np.float32)
    files = {}
    with TemporaryDirectory() as folder:
        path = Path(folder, "file")
        for name, patience in {"run": None, "patience": 2}.items():
            trainer(patience=patience).fit(x, validation=x, epochs=2, checkpoint=path)
            files[name] = path.read_bytes()
        checkpoint.save_model(path, trainer().model)
        files["weights"] = path.read_bytes()
    return files


def loaded(path: Path) -> Any:
    """Load weights into a model; return them, or leave the model as it was."""
    model = trainer().model
    with unchanged(model):
        checkpoint.load_model(path, model)
    return [p.value for p in model.parameters().values()]


def resumed(path: Path, **settings: Any) -> Any:
    """Resume a run and go on for an epoch; return the weights before that."""
    run = trainer(**settings)
    with unchanged(run.model):
        run.resume(path)
    weights = [p.value.copy() for p in run.model.parameters().values()]
    x = samples(rng(), 6, COLOUR).astype(np.float32)
    with suppress(ValueError):  # an epoch of another set may be under way
        run.fit(x, validation=x, epochs=run.epoch + 1)
    return weights


@contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Make it a fault that a file was refused when some of it had been taken over."""
    before = [p.value.copy() for p in model.parameters().values()]
    try:
        yield
    except Exception:
        after = [p.value for p in model.parameters().values()]
        if not all(map(np.array_equal, before, after)):
            raise Fault("refused, but the model has changed") from None
        raise


def state(generator: Rng) -> Case:
    """Return a call that reads some checkpoint."""
    kind = ("run", "patience", "weights")[generator.integers(3)]
    content, u = written()[kind], generator.random()
    resume = kind != "weights" and generator.random() < 0.5
    patience = 2 if kind == "patience" else None
    read = partial(resumed, patience=patience) if resume else loaded
    name = f"{'resume' if resume else 'load_model'} {kind}"
    if u < 0.05:
        return Case(f"{name}: as it was", of_file(read, content), True)
    if u < 0.5:
        what, changed = damaged(content, generator)
        expected = of_file(read, content)
        must = None if changed != content else True
        return Case(f"{name}: {what}", of_file(read, changed), must, expected, 1e-6)
    if u < 0.7:
        what, changed = other_header(content, generator)
        weights = not resume and what.startswith(("format", "info", "metadata"))
        return Case(f"{name}: {what}", of_file(read, changed), None if weights else False)
    if u < 0.8:
        what, changed = other_settings(generator)
        content = written()["run"]
        return Case(f"resume: {what}", of_file(lambda p: resumed(p, **changed), content), False)
    what, changed = other_info(written()["run"], generator)
    return Case(f"resume: {what}", of_file(resumed, changed), None)


def cut(content: bytes) -> tuple[bytes, bytes]:
    """Return the header and the numbers of a safetensors file."""
    size = struct.unpack("<Q", content[:8])[0]
    return content[8 : 8 + size], content[8 + size :]


def joined(header: bytes, numbers: bytes) -> bytes:
    """Return a safetensors file."""
    return struct.pack("<Q", len(header)) + header + numbers


VALUES = [None, True, -1, 0, 1.5, 2**70, "x", [], [1], {}, {"a": 1}, [[[]]], "\ud800", "NaN"]


def other_header(content: bytes, generator: Rng) -> tuple[str, bytes]:
    """Return a file whose header is JSON of another kind, or of none."""
    header, numbers = cut(content)
    entries = json.loads(header)
    value = VALUES[generator.integers(len(VALUES))]
    name = list(entries)[generator.integers(len(entries))]
    number = {"a": np.ones((2, 3), ("f2", "f4", "i8", "?")[generator.integers(4)])}

    def meta(words: Any) -> bytes:
        return json.dumps(entries | {"__metadata__": words}).encode()

    headers = {
        "another header": json.dumps(value).encode(),
        "an entry": json.dumps(entries | {name: value}).encode(),
        "metadata": meta(value),
        "format": meta({"format": value}),
        "deep": b"[" * 100_000,
        "info": meta({"format": "nnscratch 2", "info": json.dumps(value)}),
        "no info": meta({"format": "nnscratch 2", "info": "["}),
        "deep info": meta({"format": "nnscratch 2", "info": "[" * 100_000}),
    }
    others = {"another library's": foreign(number), "pickle": b"\x80\x04K\x01.", "zip": b"PK\3\4"}
    others |= {"empty": b"", "size": struct.pack("<Q", 2**62) + header}
    kinds = [*headers, *others]
    what = kinds[generator.integers(len(kinds))]
    if what in others:
        return what, others[what]
    return f"{what}, {name}: {value!r}", joined(headers[what], numbers)


def other_settings(generator: Rng) -> tuple[str, dict[str, Any]]:
    """Return settings under which the run cannot be gone on with."""
    settings: list[dict[str, Any]] = [
        *({"seed": 1}, {"batch_size": 2}, {"lanes": 1}, {"patience": 3}, {"micro_batch": 1}),
        *({"anneal": {"beta": 0.5}}, {"optimizer": Adam(1e-2)}, {"optimizer": SGD(1e-3)}),
        *({"optimizer": Adam(1e-3, clip_norm=1.0)}, {"model": "vae of vectors"}),
    ]
    changed = settings[generator.integers(len(settings))]
    return f"with {changed}", changed


def other_info(content: bytes, generator: Rng) -> tuple[str, bytes]:
    """Return a run's checkpoint, whole by its checksum, that says something else of the run."""
    header, numbers = cut(content)
    entries = json.loads(header)
    arrays = {
        k: np.frombuffer(numbers[slice(*v["data_offsets"])], "f4").reshape(v["shape"])
        for k, v in entries.items()
        if k != "__metadata__"
    }
    info = json.loads(entries["__metadata__"]["info"])
    at: Any = info
    key = list(at)[generator.integers(len(at))]
    path = [key]
    while isinstance(at[key], dict | list) and at[key] and generator.random() < 0.7:
        at = at[key]
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = keys[generator.integers(len(keys))]
        path.append(key)
    value = VALUES[generator.integers(len(VALUES))]
    if generator.random() < 0.3:
        del at[key]
        what = f"without {path}"
    else:
        at[key] = value
        what = f"{path} is {value!r}"
    with TemporaryDirectory() as folder:
        place = Path(folder, "file")
        checkpoint.write(place, arrays, info)
        return what, place.read_bytes()
