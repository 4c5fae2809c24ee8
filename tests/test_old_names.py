"""Files written when a ReLU could be part of a convolution or a pool: their layers were fewer."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from nnscratch.core import Array
from nnscratch.layers import Conv2d, Dense, Flatten, MaxPool2d, ReLU, Reshape, Sequential
from nnscratch.models import Autoencoder
from nnscratch.models.lesson import conv_autoencoder, keras_conv_vae
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer
from nnscratch.training import checkpoint as disk
from nnscratch.training.checkpoint import arrays_of, load_model, save_model

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 1, 8, 8), np.uint8)

BEFORE = {
    "encoder.0": "encoder.0",
    "encoder.3": "encoder.2",
    "encoder.6": "encoder.4",
    "decoder.0": "decoder.0",
    "decoder.3": "decoder.2",
    "decoder.6": "decoder.4",
    "decoder.9": "decoder.6",
}
"""The layers of the lesson's convolutional autoencoder that have weights: now, and before."""


def renamed(name: str) -> str:
    """The name that an array of that network had."""
    last = "training.last." if name.startswith("training.last.") else ""
    layer, _, kind = name.removeprefix(last).rpartition(".")
    return f"{last}{BEFORE[layer]}.{kind}" if layer in BEFORE else name


def as_second(file: Path, patch: pytest.MonkeyPatch) -> None:
    """Write a file anew as it was written before: without an architecture, too."""
    arrays, info = disk.read(file)
    info.pop("architecture", None)
    with patch.context() as second:
        second.setattr(disk, "FORMAT", disk.SECOND)
        disk.write(file, {renamed(name): a for name, a in arrays.items()}, info)


def same(a: Autoencoder, b: Autoencoder) -> bool:
    ours, theirs = arrays_of(a), arrays_of(b)
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[k], theirs[k]) for k in ours)


def lesson(seed: int) -> Autoencoder:
    return conv_autoencoder(rng=np.random.default_rng(seed))


def test_weights_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_model(tmp_path / "x", lesson(1))
    as_second(tmp_path / "x", monkeypatch)
    assert b"nnscratch 2" in (tmp_path / "x").read_bytes()
    model = lesson(2)
    load_model(tmp_path / "x", model)
    assert same(model, lesson(1))


def test_a_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the best weights and the last, where both are kept."""

    def trainer() -> Trainer:
        model = conv_autoencoder(image=(1, 8, 8), rng=np.random.default_rng(0))
        return Trainer(model, Adam(0.01), seed=0, batch_size=8, patience=50)

    straight, resumed = trainer(), trainer()
    straight.fit(IMAGES, validation=IMAGES[:8], epochs=2, checkpoint=tmp_path / "x")
    as_second(tmp_path / "x", monkeypatch)
    resumed.resume(tmp_path / "x")
    for t in (straight, resumed):
        t.fit(IMAGES, validation=IMAGES[:8], epochs=4)
    assert same(straight.model, resumed.model)
    assert straight.history == resumed.history


def test_a_network_without_such_layers_has_the_names_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def model(seed: int) -> Autoencoder:
        rng = np.random.default_rng(seed)
        encoder = Sequential(Flatten(), Dense(64, 3, rng=rng))
        decoder = Sequential(Dense(3, 64, rng=rng), Reshape(1, 8, 8))
        return Autoencoder(encoder, decoder, input_shape=(1, 8, 8))

    save_model(tmp_path / "x", model(1))
    as_second(tmp_path / "x", monkeypatch)
    read = model(2)
    load_model(tmp_path / "x", read)
    assert same(read, model(1))


def test_layers_of_two_digits_are_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layer 10 comes after layer 9, although its name does not."""

    def deep(seed: int) -> Autoencoder:
        rng = np.random.default_rng(seed)
        convs = [Conv2d(1, 1, 3, padding=1, rng=rng) for _ in range(12)]
        layers = [layer for conv in convs for layer in (conv, ReLU())]
        encoder = Sequential(*layers, MaxPool2d(4), Flatten())
        decoder = Sequential(Dense(4, 64, rng=rng), Reshape(1, 8, 8))
        return Autoencoder(encoder, decoder, input_shape=(1, 8, 8))

    model = deep(1)
    before = {}
    for name, a in arrays_of(model).items():
        part, layer, kind = name.split(".")
        before[f"{part}.{int(layer) // 2 if part == 'encoder' else layer}.{kind}"] = a
    with monkeypatch.context() as second:
        second.setattr(disk, "FORMAT", disk.SECOND)
        disk.write(tmp_path / "x", before, {})
    read = deep(2)
    load_model(tmp_path / "x", read)
    assert same(read, model)


def refused(
    file: Path, arrays: dict[str, Array], want: str, patch: pytest.MonkeyPatch | None = None
) -> None:
    """Write the arrays, as the second format if `patch` is given; the lesson's model refuses."""
    with patch.context() if patch else nullcontext() as second:
        if second:
            second.setattr(disk, "FORMAT", disk.SECOND)
        disk.write(file, arrays, {})
    model = lesson(2)
    with pytest.raises(ValueError, match=want):
        load_model(file, model)
    assert same(model, lesson(2))


def test_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer layers, other shapes, another order of shapes; nothing is changed."""
    arrays = {renamed(name): a for name, a in arrays_of(lesson(1)).items()}
    fewer = {name: a for name, a in arrays.items() if not name.startswith("encoder.4")}
    other = arrays_of(keras_conv_vae(rng=np.random.default_rng(0)))
    turned = arrays | {"encoder.0.weight": arrays["encoder.2.weight"]}
    for file, case in enumerate((fewer, other, turned)):
        refused(tmp_path / str(file), case, "a checkpoint of another model: ", monkeypatch)


def test_files_of_today_keep_to_their_names(tmp_path: Path) -> None:
    arrays = {renamed(name): a for name, a in arrays_of(lesson(1)).items()}
    want = r"a checkpoint of another model: it has a decoder\.2\.bias too many"
    refused(tmp_path / "x", arrays, want)
