"""The command line: its help, `train` from data to files, `info`, exit codes."""

import json
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nnscratch as nn
from nnscratch.command import main
from nnscratch.command.program import COMMANDS, parser
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


# What is done with a model


@pytest.fixture(scope="module")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of a conditional VAE on digits."""
    out = tmp_path_factory.mktemp("run") / "digits"
    words = ["train", "digits", "--model", "dense_conditional_vae", "--hidden", "16"]
    words += ["--latent-dim", "2", "--epochs", "1", "--batch-size", "500", "--out", str(out)]
    assert main(words) == 0
    return out


def test_a_run_of_pictures_shows_them(trained: Path) -> None:
    """64 samples of 8 × 8 pixels, seven times as large, eight a row; pairs; the explorer."""
    with Image.open(trained / "samples.png") as sheet:
        assert sheet.size == (8 * 58 - 2, 8 * 58 - 2)
    with Image.open(trained / "reconstructions.png") as sheet:
        assert sheet.mode == "RGB"
    assert (trained / "explorer.html").stat().st_size <= 1_500_000


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of runs on signals and on a table."""
    folder, rng = tmp_path_factory.mktemp("others"), np.random.default_rng(0)
    np.save(folder / "signals.npy", rng.standard_normal((40, 16, 2), np.float32))
    rows = [f"{100 + 9 * a},{b},{'xy'[n % 2]}" for n, (a, b) in enumerate(rng.normal(size=(40, 2)))]
    (folder / "rows.csv").write_text("\n".join(["long,wide,kind", *rows]))
    words = {"signals.npy": ["--channels", "4"], "rows.csv": ["--labels", "kind"]}
    for name, more in words.items():
        own = [*more, "--latent-dim", "2", "--epochs", "1", "--batch-size", "9"]
        out = str(folder / name.partition(".")[0])
        assert main(["train", str(folder / name), *own, "--validation", "0.5", "--out", out]) == 0
    return {name: folder / name for name in ("signals", "rows")}


@pytest.mark.parametrize(
    ("name", "kind", "shape", "names"),
    [("signals", "png", [16, 2], ["x1", "x2"]), ("rows", "csv", [1, 2], ["long", "wide"])],
)
def test_a_run_shows_signals_and_rows_in_their_form(
    name: str, kind: str, shape: list[int], names: list[str], folders: dict[str, Path]
) -> None:
    written = {path.name for path in folders[name].iterdir()}
    assert {f"samples.{kind}", f"reconstructions.{kind}", "explorer.html"} <= written
    assert not {"samples.csv", "samples.png"} <= written
    page = (folders[name] / "explorer.html").read_text("utf-8")
    form = json.loads(page.partition('id="model">')[2].partition("</script>")[0])["form"]
    assert (form["kind"], form["shape"], form["names"]) == ("chart", shape, names)


def test_reconstructions_of_a_table_stand_below_its_rows(folders: dict[str, Path]) -> None:
    """In the units of the file: each row that is given is a row of it."""
    head, *rows = (folders["rows"] / "reconstructions.csv").read_text().splitlines()
    assert head == "row,which,long,wide"
    assert [row.split(",")[1] for row in rows] == ["given", "reconstructed"] * 16
    there = np.loadtxt(
        folders["rows"].with_suffix(".csv"), delimiter=",", skiprows=1, usecols=(0, 1)
    )
    given = np.array([row.split(",")[2:] for row in rows[::2]], float)
    distance = np.abs(there[:, None] - given).max(axis=2).min(axis=0)
    assert distance.max() < 1e-4
    assert len((folders["rows"] / "samples.csv").read_text().splitlines()) == 65


def test_a_page_of_a_table_names_its_columns(folders: dict[str, Path], tmp_path: Path) -> None:
    """By `explore`, too; and --force takes away what an earlier run has shown."""
    words = [str(folders["rows"] / "model.safetensors"), str(folders["rows"].with_suffix(".csv"))]
    out = tmp_path / "page.html"
    assert main(["explore", *words, "--count", "7", "--out", str(out)]) == 0
    assert '"names": ["long", "wide"]' in out.read_text("utf-8")
    run = tmp_path / "run"
    words = ["train", str(folders["signals"].with_suffix(".npy")), "--epochs", "1", *SMALL]
    run.mkdir()
    (run / "samples.csv").write_text("of another run")
    assert main([*words, "--force", "--out", str(run)]) == 0
    assert not (run / "samples.csv").exists()


def test_codes_are_those_of_the_library(trained: Path, pets: Path, tmp_path: Path) -> None:
    model = nn.load(trained / "model.safetensors")
    data = nn.data.folder(pets, size=(8, 8), colour=True)
    mu, logvar = model.posterior(np.asarray(data.images))
    for ending in ("npy", "npz", "csv"):
        out = str(tmp_path / f"codes.{ending}")
        assert main(["encode", str(trained / "model.safetensors"), str(pets), "--out", out]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), mu)
    with np.load(tmp_path / "codes.npz") as found:
        np.testing.assert_array_equal(found["codes"], mu)
        np.testing.assert_array_equal(found["logvar"], logvar)
        np.testing.assert_array_equal(found["labels"], data.labels)
    head, *rows = (tmp_path / "codes.csv").read_text().splitlines()
    assert head == "class,z1,z2"
    assert [row.partition(",")[0] for row in rows] == ["cat"] * 6 + ["dog"] * 6
    numbers = np.array([row.split(",")[1:] for row in rows], np.float64)
    np.testing.assert_array_equal(numbers.astype(np.float32), mu)


@pytest.mark.parametrize("ending", ["npy", "npz", "csv"])
def test_decoding_what_was_encoded_is_reconstructing(
    ending: str, trained: Path, pets: Path, tmp_path: Path
) -> None:
    model, codes, out = (str(tmp_path / f"x.{e}") for e in ("", ending, ""))
    model, out = str(trained / "model.safetensors"), str(tmp_path / "decoded.npy")
    assert main(["encode", model, str(pets), "--out", codes]) == 0
    assert main(["decode", model, codes, "--out", out]) == 0
    assert main(["reconstruct", model, str(pets), "--out", str(tmp_path / "again.npy")]) == 0
    np.testing.assert_array_equal(np.load(out), np.load(tmp_path / "again.npy"))


def test_a_folder_of_decoded_pictures(trained: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "codes.npy", codes := np.eye(2, dtype=np.float32))
    words = ["decode", str(trained / "model.safetensors"), str(tmp_path / "codes.npy"), "--out"]
    assert main([*words, str(tmp_path / "pictures")]) == 0
    want = nn.load(trained / "model.safetensors").decode(codes)
    for n in range(2):
        with Image.open(tmp_path / "pictures" / f"{n:05}.png") as picture:
            levels = np.moveaxis(np.asarray(picture, np.float64), -1, 0)
        assert np.abs(levels - 255 * want[n]).max() <= 0.5001
    assert main([*words, str(tmp_path / "pictures")]) == 1  # is not empty by now


def test_the_error_of_each_sample(
    trained: Path, pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reconstruct", str(trained / "model.safetensors"), str(pets), "--json"]
    errors = ["--errors", str(tmp_path / "errors.csv")]
    assert main([*words, "--out", str(tmp_path / "y.npy"), *errors]) == 0
    found = json.loads(capsys.readouterr().out)
    images = np.asarray(nn.data.folder(pets, size=(8, 8), colour=True).images)
    want = ((images / 255.0 - np.load(tmp_path / "y.npy")) ** 2).reshape(12, -1).mean(axis=1)
    np.testing.assert_allclose(found["errors"], want, rtol=1e-6)
    assert found["mse"] == pytest.approx(want.mean())
    rows = (tmp_path / "errors.csv").read_text().splitlines()
    assert rows[0] == "row,class,mse"
    assert rows[7].startswith("6,dog,")


def test_samples_of_a_class(digits_run: Path, tmp_path: Path) -> None:
    model = nn.load(digits_run / "model.safetensors")
    words = ["sample", str(digits_run / "model.safetensors"), "-n", "3", "--seed", "5"]
    assert main([*words, "--label", "7", "--out", str(tmp_path / "a.npy")]) == 0
    want = model.sample(labels=np.full(3, 7), rng=np.random.default_rng(5))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), want)
    assert main([*words, "--label", "x", "--out", str(tmp_path / "a.npy")]) == 1
    assert main([*words, "--out", str(tmp_path / "b.png")]) == 0


def test_a_plain_autoencoder_has_no_prior(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(pets), "--size", "8", "8", *SMALL, "--model", "conv_autoencoder"]
    assert main([*words, "--grey", "--corruption", "masking=0.5", "--out", str(tmp_path)]) == 0
    model = str(tmp_path / "model.safetensors")
    assert main(["sample", model, "--out", str(tmp_path / "x.png")]) == 1
    assert "no prior to draw codes from; --like DATA stands in" in capsys.readouterr().err
    assert main(["sample", model, "--like", str(pets), "--out", str(tmp_path / "x.png")]) == 0
    with Image.open(tmp_path / "x.png") as sheet:
        assert sheet.mode == "L"


@pytest.mark.parametrize("way", [[], ["--spherical"]])
def test_ways_between_samples(way: list[str], trained: Path, pets: Path, tmp_path: Path) -> None:
    model, out = trained / "model.safetensors", str(tmp_path / "way")
    words = [
        "interpolate",
        str(model),
        str(pets),
        "--rows",
        "0",
        "7",
        "3",
        "2",
        "--steps",
        "4",
        *way,
    ]
    assert main([*words, "--out", f"{out}.npy"]) == 0
    x = np.asarray(nn.data.folder(pets, size=(8, 8), colour=True).images)
    want = nn.load(model).interpolate(x[[0, 3]], x[[7, 2]], 4, spherical=bool(way))
    np.testing.assert_array_equal(np.load(f"{out}.npy"), want)
    assert main([*words, "--out", f"{out}.png"]) == 0
    with Image.open(f"{out}.png") as sheet:
        assert sheet.size == (4 * 58 - 2, 2 * 58 - 2)


def test_what_a_model_is_worth(
    trained: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(trained / "model.safetensors"), str(pets), "--samples", "3", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    figures, model = found["figures"], nn.load(trained / "model.safetensors")
    data = nn.data.folder(pets, size=(8, 8), colour=True)
    x = np.asarray(data.images)
    bound = nn.elbo(model, x, draws=10, rng=np.random.default_rng(0))
    assert figures["negative ELBO"]["value"] == pytest.approx(bound.total.mean)
    assert figures["negative ELBO"]["error"] == pytest.approx(bound.total.error)
    y = model.reconstruct(x)
    assert figures["PSNR"]["value"] == pytest.approx(nn.psnr(x, y), abs=1e-6)
    pca = nn.PCA(2).fit(x)
    assert figures["PSNR of PCA-2"]["value"] == pytest.approx(nn.psnr(x, pca.reconstruct(x)))
    floor = figures["floor: the loss of perfect grey pixels"]["value"]
    assert floor == pytest.approx(nn.evaluation.bce_floor(x))
    assert any("Bernoulli and grey images" in note for note in found["notes"])


def test_a_model_says_how_it_compares_where_it_has_a_likelihood(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(pets), "--size", "12", "12", *SMALL, "--likelihood", "gaussian=0.05"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    words = ["evaluate", str(tmp_path / "model.safetensors"), str(pets), "--samples", "5"]
    assert main([*words, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["figures"]
    nll = figures["importance-weighted NLL, K = 5"]
    assert nll["value"] <= figures["negative ELBO"]["value"] + 3 * nll["error"]
    assert {"SSIM", "SSIM of PCA-2", "SSIM of the mean"} <= figures.keys()


# Tables and signals


def test_a_table_is_seen_as_in_training(tmp_path: Path) -> None:
    """Codes of other rows are those in the scaling learned from; what comes out is in its units."""
    rng = np.random.default_rng(0)
    rows = rng.normal((100, 5), (20, 0.1), (40, 2))
    lines = [f"{a},{b},{'xy'[n % 2]}" for n, (a, b) in enumerate(rows.tolist())]
    (tmp_path / "a.csv").write_text("\n".join(["height,width,kind", *lines[:30]]))
    (tmp_path / "b.csv").write_text("\n".join(["height,width,kind", *lines[30:], ",5,x"]))
    out = str(tmp_path / "run")
    words = ["train", str(tmp_path / "a.csv"), "--labels", "kind", "--missing", "mean"]
    assert main([*words, "--epochs", "2", "--latent-dim", "1", "--out", out]) == 0
    train = nn.data.table(tmp_path / "a.csv", labels="kind", missing="mean")
    other = nn.data.table(tmp_path / "b.csv", labels="kind", missing="mean", like=train)
    model = nn.load(f"{out}/model.safetensors")
    command = [f"{out}/model.safetensors", str(tmp_path / "b.csv"), "--out"]
    assert main(["encode", *command, str(tmp_path / "codes.npy")]) == 0
    want = model.encode(other.data.images)
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), want)
    assert main(["reconstruct", *command, str(tmp_path / "again.csv")]) == 0
    head, *again = (tmp_path / "again.csv").read_text().splitlines()
    assert head == "height,width"
    want = train.scaling.undo(model.reconstruct(other.data.images).astype(np.float64))
    np.testing.assert_allclose([[float(x) for x in row.split(",")] for row in again], want)


def test_a_table_without_the_column_of_labels_can_be_encoded(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,kind\n" + "1,2,x\n3,5,y\n2,9,x\n" * 4)
    (tmp_path / "b.csv").write_text("a,b\n1,2\n3,5\n")
    out = str(tmp_path / "run")
    words = ["train", str(tmp_path / "a.csv"), "--labels", "kind", "--epochs", "1"]
    assert main([*words, "--out", out]) == 0
    words = ["encode", f"{out}/model.safetensors", str(tmp_path / "b.csv")]
    assert main([*words, "--out", str(tmp_path / "codes.npy")]) == 0
    assert len(np.load(tmp_path / "codes.npy")) == 2


def test_signals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).normal(0, 3, (20, 16, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    out = str(tmp_path / "run")
    assert main(["train", str(tmp_path / "x.npy"), *SMALL, "--out", out]) == 0
    assert "20 signals of 16×2, float32" in capsys.readouterr().out
    model = nn.load(f"{out}/model.safetensors")
    assert model.input_shape == (16, 2)
    words = ["reconstruct", f"{out}/model.safetensors", str(tmp_path / "x.npy")]
    assert main([*words, "--out", str(tmp_path / "y.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.reconstruct(x))


# Pages


def lines_of_pages() -> list[str]:
    """Return every command line of ours that a help, the README or the page shows."""
    root = Path(nn.__file__).parents[1]
    pages = [(root / page).read_text("utf-8") for page in ("README.md", "docs/command_line.md")]
    found = [line for page in pages for line in re.findall(r"^    (nnscratch .*)$", page, re.M)]
    found += [span for span in re.findall(r"`(nnscratch [^`…]*--[^`…]*)`", "".join(pages))]
    for name in COMMANDS:
        found += import_module(f"nnscratch.command.{name}").EXAMPLES.strip().splitlines()
    return [line.strip() for line in found if "COMMAND" not in line]


@pytest.mark.parametrize("line", lines_of_pages())
def test_a_command_that_is_shown_is_understood(line: str) -> None:
    assert parser().parse_args(shlex.split(line)[1:]).command in COMMANDS


def test_commands_are_shown() -> None:
    assert len(lines_of_pages()) >= 20
