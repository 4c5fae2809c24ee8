"""How every kernel is compiled.

`fastmath` lets LLVM fuse multiply-adds, reorder sums into SIMD lanes, ignore the sign of zero and
multiply by a reciprocal. It never gets `nnan` or `ninf`: a NaN must stay visible.
"""

from collections.abc import Callable
from typing import Any, cast

from numba import njit

OPTIONS: Any = {
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile loops to machine code on first use, and keep the code on disk."""
    return cast(Callable[..., Any], njit(nogil=True, **OPTIONS)(function))


def brief_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel of some microseconds. It keeps the GIL: to get it back would take longer."""
    return cast(Callable[..., Any], njit(**OPTIONS)(function))
