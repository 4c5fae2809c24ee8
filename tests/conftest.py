"""What tests share: a seeded generator, Hypothesis' profile, full MNIST's marker, Ctrl-C, demos."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import settings

from nnscratch.kernels.paths import FOR_ALL, plain

pytest.register_assert_rewrite("checks")  # a failed assertion there shows its values, too

# Compiling a kernel takes longer than any deadline; the same examples each run keep CI honest.
settings.register_profile("nnscratch", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("nnscratch")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="module", params=["plain"] if FOR_ALL else ["fast", "plain"])
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a module's tests on both paths, if they use this fixture."""
    with plain() if request.param == "plain" else nullcontext():
        yield request.param


def is_plain(item: pytest.Item) -> bool:
    """Does this test run on the plain path?"""
    call = getattr(item, "callspec", None)
    return FOR_ALL or (call is not None and call.params.get("path") == "plain")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs the full MNIST, where it is not, or kernels, on the plain path.

    And what takes long, unless it is asked for.
    """
    if "once" not in config.option.markexpr:
        long = pytest.mark.skip(reason="takes long: python -m pytest -m once")
        for item in items:
            if item.get_closest_marker("once"):
                item.add_marker(long)
    for item in filter(is_plain, items):
        for mark in item.iter_markers("fast"):
            item.add_marker(pytest.mark.skip(reason=f"on the plain path: {mark.args[0]}"))
    if "NNSCRATCH_DATA" not in os.environ:
        skip = pytest.mark.skip(reason="needs the files of MNIST in NNSCRATCH_DATA")
        for item in items:
            if item.get_closest_marker("mnist"):
                item.add_marker(skip)


@pytest.fixture(autouse=True, scope="session")
def ctrl_c() -> Iterator[None]:
    """A job in a shell's background ignores SIGINT; training would do so too, and so its tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if before is not None:
        signal.signal(signal.SIGINT, before)


class Found(NamedTuple):
    """What a demo said, and how it ended."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def demo(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Found]:
    """Run `python -m demos` with these words, in this process, for an import takes seconds."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    monkeypatch.setattr(sys, "argv", [])

    def run(*words: str | Path) -> Found:
        from demos.__main__ import main

        capsys.readouterr()
        try:
            code = main([*map(str, words)])
        except SystemExit as end:
            code = end.code or 0
            if isinstance(code, str):
                print(code, file=sys.stderr)
                code = 1
        return Found(int(code), *capsys.readouterr())

    return run
