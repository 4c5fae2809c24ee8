"""Checkpoints that are damaged, of another kind, or written by somebody with other ideas."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors.numpy import save as foreign

from nnscratch.optimizers import SGD, Adam
from nnscratch.training import Trainer, checkpoint

from . import Case, Fault
from .arrays import Rng, samples
from .entrances import COLOUR, models, rng
from .files import damaged, of_file


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


def case(generator: Rng) -> Case:
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
        # Weights alone need no metadata of ours: PyTorch's files have none.
        ours = what.startswith(("format", "info", "metadata")) or "__metadata__" in what
        weights = ours and not resume
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
        "info": meta({"format": "nnscratch 3", "info": json.dumps(value)}),
        "no info": meta({"format": "nnscratch 3", "info": "["}),
        "deep info": meta({"format": "nnscratch 3", "info": "[" * 100_000}),
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
        *({"seed": 1}, {"batch_size": 2}, {"replicas": 1}, {"patience": 3}, {"micro_batch": 1}),
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
