"""Programs whose standard output is full, or whose reader has gone: a sentence or silence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
PROGRAMS = {
    "a subcommand": ["nnscratch", "info", "pretrained:vae"],
    "a tool": ["nnscratch", "pretrained"],
    "a demo": ["nnscratch", "demo"],
    "pretrained": ["nnscratch.pretrained"],
    "explain": ["nnscratch.explain", "Dense"],
    "exercises": ["nnscratch.exercises"],
    "gradcheck": ["nnscratch.gradcheck"],
    "demos": ["demos"],
}


def python_m(words: list[str], stdout: int) -> tuple[int, str]:
    """Run python -m with such a standard output; return the exit code and what it complained of."""
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stderr


full_device = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


@full_device
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_full_output_is_one_sentence(name: str) -> None:
    with FULL.open("w") as full:
        code, said = python_m(PROGRAMS[name], full.fileno())
    assert (code, said.count("\n")) == (1, 1), said
    assert said.startswith("error: ")
    assert "No space left on device" in said


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_reader_that_has_gone_is_no_fault_to_speak_of(name: str) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        assert python_m(PROGRAMS[name], write) == (1, "")
    finally:
        os.close(write)


@full_device
def test_what_json_replaces_is_said_before_the_fault() -> None:
    with FULL.open("w") as full:
        code, said = python_m(["nnscratch", "info", "pretrained:vae", "--json"], full.fileno())
    assert code == 1
    assert said.splitlines()[-1].startswith("error: [Errno 28]")
