"""The vector registers for which kernels are written: how wide they are, and how many there are.

Both follow the processor that Numba compiles for. That is the one at hand, unless Numba's own
variables name another, of which this one must have all instructions:

    NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+avx2,+fma python …

runs a process as on a machine with AVX2, in files of its own in the kernel cache. The name alone
does not do: Numba adds to it the features of the processor at hand.
"""

import platform
from collections.abc import Set

from .numba_internals import processor_features

X86, ARM = ("x86_64", "AMD64"), ("aarch64", "arm64", "ARM64")
"""What `platform.machine()` says on Linux, macOS and Windows."""

AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
"""The parts of AVX-512 that every processor with registers of 64 bytes for arithmetic has."""


def vector_registers(machine: str, features: Set[str]) -> tuple[int, int]:
    """Return the bytes of a vector register and the number of such registers.

    machine   the architecture, as `platform.machine()` names it
    features  what LLVM says that the processor has

    On 64-bit Arm it is the 16 bytes of Neon, which every such processor has: with vectors of 32,
    each of which would take two registers, a remainder of samples is longer, and there is nothing
    to gain, since a kernel can hold two vectors of 16 as well as one of 32. Of a machine that is
    not known we take the least that any with vectors has; LLVM makes the best of it.
    """
    if machine in ARM:
        return 16, 32
    if machine in X86 and features >= AVX512:
        return 64, 32
    if machine in X86 and features & {"avx", "avx2"}:  # "+avx2" implies the other unsaid
        return 32, 16
    return 16, 16


BYTES, REGISTERS = vector_registers(platform.machine(), processor_features())
"""The size of a vector, and how many of them a kernel may plan to hold in registers."""
