"""What is read off the processor, and what OpenBLAS is told: in a process that has no NumPy yet."""

import subprocess
import sys
from pathlib import Path

import pytest

from nnscratch.kernels.simd import BYTES
from nnscratch.processor import AVX512, has_avx512

AVX2 = "fpu sse sse2 avx avx2 fma"


@pytest.mark.parametrize(
    ("flags", "wide"),
    [(AVX2, False), (f"{AVX2} avx512f", False), (f"{AVX2} {' '.join(sorted(AVX512))}", True)],
)
def test_avx512_is_all_of_its_parts(tmp_path: Path, flags: str, wide: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: none\nflags\t\t: {flags}\nbugs\t:\n")
    assert has_avx512(cpuinfo) is wide


def test_no_cpuinfo_is_no_avx512(tmp_path: Path) -> None:
    assert not has_avx512(tmp_path / "none")
    (tmp_path / "other").write_text("processor : 0\n")
    assert not has_avx512(tmp_path / "other")


def test_a_vector_is_as_wide_as_the_registers() -> None:
    expected = 64 if has_avx512() else 32
    assert expected == BYTES


def told(first: str, env: dict[str, str]) -> str:
    """Return what OPENBLAS_CORETYPE is in a fresh process after `first` and nnscratch."""
    code = f"{first}\nimport nnscratch, os\nprint(os.environ.get('OPENBLAS_CORETYPE', ''))"
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_openblas_is_told_only_in_time_and_never_twice() -> None:
    env = {"PYTHONPATH": str(Path(__file__).parents[1])}
    assert told("", env) == ("SkylakeX" if has_avx512() else "")
    assert told("import numpy", env) == ""
    assert told("", env | {"OPENBLAS_CORETYPE": "Haswell"}) == "Haswell"
