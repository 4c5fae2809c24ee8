"""Every demo runs, writes the pictures that its first screen announces, and takes no nonsense."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checks.idx_set import arrays, save
from PIL import Image

from nnscratch.data import digits, midi
from nnscratch.gradcheck import gradcheck
from nnscratch.training import Trainer

ROOT = Path(__file__).parents[1]
DEMOS = sorted(path.stem for path in (ROOT / "demos").glob("[a-z]*.py") if path.stem != "common")


def test_from_the_command_line(tmp_path: Path) -> None:
    command = (sys.executable, "-W", "error", "-m", "demos", "gradcheck", "--out", tmp_path)
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    assert (tmp_path / "convergence.png").exists()


def test_the_list_has_every_demo_with_its_first_line(demo) -> None:
    found = demo()
    assert found.code == 0
    listed = dict(re.findall(r"^    (\w+)  +(\S.*)$", found.stdout, re.M))
    assert sorted(listed) == DEMOS
    assert listed["vae"].startswith("A variational autoencoder")


def test_an_unknown_demo_is_refused_with_the_names_of_all(demo) -> None:
    found = demo("var")
    assert found.code == 2
    assert f"demos: expected one of {', '.join(DEMOS)}, got 'var'" in found.stderr


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_runs(name: str, tmp_path: Path, demo) -> None:
    found = demo(name, "--smoke", "--out", tmp_path)
    assert found.code == 0, found.stderr
    assert found.stderr == ""
    announced = set(re.findall(r"[a-z]+\.png", found.stdout.partition("This run again")[0]))
    assert announced
    assert {path.name for path in tmp_path.glob("*.png")} == announced
    for path in tmp_path.glob("*.png"):
        with Image.open(path) as picture:
            assert np.ptp(np.asarray(picture.convert("L"))) > 100, f"{path} is blank"
    numbers = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    assert numbers["command"] in found.stdout
    assert numbers["table"]


OWN = [
    ("aae", "--prior", "mixture"),
    ("aae", "--network", "lesson"),
    ("denoise", "--noise", "tensorflow"),
    ("denoise", "--network", "lesson"),
    ("superres", "--factor", "4"),
]


@pytest.mark.parametrize(("name", "option", "value"), OWN)
def test_an_option_of_one_demo_is_in_its_numbers_and_in_the_command_that_runs_it_again(
    name: str, option: str, value: str, tmp_path: Path, demo
) -> None:
    numbers = {}
    for words in ((), (option, value)):
        found = demo(name, "--smoke", "--out", tmp_path, *words)
        assert found.code == 0, found.stderr
        numbers[words] = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
        assert numbers[words]["command"] in found.stdout
    plain, other = numbers.values()
    assert f" {option} {value}" not in plain["command"]
    assert f" {option} {value}" in other["command"]
    assert str(other[option.removeprefix("--")]) == value
    assert other["table"] != plain["table"]


@pytest.mark.parametrize(
    ("name", "option", "value"), [*OWN, ("vae", "--network", ""), ("vae", "--likelihood", "")]
)
def test_an_option_of_one_demo_takes_no_other_value_and_is_in_its_help(
    name: str, option: str, value: str, tmp_path: Path, demo
) -> None:
    found = demo(name, "--smoke", "--out", tmp_path, option, "3")
    assert found.code == 2
    assert f"argument {option}: invalid choice" in found.stderr
    assert option in demo(name, "--help").stdout


def test_a_vae_may_be_convolutional_and_its_squared_error_has_nats_and_a_floor_of_its_own(
    tmp_path: Path, demo
) -> None:
    words = ("--network", "conv", "--likelihood", "gaussian")
    assert demo("vae", "--smoke", "--out", tmp_path, *words).code == 0
    assert (tmp_path / "conv-gaussian.safetensors").exists()
    numbers = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    assert " ".join(words) in numbers["command"]
    *_, floor = (list(row.values()) for row in numbers["table"])
    constant = 784 * np.log(2 * np.pi * numbers["variance"]) / 2
    assert floor == ["perfect pixels", pytest.approx(constant), None, pytest.approx(constant), 0]
    assert not any("BCE" in head for head in numbers["table"][0])
    assert numbers["table"][0]["MSE a pixel"] > 0


def test_a_denoiser_is_tried_on_clothes_if_there_are_any(
    tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are none that is told before the work; digits do for clothes here."""
    words = ("denoise", "--smoke", "--out", tmp_path, "--fashion", tmp_path / "nowhere")
    found = demo(*words)
    assert found.code == 1
    assert found.stderr.startswith("error: Fashion-MNIST was not found")
    assert "digits to learn from" not in found.stdout
    monkeypatch.setattr("nnscratch.data.fashion_mnist", lambda directory: digits())
    assert demo(*words).code == 0
    numbers = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    rows = [list(row.values()) for row in numbers["table"]]
    kinds = ["digits", "tensorflow noise", "pytorch noise", "inverted", "rotated", "thickened"]
    assert [row[0] for row in rows] == [*kinds, "clothes"]
    assert rows[-1][1:] == rows[0][1:]


def test_one_class_may_be_unseen_by_several_networks_and_clothes_among_digits(
    tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digits do for clothes here: they rank above digits as often as below, but for noise."""
    monkeypatch.setattr("nnscratch.data.fashion_mnist", lambda directory: digits())
    words = ("anomaly", "--smoke", "--unseen", "3", "--fashion", tmp_path, "--out", tmp_path)
    assert demo(*words).code == 0
    numbers = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    assert {*numbers["kinds"]["clothes"]} == {*numbers["unseen"]["seed 0"]}
    del numbers["kinds"]["clothes"]["VAE -ELBO"]
    assert {area["mean"] for area in numbers["kinds"]["clothes"].values()} == {0.5}
    assert [*numbers["unseen"]] == ["seed 0", "seed 1"]
    ink = [its["ink"] for its in numbers["unseen"].values()]
    assert ink[0] == ink[1]
    found = demo(*words[:2], "--unseen", "17", "--out", tmp_path)
    assert found.code == 1
    assert "expected one of [0, 1, 2" in found.stderr


def test_a_table_may_be_ones_own(tmp_path: Path, demo, rng: np.random.Generator) -> None:
    """Four columns, one of them words; a class of a single row is learned from."""
    rows = [f"{a:.3f},{b:.3f},{a * b:.3f},{'x' if a > 0 else 'y'}" for a, b in rng.random((120, 2))]
    rows[3] = "0.5,,0.25,z"
    path = tmp_path / "own.csv"
    path.write_text("\n".join(["a, b,c,kind", *rows, ""]), "utf-8")
    words = ("table", "--smoke", "--latent", "2", "--out", tmp_path / "out", "--csv", path)
    found = demo(*words, "--labels", "kind")
    assert found.code == 0, found.stderr
    assert "96 rows, 3 columns; 0 rows dropped, 1 cells filled (mean)" in found.stdout
    assert "deviation of the column" in found.stdout
    found = demo(*words)
    assert found.code == 1
    assert "expected a finite number in line 2, column 'kind'" in found.stderr
    found = demo(*words, "--labels", "kind", "--latent", "3")
    assert found.code == 1
    assert "expected more than 3 columns of numbers and 100 rows" in found.stderr


def test_a_visitor_of_the_museum_may_see_one_exhibit_alone(tmp_path: Path, demo) -> None:
    found = demo("bugs", "--smoke", "--only", "saturated", "--out", tmp_path)
    assert found.code == 0, found.stderr
    assert [path.name for path in tmp_path.glob("*.png")] == ["saturated.png"]
    [row] = json.loads((tmp_path / "numbers.json").read_text("utf-8"))["table"]
    assert (row["bug"], row["of the right"], row["of the bug"]) == ("5 clipped BCE", "ok", "CAUGHT")


def test_melodies_of_ones_own_become_files_and_a_page_that_plays_them(
    tmp_path: Path, demo, rng: np.random.Generator
) -> None:
    """Twenty MIDI files, read again from what the demo writes; the page asks for nothing else."""
    for i in range(20):
        tune = np.where(rng.random(64) < 0.5, 0, rng.integers(30, 60, 64)).astype(np.uint8)
        tune[0] = 40 + i
        midi.write(tmp_path / "own" / f"{i}.mid", tune)
    words = ("music", "--smoke", "--sixteen", "--midi", tmp_path / "own", "--out", tmp_path / "out")
    found = demo(*words)
    assert found.code == 1
    assert "expected" in found.stderr  # there are no sixteen bars
    found = demo(*(word for word in words if word != "--sixteen"))
    assert found.code == 0, found.stderr
    assert "windows of two bars to learn from" in found.stdout
    text = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert not re.findall(r"https?://|src=|href=", text)
    melodies = json.loads(re.search(r"const MELODIES = (.*);\n", text)[1])
    files = sorted((tmp_path / "out" / "midi").glob("*.mid"))
    assert len(files) == len(list((tmp_path / "out" / "wav").glob("*.wav"))) == len(melodies)
    assert all(len(melody) == 32 for melody in melodies)


def test_a_folder_without_melodies_is_told_before_the_work(tmp_path: Path, demo) -> None:
    (tmp_path / "own").mkdir()
    found = demo("music", "--smoke", "--midi", tmp_path / "own", "--out", tmp_path / "out")
    assert found.code == 1
    assert found.stderr.startswith("error: ")


def test_the_results_make_a_page(tmp_path: Path, demo) -> None:
    page = tmp_path / "page.md"
    found = demo("results", "--smoke", "--only", "dense-ae-32", "--page", page, "--out", tmp_path)
    assert found.code == 0, found.stderr
    lines = page.read_text("utf-8").splitlines()
    names = [line.split(" | ")[0] for line in lines if line.startswith("| ")]
    assert names[2:] == ["| dense-ae-32", "| mean image", "| perfect pixels"]
    numbers = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    assert f"{numbers['table'][0]['ours']:.2f}" in page.read_text("utf-8")
    assert numbers["data_sha256"] in page.read_text("utf-8")


def test_results_are_a_median_and_a_range_and_nothing_is_trained_twice(
    tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("results", "--smoke", "--only", "dense-ae-32", "--resume", "--out", tmp_path)
    assert demo(*words, "--seeds", "2").code == 0  # of three; here it is interrupted
    kept = [json.loads(path.read_text("utf-8")) for path in tmp_path.glob("dense-ae-32-?.json")]
    assert sorted(each["recipe"]["seed"] for each in kept) == [0, 1]
    trained, fit = [], Trainer.fit
    monkeypatch.setattr(
        Trainer, "fit", lambda self, *a, **k: trained.append(1) or fit(self, *a, **k)
    )
    assert demo(*words).code == 0
    assert len(trained) == 1
    row = json.loads((tmp_path / "numbers.json").read_text("utf-8"))["table"][0]
    totals = [
        json.loads(path.read_text("utf-8"))["figures"]["total"]
        for path in tmp_path.glob("dense-ae-32-?.json")
    ]
    low, middle, high = sorted(totals)
    assert row["ours"] == middle
    assert row["lowest to highest"] == f"{low:.2f} to {high:.2f}"


def test_a_page_of_what_is_known_trains_nothing(
    tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, page = ("results", "--smoke", "--out", tmp_path), tmp_path / "page.md"
    known = (*words, "--only", "dense-ae-32", "--known", "--page", page)
    assert demo(*known).code == 1
    assert not page.exists()
    assert demo(*words, "--only", "dense-ae-32", "--seeds", "1").code == 0
    monkeypatch.delattr(Trainer, "fit")
    assert demo(*known).code == 0
    assert "| dense-ae-32 | 1 | 1 |" in page.read_text("utf-8")


def test_results_of_a_vae_say_how_often_its_codes_give_the_class_away(tmp_path: Path, demo) -> None:
    assert demo("results", "--smoke", "--only", "vae-2", "--out", tmp_path).code == 0
    note = json.loads((tmp_path / "numbers.json").read_text("utf-8"))["table"][0]["note"]
    words = r"[\d.]+% of classes right by a softmax probe of its codes, [\d.]+% of PCA's"
    assert re.fullmatch(words, note)


@pytest.mark.parametrize("name", DEMOS)
def test_help_documents_every_option(name: str, demo) -> None:
    found = demo(name, "--help")
    assert found.code == 0
    assert "What to look at" in found.stdout
    assert re.findall(r"--(?:seed|out|smoke) ", found.stdout)
    options = found.stdout.partition("options:")[2]
    assert not re.findall(r"^  --\w+(?: [A-Z]+)?$(?!\n   )", options, re.M)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epochs", "0"), "expected 1 to 10000, got 0"),
        (("--latent", "1"), "expected 2 to 784, got 1"),
        (("--seed", "x"), "invalid integer value: 'x'"),
        (("--colour",), "unrecognized arguments: --colour"),
    ],
)
def test_options_are_checked(
    arguments: tuple[str, ...], message: str, tmp_path: Path, demo
) -> None:
    found = demo("vae", "--out", tmp_path, *arguments)
    assert found.code == 2
    assert message in found.stderr


def test_data_that_is_not_there_is_told_in_words(tmp_path: Path, demo) -> None:
    found = demo("vae", "--out", tmp_path, "--data", tmp_path / "nowhere")
    assert found.code == 1
    assert found.stderr == (
        f"error: {tmp_path / 'nowhere'}: no such directory, and no set of IDX files of this name\n"
    )


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set unlike MNIST: 24×32 pixels, 13 classes from 1 on. Images of a class are alike."""
    x, y, x_test, y_test = arrays((300, 200), (24, 32), 13, 1)
    paper = np.random.default_rng(0).integers(0, 2, (14, 24, 32), np.uint8) * np.uint8(200)
    made = (paper[y] + x // 5, y, paper[y_test] + x_test // 5, y_test)
    return save(tmp_path_factory.mktemp("sets") / "letters", made)


OTHERWISE = ("colour", "disentangle", "folder", "gradcheck", "music", "signal", "table")
"""Demos that do not take sets of grey images."""


@pytest.mark.parametrize("name", [name for name in DEMOS if name not in OTHERWISE])
def test_a_demo_takes_any_set_and_speaks_of_it(
    name: str, letters: Path, tmp_path: Path, demo
) -> None:
    found = demo(name, "--smoke", "--out", tmp_path, "--data", letters)
    assert found.code == 0, found.stderr
    said = found.stdout.partition("This run again")[2]
    assert f"256 images to learn from, 200 held out: letters in {letters}" in said
    assert not re.findall(r"digit|784 pixels|28×28|\bten\b", said)
    assert "digit" not in (tmp_path / "numbers.json").read_text("utf-8")


@pytest.mark.parametrize("name", ["conv_autoencoder", "denoise", "features", "superres"])
def test_a_network_that_is_not_for_such_images_says_so(name: str, tmp_path: Path, demo) -> None:
    save(tmp_path / "set", arrays((256, 100), (10, 9)))
    found = demo(name, "--smoke", "--out", tmp_path / "out", "--data", tmp_path / "set")
    assert found.code == 1
    words = r"error: \w+: expected \(C, H, W\) with sides that 4 divides, got \(1, 10, 9\)\n"
    assert re.fullmatch(words, found.stderr)


@pytest.mark.parametrize(
    ("size", "classes", "words"),
    [(100, 10, "128 images or more to learn from"), (200, 1, "images of two classes or more")],
)
def test_too_few_images_or_classes_are_told_in_words(
    size: int, classes: int, words: str, tmp_path: Path, demo
) -> None:
    save(tmp_path / "set", arrays((size, 100), classes=classes))
    found = demo("vae", "--out", tmp_path / "out", "--data", tmp_path / "set")
    assert found.code == 1
    assert found.stderr == f"error: {tmp_path / 'set'}: expected {words}\n"


def test_a_set_may_be_asked_for_by_its_name(
    tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NNSCRATCH_DATA", str(tmp_path / "nowhere"))
    for name, title in (("mnist", "MNIST"), ("fashion-mnist", "Fashion-MNIST")):
        found = demo("vae", "--out", tmp_path, "--data", name)
        assert found.code == 1
        assert found.stderr.startswith(f"error: {title} was not found.")


def test_home_is_a_tilde(tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert demo("bugs", "--only", "saturated", "--smoke", "--out", "~/here").code == 0
    assert (tmp_path / "here" / "saturated.png").exists()


NARROW = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
CALLS = """
import sys
from demos.__main__ import main
for words in ([], ["--help"], *([name, "--help"] for name in sys.argv[1:])):
    try:
        main(words)
    except SystemExit as end:
        assert not end.code
sys.exit(main(["nobody"]))
"""


@pytest.mark.parametrize(
    ("encoding", "optimize"), [("cp1252", ""), ("ascii:strict", ""), (None, "2")]
)
def test_lists_and_helps_where_output_is_narrow_or_docstrings_are_dropped(
    encoding: str | None, optimize: str
) -> None:
    """A ? stands for what the encoding of standard output does not know, β and ≤ and σ."""
    env = os.environ | NARROW | {"PYTHONOPTIMIZE": optimize}
    if encoding:
        env["PYTHONIOENCODING"] = encoding
    command = (sys.executable, "-c", CALLS, *DEMOS)
    found = subprocess.run(command, cwd=ROOT, capture_output=True, env=env, check=False)
    assert found.returncode == 2, found.stderr
    assert b"python -m demos NAME --help says" in found.stdout
    assert found.stdout.count(b"What to look at") == len(DEMOS)
    assert b"Traceback" not in found.stderr


def test_a_demo_runs_where_output_is_narrow(tmp_path: Path) -> None:
    env = os.environ | NARROW | {"PYTHONIOENCODING": "ascii"}
    command = (sys.executable, "-m", "demos", "collapse", "--smoke", "--out", tmp_path)
    found = subprocess.run(command, cwd=ROOT, capture_output=True, env=env, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.isascii()


def test_a_folder_that_cannot_be_made_is_told_before_the_work(tmp_path: Path, demo) -> None:
    (tmp_path / "file").touch()
    found = demo("vae", "--smoke", "--out", tmp_path / "file")
    assert found.code == 1
    assert found.stderr.startswith("error: ")
    assert "digits to learn from" not in found.stdout


def test_ctrl_c_leaves_a_checkpoint_from_which_this_run_goes_on_and_no_other(
    tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the second of three epochs. That it goes on bit by bit, test_training proves."""

    def stop_in_the_second(self: Trainer, *arguments):
        if self.epoch == 1 and self.batch_index == 0:
            signal.raise_signal(signal.SIGINT)
        return gradient(self, *arguments)

    gradient = Trainer.gradient
    words = ("vae", "--smoke", "--epochs", "3", "--out", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "gradient", stop_in_the_second)
        stopped = demo(*words)
    assert stopped.code == 130
    assert f"--out {tmp_path} --smoke --resume" in stopped.stdout

    other = demo(*words, "--resume", "--seed", "1")
    assert other.code == 1
    assert "a checkpoint of another run: expected seed 1, got 0" in other.stderr

    resumed = demo(*words, "--resume")
    assert "goes on after epoch 1" in resumed.stdout
    assert resumed.stdout.count("epoch ") - 1 == 3 - 1
    assert resumed.code == 0


def test_the_layer_that_centres_is_proved(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from demos._centred import Centred

    assert gradcheck(Centred(0.5), (2, 3, 4, 5), rng=rng).ok
    y, _ = Centred(0.5).forward(np.ones((2, 3), np.float32))
    np.testing.assert_array_equal(y, np.full((2, 3), 0.5, np.float32))


def test_a_demo_learns_from_pictures_of_ones_own(tmp_path: Path, demo) -> None:
    from demos._made_folder import write_folder

    write_folder(tmp_path / "own", 30, rng=np.random.default_rng(0))
    words = ("folder", "--smoke", "--out", tmp_path / "out", "--side", "17")
    found = demo(*words, "--pictures", tmp_path / "own")
    assert found.code == 0, found.stderr
    assert "27 to learn from, 3 held out" in found.stdout
    assert "30 pictures (balloons" in found.stdout
    numbers = json.loads((tmp_path / "out" / "numbers.json").read_text("utf-8"))
    assert [row["pictures"] for row in numbers["table"]][:2] == ["held out, VAE", "seen, VAE"]
    assert (tmp_path / "out" / "explorer.html").exists()
    found = demo(*words, "--pictures", tmp_path / "nowhere")
    assert found.code == 1
    assert found.stderr == f"error: {tmp_path / 'nowhere'}: expected a folder of pictures\n"


def test_colour_is_cifar_10_if_it_is_asked_for(tmp_path: Path, demo) -> None:
    found = demo("colour", "--smoke", "--out", tmp_path, "--data", tmp_path / "nowhere")
    assert found.code == 1
    assert found.stderr.startswith("error: ")
    assert "nowhere" in found.stderr
