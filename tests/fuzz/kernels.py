"""Files of compiled kernels that are damaged: none is ever taken."""

import atexit
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numba
import numpy as np

from nnscratch.kernels.machine import cache as kernel_cache

from . import Case, Fault
from .arrays import Rng
from .files import damaged

FOLDER = TemporaryDirectory()
atexit.register(FOLDER.cleanup)


@cache
def kept() -> tuple[Any, Path, bytes]:
    """Return a kernel, the file that holds it, and what is in there."""
    sys.path.append(str(Path(__file__).parents[1]))  # as pytest does
    from kept import keeping

    with keeping(Path(FOLDER.name)) as kernel:
        kernel.hits()
        double, path = kernel.fresh(), kernel.file()
        if loaded(double) is None:
            raise Fault("a kernel that was kept is not found")
    return double, path, path.read_bytes()


def loaded(double: Any) -> Any:
    """Return the kernel as it is on disk; that it is damaged has been told before."""
    signature = numba.typeof((np.ones(5), np.ones(5))).types
    before, kernel_cache._warned = kernel_cache._warned, True
    try:
        return double._cache.load_overload(signature, double.targetctx)
    finally:
        kernel_cache._warned = before


def case(generator: Rng) -> Case:
    """Return a call that looks for a kernel in some file."""
    double, path, good = kept()
    what, bad = damaged(good, generator) if generator.random() < 0.9 else ("as it was", good)

    def call() -> bool:
        path.write_bytes(bad)
        found = loaded(double) is not None
        if found != (bad == good):
            raise Fault("a damaged kernel was taken" if found else "a kernel was not taken")
        return True

    return Case(f"kernel: {what}", call, True)
