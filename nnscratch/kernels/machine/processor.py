"""What the processor can do."""

from functools import cache
from pathlib import Path

AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
"""The parts of AVX-512 that every processor with registers of 64 bytes for arithmetic has."""


@cache
def has_avx512(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Are there registers of 64 bytes? Only Linux is asked; elsewhere the answer is no."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.split()) >= AVX512


BYTES = 64 if has_avx512() else 32
"""The size of a vector. It is right on every machine, and best where registers are as wide: LLVM
splits a vector that is wider (AVX2 has 32 bytes, SSE and Arm's Neon have 16)."""
