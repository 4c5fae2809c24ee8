"""The vector registers of the processor that Numba compiles for."""

import os
import platform
import subprocess
import sys

import pytest

from nnscratch.kernels.machine.processor import ARM, AVX512, BYTES, REGISTERS, X86, vector_registers

AVX2 = {"sse2", "avx", "avx2", "fma"}


@pytest.mark.parametrize(
    ("machines", "features", "expected"),
    [
        (X86, AVX2 | AVX512 | {"avx512bf16"}, (64, 32)),
        (X86, AVX2 | {"avx512f"}, (32, 16)),  # not all of its parts
        (X86, AVX2, (32, 16)),
        (X86, {"avx2", "fma"}, (32, 16)),  # as a list by hand may be
        (X86, {"sse2"}, (16, 16)),
        (X86, set(), (16, 16)),
        (ARM, {"neon", "sve"}, (16, 32)),
        (ARM, set(), (16, 32)),
        (("riscv64",), AVX512 | AVX2, (16, 16)),
    ],
)
def test_registers(machines: tuple[str, ...], features: set[str], expected: object) -> None:
    for machine in machines:
        assert vector_registers(machine, features) == expected


SHOW = """
from numba import config
from nnscratch.kernels.machine.processor import BYTES, REGISTERS
print(BYTES, REGISTERS)
if not config.DISABLE_JIT:
    import numpy as np
    from nnscratch.kernels.machine.jit import kernel
    from nnscratch.kernels.machine.simd import load, store
    copy = kernel(lambda x, y: store(y, 0, load(x, 0)))
    copy(np.ones(16), np.ones(16))
    print("zmm" in "".join(copy.inspect_asm().values()))
"""


def shown(**variables: str) -> list[str]:
    command = [sys.executable, "-c", SHOW]
    env = {name: value for name, value in os.environ.items() if "NUMBA_CPU" not in name}
    done = subprocess.run(command, env=env | variables, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


on_x86 = pytest.mark.skipif(platform.machine() not in X86, reason="names processors of x86")


@on_x86
@pytest.mark.parametrize(
    ("name", "features", "registers"),
    [("haswell", "+avx2,+fma", "32 16"), ("x86-64", "", "16 16"), ("generic", None, "16 16")],
)
def test_numba_s_variables_choose_the_processor(
    name: str, features: str | None, registers: str
) -> None:
    listed = {} if features is None else {"NUMBA_CPU_FEATURES": features}
    width, *wide = shown(NUMBA_CPU_NAME=name, **listed)
    assert width == registers
    assert wide in ([], ["False"])


@on_x86
def test_a_name_alone_leaves_the_features_of_the_processor_at_hand() -> None:
    assert shown()[0] == shown(NUMBA_CPU_NAME="haswell")[0]


@pytest.mark.skipif("NUMBA_CPU_FEATURES" in os.environ, reason="another processor is chosen")
def test_without_them_it_is_the_processor_at_hand() -> None:
    assert f"{BYTES} {REGISTERS}" == shown()[0]
    assert shown()[1:] in ([], [str(BYTES == 64)])
