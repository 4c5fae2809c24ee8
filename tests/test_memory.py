"""Freed memory is kept while somebody works, and goes back to the system after that."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nnscratch
from nnscratch.kernels.machine import memory
from nnscratch.kernels.machine.memory import KEEP, USUAL, set_by_user
from nnscratch.kernels.machine.threads import pool

GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What the C library is asked for."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(memory, "_mallopt", lambda: lambda *call: asked.append(call))
    for name in ("TRIM_THRESHOLD", "TOP_PAD", "MMAP_THRESHOLD"):
        monkeypatch.delenv(f"MALLOC_{name}_", raising=False)
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    return asked


def test_the_first_sets_and_the_last_puts_back(calls: list[tuple[int, int]]) -> None:
    first, second = pool(1), pool(2)
    first.__enter__()
    assert calls == list(KEEP.items())
    second.__enter__()
    first.__exit__(None, None, None)
    assert calls == list(KEEP.items())
    second.__exit__(None, None, None)
    assert calls == [*KEEP.items(), *USUAL.items()]
    assert KEEP.keys() == USUAL.keys()


def test_it_is_put_back_after_an_exception(calls: list[tuple[int, int]]) -> None:
    with pytest.raises(ZeroDivisionError), pool(1):
        raise ZeroDivisionError
    assert calls == [*KEEP.items(), *USUAL.items()]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALLOC_TRIM_THRESHOLD_", "131072"),
        ("MALLOC_TOP_PAD_", "0"),
        ("MALLOC_MMAP_THRESHOLD_", "131072"),
        ("GLIBC_TUNABLES", "glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=128"),
    ],
)
def test_what_the_user_has_set_is_left_alone(
    name: str, value: str, calls: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not set_by_user()
    monkeypatch.setenv(name, value)
    with pool(1):
        pass
    assert calls == []


SCRIPT = """
import numpy as np
from nnscratch.kernels.machine.threads import pool


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4 // 1024


def freed():
    arrays = [np.ones(1 << 17) for _ in range(300)]  # 300 MB
    most = resident()
    arrays.clear()
    np.ones(1 << 17)
    return most - resident()


with pool(1):
    print(freed(), end=" ")
    with pool(1):
        pass
    print(freed(), end=" ")
print(freed())
"""


@GLIBC
@pytest.mark.parametrize("variable", ["", "MALLOC_TRIM_THRESHOLD_"])
def test_a_process_shrinks_again_once_the_work_is_done(variable: str) -> None:
    """Within a pool nothing of 300 MB goes back; after it, or if the user wants it, most does."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    env |= {"PYTHONPATH": str(Path(nnscratch.__file__).parents[1])}
    env |= {variable: "131072"} if variable else {}
    done: Any = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=env, timeout=60
    )
    assert done.returncode == 0, done.stderr
    within, nested, after = map(int, done.stdout.split())
    assert after > 200
    if variable:
        assert min(within, nested) > 200
    else:
        assert max(within, nested) < 50
