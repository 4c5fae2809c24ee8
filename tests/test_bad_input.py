"""Bad input and bad luck: who, expected, got; nothing half-done; and a NaN traced to its source."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from nnscratch.core import Array, Backward
from nnscratch.data import Dataset
from nnscratch.layers import (
    BatchNorm,
    Dropout,
    Flatten,
    Identity,
    LayerNorm,
    Reshape,
    Sequential,
)
from nnscratch.layers.activations import Elementwise
from nnscratch.likelihoods import SquaredError
from nnscratch.optimizers import SGD, Adam
from nnscratch.training import Trainer, TrainingDiverged, validation
from nnscratch.training import trainer as loop
from nnscratch.training.checkpoint import read
from nnscratch.training.diagnosis import first_non_finite

IMAGES, HELD_OUT = tiny.images(20), tiny.images(7, seed=1)


def trainer(model: Any = None, optimizer: Any = None, **options: Any) -> Trainer:
    options = {"seed": 0, "batch_size": 8, "micro_batch": 3} | options
    return Trainer(model or tiny.vae(), optimizer or Adam(1e-2), **options)


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "Trainer: expected batch_size ≥ 1, got 0"),
        ({"batch_size": None}, "Trainer: expected batch_size, an integer ≥ 1, got None"),
        ({"batch_size": -8}, "Trainer: expected batch_size ≥ 1, got -8"),
        ({"micro_batch": 0}, "Trainer: expected micro_batch ≥ 1, got 0"),
        ({"patience": 0}, "Trainer: expected patience ≥ 1, got 0"),
        ({"replicas": 0}, "Replicas: expected replicas ≥ 1, got 0"),
        ({"threads": 0}, "Trainer: expected threads ≥ 1, got 0"),
        ({"threads": -1}, "Trainer: expected threads ≥ 1, got -1"),
        ({"seed": -1}, "Trainer: expected seed, an integer in [0, 2⁶³), got -1"),
        (
            {"seed": 2**63},
            "Trainer: expected seed, an integer in [0, 2⁶³), got 9223372036854775808",
        ),
        ({"seed": 1.5}, "Trainer: expected seed, an integer in [0, 2⁶³), got 1.5"),
        ({"seed": None}, "Trainer: expected seed, an integer in [0, 2⁶³), got None"),
        ({"anneal": {"gamma": 1.0}}, "Trainer: VAE has no 'gamma' to anneal"),
        ({"anneal": {"beta": np.nan}}, "Constant value: expected a finite number, got nan"),
    ],
    ids=str,
)
def test_a_trainer_refuses_to_be_made(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        trainer(**options)


def test_a_trainer_wants_a_seed() -> None:
    with pytest.raises(TypeError, match="seed"):
        Trainer(tiny.vae(), Adam())  # type: ignore[call-arg]


@pytest.mark.parametrize("seed", [0, 2**63 - 1, np.int64(3), np.uint8(3)])
def test_any_other_integer_is_a_seed(seed: Any) -> None:
    """NumPy's too, and JSON can hold it."""
    t = trainer(seed=seed)
    assert type(t.settings()["seed"]) is int
    t.fit(IMAGES, epochs=1)


WANT = "expected uint8, float32 or float64, got"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((0, 4, 4), np.uint8), "expected (N, 16), got (0, 4, 4); a batch holds at least"),
        (np.zeros((20, 4, 4), np.int64), f"{WANT} (20, 4, 4) int64"),
        (np.zeros((20, 4, 4), complex), f"{WANT} (20, 4, 4) complex128"),
        (np.full((20, 4, 4), "0"), f"{WANT} (20, 4, 4) <U1"),
        (np.zeros((20, 5, 4)), "expected (N, 16), got (20, 5, 4)"),
        (np.zeros((20, 3, 4, 4)), "expected (N, 16), got (20, 3, 4, 4)"),
        (np.full((20, 4, 4), np.nan), "expected finite numbers, got NaN or infinity"),
        (np.full((20, 4, 4), np.inf, np.float32), "expected finite numbers, got NaN or infinity"),
        (IMAGES.tolist(), f"{WANT} (20, 4, 4) int64; .astype(np.uint8) if these are grey levels"),
        (Dataset(np.zeros((20, 5, 4)), np.zeros(20, int)), "expected (N, 16), got (20, 5, 4)"),
    ],
    ids=lambda value: str(value)[-40:],
)
@pytest.mark.parametrize("name", ["data", "validation"])
def test_fit_refuses_data_and_has_done_nothing(
    name: str, data: Any, message: str, tmp_path: Path
) -> None:
    t = trainer()
    before = t.replicas.theta.value.copy()
    sets = {"data": IMAGES, "validation": HELD_OUT} | {name: data}
    with pytest.raises(ValueError, match=rf"^fit {name}: {re.escape(message)}"):
        t.fit(sets["data"], validation=sets["validation"], epochs=1, checkpoint=tmp_path / "x")
    with pytest.raises(ValueError, match=rf"^evaluate: {re.escape(message)}"):
        t.evaluate(data)
    np.testing.assert_array_equal(t.replicas.theta.value, before)
    assert (t.optimizer.steps, t.history, list(tmp_path.iterdir())) == (0, [], [])


def test_a_single_nan_is_found() -> None:
    images = np.zeros((20, 4, 4), np.float32)
    images[13, 2, 1] = np.nan
    with pytest.raises(ValueError, match="fit data: expected finite numbers, got NaN"):
        trainer().fit(images, epochs=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": IMAGES[:7]}, "fit: expected at least a batch of 8 samples, got 7"),
        ({"epochs": 0}, "fit: expected epochs ≥ 1, got 0"),
        ({"epochs": -1}, "fit: expected epochs ≥ 1, got -1"),
    ],
    ids=["fewer than a batch", "no epoch", "less than none"],
)
def test_fit_refuses_a_number(options: Any, message: str) -> None:
    options = {"data": IMAGES, "epochs": 1} | options
    with pytest.raises(ValueError, match=re.escape(message)):
        trainer().fit(**options)


def test_a_last_batch_of_one_image_is_refused_where_it_has_no_variance(tmp_path: Path) -> None:
    """Before the first step, not after an epoch of them; 17 = 2·8 + 1."""
    t = trainer(tiny.vae(BatchNorm(tiny.H)))
    before = t.replicas.theta.value.copy()
    message = (
        "fit: 17 samples in batches of 8 leave a last batch of one: BatchNorm: expected ≥ 2 values"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        t.fit(tiny.images(17), epochs=1, checkpoint=tmp_path / "x")
    np.testing.assert_array_equal(t.replicas.theta.value, before)
    assert (t.optimizer.steps, t.history, list(tmp_path.iterdir())) == (0, [], [])


@pytest.mark.parametrize(
    "between", [(), (Dropout(0.5),), (LayerNorm(tiny.H),)], ids=["plain", "Dropout", "LayerNorm"]
)
def test_elsewhere_a_last_batch_of_one_image_is_welcome(between: Any) -> None:
    t = trainer(tiny.vae(*between))
    t.fit(tiny.images(17), epochs=1)
    assert t.optimizer.steps == 3


def test_a_channel_of_an_image_has_a_variance_of_its_own() -> None:
    """Four pixels of one image are a batch to BatchNorm."""
    shape = Reshape(2, 2, 2), BatchNorm(2), Flatten()
    t = trainer(tiny.vae(*shape))
    t.fit(tiny.images(17), epochs=1)
    assert t.optimizer.steps == 3


def test_patience_without_validation_is_refused() -> None:
    with pytest.raises(ValueError, match="fit: patience needs validation data, got none"):
        trainer(patience=2).fit(IMAGES, epochs=1)


@pytest.mark.parametrize("count", [8, 1])
def test_a_set_of_one_batch_is_enough(count: int) -> None:
    t = trainer(batch_size=count)
    t.fit(IMAGES[:count], epochs=1)
    assert t.optimizer.steps == 1


# A loss that is no number any more


class Faulty(Elementwise):
    """The identity, but from its `when`-th call on there is one NaN in y, or in dx."""

    def __init__(self, when: int, where: str = "y", what: float = np.nan) -> None:
        self.calls, self.when, self.where, self.what = 0, when, where, what

    def forward(self, x: Array) -> tuple[Array, Backward]:
        self.calls += 1
        bad = self.calls >= self.when

        def broken(a: Array, here: str) -> Array:
            a = a.copy()
            if bad and self.where == here:
                a[1, -1] = self.what
            return a

        return broken(x, "y"), lambda dy: broken(dy, "dx")


class Moody(Elementwise):
    """The identity, but one time in four all is NaN: its noise decides."""

    noisy = True

    def forward(self, x: Array, *, rng: np.random.Generator) -> tuple[Array, Backward]:
        return x * np.where(rng.random() < 0.25, np.nan, 1).astype(x.dtype), lambda dy: dy.copy()

    def inference(self) -> Any:
        return Identity()


def whole(model: Any = None, optimizer: Any = None, **options: Any) -> Trainer:
    """One micro-batch a batch, so that a layer is called once a step: 3 times an epoch."""
    return trainer(model, optimizer, **{"replicas": 1, "micro_batch": 8} | options)


def diverging(t: Trainer, path: Path, **options: Any) -> str:
    """Train until it raises, see that the last good checkpoint is still there, return the words."""
    for layer in (*t.model.encoder.layers, *t.model.decoder.layers):
        if isinstance(layer, Faulty):
            layer.calls = 0  # it was tried once when the model was put together
    written: list[bytes] = []
    save = t.save

    def spy(path: str | Path) -> None:
        save(path)
        written.append(Path(path).read_bytes())

    t.save = spy  # type: ignore[method-assign]
    with pytest.raises(TrainingDiverged) as error:
        t.fit(IMAGES, epochs=3, checkpoint=path, **options)
    assert [p.name for p in path.parent.iterdir()] == [path.name] * bool(written)
    if written:
        assert path.read_bytes() == written[-1]
        arrays, info = read(path)
        assert all(np.isfinite(a).all() for a in arrays.values())
        assert info["progress"]["epoch"] == len(written) == t.epoch
    assert len(t.history) == len(written)
    return str(error.value)


LOSSES = r"total \S+, reconstruction \S+, kl \S+"


@pytest.mark.parametrize(
    ("what", "count"), [(np.nan, "1 NaN and 0 infinite"), (np.inf, "0 NaN and 1 infinite")]
)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize(
    ("call", "when"), [(1, "epoch 1, step 1"), (3, "epoch 1, step 3"), (5, "epoch 2, step 2")]
)
def test_the_layer_that_first_returned_a_nan_is_named(
    part: str, call: int, when: str, what: float, count: str, tmp_path: Path
) -> None:
    """The third of encoder or decoder, with 8 numbers a sample and 8 samples, or 4 in step 3."""
    model = tiny.vae()
    fault = Faulty(call, "y", what)
    layers = getattr(model, part).layers
    setattr(model, part, Sequential(*layers[:2], fault, *layers[2:]))
    words = diverging(whole(model), tmp_path / "x")
    size = 32 if call == 3 else 64
    assert re.fullmatch(
        rf"{when}: {LOSSES}; {part}\.2 \(Faulty\) returned {count} of {size} numbers", words
    ), words


@pytest.mark.parametrize(
    ("call", "when", "losses"),
    [(4, "epoch 2, step 2", f" {LOSSES};"), (6, "epoch 2, step 3", ""), (3, "epoch 1, step 3", "")],
)
def test_a_nan_that_backward_returned_is_found_in_the_parameters(
    call: int, when: str, losses: str, tmp_path: Path
) -> None:
    """In the next loss, or at the end of an epoch before the weights go into history or file."""
    fault = Faulty(call, "dx")
    t = whole(tiny.vae(fault))
    fault.calls = 0  # the model was tried when it was put together
    words = diverging(t, tmp_path / "x")
    assert re.fullmatch(
        rf"{when}:{losses} the parameter encoder\.0\.weight holds \d+ NaN and 0 infinite of 128 "
        r"numbers: an earlier step broke it",
        words,
    ), words


def test_a_validation_that_is_no_number_stops_training_too(tmp_path: Path) -> None:
    """Epoch 2 has the calls 5, 6 and 7; the 8th is its validation, of 7 images."""
    fault = Faulty(8)
    t = whole(tiny.vae(fault))
    fault.calls = 0  # the model was tried when it was put together
    words = diverging(t, tmp_path / "x", validation=HELD_OUT)
    want = (
        rf"epoch 2, validation: {LOSSES}; encoder\.2 \(Faulty\) returned 1 NaN and 0 infinite of 56"
    )
    assert re.match(want, words), words


@pytest.mark.parametrize("model", [tiny.vae, tiny.autoencoder])
@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_learning_rate_beyond_reason_is_told_as_divergence(
    model: Any, make: Any, tmp_path: Path
) -> None:
    """Not as a warning, and not by a checkpoint of rubbish. (10³⁰)² is beyond float32."""
    t = trainer(model(likelihood=SquaredError()), make(1e30))
    words = diverging(t, tmp_path / "x")
    what = (
        r"(the parameter|the code that reaches|encoder\.\d \(|decoder\.\d \(|every layer is finite)"
    )
    assert re.match(rf"epoch \d, step \d: .*{what}", words), words


def test_a_parameter_that_is_a_nan_is_named(tmp_path: Path) -> None:
    t = trainer()
    t.model.parameters()["decoder.0.bias"].value[3] = np.nan
    words = diverging(t, tmp_path / "x")
    want = (
        r"the parameter decoder\.0\.bias holds 1 NaN and 0 infinite of 8 numbers: an earlier step"
    )
    assert re.match(rf"epoch 1, step 1: total nan, reconstruction nan, kl \d\S+; {want}", words), (
        words
    )


def test_a_nan_in_data_that_slipped_through_is_named() -> None:
    """In the second of three micro-batches: 3 images of 16 numbers."""
    images = IMAGES / np.float32(255)
    images[4, 0, 0] = np.nan
    with pytest.raises(
        TrainingDiverged, match="; the data hold 1 NaN and 0 infinite of 48 numbers"
    ):
        trainer().gradient(images, np.arange(8))


def test_a_code_that_overflows_is_named() -> None:
    """log σ² = 2000: every layer of the encoder is finite, σ = e¹⁰⁰⁰ is not."""
    t = trainer()
    t.model.parameters()["encoder.2.bias"].value[...] = 2000
    want = r"; the code that reaches decoder\.0 holds 0 NaN and 6 infinite of 6 numbers"
    with pytest.raises(TrainingDiverged, match=want):
        t.gradient(IMAGES, np.arange(8))


def test_a_loss_that_is_alone_to_blame_is_named() -> None:
    t = trainer(tiny.autoencoder(penalties={"odd": (1.0, lambda z: (np.nan, z))}))
    want = r"total nan, .*odd nan; every layer is finite, the loss is not: total, odd$"
    with pytest.raises(TrainingDiverged, match=want):
        t.gradient(IMAGES, np.arange(8))


@pytest.mark.parametrize("epoch", range(8))
def test_the_search_repeats_the_noise_of_the_micro_batch_that_failed(epoch: int) -> None:
    """With other noise the layer would be well again, and nobody to blame."""
    t = trainer(tiny.vae(Moody()), micro_batch=1)
    t.epoch = epoch
    with pytest.raises(TrainingDiverged, match=r"; encoder\.2 \(Moody\) returned 8 NaN and 0 inf"):
        t.gradient(IMAGES, np.arange(20))


def test_weights_that_are_no_numbers_are_not_written(tmp_path: Path) -> None:
    """Not even on request, over a file that is good."""
    t = trainer()
    t.save(tmp_path / "x")
    before = (tmp_path / "x").read_bytes()
    t.replicas.theta.value[-1] = np.inf
    with pytest.raises(
        TrainingDiverged, match=r"the parameter decoder\.2\.bias holds 0 NaN and 1 inf"
    ):
        t.save(tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == before


def test_after_a_divergence_the_last_checkpoint_goes_on_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half gradient, the NaN in it and the poisoned running mean are gone."""
    file = tmp_path / "x"
    t, straight = (trainer(tiny.vae(BatchNorm(tiny.H))) for _ in range(2))
    t.fit(IMAGES, epochs=1, checkpoint=file)
    bad = IMAGES / np.float32(255)
    bad[5] = np.nan
    monkeypatch.setattr(loop, "checked_sets", lambda run, *sets: sets[:2])
    with pytest.raises(TrainingDiverged, match=r"epoch 2, step \d: .*the data hold 16 NaN"):
        t.fit(bad, epochs=3, checkpoint=file)
    assert np.isnan(t.replicas.grads).any()
    assert np.isnan(t.model.buffers()["encoder.2.running_mean"]).any()
    t.resume(file)
    t.fit(IMAGES, epochs=2)
    straight.fit(IMAGES, epochs=2)
    np.testing.assert_array_equal(t.replicas.theta.value, straight.replicas.theta.value)
    assert t.history == straight.history
    for ours, theirs in zip(
        t.model.buffers().values(), straight.model.buffers().values(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_evaluating_a_diverged_model_tells_and_does_not_raise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One chunk loses ∞ and the next -∞: their mean is no number."""
    signs = iter([np.inf, -np.inf] * 10)
    t = trainer(tiny.autoencoder(penalties={"odd": (1.0, lambda z: (next(signs), z))}))
    monkeypatch.setattr(validation, "CHUNK", 10)
    assert np.isnan(t.evaluate(IMAGES)["total"])


def test_of_a_healthy_model_there_is_nothing_to_say() -> None:
    x = IMAGES.reshape(20, -1).T / np.float32(255)
    words = first_non_finite(tiny.vae(Dropout(0.3)), (x,), rng=np.random.default_rng(0))
    assert words == "every layer and every term of the loss is finite"
