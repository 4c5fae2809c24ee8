"""A model in one file, with its architecture: who has the file needs no code that builds it.

    nn.save("vae.safetensors", vae)
    vae = nn.load("vae.safetensors")

The file is a checkpoint (checkpoint.py) whose description has an "architecture"
(models/architecture.py), and so has that of a run, which a Trainer writes. Beside it may stand
notes, which say what the model itself does not know, such as how its data were read.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..checks.arguments import flag
from ..core import Array, HasParameters
from ..layers.initializers import blank
from ..models.architecture import describe
from ..models.rebuilt import rebuild
from . import checkpoint as disk

ROOM = 2**20
"""How many numbers more than its weights a model may be made with, before it is compared to them:
enough to say what differs, and little memory."""


def save(
    path: str | Path,
    model: HasParameters,
    *,
    notes: Mapping[str, Any] | None = None,
    half: bool = False,
) -> None:
    """Write a model, or a layer: its architecture, parameters and buffers, whole or not at all.

    notes  whatever else the file is to say, of which JSON knows; `read_notes` returns it
    half   keep weights as float16, in half the bytes of float32: eleven bits of each number remain.
           `load` returns a model of the dtype it had

    Raises
        ValueError if `load` could not make it again, as a part was made with a function, say, or
        if a weight is NaN or infinite, or with `half` beyond 65,504.
        OSError if the file cannot be written; what was there before is still there.
    """
    who = f"save {type(model).__name__}"
    flag(who, "half", half)
    arrays = disk.arrays_of(model)
    _check_finite(who, arrays)
    try:
        words, own = describe(model)
        disk.check(who, _built(words, own, arrays), arrays)
    except ValueError as error:
        raise ValueError(f"{who}: {error}; save_model writes weights alone") from None
    if half:
        with np.errstate(over="ignore"):  # which becomes infinite, and is named
            floats = {n: a.astype(np.float16) for n, a in arrays.items() if a.dtype.kind == "f"}
        _check_finite(f"{who} as float16", floats)
        arrays |= floats
    disk.write(path, arrays, {"architecture": words} | ({"notes": dict(notes)} if notes else {}))


def load(path: str | Path, layers: Collection[Any] = ()) -> Any:
    """Return the model that `save` wrote, or the one of a Trainer's checkpoint.

    It computes what the saved one does, to the bit unless that was saved with `half`. Nothing in
    the file is executed: its architecture may name classes and functions of the library, and those
    that are passed in.

    layers  classes and functions of one's own that the model is made of

    Raises
        FileNotFoundError, or another OSError if the file cannot be read.
        ValueError saying what is wrong with the file, or which class is not known.
    """
    arrays, info = disk.read(path)
    words = info.get("architecture")
    if words is None:
        raise ValueError(
            f"{path}: a file of weights, without an architecture; load_model reads it into a model "
            "of the same shapes"
        )
    weights = {name: a for name, a in arrays.items() if not name.startswith("training.")}
    _check_finite(str(path), weights)
    try:
        model = _built(words, layers, weights)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    disk.restore(path, model, disk.widened(model, weights))
    return model


def read_notes(path: str | Path) -> dict[str, Any]:
    """Return the notes in a file of `save` or of a Trainer, {} if it has none.

    Raises
        OSError, ValueError as `load`.
    """
    notes = disk.read(path)[1].get("notes", {})
    if not isinstance(notes, dict):
        raise ValueError(f"{path}: expected notes by name, got {notes!r:.80}")
    return notes


def _built(words: Any, own: Collection[Any], arrays: dict[str, Array]) -> Any:
    """Return the model of a description; ValueError if it is far larger than its weights."""
    with blank(sum(a.size for a in arrays.values()) + ROOM):
        return rebuild(words, own)


def _check_finite(who: str, arrays: dict[str, Array]) -> None:
    for name, a in arrays.items():
        if not np.isfinite(a).all():
            raise ValueError(f"{who}: expected finite weights, got NaN or infinity in {name}")
