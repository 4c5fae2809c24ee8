"""How every kernel is compiled.

`fastmath` lets LLVM fuse multiply-adds, reorder sums into SIMD lanes, ignore the sign of zero and
multiply by a reciprocal. It never gets `nnan` or `ninf`: a NaN must stay visible.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile loops to machine code on first use, and keep the code on disk."""
    flags = {"contract", "reassoc", "nsz", "arcp"}
    return cast(F, njit(nogil=True, cache=True, error_model="numpy", fastmath=flags)(function))
