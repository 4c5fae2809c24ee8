"""While kernels are compiled a terminal says so: once, after a second, and nobody else is told."""

import io
import sys

import pytest

from nnscratch.kernels.machine import compile_notice
from nnscratch.kernels.machine.compile_notice import PATIENCE, CompileNotice


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def compiling(monkeypatch: pytest.MonkeyPatch, *seconds: float, terminal: bool = True) -> str:
    """Compile kernels that take so long one after the other; return what stderr gets."""
    clock, stream, notice = [100.0], Stream(terminal), CompileNotice()
    monkeypatch.setattr(compile_notice, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(sys, "stderr", stream)
    for took in seconds:
        notice.begins("the folder")
        clock[0] += took
        notice.ends()
        clock[0] += 50  # of other work
    return stream.getvalue()


def test_a_terminal_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said = compiling(monkeypatch, PATIENCE, 1, 1, 1)
    assert said.count("\n") == 1
    assert "compiling kernels" in said
    assert "the folder" in said


def test_a_short_compilation_is_not_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiling(monkeypatch, PATIENCE / 4, PATIENCE / 4, PATIENCE / 4) == ""


def test_seconds_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiling(monkeypatch, *[PATIENCE / 4] * 4) == ""
    assert compiling(monkeypatch, *[PATIENCE / 4] * 5) != ""


def test_a_kernel_within_a_kernel_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stream, notice = [0.0], Stream(True), CompileNotice()
    monkeypatch.setattr(compile_notice, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(sys, "stderr", stream)
    notice.begins("")
    for _ in range(3):
        notice.begins("")
        clock[0] += PATIENCE / 4
        notice.ends()
    notice.ends()
    assert notice.seconds == pytest.approx(0.75 * PATIENCE)
    assert stream.getvalue() == ""
    notice.begins("")
    clock[0] += PATIENCE
    notice.begins("")
    assert stream.getvalue() != ""


def test_logs_and_notebooks_get_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiling(monkeypatch, PATIENCE, 1, terminal=False) == ""
    monkeypatch.setenv("NNSCRATCH_QUIET", "1")
    assert compiling(monkeypatch, PATIENCE, 1) == ""


def test_a_process_without_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    notice = CompileNotice()
    notice.seconds = PATIENCE
    notice.begins("")
    assert notice.shown
