"""The lesson's tasks: what is trained is judged by numbers."""

import re
from pathlib import Path

import numpy as np
import pytest
from exercises import right
from exercises.bands import run as trained_anew

import nnscratch as nn
from nnscratch.evaluation import PCA
from nnscratch.exercises.catalogue import TASKS, find
from nnscratch.exercises.command import main
from nnscratch.exercises.problem import Finding
from nnscratch.exercises.trained import bands
from nnscratch.exercises.worker import grade


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the right answers, and no weights."""
    for task in TASKS:
        (tmp_path / task.file).write_text(right(task.name), "utf-8")
    return tmp_path


def model_of(name: str, seed: int = 0) -> nn.Autoencoder:
    """The untrained model of a right answer."""
    names: dict = {"__name__": "answer"}
    exec(right(name), names)
    return names["model"](np.random.default_rng(seed))


def judged(folder: Path, name: str) -> list[Finding]:
    path = folder / find(name).file
    return grade(name, path.read_text("utf-8"), str(path), seed=0)


def save(folder: Path, name: str, model: nn.Autoencoder) -> None:
    nn.training.save_model((folder / find(name).file).with_suffix(".safetensors"), model)


@pytest.mark.parametrize("name", ["lesson_1", "lesson_5"])
def test_without_weights_it_says_how_to_train(folder: Path, name: str) -> None:
    [finding] = judged(folder, name)
    assert not finding.ok
    assert f"there is no {Path(find(name).file).stem}.safetensors" in finding.found
    assert f"run `python {find(name).file}`" in finding.likely


@pytest.mark.parametrize("name", ["lesson_1", "lesson_5"])
def test_a_blank_file_is_not_written_yet(folder: Path, name: str) -> None:
    (folder / find(name).file).write_text(find(name).text, "utf-8")
    [finding] = judged(folder, name)
    assert "not written yet" in finding.found


def test_task_2_asks_for_task_1(folder: Path) -> None:
    (folder / find("lesson_1").file).unlink()
    [finding] = judged(folder, "lesson_2")
    assert "do task 1 first" in finding.likely


def test_weights_of_another_model_are_refused(folder: Path) -> None:
    save(folder, "lesson_1", model_of("lesson_5"))
    [finding] = judged(folder, "lesson_1")
    assert "was `model` changed after training" in finding.likely


def test_an_untrained_model_fails(folder: Path) -> None:
    save(folder, "lesson_1", model_of("lesson_1"))
    found = judged(folder, "lesson_1")
    assert [finding.ok for finding in found[:4]] == [True, True, False, False]
    assert "was it trained?" in found[2].likely
    assert "over 3 seeds" in found[3].found


def test_a_code_of_three_numbers_fails(folder: Path) -> None:
    path = folder / find("lesson_1").file
    path.write_text(
        right("lesson_1")
        .replace("Dense(512, 2", "Dense(512, 3")
        .replace("Dense(2, 512", "Dense(3, 512")
    )
    names: dict = {"__name__": "answer"}
    exec(path.read_text(), names)
    save(folder, "lesson_1", names["model"](np.random.default_rng(0)))
    found = judged(folder, "lesson_1")
    assert "expected (8, 2)" in found[-1].found


def test_pca_itself_is_no_better_than_pca(folder: Path) -> None:
    """A linear network with PCA's weights has PCA's squared error."""
    source = (
        "import nnscratch as nn\n"
        "def model(rng):\n"
        "    encoder, decoder = nn.Dense(784, 2, rng=rng), nn.Dense(2, 784, rng=rng)\n"
        "    parts = nn.Sequential(encoder), nn.Sequential(decoder), nn.SquaredError()\n"
        "    return nn.Autoencoder(*parts, input_shape=(784,))\n"
    )
    path = folder / find("lesson_1").file
    path.write_text(source)
    names: dict = {}
    exec(source, names)
    model, pca = names["model"](np.random.default_rng(0)), PCA(2).fit(nn.digits().train.images)
    v, m = pca.components.reshape(2, -1), pca.mean.ravel()
    values = {"encoder.0.weight": v, "encoder.0.bias": -v @ m}
    values |= {"decoder.0.weight": v.T, "decoder.0.bias": m}
    for name, value in values.items():
        model.parameters()[name].value[...] = value
    save(folder, "lesson_1", model)
    refuted = judged(folder, "lesson_1")[2]
    assert not refuted.ok
    mine, linear = re.findall(r"\d+\.\d+", refuted.found)
    assert mine == linear


EFFECT = "return np.sum(change.astype(np.float64) ** 2) / len(images)"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({EFFECT: "return np.mean(change.astype(np.float64) ** 2)"}, "a mean over pixels"),
        ({EFFECT: "return np.sum(change.astype(np.float64) ** 2)"}, "a sum over the images"),
        (
            {EFFECT: "return np.sqrt(np.sum(change**2) / len(images))"},
            "the root of",
        ),
        ({"codes + noise": "codes + noise + 1"}, "E(0) is"),
        ({"sigma * rng": "np.sqrt(sigma) * rng"}, "ε from rng.standard_normal?"),
        (
            {"standard_normal(codes.shape)": "random(codes.shape)"},
            "ε from rng.standard_normal?",
        ),
        ({"return np.sum": "np.sum"}, "a `return` is missing"),
        ({EFFECT: "return change"}, "returns an array"),
    ],
)
def test_noise_on_the_code(folder: Path, changes: dict[str, str], words: str | None) -> None:
    model = model_of("lesson_1")
    for name, p in model.parameters().items():
        if name.endswith("bias"):
            p.value[...] = np.random.default_rng(1).normal(0, 1, p.value.shape)
    save(folder, "lesson_1", model)
    source = right("lesson_2")
    for old, new in changes.items():
        assert old in source
        source = source.replace(old, new)
    (folder / find("lesson_2").file).write_text(source)
    found = judged(folder, "lesson_2")
    if words is None:
        assert all(finding.ok for finding in found), found
    else:
        assert any(words in f"{f.found}\n{f.likely}" for f in found if not f.ok), found


def test_a_collapsed_posterior_is_named(folder: Path) -> None:
    model = model_of("lesson_5")
    for name in ("encoder.5.weight", "encoder.5.bias"):
        model.parameters()[name].value[...] = 0
    save(folder, "lesson_5", model)
    found = judged(folder, "lesson_5")
    assert not found[-1].ok
    assert "the KL is 0.00 nats" in found[-1].found
    assert "collapsed" in found[-1].likely


def test_other_models_than_a_convolutional_vae_are_refused(folder: Path) -> None:
    path = folder / find("lesson_5").file
    for source, words in (
        ("    return nn.models.lesson.dense_autoencoder((8,), 16, rng=rng)", "expected nn.VAE"),
        ("    return nn.models.lesson.dense_vae((8,), 16, rng=rng)", "no nn.Conv2d"),
        ("    return nn.models.lesson.kvfrans_vae(20, rng=rng)", "expected (8, 16)"),
    ):
        source = f"import nnscratch as nn\ndef model(rng):\n{source}\n"
        path.write_text(source)
        names: dict = {"__name__": "answer"}
        exec(source, names)
        save(folder, "lesson_5", names["model"](np.random.default_rng(0)))
        assert words in judged(folder, "lesson_5")[-1].found


def test_there_is_a_band_of_three_runs_for_each_figure() -> None:
    assert set(bands()) == {"lesson_1", "lesson_5"}
    for figures in bands().values():
        assert all(len(set(runs)) == 3 for runs in figures.values())


@pytest.mark.once
@pytest.mark.parametrize("name", ["lesson_1", "lesson_5"])
def test_our_runs_give_the_band_again(name: str) -> None:
    """No further from the same seed's than seeds are apart: another processor rounds otherwise."""
    for figure, value in trained_anew(name, 1).items():
        runs = bands()[name][figure]
        assert value == pytest.approx(runs[1], abs=max(runs) - min(runs))


@pytest.mark.once
def test_from_training_to_a_pass(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for name in ("lesson_1", "lesson_5"):
        names: dict = {"__name__": "answer"}
        exec(right(name), names)
        save(folder, name, names["train"](7))
    for name in ("lesson_1", "lesson_2", "lesson_5"):
        assert main(["check", name]) == 0, capsys.readouterr().out
