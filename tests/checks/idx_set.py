"""Folders of IDX files."""

import gzip
from importlib import import_module
from pathlib import Path

import numpy as np

from checks.idx import idx_bytes

FILES = import_module("nnscratch.data.mnist").FILES


Arrays = tuple[np.ndarray, ...]


def arrays(
    sizes: tuple[int, int] = (30, 20),
    shape: tuple[int, ...] = (6, 5),
    classes: int = 10,
    first: int = 0,
    seed: int = 0,
) -> Arrays:
    """Images and labels to learn from, and others; every class is there."""
    rng = np.random.default_rng(seed)
    made = []
    for N in sizes:
        made.append(rng.integers(2, 256, (N, *shape), np.uint8))
        made.append(rng.permutation(np.arange(N) % classes + first).astype(np.uint8))
    return tuple(made)


def save(folder: Path, made: Arrays, names: tuple[str, ...] = FILES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, a in zip(names, made, strict=True):
        content = idx_bytes(a)
        (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return folder
