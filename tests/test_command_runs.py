"""Runs of `train` that are broken off, and go on; settings, sources and defaults."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_command import SMALL, assert_same_bits, fill

import nnscratch as nn
from nnscratch.command import main
from nnscratch.command.building import channels, resolved
from nnscratch.command.settings import as_toml
from nnscratch.command.sources import Source, read
from nnscratch.command.trainer import CommandTrainer
from nnscratch.training.model_file import read_notes


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("data") / "pets")


def words_for(pets: Path, out: Path, *more: object) -> list[str]:
    return ["train", str(pets), "--size", "8", "8", *SMALL, *map(str, more), "--out", str(out)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("step", [1, 2, 4])
def test_a_signal_leaves_a_checkpoint_from_which_the_run_goes_on_to_the_bit(
    number: int,
    code: int,
    step: int,
    pets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(words_for(pets, tmp_path / "whole")) == 0
    steps, train_step = [0], CommandTrainer.train_step

    def stopped(self: Any, *args: Any) -> Any:
        steps[0] += 1
        if steps[0] == step:
            signal.raise_signal(number)
        return train_step(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(CommandTrainer, "train_step", stopped)
        assert main(words_for(pets, tmp_path / "out")) == code
    assert "--resume` goes on" in capsys.readouterr().err
    assert not (tmp_path / "out" / "model.safetensors").exists()
    assert main(["train", "--out", str(tmp_path / "out"), "--resume"]) == 0
    assert_same_bits(tmp_path / "whole", tmp_path / "out")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_ends_with_the_code_of_the_signal(
    number: int, code: int, pets: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "nnscratch", *words_for(pets, tmp_path, "--epochs", 100_000)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not (tmp_path / "checkpoint.safetensors").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"Traceback" not in said
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_a_run_goes_on_beyond_its_epochs(pets: Path, tmp_path: Path) -> None:
    assert main(words_for(pets, tmp_path / "whole", "--epochs", 4)) == 0
    assert main(words_for(pets, tmp_path / "out", "--patience", 9)) == 0
    assert main(["train", "--out", str(tmp_path / "out"), "--resume", "--patience", "8"]) == 1
    assert main(words_for(pets, tmp_path / "b")) == 0
    assert main(["train", "--out", str(tmp_path / "b"), "--resume", "--epochs", "4"]) == 0
    assert_same_bits(tmp_path / "whole", tmp_path / "b")
    assert read_notes(tmp_path / "b" / "model.safetensors")["settings"]["epochs"] == 4


def test_there_must_be_something_to_resume(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words_for(pets, tmp_path / "out", "--resume")) == 1
    assert "checkpoint.safetensors: No such file" in capsys.readouterr().err


def test_a_run_may_be_overwritten_if_one_says_so(pets: Path, tmp_path: Path) -> None:
    assert main(words_for(pets, tmp_path)) == 0
    assert main(words_for(pets, tmp_path, "--beta", 2, "--force")) == 0
    assert nn.load(tmp_path / "model.safetensors").beta == 2


def test_a_picture_that_changes_during_training_ends_it_and_the_checkpoint_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pets, close = fill(tmp_path / "pets"), CommandTrainer.close_epoch

    def spoil(self: Any, *args: Any) -> None:
        close(self, *args)
        for file in pets.rglob("*.png"):
            file.write_bytes(file.read_bytes()[:50])

    monkeypatch.setattr(CommandTrainer, "close_epoch", spoil)
    assert main(words_for(pets, tmp_path / "out", "--memory", 0)) == 1
    assert "it was readable before" in capsys.readouterr().err
    left = {"checkpoint.safetensors", "history.csv", "run.toml"}
    assert set(os.listdir(tmp_path / "out")) == left


def test_time_is_up(pets: Path, tmp_path: Path) -> None:
    assert main(words_for(pets, tmp_path, "--epochs", 50, "--minutes", 1e-9)) == 0
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 1


def test_a_loss_that_is_no_number_is_said(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = words_for(pets, tmp_path, "--learning-rate", 1e30, "--epochs", 9)
    assert main([*words, "--optimizer", "sgd"]) == 1
    assert "a smaller --learning-rate may help" in capsys.readouterr().err


# Settings and sources


def test_toml_says_what_was_meant() -> None:
    import tomllib

    said: dict[str, Any] = {"a": 'C:\\"x"\n\x7f', "b": [1, 2], "c": True, "d": 1e-3, "e": None}
    assert tomllib.loads(as_toml(said)) == {k: v for k, v in said.items() if v is not None}


@pytest.mark.parametrize(
    ("shape", "want"),
    [((3, 64, 64), [32, 64, 128, 128]), ((1, 28, 28), [32, 64, 128]), ((3, 4, 9), [32])],
)
def test_channels_halve_a_picture_to_about_4(shape: tuple[int, ...], want: list[int]) -> None:
    assert channels(shape) == want


@pytest.mark.parametrize(
    ("shape", "kind", "model"),
    [
        ((20, 9, 9), "pictures", "conv_vae"),
        ((20, 16), "signals", "conv_vae"),
        ((20, 16), "rows", "table_vae"),
    ],
)
def test_the_default_model_suits_the_data(
    shape: tuple[int, ...], kind: str, model: str, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).random(shape).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    source = read(str(tmp_path / "x.npy"), {"kind": kind})
    assert resolved({}, source)["model"] == model
    words = ["train", str(tmp_path / "x.npy"), "--kind", kind, "--epochs", "1"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0


def test_sets_of_idx_files(tmp_path: Path) -> None:
    def write(name: str, a: np.ndarray) -> None:
        head = bytes((0, 0, 8, a.ndim)) + np.array(a.shape, ">u4").tobytes()
        (tmp_path / name).write_bytes(head + a.tobytes())

    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("t10k", 4)):
        write(f"own-{part}-images-idx3-ubyte", rng.integers(0, 255, (count, 5, 5), np.uint8))
        write(f"own-{part}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8) % 2)
    for place in (tmp_path, tmp_path / "own"):
        assert len(read(str(place), {}).data) == 6
        assert len(read(str(place), {}, "test").data) == 4
    one: Source = read(str(tmp_path / "own-train-images-idx3-ubyte"), {})
    assert one.data.images.shape == (6, 5, 5)


@pytest.mark.parametrize(
    ("options", "want"),
    [
        (["--size", "8", "8"], "--size: is for pictures"),
        (["--labels", "kind"], "--labels: is for table"),
        (["--kind", "rows"], "--kind: is for arrays"),
    ],
)
def test_an_option_for_other_data_is_refused(
    options: list[str], want: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "digits", *options, "--out", str(tmp_path / "out")]) == 1
    assert want in capsys.readouterr().err
