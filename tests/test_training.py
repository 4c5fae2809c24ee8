"""Training: the same bits whatever stops or splits it, and a history that tells the truth."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

import nnscratch
from nnscratch.core import pack
from nnscratch.data import Dataset
from nnscratch.layers import BatchNorm, Dropout
from nnscratch.likelihoods import Gaussian
from nnscratch.losses import l1_penalty
from nnscratch.models import VAE, Autoencoder, lesson
from nnscratch.models.corruption import Masking
from nnscratch.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from nnscratch.schedules import Cosine, Linear, Warmup
from nnscratch.training import Trainer, validation
from nnscratch.training.checkpoint import arrays_of, load_model
from nnscratch.training.interrupt import interruptible
from nnscratch.training.terms import check_terms

pytestmark = [pytest.mark.plain, pytest.mark.oldest]

IMAGES, HELD_OUT = tiny.images(20), tiny.images(7, seed=1)
STEPS = 3
"""An epoch of 20 images in batches of 8, the last of them 4."""

Make = Callable[[], Autoencoder]

MODELS: dict[str, Make] = {
    "VAE": tiny.vae,
    "sparse AE": lambda: tiny.autoencoder(penalties={"sparsity": (0.1, l1_penalty)}),
    "dropout": lambda: tiny.vae(Dropout(0.3)),
    "batch norm": lambda: tiny.vae(BatchNorm(tiny.H)),
}
EACH = pytest.mark.parametrize("kind", MODELS)


def trainer(
    kind: str = "VAE", optimizer: Optimizer | None = None, seed: int = 0, **options: Any
) -> Trainer:
    """Batches of 8 as micro-batches of 3, 3 and 2 on two replicas."""
    options = {"batch_size": 8, "micro_batch": 3, "replicas": 2, "threads": 1} | options
    return Trainer(MODELS[kind](), optimizer or Adam(1e-2), seed=seed, **options)


def state(trainer: Trainer) -> dict[str, Any]:
    """Everything that is, or will be, a number of this run; bits for bits."""
    arrays = arrays_of(trainer.model) | trainer.optimizer.state
    arrays |= {f"best {name}": a for name, a in trainer.best.items()}
    arrays |= {f"last {name}": a for name, a in trainer.stopping.last.items()}
    own = {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}
    where = (trainer.epoch, trainer.batch_index, trainer.optimizer.steps, trainer.sums)
    return own | {"history": json.dumps(trainer.history), "where": where}


def stop_after(steps: int, patch: pytest.MonkeyPatch, kind: type[Optimizer] = Adam) -> None:
    """Press Ctrl-C once the optimiser has made this many steps; once only."""
    step = kind.step

    def then_stop(self: Optimizer, *args: Any, **options: Any) -> None:
        step(self, *args, **options)
        if self.steps == steps:
            patch.undo()
            signal.raise_signal(signal.SIGINT)

    patch.setattr(kind, "step", then_stop)


# One seed, one result


@EACH
@pytest.mark.parametrize("threads", [1, 2, 3, None])
def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads(
    kind: str, threads: int | None
) -> None:
    one, other = trainer(kind), trainer(kind, threads=threads)
    one.fit(IMAGES, validation=HELD_OUT, epochs=2)
    other.fit(IMAGES, validation=HELD_OUT, epochs=2)
    assert state(one) == state(other)


@EACH
def test_another_seed_gives_other_bits(kind: str) -> None:
    one, other = trainer(kind, seed=0), trainer(kind, seed=1)
    one.fit(IMAGES, epochs=1)
    other.fit(IMAGES, epochs=1)
    assert not np.array_equal(one.replicas.theta.value, other.replicas.theta.value)


def test_no_global_seed_is_read_or_moved() -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].tobytes()  # type: ignore[union-attr]  # noqa: NPY002
    one, other = trainer(), trainer()
    one.fit(IMAGES, epochs=1)
    assert np.random.get_state()[1].tobytes() == before  # type: ignore[union-attr]  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    other.fit(IMAGES, epochs=1)
    assert state(one) == state(other)


TRAINER = trainer()
PLACES = st.tuples(st.integers(0, 2), *[st.integers(0, 50)] * 3)


@given(one=PLACES, other=PLACES)
def test_every_purpose_and_place_has_a_random_stream_of_its_own(one: Any, other: Any) -> None:
    stream = TRAINER.stream
    draw = stream(*one).integers(2**63)
    assert draw == stream(*one).integers(2**63)
    assert (draw == stream(*other).integers(2**63)) == (one == other)


def test_streams_of_two_seeds_differ() -> None:
    assert trainer(seed=0).stream(0, 1).random() != trainer(seed=1).stream(0, 1).random()


def test_every_micro_batch_has_noise_of_its_own() -> None:
    """In every step of every epoch: one image five times over loses something else each time."""
    losses: list[float] = []
    t = trainer(batch_size=5, micro_batch=1, replicas=1)
    loss = t.model.loss

    def spy(x: Any, *, rng: Any) -> Any:
        terms, backward = loss(x, rng=rng)
        losses.append(terms["reconstruction"])
        return terms, backward

    t.model.loss = spy  # type: ignore[method-assign]
    for t.epoch, t.batch_index in ((0, 0), (0, 1), (1, 0)):
        t.gradient(np.repeat(IMAGES[:1], 5, axis=0), np.arange(5))
    assert len(set(losses)) == 15


# Stop and go


@EACH
@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_goes_on_from_the_end_of_an_epoch_as_if_never_stopped(
    kind: str, epochs: int, tmp_path: Path
) -> None:
    file = tmp_path / "run.safetensors"
    trainer(kind).fit(IMAGES, validation=HELD_OUT, epochs=epochs, checkpoint=file)
    again, straight = trainer(kind), trainer(kind)
    again.resume(file)
    again.fit(IMAGES, validation=HELD_OUT, epochs=4)
    straight.fit(IMAGES, validation=HELD_OUT, epochs=4)
    assert state(again) == state(straight)


@EACH
@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_a_run_goes_on_from_the_middle_of_an_epoch_as_if_never_stopped(
    kind: str, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C after so many steps; 3 is the last of an epoch, with the history yet to be written."""
    file = tmp_path / "run.safetensors"
    stopped = trainer(kind)
    stop_after(steps, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(IMAGES, validation=HELD_OUT, epochs=3, checkpoint=file)
    assert stopped.optimizer.steps == steps
    again, straight = trainer(kind, threads=2), trainer(kind)
    again.resume(file)
    assert state(again) == state(stopped)
    again.fit(IMAGES, validation=HELD_OUT, epochs=3)
    straight.fit(IMAGES, validation=HELD_OUT, epochs=3)
    assert state(again) == state(straight)
    stopped.fit(IMAGES, validation=HELD_OUT, epochs=3)
    assert state(stopped) == state(straight)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD(0.1),
        lambda: SGD(0.1, momentum=0.9, nesterov=True, clip_norm=1.0),
        lambda: RMSprop(1e-2, weight_decay=0.1),
        lambda: Adam(Warmup(2, Cosine(1e-2, 8))),
        lambda: AdamW(1e-2),
    ],
    ids=["SGD", "Nesterov", "RMSprop", "Adam, Cosine", "AdamW"],
)
def test_every_optimizer_goes_on_with_its_moments_and_its_rate(make: Any, tmp_path: Path) -> None:
    file = tmp_path / "run.safetensors"
    trainer(optimizer=make()).fit(IMAGES, epochs=1, checkpoint=file)
    again, straight = trainer(optimizer=make()), trainer(optimizer=make())
    again.resume(file)
    again.fit(IMAGES, epochs=2)
    straight.fit(IMAGES, epochs=2)
    assert state(again) == state(straight)


def test_beta_goes_on_where_it_was(tmp_path: Path) -> None:
    """And an evaluation in between has the β of then, not the one the model was made with."""
    file = tmp_path / "run.safetensors"

    def annealed() -> Trainer:
        return trainer(anneal={"beta": Linear(0, 1, steps=8)})

    stopped, again, straight = annealed(), annealed(), annealed()
    stopped.fit(IMAGES, validation=HELD_OUT, epochs=1, checkpoint=file)
    again.resume(file)
    assert again.evaluate(HELD_OUT) == stopped.history[0]["validation"]
    again.fit(IMAGES, epochs=3)
    straight.fit(IMAGES, validation=HELD_OUT, epochs=1)
    straight.fit(IMAGES, epochs=3)
    assert state(again) == state(straight)
    # The values of steps 2, 5 and 8, which are the last of their epochs.
    assert [row["beta"] for row in again.history] == [2 / 8, 5 / 8, 1]


def test_epochs_are_counted_from_the_very_first() -> None:
    by_and_by, straight = trainer(), trainer()
    by_and_by.fit(IMAGES, epochs=1)
    by_and_by.fit(IMAGES, epochs=3)
    before = state(by_and_by)
    by_and_by.fit(IMAGES, epochs=2)
    assert state(by_and_by) == before
    straight.fit(IMAGES, epochs=3)
    assert state(by_and_by) == state(straight)


SCRIPT = """
import sys
import tiny
from nnscratch.layers import Dropout
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer, validation

run = {"seed": 0, "batch_size": 8, "micro_batch": 3, "replicas": 2}
trainer = Trainer(tiny.vae(Dropout(0.3)), Adam(1e-2), **run)
trainer.fit(tiny.images(800), epochs=10**6, checkpoint=sys.argv[1], progress=True)
"""


def test_a_real_ctrl_c_in_another_process_can_be_resumed_here(tmp_path: Path) -> None:
    """Wherever the signal finds it: in a step, in validation, or writing a file."""
    file = tmp_path / "run.safetensors"
    folders = [str(Path(__file__).parent), str(Path(nnscratch.__file__).parents[1])]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        first_line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert first_line.startswith("epoch       1/1000000 | train total"), errors
    assert errors.strip().endswith("KeyboardInterrupt"), errors
    assert process.returncode == -signal.SIGINT
    assert os.listdir(tmp_path) == [file.name]

    again, straight = trainer("dropout"), trainer("dropout")
    again.resume(file)
    epochs = again.epoch + 1
    again.fit(tiny.images(800), epochs=epochs)
    straight.fit(tiny.images(800), epochs=epochs)
    assert state(again) == state(straight)


def test_the_first_ctrl_c_is_a_note_and_the_second_raises() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as note:
        assert not note
        signal.raise_signal(signal.SIGINT)
        assert note
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_during_the_last_validation_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The epoch is finished and written; then it raises as usual."""
    file = tmp_path / "run.safetensors"
    t = trainer()
    validate = t.validate

    def pressed(images: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return validate(images)

    monkeypatch.setattr(t, "validate", pressed)
    with pytest.raises(KeyboardInterrupt):
        t.fit(IMAGES, validation=HELD_OUT, epochs=1, checkpoint=file)
    again = trainer()
    again.resume(file)
    assert (again.epoch, again.batch_index, len(again.history)) == (1, 0, 1)


def test_training_works_in_a_thread_where_no_signal_can_be_caught() -> None:
    here, there = trainer(), trainer()
    thread = threading.Thread(target=there.fit, args=(IMAGES,), kwargs={"epochs": 1})
    thread.start()
    thread.join()
    here.fit(IMAGES, epochs=1)
    assert state(here) == state(there)


def test_nothing_of_a_broken_step_is_left_in_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C, or an error in a layer, leaves half a gradient behind."""
    t, straight = trainer(), trainer()

    def broken(self: Optimizer, *_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Adam, "step", broken)
        with pytest.raises(KeyboardInterrupt):
            t.fit(IMAGES, epochs=1)
    assert t.replicas.grads.any()
    t.fit(IMAGES, epochs=1)
    straight.fit(IMAGES, epochs=1)
    assert state(t) == state(straight)


# Early stopping


@EACH
def test_patience_ends_training_and_takes_the_best_weights_back(kind: str) -> None:
    """Twenty random images are learned by heart, and the others suffer."""
    t = trainer(kind, Adam(0.03), patience=3)
    history = t.fit(IMAGES, validation=HELD_OUT, epochs=300)
    totals = [row["validation"]["total"] for row in history]
    best = int(np.argmin(totals))
    assert len(history) == best + 1 + 3 < 300
    assert t.evaluate(HELD_OUT)["total"] == totals[best] < totals[-1]


@EACH
def test_a_patient_run_can_be_stopped_and_goes_on_as_if_never_stopped(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best weights so far are remembered, and how long ago they were."""
    file = tmp_path / "run.safetensors"

    def patient() -> Trainer:
        return trainer(kind, Adam(0.03), patience=3)

    straight, stopped, again = patient(), patient(), patient()
    epochs = len(straight.fit(IMAGES, validation=HELD_OUT, epochs=300))
    steps = (epochs - 2) * STEPS + 1  # past the best epoch
    stop_after(steps, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(IMAGES, validation=HELD_OUT, epochs=300, checkpoint=file)
    again.resume(file)
    assert again.best
    again.fit(IMAGES, validation=HELD_OUT, epochs=300, checkpoint=file)
    assert state(again) == state(straight)

    over = patient()
    over.resume(file)
    over.fit(IMAGES, validation=HELD_OUT, epochs=300)
    assert state(over) == state(straight)


def test_without_patience_all_epochs_are_made_and_the_last_weights_kept() -> None:
    t = trainer(optimizer=Adam(0.03))
    history = t.fit(IMAGES, validation=HELD_OUT, epochs=30)
    assert len(history) == 30
    assert t.evaluate(HELD_OUT) == history[-1]["validation"]
    assert min(row["validation"]["total"] for row in history) < history[-1]["validation"]["total"]


# Batches


def test_every_image_is_in_one_batch_of_an_epoch_and_each_epoch_has_its_order() -> None:
    t, batches = trainer(), []
    gradient = t.gradient

    def spy(images: Any, rows: Any) -> Any:
        batches.append(rows)
        return gradient(images, rows)

    t.gradient = spy  # type: ignore[method-assign]
    t.fit(IMAGES, epochs=2)
    assert [len(rows) for rows in batches] == [8, 8, 4] * 2
    first, second = np.concatenate(batches[:3]), np.concatenate(batches[3:])
    np.testing.assert_array_equal(np.sort(first), np.arange(20))
    np.testing.assert_array_equal(np.sort(second), np.arange(20))
    assert not np.array_equal(first, second)


@given(
    batch=st.integers(1, 20), micro_batch=st.none() | st.integers(1, 20), replicas=st.integers(1, 4)
)
def test_a_step_has_the_gradient_of_its_batch(
    batch: int, micro_batch: int | None, replicas: int
) -> None:
    """However it is cut: the mean over the batch, to the last digits of float64."""
    rows = np.arange(batch)
    t = Trainer(
        tiny.autoencoder(dtype=np.float64),
        Adam(),
        seed=0,
        batch_size=batch,
        micro_batch=micro_batch,
        replicas=replicas,
    )
    terms = t.gradient(IMAGES, rows)
    model = tiny.autoencoder(dtype=np.float64)
    theta = pack(model.parameters())
    whole, backward = model.loss(IMAGES[:batch].reshape(batch, -1).T / 255)
    backward(1.0)
    np.testing.assert_allclose(t.replicas.grads.sum(axis=0), theta.grad, rtol=1e-12, atol=1e-12)
    assert terms == pytest.approx(whole, rel=1e-12)


def test_a_sum_over_the_batch_is_its_size_times_the_mean() -> None:
    """In the gradient alone: the terms stay means, and the last batch has 4 images."""
    grads, terms = {}, {}
    for reduction in ("mean", "sum"):
        t = trainer(reduction=reduction)
        terms[reduction] = t.gradient(t.model.check_data("test", IMAGES), np.arange(16, 20))
        grads[reduction] = t.replicas.grads.sum(axis=0)
    np.testing.assert_allclose(grads["sum"], 4 * grads["mean"], rtol=1e-5, atol=1e-6)
    assert abs(grads["mean"]).max() > 1e-2
    assert terms["sum"] == terms["mean"]


def test_without_shuffling_batches_are_cut_from_the_set_as_it_stands() -> None:
    t, seen = trainer(shuffle=False), []
    step = t.train_step
    t.train_step = lambda data, rows: seen.append(rows.tolist()) or step(data, rows)  # type: ignore[method-assign,func-returns-value]
    t.fit(IMAGES, epochs=2)
    epoch = [list(range(8)), list(range(8, 16)), list(range(16, 20))]
    assert seen == 2 * epoch


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"reduction": "none"}, "Trainer: expected reduction, mean or sum, got 'none'"),
        ({"shuffle": 0}, "Trainer: expected shuffle, True or False, got 0"),
    ],
)
def test_refuses_another_reduction_or_order(option: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trainer(**option)


@pytest.mark.parametrize("option", [{"reduction": "sum"}, {"shuffle": False}])
def test_reduction_and_order_are_settings_of_a_run_if_they_are_not_as_usual(
    option: Any, tmp_path: Path
) -> None:
    assert trainer().settings().keys().isdisjoint({"reduction", "shuffle"})
    t = trainer(**option)
    t.fit(IMAGES, epochs=1, checkpoint=tmp_path / "run")
    trainer(**option).resume(tmp_path / "run")
    with pytest.raises(ValueError, match="a checkpoint of another run"):
        trainer().resume(tmp_path / "run")


def test_a_batch_is_shared_out_evenly_unless_said_otherwise() -> None:
    assert trainer(micro_batch=None).micro_batch == 4
    assert trainer(micro_batch=None, replicas=3).micro_batch == 3
    assert trainer(micro_batch=2).micro_batch == 2


def test_images_are_shared_out_to_two_replicas_and_vectors_to_one() -> None:
    rng = np.random.default_rng(0)
    for model, replicas in ((tiny.vae(), 1), (lesson.conv_autoencoder(rng=rng), 2)):
        t = Trainer(model, Adam(), seed=0, batch_size=8)
        assert (len(t.replicas.models), t.micro_batch) == (replicas, 8 // replicas)


def test_a_model_with_batch_norm_sees_the_whole_batch() -> None:
    """One replica, one micro-batch: the running mean moves by a tenth of the batch's, once."""
    t = trainer("batch norm")
    assert (len(t.replicas.models), t.micro_batch) == (1, 8)
    rows = np.arange(8)
    h = t.model.batch(IMAGES, rows)[0]
    for layer in t.model.encoder.layers[:2]:
        h, _ = layer.forward(h)
    t.gradient(IMAGES, rows)
    moved = t.model.buffers()["encoder.2.running_mean"]
    np.testing.assert_allclose(moved, 0.1 * h.mean(axis=1), rtol=1e-5)


def test_images_may_be_bytes_or_floats_with_or_without_a_channel_or_labels() -> None:
    runs = [trainer() for _ in range(4)]
    labelled = Dataset(IMAGES, np.zeros(20, int))  # of which a VAE reads the images alone
    sets: list[Any] = [IMAGES, IMAGES[:, None], IMAGES / np.float32(255), labelled]
    for run, images in zip(runs, sets, strict=True):
        run.fit(images, validation=images, epochs=1)
    assert state(runs[0]) == state(runs[1]) == state(runs[2]) == state(runs[3])


# History, terms, evaluation


def test_the_history_has_a_row_an_epoch_that_json_can_hold() -> None:
    rate = Linear(0.1, 0.0, steps=10)
    t = trainer(optimizer=SGD(rate), anneal={"beta": Linear(0, 9, steps=9)})
    history = t.fit(IMAGES, validation=HELD_OUT, epochs=2)
    assert history is t.history
    assert [row["epoch"] for row in history] == [1, 2]
    assert [row["steps"] for row in history] == [3, 6]
    assert [row["learning_rate"] for row in history] == [rate(2), rate(5)]
    assert [row["beta"] for row in history] == [2, 5]
    assert set(history[0]) == {"epoch", "steps", "learning_rate", "train", "beta", "validation"}
    for part in ("train", "validation"):
        assert set(history[0][part]) == {"total", "reconstruction", "kl"}
    assert json.loads(json.dumps(history)) == history


def test_without_validation_or_annealing_the_history_speaks_of_neither() -> None:
    assert set(trainer().fit(IMAGES, epochs=1)[0]) == {"epoch", "steps", "learning_rate", "train"}


@EACH
def test_training_terms_are_means_over_images_and_not_over_batches(kind: str) -> None:
    """At rate 0 nothing moves; the last batch has 4 images and counts half of one that has 8."""
    t = trainer(kind, SGD(0.0))
    seen: list[tuple[int, dict[str, float]]] = []
    gradient = t.gradient

    def spy(images: Any, rows: Any) -> Any:
        terms = gradient(images, rows)
        seen.append((len(rows), terms))
        return terms

    t.gradient = spy  # type: ignore[method-assign]
    row = t.fit(IMAGES, epochs=1)[0]
    means = {name: sum(n * terms[name] for n, terms in seen) / 20 for name in seen[0][1]}
    assert row["train"] == pytest.approx(means, rel=1e-12)


def test_at_rate_zero_the_training_total_is_the_loss_of_the_set() -> None:
    t = trainer("sparse AE", SGD(0.0))
    row = t.fit(IMAGES, validation=IMAGES, epochs=1)[0]
    whole, _ = t.model.loss(IMAGES.reshape(20, -1).T / np.float32(255))
    assert row["train"] == pytest.approx(whole, rel=1e-6)
    assert row["validation"] == pytest.approx(whole, rel=1e-6)


@EACH
def test_the_terms_add_up_in_every_row(kind: str) -> None:
    anneal = {} if kind == "sparse AE" else {"beta": 0.25}
    t = trainer(kind, anneal=anneal)
    history = t.fit(IMAGES, validation=HELD_OUT, epochs=2)
    weights = t.model.term_weights()
    for row in (*(r["train"] for r in history), *(r["validation"] for r in history)):
        parts = sum(weight * row[name] for name, weight in weights.items())
        assert row["total"] == pytest.approx(parts, rel=1e-12)


class Forgetful(VAE):
    """Reports a total without its β KL."""

    def loss(self, x: Any, *, rng: Any = None) -> Any:
        terms, backward = super().loss(x, rng=rng)
        return terms | {"total": terms["reconstruction"]}, backward


@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_a_total_that_is_not_the_sum_of_its_parts_is_found_out(call: str) -> None:
    model = Forgetful(tiny.encoder(4), tiny.decoder(), 2, input_shape=(tiny.D,))
    t = Trainer(model, Adam(), seed=0, batch_size=8)
    options = {"epochs": 1} if call == "fit" else {}
    with pytest.raises(AssertionError, match=r"loss terms: the parts sum to .*, the total is"):
        getattr(t, call)(IMAGES, **options)


@pytest.mark.parametrize("total", [2.0 + 1e-6, np.nan, np.inf])
def test_the_sum_of_terms_is_exact(total: float) -> None:
    check_terms({"total": 2.0, "a": 1.0, "b": 0.5}, {"a": 1, "b": 2})
    with pytest.raises(AssertionError, match=r"loss terms: the parts sum to 2.0, the total is"):
        check_terms({"total": total, "a": 1.0, "b": 0.5}, {"a": 1, "b": 2})


@EACH
def test_evaluation_has_the_same_noise_each_time_and_moves_nothing(kind: str) -> None:
    t = trainer(kind)
    t.fit(IMAGES, validation=HELD_OUT, epochs=1)
    before = state(t)
    first = t.evaluate(HELD_OUT)
    assert first == t.evaluate(HELD_OUT) == t.history[0]["validation"]
    assert state(t) == before
    assert not t.replicas.grads.any()


def test_validation_does_not_change_what_is_learned() -> None:
    one, other = trainer("batch norm"), trainer("batch norm")
    one.fit(IMAGES, validation=HELD_OUT, epochs=2)
    other.fit(IMAGES, epochs=2)
    np.testing.assert_array_equal(one.replicas.theta.value, other.replicas.theta.value)


@given(chunk=st.integers(1, 21))
def test_evaluation_in_chunks_is_the_mean_over_images(chunk: int) -> None:
    t = Trainer(tiny.autoencoder(dtype=np.float64), Adam(), seed=0, micro_batch=1)
    whole, _ = t.model.loss(IMAGES.reshape(20, -1).T / 255)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "CHUNK", chunk)
        assert t.evaluate(IMAGES) == pytest.approx(whole, rel=1e-12)


def test_evaluation_is_without_dropout() -> None:
    noisy, quiet = trainer("dropout"), trainer("VAE")
    assert noisy.evaluate(HELD_OUT) == quiet.evaluate(HELD_OUT)


def test_a_model_learns() -> None:
    history = trainer(optimizer=Adam(0.02)).fit(IMAGES, epochs=40)
    assert history[-1]["train"]["total"] < history[0]["train"]["total"] - 0.5


# Settings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "expected seed 1, got 0"),
        ({"batch_size": 9}, "expected batch_size 9, got 8"),
        ({"micro_batch": 2}, "expected micro_batch 2, got 3"),
        ({"replicas": 1}, "expected replicas 1, got 2"),
        ({"patience": 3}, "expected patience 3, got None"),
        ({"anneal": {"beta": 0.5}}, "expected anneal.beta {'schedule': 'Constant', 'value"),
        ({"optimizer": Adam(1e-3)}, "expected optimizer.learning_rate {'schedule': 'Constant'"),
        ({"optimizer": AdamW(1e-2, weight_decay=0)}, "expected optimizer.kind AdamW, got Adam"),
        ({"optimizer": Adam(1e-2, clip_norm=1)}, "expected optimizer.clip_norm 1.0, got None"),
        ({"kind": "sparse AE"}, "expected model Autoencoder, got VAE"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_refuses_to_resume_a_run_with_other_settings(
    change: Any, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "run.safetensors"
    trainer().fit(IMAGES, epochs=1, checkpoint=file)
    other = trainer(**change)
    before = state(other)
    want = rf"^{re.escape(str(file))}: a checkpoint of another run: {re.escape(message)}"
    with pytest.raises(ValueError, match=want):
        other.resume(file)
    assert state(other) == before


def test_threads_are_no_setting(tmp_path: Path) -> None:
    file = tmp_path / "run.safetensors"
    trainer(threads=2).fit(IMAGES, epochs=1, checkpoint=file)
    trainer(threads=None).resume(file)


def test_refuses_to_resume_with_another_objective(tmp_path: Path) -> None:
    """β and the likelihood are the model's, and part of what a run is."""
    file = tmp_path / "run.safetensors"
    trainer().fit(IMAGES, epochs=1, checkpoint=file)
    run = {"seed": 0, "batch_size": 8, "micro_batch": 3, "replicas": 2}
    heavier = Trainer(tiny.vae(beta=4), Adam(1e-2), **run)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"another run: expected weight.kl 4.0, got 1.0"):
        heavier.resume(file)
    other = Trainer(tiny.vae(likelihood=Gaussian()), Adam(1e-2), **run)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"expected likelihood Gaussian\(variance=1.0\), got Bern"):
        other.resume(file)
    noisier = Trainer(tiny.vae(corruption=Masking(0.5)), Adam(1e-2), **run)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"expected corruption Masking\(fraction=0.5\), got None"):
        noisier.resume(file)
    freer = Trainer(tiny.vae(free_bits=2.0), Adam(1e-2), **run)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"expected free_bits 2.0, got 0.0"):
        freer.resume(file)


def test_a_second_trainer_of_one_annealed_model_resumes_the_first(tmp_path: Path) -> None:
    """As when a cell of a notebook runs again: β has moved meanwhile, the settings have not."""
    file = tmp_path / "run.safetensors"
    options = {"seed": 0, "batch_size": 8, "anneal": {"beta": Linear(0, 1, steps=8)}}
    model = tiny.vae()
    Trainer(model, Adam(), **options).fit(IMAGES, epochs=1, checkpoint=file)  # type: ignore[arg-type]
    again = Trainer(model, Adam(), **options)  # type: ignore[arg-type]
    again.resume(file)
    assert again.epoch == 1


def test_a_schedule_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    t = trainer(optimizer=Adam(lambda step: 1e-3 / (1 + step)))
    with pytest.raises(ValueError, match=r"describe: expected one of Constant, .*, got <function"):
        t.fit(IMAGES, epochs=1, checkpoint=tmp_path / "run.safetensors")
    assert t.optimizer.steps == 0
    t.fit(IMAGES, epochs=1)


def test_a_training_checkpoint_is_also_a_model(tmp_path: Path) -> None:
    file = tmp_path / "run.safetensors"
    t = trainer("batch norm", Adam(0.03), patience=3)
    t.fit(IMAGES, validation=HELD_OUT, epochs=2, checkpoint=file)
    model = MODELS["batch norm"]()
    load_model(file, model)
    np.testing.assert_array_equal(model.encode(HELD_OUT), t.model.encode(HELD_OUT))


# Progress

NUMBER = r"-?\d+\.\d{3}"
LINE = (
    rf"epoch (1|2)/2 \| train total {NUMBER}  reconstruction {NUMBER}  kl {NUMBER}"
    rf" \| validation total {NUMBER}  reconstruction {NUMBER}  kl {NUMBER}"
)


def test_without_a_terminal_there_is_a_plain_line_an_epoch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    t = trainer()
    t.fit(IMAGES, validation=HELD_OUT, epochs=2, progress=True)
    out, err = capsys.readouterr()
    assert err == ""
    assert re.fullmatch(f"{LINE}\n{LINE}\n", out), out
    assert f"validation total {t.history[1]['validation']['total']:.3f}" in out


def test_nothing_is_printed_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    trainer().fit(IMAGES, validation=HELD_OUT, epochs=2)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_there_is_a_bar_of_steps_with_the_terms(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    trainer().fit(IMAGES, epochs=2, progress=True)
    last = terminal.getvalue().strip().split("\r")[-1]
    assert re.search(r"100%.* 6/6 .*step.*total=.*reconstruction=.*kl=", last), last
    assert len(capsys.readouterr().out.splitlines()) == 2


@EACH
def test_progress_does_not_change_what_is_learned(kind: str) -> None:
    one, other = trainer(kind), trainer(kind)
    one.fit(IMAGES, epochs=1, progress=True)
    other.fit(IMAGES, epochs=1)
    assert state(one) == state(other)


def test_refuses_to_go_on_with_an_epoch_of_other_images(tmp_path: Path) -> None:
    """Another number of images has another order: some would be seen twice, others never."""
    file, t = tmp_path / "run.safetensors", trainer()
    t.fit(IMAGES, epochs=1)
    t.train_step(IMAGES, np.arange(8))
    t.batch_index = 1
    t.save(file)
    again = trainer()
    again.resume(file)
    with pytest.raises(ValueError, match=r"fit: an epoch of 20 samples is under way, .* got 21"):
        again.fit(tiny.images(21), epochs=2)
    assert again.fit(IMAGES, epochs=2)[-1]["epoch"] == 2
    again.fit(tiny.images(21), epochs=3)  # between two epochs the set may grow


def test_refuses_to_train_a_model_that_another_trainer_has_taken_over() -> None:
    model = tiny.vae()
    first = Trainer(model, Adam(1e-2), seed=0, batch_size=8)
    second = Trainer(model, Adam(1e-2), seed=0, batch_size=8)
    before = {name: p.value.copy() for name, p in model.parameters().items()}
    with pytest.raises(ValueError, match=r"fit: the weights .* are another Trainer's by now"):
        first.fit(IMAGES, epochs=1)
    second.fit(IMAGES, epochs=1)
    assert any((p.value != before[name]).any() for name, p in model.parameters().items())


@pytest.mark.parametrize("scale", [2.0, 255.0, -1.0])
def test_refuses_floats_beyond_0_1_where_they_are_probabilities(scale: float) -> None:
    images = np.linspace(0, scale, 20 * 16, dtype=np.float32).reshape(20, 4, 4)
    with pytest.raises(ValueError, match=r"fit data: expected numbers in \[0, 1\]"):
        trainer().fit(images, epochs=1)
    t = Trainer(tiny.vae(likelihood=Gaussian()), Adam(1e-4), seed=0, batch_size=8)
    t.fit(images / 100, epochs=1)


def test_one_replica_has_the_same_bits_on_any_number_of_threads() -> None:
    """Large enough for threads to share every kernel; the last batch is a small one."""
    images = np.random.default_rng(0).integers(0, 256, (300, 28, 28), np.uint8)
    ends = []
    for threads in (1, 2, 3):
        vae = lesson.dense_vae((96,), rng=np.random.default_rng(0))
        t = Trainer(vae, Adam(1e-3, clip_norm=1.0), seed=0, threads=threads)
        t.fit(images, epochs=2)
        ends.append(t.replicas.theta.value)
    np.testing.assert_array_equal(ends[0], ends[1])
    np.testing.assert_array_equal(ends[0], ends[2])
