"""Fingerprints: are all ranks about to compute the same, in the same way?

Bits depend on more than the program: on the data that each machine has on its disk, on versions,
and on the processor, for which kernels are written (kernels/machine/processor.py). A rank that
differs would not fail. It would spoil the others' gradients, so it is found before the first step.
"""

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Array
from .ranks import Ranks
from .streams import NOISE

if TYPE_CHECKING:
    from .trainer import Trainer

ROWS = 512
"""Samples that are read at a time."""

PACKAGES = ("nnscratch", "numpy", "numba", "llvmlite")


def check_equal_ranks(trainer: "Trainer[Any]", data: Any, validation: Any) -> None:
    """Raise ValueError on every rank, naming those that differ from rank 0, and in what.

    Raises
        ValueError also if the weights, the data or anything else cannot be read on a rank.
    """
    ranks: Ranks = trainer.replicas.ranks
    if ranks.size == 1:
        return
    trainer.replicas.assemble_moments()
    found = ranks.together(lambda: fingerprint(trainer, data, validation))
    differing = []
    for rank, other in enumerate(found):
        names = [name for name in found[0] if name != "host" and other[name] != found[0][name]]
        if names:
            differing.append(f"rank {rank} ({other['host']}) in {', '.join(names)}")
    if differing:
        raise ValueError(
            f"fit: expected ranks that compute the same as rank 0 ({found[0]['host']}), but there "
            f"differs {'; '.join(differing)}"
        )


def fingerprint(trainer: "Trainer[Any]", data: Any, validation: Any) -> dict[str, str]:
    """Return what a rank is about to compute with, each part as a hash or in words."""
    settings = json.dumps(trainer.settings(), sort_keys=True, default=repr)
    progress = [trainer.epoch, trainer.batch_index, trainer.sums, trainer.history]
    return {
        "host": platform.node(),
        "versions": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "processor": _processor(),
        "settings": settings,
        "progress": json.dumps(progress, default=repr),
        "weights": hashed(trainer.replicas.theta.value),
        "moments": hashed(*(a for o in trainer.optimizers().values() for a in o.state.values())),
        "data": hash_of_set(trainer.model, data),
        "validation data": "" if validation is None else hash_of_set(trainer.model, validation),
        "a gradient": hash_of_gradient(trainer, data),
    }


def hash_of_set(model: Any, data: Any) -> str:
    """Return a hash of all samples, as the model's `batch` returns them."""
    digest = hashlib.sha256(str(len(data)).encode())
    for rows in np.split(np.arange(len(data)), range(ROWS, len(data), ROWS)):
        digest.update(hashed(*model.batch(data, rows)).encode())
    return digest.hexdigest()


def hash_of_gradient(trainer: "Trainer[Any]", data: Any) -> str:
    """Return a hash of the gradient of the first micro-batch, which leaves no trace."""
    replicas = trainer.replicas
    rows = np.arange(min(trainer.micro_batch, len(data)))
    trainer.annealing.set(replicas.models, trainer.optimizer.steps)
    trainer.restart(0, NOISE, 0)
    rng = trainer.stream(NOISE, 0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        _, backward = trainer.model.loss(*trainer.model.batch(data, rows), rng=rng)
        backward(1.0)
    digest = hashed(replicas.grads[0])
    replicas.clear()
    return digest


def hashed(*arrays: Array) -> str:
    """Return a hash of arrays: of their numbers, shapes and dtypes."""
    digest = hashlib.sha256()
    for a in arrays:
        a = np.asarray(a)
        digest.update(f"{a.shape} {a.dtype}".encode())
        digest.update(np.ascontiguousarray(a).data)
    return digest.hexdigest()


def _processor() -> str:
    """Return for which vectors kernels are compiled; the plain path knows of none."""
    from ..kernels.paths import on_plain_path

    if on_plain_path():
        return f"{platform.machine()}, plain"
    from ..kernels.machine.processor import BYTES, REGISTERS

    return f"{platform.machine()}, {REGISTERS} vectors of {BYTES} bytes"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
