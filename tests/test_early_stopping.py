"""Early stopping: which weights a model, a file and a later fit hold, however fit has ended."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array
from nnscratch.layers import BatchNorm, Dense
from nnscratch.models import AdversarialAutoencoder
from nnscratch.optimizers import Adam
from nnscratch.schedules import Cosine, Cyclical, Linear, Schedule, Warmup
from nnscratch.training import Trainer, TrainingDiverged
from nnscratch.training import checkpoint as disk
from nnscratch.training.adversarial import AdversarialTrainer
from nnscratch.training.checkpoint import arrays_of, load_model
from nnscratch.training.run_file import within

IMAGES, HELD_OUT = tiny.images(20), tiny.images(7, seed=1)

Make = Callable[..., Trainer]


def vae(rate: Any = 0.03, **options: Any) -> Trainer:
    """Twenty random images are learned by heart within some epochs, and the others suffer."""
    options = {"seed": 0, "batch_size": 8, "patience": 4} | options
    return Trainer(tiny.vae(BatchNorm(tiny.H)), Adam(rate), **options)


def aae(rate: Any = 0.03, **options: Any) -> AdversarialTrainer:
    rng = np.random.default_rng(0)
    model = AdversarialAutoencoder(
        tiny.encoder(2), tiny.decoder(), Dense(2, 1, rng=rng), input_shape=(tiny.D,)
    )
    options = {"seed": 0, "batch_size": 8, "patience": 4} | options
    return AdversarialTrainer(model, Adam(rate), Adam(0.01), **options)


EACH = pytest.mark.parametrize("make", [vae, aae])
LONG = {"validation": HELD_OUT, "epochs": 300}


def weights(model: Any) -> dict[str, bytes]:
    return {name: a.tobytes() for name, a in arrays_of(model).items()}


def state(t: Trainer) -> dict[str, Any]:
    """Everything that is, or will be, a number of this run; bits for bits."""
    arrays = arrays_of(t.model) | {f"last {k}": a for k, a in t.stopping.last.items()}
    arrays |= {f"best {k}": a for k, a in t.best.items()}
    for name, optimizer in t.optimizers().items():
        arrays |= {f"{name}.{k}": a for k, a in optimizer.state.items()}
    own: dict[str, Any] = {name: a.tobytes() for name, a in arrays.items()}
    steps = [optimizer.steps for optimizer in t.optimizers().values()]
    return own | {"where": (t.epoch, t.batch_index, steps, t.sums, t.history)}


def each_epoch(t: Trainer) -> list[dict[str, bytes]]:
    """Return a list that will hold the weights at the end of every epoch."""
    found: list[dict[str, bytes]] = []
    close = t.close_epoch

    def spy(*data: Any) -> None:
        close(*data)
        found.append(weights(t.model))

    t.close_epoch = spy  # type: ignore[method-assign]
    return found


def best_of(t: Trainer) -> int:
    return int(np.argmin([row["validation"]["total"] for row in t.history]))


# However fit ends


class Stop(Exception):
    """Of a program's own."""


def after_the_best(t: Trainer, act: Callable[[], Any]) -> None:
    """Do something in the second step after two epochs without a better total."""
    train_step = t.train_step

    def then(*batch: Any) -> Any:
        if t.since_best() == 2 and t.batch_index == 1:
            t.train_step = train_step  # type: ignore[method-assign]
            act()
        return train_step(*batch)

    t.train_step = then  # type: ignore[method-assign]


def raises(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def poison(t: Trainer) -> Callable[[], None]:
    def act() -> None:
        t.replicas.theta.value[0] = np.nan

    return act


ENDS: dict[str, tuple[type[BaseException], Callable[[Trainer, pytest.MonkeyPatch], Any]]] = {
    "Ctrl-C": (
        KeyboardInterrupt,
        lambda t, _: after_the_best(t, lambda: signal.raise_signal(signal.SIGINT)),
    ),
    "Ctrl-C twice": (
        KeyboardInterrupt,
        lambda t, _: after_the_best(t, lambda: [signal.raise_signal(signal.SIGINT)] * 2),
    ),
    "SIGTERM": (
        SystemExit,
        lambda t, _: after_the_best(t, lambda: signal.raise_signal(signal.SIGTERM)),
    ),
    "a NaN": (TrainingDiverged, lambda t, _: after_the_best(t, poison(t))),
    "an exception": (Stop, lambda t, _: after_the_best(t, raises(Stop()))),
    "no memory": (MemoryError, lambda t, _: after_the_best(t, raises(MemoryError()))),
    "a full disk": (
        OSError,
        lambda t, patch: after_the_best(t, lambda: patch.setattr(os, "fsync", full)),
    ),
    "validation": (
        Stop,
        lambda t, patch: after_the_best(
            t, lambda: patch.setattr(t, "validate", raises_any(Stop()))
        ),
    ),
}


def raises_any(error: BaseException) -> Callable[..., None]:
    def act(*_: Any) -> None:
        raise error

    return act


@EACH
@pytest.mark.parametrize("end", ENDS)
def test_the_model_holds_the_best_weights_and_the_file_what_it_held(
    end: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file if the new one could not be written: that is one of the best weights too."""
    file, t = tmp_path / "run.safetensors", make()
    error, arrange = ENDS[end]
    with monkeypatch.context() as patch, np.errstate(all="ignore"):
        before = signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit()))
        arrange(t, patch)
        found = each_epoch(t)
        with pytest.raises(error):
            t.fit(IMAGES, checkpoint=file, **LONG)
        signal.signal(signal.SIGTERM, before)
    best = best_of(t)
    assert best < len(t.history) - 1
    assert weights(t.model) == found[best]
    assert os.listdir(tmp_path) == [file.name]
    read = make().model
    load_model(file, read)
    assert weights(read) == found[best]


@EACH
@pytest.mark.parametrize("after", [0, 1, None])
def test_the_model_holds_the_best_weights_when_epochs_or_patience_end(
    after: int | None, make: Make, tmp_path: Path
) -> None:
    """At the best epoch, at the one after it, and when patience is over."""
    file = tmp_path / "run.safetensors"
    straight = make()
    straight.fit(IMAGES, **LONG)
    best = best_of(straight)
    assert len(straight.history) == best + 1 + 4 < 300
    t = make()
    found = each_epoch(t)
    epochs = 300 if after is None else best + 1 + after
    t.fit(IMAGES, validation=HELD_OUT, epochs=epochs, checkpoint=file)
    assert weights(t.model) == found[best]
    assert t.evaluate(HELD_OUT) == t.history[best]["validation"]
    read, resumed = make().model, make()
    load_model(file, read)
    resumed.resume(file)
    assert weights(read) == weights(t.model)
    assert state(resumed) == state(t)


# Going on


@EACH
@pytest.mark.parametrize("epochs", [1, 3, 8])
@pytest.mark.parametrize("resumed", [False, True])
def test_training_goes_on_from_the_last_weights(
    resumed: bool, epochs: int, make: Make, tmp_path: Path
) -> None:
    """fit(3) and fit(6) is fit(6), bit by bit, with the best weights in the model in between."""
    straight, t = make(patience=300), make(patience=300)
    straight.fit(IMAGES, validation=HELD_OUT, epochs=10)
    t.fit(IMAGES, validation=HELD_OUT, epochs=epochs, checkpoint=tmp_path / "x")
    if resumed:
        t = make(patience=300)
        t.resume(tmp_path / "x")
    t.fit(IMAGES, validation=HELD_OUT, epochs=10)
    assert state(t) == state(straight)


@EACH
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_training_goes_on_from_the_last_weights_after_a_signal(
    error: type[BaseException], make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, t, straight = tmp_path / "x", make(), make()
    straight.fit(IMAGES, **LONG)
    monkeypatch.setattr(signal, "default_int_handler", None)
    before = signal.signal(signal.SIGINT, raises_any(error()))
    after_the_best(t, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(error):
        t.fit(IMAGES, checkpoint=file, **LONG)
    signal.signal(signal.SIGINT, before)
    assert t.batch_index == 2
    resumed = make()
    resumed.resume(file)
    assert state(resumed) == state(t)
    for run in (t, resumed):
        run.fit(IMAGES, **LONG)
        assert state(run) == state(straight)


def test_a_model_that_was_changed_meanwhile_is_what_training_goes_on_from() -> None:
    t = vae(patience=300)
    t.fit(IMAGES, validation=HELD_OUT, epochs=8)
    assert best_of(t) < 7
    first: list[Array] = []
    train_step = t.train_step

    def spy(*batch: Any) -> Any:
        first.append(t.replicas.theta.value.copy())
        return train_step(*batch)

    t.train_step = spy  # type: ignore[method-assign]
    t.replicas.theta.value[3] += 1
    theta = t.replicas.theta.value.copy()
    t.fit(IMAGES, validation=HELD_OUT, epochs=9)
    np.testing.assert_array_equal(first[0], theta)


def test_after_a_divergence_training_goes_on_from_the_best_weights() -> None:
    """The last ones are no numbers."""
    t = vae()
    after_the_best(t, poison(t))
    with pytest.raises(TrainingDiverged):
        t.fit(IMAGES, **LONG)
    assert not t.stopping.last
    t.fit(IMAGES, **LONG)
    assert np.isfinite(t.replicas.theta.value).all()


def test_a_run_that_is_saved_by_hand_after_fit_goes_on_too(tmp_path: Path) -> None:
    t, straight = vae(patience=300), vae(patience=300)
    t.fit(IMAGES, validation=HELD_OUT, epochs=8)
    t.save(tmp_path / "x")
    t = vae(patience=300)
    t.resume(tmp_path / "x")
    t.fit(IMAGES, validation=HELD_OUT, epochs=10)
    straight.fit(IMAGES, validation=HELD_OUT, epochs=10)
    assert state(t) == state(straight)


def test_a_file_whose_last_weights_do_not_fit_changes_nothing(tmp_path: Path) -> None:
    t, other = vae(), vae()
    t.fit(IMAGES, validation=HELD_OUT, epochs=8, checkpoint=tmp_path / "x")
    arrays, info = disk.read(tmp_path / "x")
    del arrays["training.last.decoder.0.bias"]
    disk.write(tmp_path / "x", arrays, info)
    before = state(other)
    with pytest.raises(ValueError, match=r"it has no decoder\.0\.bias"):
        other.resume(tmp_path / "x")
    assert state(other) == before


# The format before


def as_first(file: Path, patch: pytest.MonkeyPatch) -> None:
    """Write a file anew as the format before had it: last weights by their names, best aside.

    It had no architecture, either.
    """
    arrays, info = disk.read(file)
    info.pop("architecture", None)
    last = within("training.last.", arrays)
    state = {k: a for k, a in arrays.items() if k.startswith("training.") and k not in last}
    state = {k: a for k, a in state.items() if not k.startswith("training.last.")}
    best = {f"training.best.{k}": a for k, a in arrays.items() if not k.startswith("training.")}
    del info["progress"]["judged_by"]
    with patch.context() as first:
        first.setattr(disk, "FORMAT", disk.FIRST)
        disk.write(file, last | state | best, info)


@EACH
def test_a_file_of_the_first_format_is_still_read(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """load_model takes the best weights, and a resumed run goes on from the last."""
    file, t = tmp_path / "x", make(patience=300)
    t.fit(IMAGES, validation=HELD_OUT, epochs=8, checkpoint=file)
    assert best_of(t) < 7
    as_first(file, monkeypatch)
    assert b"nnscratch 1" in file.read_bytes()
    read, resumed = make().model, make(patience=300)
    load_model(file, read)
    resumed.resume(file)
    assert weights(read) == weights(t.model)
    assert state(resumed) == state(t)


def test_the_best_weights_of_a_half_annealed_objective_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which an earlier version kept; the weights themselves can be read."""
    file, options = tmp_path / "x", {"anneal": {"beta": Linear(0, 1, steps=6)}}
    vae(**options).fit(IMAGES, validation=HELD_OUT, epochs=6, checkpoint=file)
    as_first(file, monkeypatch)
    with pytest.raises(ValueError, match=r"half-annealed objective; expected totals with {'beta'"):
        vae(**options).resume(file)
    load_model(file, vae().model)


# What is compared

SCHEDULES: dict[str, tuple[Schedule, float, int]] = {
    "Linear": (Linear(0, 1, steps=12), 1.0, 12),
    "falling": (Linear(4, 1, steps=12), 1.0, 12),
    "Cosine": (Cosine(0, 12, end=2.0), 2.0, 12),
    "Warmup": (Warmup(12, 1.0), 1.0, 12),
    "Cyclical": (Cyclical(0, 1, period=20), 1.0, 10),
    "own": (lambda step: min(1.0, step / 12), 1.0, 12),
}
"""Schedules, the value each leads to, and the step at which it has come there."""


@pytest.mark.parametrize("name", SCHEDULES)
def test_totals_of_one_objective_are_compared(name: str) -> None:
    """With β at its end from the first epoch on; and an epoch counts once β has come there."""
    schedule, end, first = SCHEDULES[name]
    t = vae(anneal={"beta": schedule}, patience=3)
    found = each_epoch(t)
    history = t.fit(IMAGES, **LONG)
    for row in history:
        terms = row["validation"]
        assert terms["total"] == pytest.approx(terms["reconstruction"] + end * terms["kl"])
        assert row["beta"] == schedule(row["steps"] - 1)
    there = next(i for i, row in enumerate(history) if row["steps"] > first)
    totals = [row["validation"]["total"] for row in history]
    best = there + int(np.argmin(totals[there:]))
    assert len(history) == best + 1 + 3
    assert weights(t.model) == found[best]


def test_no_epoch_counts_before_annealing_is_done() -> None:
    """Then the last weights stay, and patience has not begun."""
    t = vae(anneal={"beta": Linear(0, 1, steps=10_000)}, patience=1)
    found = each_epoch(t)
    assert len(t.fit(IMAGES, validation=HELD_OUT, epochs=30)) == 30
    assert not t.best
    assert weights(t.model) == found[-1]


@pytest.mark.parametrize("end", [None, Stop()])
def test_annealed_attributes_are_put_back_after_validation(
    end: BaseException | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    t = vae(anneal={"beta": Linear(0, 1, steps=100)})
    validate, betas = t.validate, []

    def spy(images: Any) -> Any:
        betas.append(t.model.beta)  # type: ignore[attr-defined]
        if end is not None:
            raise end
        return validate(images)

    monkeypatch.setattr(t, "validate", spy)
    if end is None:
        t.fit(IMAGES, validation=HELD_OUT, epochs=1)
    else:
        with pytest.raises(Stop):
            t.fit(IMAGES, validation=HELD_OUT, epochs=1)
    assert betas == [1.0]
    assert t.model.beta == pytest.approx(0.02)  # type: ignore[attr-defined]


def test_without_patience_validation_has_the_values_of_then() -> None:
    t = vae(anneal={"beta": Linear(0, 1, steps=100)}, patience=None)
    row = t.fit(IMAGES, validation=HELD_OUT, epochs=1)[0]
    assert row["validation"] == t.evaluate(HELD_OUT)
    terms = row["validation"]
    assert terms["total"] == pytest.approx(terms["reconstruction"] + 0.02 * terms["kl"])


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        (lambda step: [0.0, 0.5, 1.0][step], "has no value at step 10000000: IndexError"),
        (lambda step: float("nan"), "leads to no value: nan and nan"),
        (lambda step: step / 100, "leads to no value: 100000.0 and 200000.01"),
        (lambda step: float(step % 2), "leads to no value: 0.0 and 1.0"),
    ],
)
def test_patience_refuses_what_leads_to_no_objective(schedule: Any, why: str) -> None:
    want = f"Trainer: patience compares totals of one objective, that with the final beta: .*{why}"
    with pytest.raises(ValueError, match=want):
        vae(anneal={"beta": schedule})
    vae(anneal={"beta": schedule}, patience=None)


@given(steps=st.integers(1, 40), patience=st.integers(1, 5), epochs=st.integers(1, 12))
def test_an_annealed_run_goes_on_as_if_never_stopped(
    steps: int, patience: int, epochs: int
) -> None:
    options = {"anneal": {"beta": Linear(0, 1, steps)}, "patience": patience}
    t, straight = vae(**options), vae(**options)
    t.fit(IMAGES, validation=HELD_OUT, epochs=epochs)
    t.fit(IMAGES, validation=HELD_OUT, epochs=14)
    straight.fit(IMAGES, validation=HELD_OUT, epochs=14)
    assert state(t) == state(straight)
