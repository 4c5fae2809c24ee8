"""How every kernel is compiled.

`fastmath` lets LLVM fuse multiply-adds, reorder sums into SIMD lanes, ignore the sign of zero and
multiply by a reciprocal. It never gets `nnan` or `ninf`: a NaN must stay visible.

A loop that adds up numbers stores none. Where a loop stores, the compiled code first looks how far
apart its arrays lie, and where they may overlap, or lie nearer than a vector is long, it takes the
numbers one by one. For a sum that is another order, and where arrays lie changes from run to run.
"""

from collections.abc import Callable
from typing import Any, cast

from numba import config, njit

from .cache import kept
from .numba_internals import INNER, LEAN

FASTMATH = {"contract", "reassoc", "nsz", "arcp"}


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Compile a function on first use."""
    options |= {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH, **LEAN}
    return njit(**options)(function)


def cached(dispatcher: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the machine code on disk, as that of `function`."""
    interpreted = config.DISABLE_JIT  # type: ignore[attr-defined]
    return cast(Callable[..., Any], dispatcher if interpreted else kept(dispatcher, function))


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile loops to machine code on first use, and keep the code on disk."""
    return cached(compiled(function), function)


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a part of a kernel, which is compiled into it as if it were written there."""
    return cast(Callable[..., Any], compiled(function, forceinline=True, **INNER))
