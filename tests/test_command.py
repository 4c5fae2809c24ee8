"""The command line: its help, `train` from data to files, `info`, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nnscratch as nn
from nnscratch.command import main
from nnscratch.command.program import COMMANDS
from nnscratch.training import checkpoint
from nnscratch.training.model_file import read_notes

SMALL = ["--channels", "4", "--latent-dim", "2", "--batch-size", "4", "--epochs", "2"]


def fill(folder: Path, count: int = 12, side: int = 10) -> Path:
    """Make a folder of pictures of two classes."""
    rng = np.random.default_rng(0)
    for n in range(count):
        kind = folder / ("cat", "dog")[n % 2]
        kind.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 256, (side, side + n % 3, 3), np.uint8)
        Image.fromarray(picture).save(kind / f"{n:03}.png")
    return folder


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("data") / "pets")


@pytest.fixture(scope="module")
def trained(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run."""
    out = tmp_path_factory.mktemp("run") / "pets"
    assert main(["train", str(pets), "--size", "8", "8", *SMALL, "--out", str(out)]) == 0
    return out


def weights(folder: Path) -> dict[str, np.ndarray]:
    return checkpoint.read(folder / "model.safetensors")[0]


def assert_same_bits(a: Path, b: Path) -> None:
    """Have both runs ended with the same weights, the same history and the same checkpoint?"""
    for name in ("model.safetensors", "checkpoint.safetensors"):
        first, second = (checkpoint.read(folder / name)[0] for folder in (a, b))
        assert first.keys() == second.keys()
        for key, array in first.items():
            np.testing.assert_array_equal(array, second[key])
    assert (a / "history.csv").read_bytes() == (b / "history.csv").read_bytes()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_page(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence of purpose, every option with words, and an example that is no misspelling."""
    assert main([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"usage: nnscratch {command} " in said
    examples = said.partition("examples:\n")[2].strip().splitlines()
    assert examples
    assert all(line.strip().startswith(f"nnscratch {command} ") for line in examples)


def test_the_help_lists_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(f"\n    {name}" in said for name in (*COMMANDS, "gradcheck", "explain", "exercises"))
    assert "exit codes: 0 done; 1 failed" in said


def test_help_imports_nothing_that_takes_long() -> None:
    code = "import sys; from nnscratch.command import main; main(['train', '--help']); "
    code += "print(*sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    slow = {"numpy", "numba", "matplotlib", "PIL", "tqdm", "safetensors"}
    assert slow.isdisjoint(found.stderr.split())


def test_it_is_a_module_that_runs() -> None:
    command = [sys.executable, "-m", "nnscratch", "--version"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == f"nnscratch {nn.__version__}\n"


@pytest.mark.parametrize(
    "words", [["tain"], ["train", "digits", "--epoch", "x"], ["train"], ["info"], ["--nothing"]]
)
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "usage: nnscratch" in capsys.readouterr().err


def test_the_other_tools_are_subcommands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    assert "Dense" in capsys.readouterr().out.splitlines()
    assert main(["exercises", "list"]) == 0
    assert main(["gradcheck", "--help"]) == 0


# train


def test_a_run_writes_its_files(trained: Path) -> None:
    want = {"model.safetensors", "checkpoint.safetensors", "run.toml", "history.csv"}
    assert want <= {path.name for path in trained.iterdir()}
    model = nn.load(trained / "model.safetensors")
    assert isinstance(model, nn.VAE)
    assert (model.input_shape, model.code_shape) == ((3, 8, 8), (2,))
    head, *rows = (trained / "history.csv").read_text().splitlines()
    assert head.startswith("epoch,steps,learning_rate,train_total,")
    assert [row.split(",")[:2] for row in rows] == [["1", "3"], ["2", "6"]]


def test_the_model_file_remembers_settings_and_reading(trained: Path) -> None:
    for name in ("model.safetensors", "checkpoint.safetensors"):
        notes = read_notes(trained / name)
        assert notes["settings"]["latent-dim"] == 2
        assert notes["reading"]["classes"] == ["cat", "dog"]
        assert (notes["reading"]["size"], notes["reading"]["colour"]) == ([8, 8], True)


def test_a_config_does_the_same_again(trained: Path, tmp_path: Path) -> None:
    config = ["train", "--config", str(trained / "run.toml")]
    assert main([*config, "--out", str(tmp_path / "again")]) == 0
    assert_same_bits(trained, tmp_path / "again")


def test_the_command_line_overrides_the_file(trained: Path, tmp_path: Path) -> None:
    config = ["train", "--config", str(trained / "run.toml")]
    assert main([*config, "--epochs", "1", "--beta", "2", "--out", str(tmp_path / "a")]) == 0
    notes = read_notes(tmp_path / "a" / "model.safetensors")["settings"]
    assert (notes["epochs"], notes["beta"], notes["latent-dim"]) == (1, 2.0, 2)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("latent_dim = 3", "no setting 'latent_dim'; 'latent-dim' is one"),
        ("latent-dim = 0", "argument --latent-dim: expected an integer ≥ 1, got '0'"),
        ("size = 2020-01-01", "expected a number, a text, true or false, got size = 2020-01-01"),
        ("beta = ", "expected a TOML file"),
        ("resume = true", "no setting 'resume'"),
    ],
)
def test_a_config_is_checked_by_name(
    text: str, want: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.toml").write_text(text)
    words = ["train", "digits", "--config", str(tmp_path / "run.toml")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    assert want in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_run_is_not_overwritten(
    trained: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (trained / "model.safetensors").read_bytes()
    assert main(["train", str(pets), *SMALL, "--out", str(trained)]) == 1
    assert "--resume goes on with it, --force overwrites it" in capsys.readouterr().err
    assert (trained / "model.safetensors").read_bytes() == before


def test_a_resumed_run_ends_with_the_bits_of_an_unbroken_one(
    trained: Path, pets: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    words = ["train", str(pets), "--size", "8", "8", *SMALL]
    assert main([*words, "--epochs", "1", "--out", out]) == 0
    assert main(["train", "--out", out, "--epochs", "2", "--resume"]) == 0
    assert_same_bits(trained, tmp_path / "out")


def test_a_run_is_resumed_with_its_own_settings_only(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--out", str(trained), "--resume", "--beta", "3", "--flip"]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "--beta was 1.0 and is 3.0" in said
    assert "--flip was None and is True" in said


def test_info_says_what_a_file_holds(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(trained / "checkpoint.safetensors"), "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["class"], found["epochs"], found["code_shape"]) == ("VAE", 2, [2])
    assert found["format"] == "nnscratch 3"
    assert "Bernoulli" in err
    assert main(["info", str(trained / "model.safetensors")]) == 0
    assert "latent-dim = 2" in capsys.readouterr().out
