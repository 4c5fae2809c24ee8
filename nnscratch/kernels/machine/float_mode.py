"""The bits of the processor that say what becomes of subnormal numbers.

They are in a register that each thread has for itself: MXCSR on x86, FPCR on 64-bit Arm.
"""

import platform
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types

from .intrinsics import intrinsic
from .jit import kernel
from .numba_internals import (
    READ_ARM_MODE,
    READ_MODE,
    WRITE_ARM_MODE,
    WRITE_MODE,
    call_llvm,
    place_on_stack,
)
from .processor import ARM, X86

FLUSH = {**dict.fromkeys(X86, 0x8040), **dict.fromkeys(ARM, 1 << 24)}.get(platform.machine(), 0)
"""The bits that are set where subnormal numbers count as zero: flush-to-zero (0x8000) for results
and denormals-are-zero (0x0040) for operands on x86; FZ, which is both, on Arm; none elsewhere."""

I32, I64 = ir.IntType(32), ir.IntType(64)


def emit_change_bits(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Read the register and write it back with other bits."""
    return change_bits_on(platform.machine(), builder, *args)


def change_bits_on(machine: str, builder: Any, clear: Any, put: Any) -> Any:
    """Write the instructions of this machine; one that is not known has no such register."""

    def changed(register: Any) -> Any:
        kept = builder.and_(register, builder.not_(builder.trunc(clear, register.type)))
        return builder.or_(kept, builder.trunc(put, register.type))

    if machine in X86:
        place = place_on_stack(builder, I32)
        address = builder.bitcast(place, ir.IntType(8).as_pointer())
        call_llvm(builder, READ_MODE, ir.VoidType(), [address])
        before = builder.load(place)
        builder.store(changed(before), place)
        call_llvm(builder, WRITE_MODE, ir.VoidType(), [address])
        return builder.zext(before, I64)
    if machine in ARM:
        before = call_llvm(builder, READ_ARM_MODE, I64)
        call_llvm(builder, WRITE_ARM_MODE, ir.VoidType(), [changed(before)])
        return before
    return I64(0)


@intrinsic(lambda clear, put: types.int64(types.int64, types.int64), emit_change_bits)
def _change_bits(clear: int, put: int) -> int:
    return 0


@kernel
def change_bits(clear: int, put: int) -> int:
    """Clear some bits of this thread's register, then set some; return what it was.

    Interpreted kernels have no register, and this one does nothing.
    """
    return _change_bits(clear, put)
