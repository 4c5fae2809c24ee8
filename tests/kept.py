"""A kernel of its own in a folder of its own, to be damaged."""

import importlib.util
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np
from damage import Bomb, damaged
from numba import config

from nnscratch.kernels.machine import cache

SOURCE = """
from nnscratch.kernels.machine.jit import kernel

@kernel
def double(x, y):
    for n in range(x.size):
        y[n] = 2 * x[n]
"""


class Kept:
    """A kernel, and where its machine code is kept."""

    def __init__(self, home: Path) -> None:
        self.source, self.place = home / "doubling.py", home / "kept"
        self.source.write_text(SOURCE)

    def file(self) -> Path:
        """The one file that there is."""
        (path,) = self.place.rglob("*.nbc")
        return path

    def fresh(self) -> Any:
        """The kernel as a new process would see it."""
        spec = importlib.util.spec_from_file_location("doubling", self.source)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.double

    def hits(self, dtype: Any = np.float64) -> int:
        """Run it once; was it on disk?"""
        double, x, y = self.fresh(), np.arange(5, dtype=dtype), np.empty(5, dtype)
        double(x, y)
        np.testing.assert_array_equal(y, 2 * x)
        return sum(double.stats.cache_hits.values())


@contextmanager
def keeping(home: Path) -> Iterator[Kept]:
    """Have this process keep kernels in that folder, and warn as if it never had."""
    kept, before = Kept(home), (config.CACHE_DIR, cache._warned)
    config.CACHE_DIR, cache._warned = str(kept.place), False
    try:
        yield kept
    finally:
        config.CACHE_DIR, cache._warned = before


def fuzz_kept_kernels(kept: Kept, count: int, rng: np.random.Generator) -> None:
    """Damage the file of a kernel so many times: it is never taken, and nothing else happens.

    The first time is told by a RuntimeWarning.
    """
    assert kept.hits() == 0
    double, path, good = kept.fresh(), kept.file(), kept.file().read_bytes()
    signature, context = numba.typeof((np.ones(5), np.ones(5))).types, double.targetctx
    bomb = pickle.dumps(Bomb(kept.place / "exploded"))
    for _ in range(count):
        bad = damaged(good, rng) if rng.random() < 0.9 else good[:64] + bomb
        path.write_bytes(bad)
        assert double._cache.load_overload(signature, context) is None, bad
    assert not (kept.place / "exploded").exists()
    path.write_bytes(good)
    assert double._cache.load_overload(signature, context) is not None
