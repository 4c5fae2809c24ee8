"""What is read off the processor."""

from pathlib import Path

import pytest

from nnscratch.kernels.machine.processor import AVX512, BYTES, has_avx512

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
