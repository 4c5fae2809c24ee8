"""How every kernel is compiled.

`fastmath` lets LLVM fuse multiply-adds, reorder sums into SIMD lanes, ignore the sign of zero and
multiply by a reciprocal. It never gets `nnan` or `ninf`: a NaN must stay visible.

A loop that adds up numbers stores none. Where a loop stores, the compiled code first looks how far
apart its arrays lie, and where they may overlap, or lie nearer than a vector is long, it takes the
numbers one by one. For a sum that is another order, and where arrays lie changes from run to run.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

from numba import config, njit

FASTMATH = {"contract", "reassoc", "nsz", "arcp"}


@cache
def sources() -> str:
    """Return a fingerprint of all that a kernel may be made of: this folder and processor.py."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), here.parent / "processor.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile loops to machine code on first use, and keep the code on disk.

    Numba takes code from the disk if the kernel's own file is as it was. But a kernel is made of
    words from other files too, and two kernels of one team must agree on where its counters are:
    with one of them from before an update they would wait for each other for ever. So what is kept
    is stamped with all sources, and with the flag for bounds checks.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "cache": True,
        "error_model": "numpy",
        "fastmath": FASTMATH,
    }
    jit: Any = njit(**options)(function)
    if not config.DISABLE_JIT:  # type: ignore[attr-defined]
        kept, checked = jit._cache._cache_file, bool(config.BOUNDSCHECK)  # type: ignore[attr-defined]
        kept._source_stamp = (kept._source_stamp, sources(), checked)
    return cast(Callable[..., Any], jit)


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a part of a kernel, which is compiled into it as if it were written there."""
    jit = njit(nogil=True, error_model="numpy", fastmath=FASTMATH, forceinline=True)
    return cast(Callable[..., Any], jit(function))
