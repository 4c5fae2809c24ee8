"""What the processor can do, asked before NumPy is there: how wide a vector is, and a word to BLAS.

OpenBLAS chooses its kernels once, when NumPy is imported, and by the processor's name. The one in
NumPy 2.4 takes those for AVX2 on names that it does not know yet, also where AVX-512 doubles them:
on such a processor of 2024 a matrix product ran at 124 GFLOP/s a core, at 235 with its kernels for
AVX-512 ("SkylakeX"). It can be told, by OPENBLAS_CORETYPE. Who imports NumPy before nnscratch keeps
OpenBLAS's choice; who has set the variable keeps theirs.
"""

import os
import sys
from functools import cache
from pathlib import Path

AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
"""What OpenBLAS's kernels for AVX-512 are compiled for."""


@cache
def has_avx512(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Are there registers of 64 bytes? Only Linux is asked; elsewhere the answer is no."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.split()) >= AVX512


def advise_blas() -> None:
    """Tell an OpenBLAS that is not loaded yet which kernels suit a processor with AVX-512."""
    if "numpy" not in sys.modules and has_avx512():
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
