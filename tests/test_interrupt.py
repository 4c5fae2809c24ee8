"""Signals: held back for the length of a step, handled as the program does, and put back."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny

import nnscratch
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer
from nnscratch.training.interrupt import interruptible

IMAGES = tiny.images(20)
NUMBERS = (signal.SIGINT, signal.SIGTERM)
EACH = pytest.mark.parametrize("number", NUMBERS, ids=["SIGINT", "SIGTERM"])


def trainer() -> Trainer:
    return Trainer(tiny.vae(), Adam(1e-2), seed=0, batch_size=8)


@pytest.fixture(autouse=True)
def handled() -> Iterator[list[int]]:
    """What the program's own handler, which returns, has been called with."""
    called: list[int] = []
    before = [signal.getsignal(number) for number in NUMBERS]
    for number in NUMBERS:
        signal.signal(number, lambda n, _: called.append(n))
    yield called
    for number, handler in zip(NUMBERS, before, strict=True):
        signal.signal(number, handler)


@EACH
def test_a_signal_is_noted_and_delivered_once(number: int, handled: list[int]) -> None:
    before = [signal.getsignal(each) for each in NUMBERS]
    with interruptible() as interrupt:
        assert not interrupt
        signal.raise_signal(number)
        assert interrupt
        assert handled == []
        interrupt.deliver()
        assert handled == [number]
        assert not interrupt
        interrupt.deliver()
        assert handled == [number]
        signal.raise_signal(number)
        interrupt.deliver()
        assert handled == [number, number]
    assert [signal.getsignal(each) for each in NUMBERS] == before


@EACH
def test_a_second_signal_is_handled_at_once_and_the_first_in_its_time(
    number: int, handled: list[int]
) -> None:
    with interruptible() as interrupt:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(number)
        assert handled == [number]
        interrupt.deliver()
        assert handled == [number, signal.SIGTERM]


@EACH
def test_a_signal_that_was_not_delivered_is_not_lost(number: int, handled: list[int]) -> None:
    """It comes again once the program's own handler is back."""
    with interruptible():
        signal.raise_signal(number)
    assert handled == [number]


@EACH
def test_an_ignored_signal_stays_ignored(number: int) -> None:
    signal.signal(number, signal.SIG_IGN)
    with interruptible() as interrupt:
        assert signal.getsignal(number) is signal.SIG_IGN
        signal.raise_signal(number)
        assert not interrupt
    assert signal.getsignal(number) is signal.SIG_IGN


@EACH
def test_a_handler_that_is_not_pythons_is_left_alone(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """signal.getsignal has no name for it, so it could not be put back."""
    get, ours = signal.getsignal, signal.getsignal(number)
    monkeypatch.setattr(signal, "getsignal", lambda n: None if n == number else get(n))
    with interruptible():
        assert get(number) is ours


def test_a_handler_set_meanwhile_stays() -> None:
    def other(*_: Any) -> None:
        pass

    with interruptible():
        signal.signal(signal.SIGINT, other)
    assert signal.getsignal(signal.SIGINT) is other


def test_one_within_the_other_holds_back_once_and_the_inner_delivers(handled: list[int]) -> None:
    before = [signal.getsignal(each) for each in NUMBERS]
    with interruptible() as outer:
        with interruptible() as inner:
            signal.raise_signal(signal.SIGINT)
            assert handled == []
            inner.deliver()
            assert handled == [signal.SIGINT]
        signal.raise_signal(signal.SIGTERM)
        assert handled == [signal.SIGINT]
        outer.deliver()
        assert handled == [signal.SIGINT, signal.SIGTERM]
    assert [signal.getsignal(each) for each in NUMBERS] == before


def test_elsewhere_than_in_the_main_thread_nothing_is_installed(handled: list[int]) -> None:
    inside, over = threading.Event(), threading.Event()

    def there() -> None:
        with interruptible():
            inside.set()
            over.wait(10)

    thread = threading.Thread(target=there)
    thread.start()
    inside.wait(10)
    signal.raise_signal(signal.SIGINT)
    assert handled == [signal.SIGINT]
    over.set()
    thread.join()


# In training


@EACH
@pytest.mark.parametrize("at", [2, 3])
def test_training_goes_on_where_the_programs_handler_returns(
    number: int, at: int, handled: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called after the step in hand and after the checkpoint; the bits are those without it."""
    t, straight = trainer(), trainer()
    train_step, steps = t.train_step, []

    def spy(*batch: Any) -> Any:
        if t.optimizer.steps == at - 1:
            signal.raise_signal(number)
        terms = train_step(*batch)
        assert t.optimizer.steps > at or handled == []
        return terms

    signal.signal(number, lambda n, _: (handled.append(n), steps.append((t.epoch, t.batch_index))))
    monkeypatch.setattr(t, "train_step", spy)
    t.fit(IMAGES, epochs=2, checkpoint=tmp_path / "x")
    straight.fit(IMAGES, epochs=2)
    assert handled == [number]
    assert steps == [(0, at)]
    assert t.history == straight.history
    assert (t.replicas.theta.value == straight.replicas.theta.value).all()


def test_a_signal_is_handled_although_the_checkpoint_cannot_be_written(
    handled: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    t = trainer()

    def refuse(_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        raise OSError("no place")

    monkeypatch.setattr(t, "save", refuse)
    with pytest.raises(OSError, match="no place"):
        t.fit(IMAGES, epochs=1, checkpoint=tmp_path / "x")
    assert handled == [signal.SIGINT]


SCRIPT = """
import signal, sys
import tiny
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

number = int(sys.argv[2])
if sys.argv[3] == "default":
    signal.signal(number, signal.SIG_DFL)
t = Trainer(tiny.vae(), Adam(1e-2), seed=0, batch_size=8)
train_step = t.train_step

def then(*batch):
    terms = train_step(*batch)
    if t.epoch == 1 and t.batch_index == 1:
        signal.raise_signal(number)
        print("the step is finished", flush=True)
    return terms

t.train_step = then
t.fit(tiny.images(20), epochs=3, checkpoint=sys.argv[1])
print("not reached")
"""


@pytest.mark.parametrize(
    ("number", "handler"),
    [(signal.SIGTERM, "default"), (signal.SIGINT, "default"), (signal.SIGINT, "Python's")],
)
def test_a_process_dies_of_its_signal_and_leaves_a_checkpoint(
    number: int, handler: str, tmp_path: Path
) -> None:
    """As batch systems and containers ask for: the exit status names the signal."""
    file = tmp_path / "run.safetensors"
    folders = [str(Path(__file__).parent), str(Path(nnscratch.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file), str(int(number)), handler],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        timeout=60,
    )
    assert done.stdout == "the step is finished\n", done.stderr
    assert done.returncode == -number
    assert ("KeyboardInterrupt" in done.stderr) == (handler == "Python's")
    assert os.listdir(tmp_path) == [file.name]
    again, straight = trainer(), trainer()
    again.resume(file)
    assert (again.epoch, again.batch_index) == (1, 2)
    again.fit(IMAGES, epochs=3)
    straight.fit(IMAGES, epochs=3)
    assert (again.replicas.theta.value == straight.replicas.theta.value).all()
