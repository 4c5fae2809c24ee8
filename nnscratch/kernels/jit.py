"""How every kernel is compiled.

`fastmath` lets LLVM fuse multiply-adds, reorder sums into SIMD lanes, ignore the sign of zero and
multiply by a reciprocal. It never gets `nnan` or `ninf`: a NaN must stay visible.
"""

from collections.abc import Callable
from typing import Any, cast

from numba import njit


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile loops to machine code on first use, and keep the code on disk."""
    flags = {"contract", "reassoc", "nsz", "arcp"}
    jit = njit(nogil=True, cache=True, error_model="numpy", fastmath=flags)
    return cast(Callable[..., Any], jit(function))
