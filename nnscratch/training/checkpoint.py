"""Weights and state on disk: one safetensors file, arrays by name and JSON in its header.

No pickle: reading a file runs no code. Parameter arrays have PyTorch's names and shapes, so the
entries of a dense encoder go into a torch.nn.Sequential as they are.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..core import Array, HasParameters
from ..files import expanded, write_whole
from ..layers.contract import buffers

FORMAT = "nnscratch 3"
SECOND = "nnscratch 2"
"""The format before, in which a ReLU could be a part of a convolution or of a pool."""
FIRST = "nnscratch 1"
"""The format before that: plain names held the last weights and `training.best.` the best."""

SHOWN = 4
"""How many differences between a file and a model are named."""


def write(path: str | Path, arrays: Mapping[str, Array], info: Mapping[str, Any]) -> None:
    """Write arrays and a description of what JSON knows and NumPy's numbers, all or nothing.

    Raises
        OSError naming the file if it cannot be written; what was there before is still there.
    """
    contiguous = {name: np.asarray(a, order="C") for name, a in arrays.items()}
    header = {"format": FORMAT, "info": json.dumps(info, default=plain)}
    data = save(contiguous, header | {"crc32": checksum(contiguous, header["info"])})
    write_whole(path, with_sorted_header(data), "checkpoint")


def with_sorted_header(data: bytes) -> bytes:
    """Return a safetensors file with its names in order: the package's order is never the same."""
    size = int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8 : 8 + size]), sort_keys=True, separators=(",", ":"))
    header += " " * (-len(header) % 8)  # the format has the arrays begin at a multiple of 8
    return len(header).to_bytes(8, "little") + header.encode("ascii") + data[8 + size :]


def checksum(arrays: Mapping[str, Array], info: str) -> str:
    """Return the CRC-32 of all that is stored: the format notices a missing byte, but no wrong one.

    Names, shapes and dtypes are part of it.
    """
    crc = zlib.crc32(info.encode())
    for name, a in sorted(arrays.items()):
        crc = zlib.crc32(a.data, zlib.crc32(f"{name} {a.shape} {a.dtype}".encode(), crc))
    return f"{crc:08x}"


def plain(number: object) -> Any:
    """Return Python's own number for one of NumPy's, of which JSON does not know."""
    if isinstance(number, np.generic):
        return number.item()
    raise TypeError(f"{number!r} is not JSON serializable")


def read(
    path: str | Path, model: HasParameters | None = None
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the description that `write` stored, by the names that `model` has.

    Raises
        FileNotFoundError if there is no such file.
        ValueError if it is no checkpoint of ours, damaged or truncated.
    """
    arrays, header = unpack(path)
    if not is_ours(header):
        raise ValueError(
            f"{path}: expected a checkpoint of nnscratch, got a safetensors file without its "
            "header; load_model takes such a file for a model's weights"
        )
    return described(path, arrays, header, model)


def described(
    path: str | Path,
    arrays: dict[str, Array],
    header: Mapping[str, str],
    model: HasParameters | None,
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the description of an unpacked file of ours, once both are verified."""
    found = header.get("format")
    if found not in (FORMAT, SECOND, FIRST):
        newer = found in {f"nnscratch {number}" for number in range(4, 100)}
        why = "; a newer version of nnscratch wrote it" if newer else ""
        raise ValueError(f"{path}: expected format {FORMAT!r}, got {found!r}{why}")
    try:
        info = json.loads(header["info"])
        if header.keys() > {"format", "info"}:  # earlier versions wrote no more
            crc = checksum(arrays, header["info"])
            if header["crc32"] != crc:
                raise ValueError(f"expected checksum {header['crc32']}, got {crc}")
        if not isinstance(info, dict):
            raise ValueError(f"expected a description by name, got {info!r}")
        if found != FORMAT and "architecture" in info:
            raise ValueError(f"expected an architecture in format {FORMAT!r}, got {found!r}")
    except (KeyError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a checkpoint of nnscratch, or damaged: {error}") from None
    if found == FIRST:
        arrays = as_second(arrays)
    if found != FORMAT and model is not None:
        arrays = as_third(arrays, model)
    return arrays, info


def as_second(arrays: dict[str, Array]) -> dict[str, Array]:
    """Return the arrays of a file of the first format by the names they have in the second."""
    best = "training.best."
    if not any(name.startswith(best) for name in arrays):
        return arrays
    new = {name: f"training.last.{name}" for name in arrays if not name.startswith("training.")}
    return {new.get(name, name.removeprefix(best)): a for name, a in arrays.items()}


def as_third(arrays: dict[str, Array], model: HasParameters) -> dict[str, Array]:
    """Return the arrays of a file of the second format by the names they have in this model.

    A ReLU that was an option of a convolution or a pool is a layer of its own now, and all layers
    behind it have a higher number: encoder.2.weight may have become encoder.3.weight. If a file has
    the model's arrays but for the numbers, in the same order, each gets the name that the model has
    for it. If not, all names stay as they are, and `check` says what does not fit.
    """
    own = arrays_of(model)
    theirs = sorted((name for name in arrays if not name.startswith("training.")), key=in_order)
    ours = sorted(own, key=in_order)

    def kinds(names: list[str], arrays: Mapping[str, Array]) -> list[Any]:
        words = ([w for w in name.split(".") if not w.isdecimal()] for name in names)
        return [(*w, arrays[name].shape) for w, name in zip(words, names, strict=True)]

    if kinds(theirs, arrays) != kinds(ours, own):
        return arrays
    new = dict(zip(theirs, ours, strict=True))
    new |= {f"training.last.{before}": f"training.last.{now}" for before, now in new.items()}
    return {new.get(name, name): a for name, a in arrays.items()}


def in_order(name: str) -> list[tuple[bool, int, str]]:
    """Return a key that sorts names as the layers stand in a model: 10 comes after 9."""
    words = name.split(".")
    return [(w.isdecimal(), len(w) if w.isdecimal() else 0, w) for w in words]


def unpack(path: str | Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays and the header of a safetensors file, whoever wrote it.

    Raises
        FileNotFoundError if there is no such file.
        ValueError if it is no safetensors file, is damaged, or has numbers that NumPy has not.
    """
    data = expanded(path).read_bytes()
    try:
        size = int.from_bytes(data[:8], "little")
        arrays = load(data)
        header = json.loads(data[8 : 8 + size])
    except (SafetensorError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a checkpoint of nnscratch, or damaged: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:  # of the package's table of dtypes
        raise ValueError(f"{path}: numbers of a type that NumPy has not: {error}") from None
    return arrays, header.get("__metadata__") or {}


def is_ours(header: Mapping[str, str]) -> bool:
    """Is this the header of a file that `write` wrote, of this version or another?"""
    ours = header.get("format", "").startswith("nnscratch")
    return ours or not header.keys().isdisjoint({"info", "crc32"})


def arrays_of(model: HasParameters) -> dict[str, Array]:
    """Return what a trained model consists of: its parameters' values and its buffers, by name."""
    return {name: p.value for name, p in model.parameters().items()} | buffers(model)


def check(path: str | Path, model: HasParameters, arrays: Mapping[str, Array]) -> None:
    """Raise ValueError unless these are what the model consists of.

    It names the first arrays that are missing, left over, or of another shape or dtype.
    """
    own, wrong = arrays_of(model), []
    for name in sorted(own.keys() | arrays.keys()):
        if name not in arrays:
            wrong.append(f"it has no {name}")
        elif name not in own:
            wrong.append(f"it has a {name} too many")
        elif (own[name].shape, own[name].dtype) != (arrays[name].shape, arrays[name].dtype):
            want, got = own[name], arrays[name]
            wrong.append(f"expected {name} {want.shape} {want.dtype}, got {got.shape} {got.dtype}")
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ValueError(f"{path}: a checkpoint of another model: {'; '.join(wrong[:SHOWN])}{more}")


def widened(model: HasParameters, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays, those of float16 in the model's float32 or float64, which loses nothing.

    It is `save(…, half=True)` that writes float16.
    """
    floats = {n: a.dtype for n, a in arrays_of(model).items() if a.dtype.kind == "f"}
    return {
        n: a.astype(floats[n]) if a.dtype == np.float16 and n in floats else a
        for n, a in arrays.items()
    }


def restore(path: str | Path, model: HasParameters, arrays: Mapping[str, Array]) -> None:
    """Copy stored arrays into a model, or change nothing and raise ValueError as `check`."""
    check(path, model, arrays)
    for name, array in arrays_of(model).items():
        array[...] = arrays[name]


def save_model(path: str | Path, model: HasParameters) -> None:
    """Write a model's weights."""
    write(path, arrays_of(model), {})


def load_model(path: str | Path, model: HasParameters) -> None:
    """Read weights into a model of the same architecture; a training checkpoint will do as well.

    So will a safetensors file without our header, as PyTorch's users write them, if its names and
    shapes are the model's. Its floats may be of fewer bits, which loses nothing, and the number of
    batches that PyTorch's BatchNorm has seen is passed over.

    Raises
        FileNotFoundError, or ValueError if the file is damaged or holds another model.
    """
    arrays, header = unpack(path)
    if is_ours(header):
        arrays, _ = described(path, arrays, header, model)
        own = {k: a for k, a in arrays.items() if not k.startswith("training.")}
        return restore(path, model, widened(model, own))
    own = arrays_of(model)
    for name, a in list(arrays.items()):
        if name not in own and name.rpartition(".")[2] == "num_batches_tracked":
            del arrays[name]
        elif name in own and a.dtype.kind == "f" and np.can_cast(a.dtype, own[name].dtype):
            arrays[name] = a.astype(own[name].dtype)
    restore(f"{path}, without the header of nnscratch", model, arrays)
