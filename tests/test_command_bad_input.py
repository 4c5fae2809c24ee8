"""Every command × every bad input: exit code 1, a sentence that names what is wrong, no file."""

import errno
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from damage import damaged, flipped
from safetensors.numpy import save
from test_command import SMALL, fill

import nnscratch as nn
from nnscratch.command import main
from nnscratch.data import picture
from nnscratch.training import checkpoint

Words = Callable[[Path, Path, Path], list[object]]

DATA_COMMANDS: dict[str, Words] = {
    "train": lambda m, d, o: ["train", d, "--size", 8, 8, *SMALL, "--out", o / "run"],
    "encode": lambda m, d, o: ["encode", m, d, "--out", o / "codes.npy"],
    "reconstruct": lambda m, d, o: ["reconstruct", m, d, "--out", o / "pairs.png"],
    "interpolate": lambda m, d, o: ["interpolate", m, d, "--rows", 0, 1, "--out", o / "way.png"],
    "evaluate": lambda m, d, o: ["evaluate", m, d, "--samples", 2, "--draws", 1],
    "explore": lambda m, d, o: ["explore", m, d, "--out", o / "page.html"],
    "sample like": lambda m, d, o: ["sample", m, "--like", d, "--out", o / "samples.png"],
}
"""What reads data, with a model m, data d and a folder o."""

MODEL_COMMANDS: dict[str, Words] = {
    **{name: words for name, words in DATA_COMMANDS.items() if name != "train"},
    "decode": lambda m, d, o: ["decode", m, d.parent / "codes.npy", "--out", o / "pictures.png"],
    "sample": lambda m, d, o: ["sample", m, "-n", 2, "--out", o / "samples"],
    "info": lambda m, d, o: ["info", m],
    "export": lambda m, d, o: ["export", m, "--out", o / "model.onnx"],
}
"""What reads a model."""

WRITERS = {
    n: w for n, w in (DATA_COMMANDS | MODEL_COMMANDS).items() if n not in ("evaluate", "info")
}
"""What writes files."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, pictures and codes that nothing is wrong with."""
    home = tmp_path_factory.mktemp("good")
    fill(home / "pets")
    model = nn.models.build(
        "conv_vae", (3, 8, 8), latent_dim=2, channels=(2,), rng=np.random.default_rng(0)
    )
    nn.save(home / "model.safetensors", model)
    np.save(home / "codes.npy", np.zeros((3, 2), np.float32))
    return home


def refused(words: list[object], out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail, and leave no file; return its sentence."""
    assert main([str(word) for word in words]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    sentence = said[said.index("error: ") :]
    assert [path for path in out.rglob("*") if path.is_file()] == []
    return sentence


def test_each_command_works_with_what_is_good(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that what is refused below is refused for what is bad."""
    for name, words in (DATA_COMMANDS | MODEL_COMMANDS).items():
        if name == "export" and find_spec("onnx") is None:
            continue
        line = words(good / "model.safetensors", good / "pets", tmp_path / name)
        assert main([str(word) for word in line]) == 0, (name, capsys.readouterr().err)


# Data


def huge_png(path: Path) -> None:
    """Write a PNG file that says it has 20,000 × 20,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(20_001) * 2))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b""))


def cut_jpeg(path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-200])


BAD_DATA: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda d: None, "no such file or folder"),
    "empty": (lambda d: d.mkdir(), r"expected files \.png"),
    "text.png": (lambda d: (fill(d) / "cat/x.png").write_text("no picture"), "no picture in PNG"),
    "cut.jpg": (lambda d: cut_jpeg(fill(d) / "cat/x.jpg"), "[Tt]runcated"),
    "huge.png": (lambda d: huge_png(fill(d) / "cat/x.png"), "more than 67,108,864 pixels"),
    "beside": (lambda d: (fill(d) / "x.png").write_text("x"), "beside the sub-folders"),
    "text": (lambda d: d.write_text("hello"), "expected an IDX file"),
    "rows.csv": (lambda d: d.write_text("a,b\n1,2\n3,x\n"), "expected a finite number|columns"),
    "cut.npy": (lambda d: d.write_bytes(b"\x93NUMPY\x01\x00"), "expected a whole NPY"),
    "pickle.npy": (lambda d: np.save(d, np.array([{}]), allow_pickle=True), "expected a whole NPY"),
    "nan.npy": (lambda d: np.save(d, np.full((9, 3, 8, 8), np.nan)), "NaN"),
}


@pytest.mark.parametrize("bad", BAD_DATA)
@pytest.mark.parametrize("command", DATA_COMMANDS)
def test_bad_data(
    command: str, bad: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, want = BAD_DATA[bad]
    (tmp_path / "data").mkdir()
    make(data := tmp_path / "data" / bad)
    line = DATA_COMMANDS[command](good / "model.safetensors", data, tmp_path / "out")
    if data.is_file() and command == "train":  # --size is for folders
        line = [word for word in line if word not in ("--size", 8)]
    assert re.search(want, refused(line, tmp_path / "out", capsys))


@pytest.mark.parametrize("command", DATA_COMMANDS)
def test_a_picture_that_changes_while_it_is_read(
    command: str,
    good: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stamps = iter(range(10**6))
    monkeypatch.setattr(picture, "stamp_of", lambda file: (9, next(stamps)))
    line = DATA_COMMANDS[command](good / "model.safetensors", good / "pets", tmp_path / "out")
    assert "changed while it was read" in refused(line, tmp_path / "out", capsys)


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[None]:
    """Root may do everything, so he becomes nobody for a while."""
    root = os.geteuid() == 0
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
@pytest.mark.parametrize("command", DATA_COMMANDS)
def test_data_that_may_not_be_read(
    command: str, good: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    capsys = request.getfixturevalue("capsys")
    file = next(iter(fill(tmp_path / "pets").rglob("*.png")))
    file.chmod(0)
    good.chmod(0o755)
    (tmp_path / "out").mkdir()
    request.getfixturevalue("nobody")
    line = DATA_COMMANDS[command](good / "model.safetensors", tmp_path / "pets", tmp_path / "out")
    assert "not readable, Permission denied" in refused(line, tmp_path / "out", capsys)


# Models


def forged(model: Path, path: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Write a model file whose description somebody has changed, with the right checksum."""
    arrays, info = checkpoint.read(model)
    change(info)
    checkpoint.write(path, arrays, info)


def unknown_layer(info: dict[str, object]) -> None:
    text = json.dumps(info["architecture"]).replace('"Conv2d"', '"system"')
    info["architecture"] = json.loads(text)


def newer(model: Path, path: Path) -> None:
    arrays, info = checkpoint.read(model)
    words = json.dumps(info)
    head = {"format": "nnscratch 4", "info": words, "crc32": checkpoint.checksum(arrays, words)}
    path.write_bytes(save(arrays, head))


def classifier(model: Path, path: Path) -> None:
    net = nn.Dense(4, 2, rng=np.random.default_rng(0))
    nn.save(path, nn.Classifier(net, input_shape=(4,)))


def with_reading(reading: object) -> Callable[[Path, Path], object]:
    return lambda m, p: forged(m, p, lambda info: info.update(notes={"reading": reading}))


BAD_MODELS: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "missing": (lambda m, p: None, "No such file"),
    "empty": (lambda m, p: p.write_bytes(b""), "damaged"),
    "text": (lambda m, p: p.write_text("hello"), "damaged"),
    "half": (lambda m, p: p.write_bytes(m.read_bytes()[:-100]), "damaged"),
    "a bit": (lambda m, p: p.write_bytes(flipped(m.read_bytes(), -80)), "damaged: expected checks"),
    "newer": (newer, "a newer version of nnscratch wrote it"),
    "unknown layer": (lambda m, p: forged(m, p, unknown_layer), "expected a class.*'system'"),
    "no architecture": (lambda m, p: forged(m, p, lambda i: i.clear()), "without an architecture"),
    "a folder": (lambda m, p: p.mkdir(), "Is a directory"),
    "a classifier": (classifier, "expected an autoencoder or a VAE"),
    "notes": (lambda m, p: forged(m, p, lambda i: i.update(notes=3)), "expected notes by name"),
    "reading 1": (with_reading(["x"]), "expected notes of how"),
    "reading 2": (with_reading({"format": "table"}), "expected notes of how"),
    "reading 3": (with_reading({"kind": ["x"]}), "expected notes of how"),
    "reading 4": (with_reading({"classes": [1]}), "expected notes of how"),
}


INFO_TAKES = ("no architecture", "a classifier", *(f"reading {n}" for n in (1, 2, 3, 4)))


@pytest.mark.parametrize("bad", BAD_MODELS)
@pytest.mark.parametrize("command", MODEL_COMMANDS)
def test_bad_models(
    command: str, bad: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, want = BAD_MODELS[bad]
    make(good / "model.safetensors", tmp_path / "bad.safetensors")
    line = MODEL_COMMANDS[command](tmp_path / "bad.safetensors", good / "pets", tmp_path / "out")
    if command == "info" and bad in INFO_TAKES:
        assert main([str(word) for word in line]) == 0  # it says what there is
        return
    assert re.search(want, refused(line, tmp_path / "out", capsys))


# Where to


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_disk(
    command: str,
    good: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if command == "export":
        pytest.importorskip("onnx")
    monkeypatch.setattr(os, "fsync", full)
    line = WRITERS[command](good / "model.safetensors", good / "pets", tmp_path / "out")
    assert "No space left on device" in refused(line, tmp_path / "out", capsys)


@pytest.mark.parametrize("command", WRITERS)
def test_a_folder_that_is_a_file(
    command: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if command == "export":
        pytest.importorskip("onnx")
    (tmp_path / "out").write_text("mine")
    line = WRITERS[command](good / "model.safetensors", good / "pets", tmp_path / "out")
    assert str(tmp_path / "out") in refused(line, tmp_path / "out", capsys)
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "want"),
    [
        (
            ["encode", "m", "d", "--out", "codes.txt"],
            "expected a name that ends in .npy, .csv, .npz",
        ),
        (["explore", "m", "d", "--out", "page"], "expected a name that ends in .html"),
        (["interpolate", "m", "d", "--rows", "1", "--out", "x.png"], "expected pairs, got 1"),
        (["sample", "m", "-n", "0", "--out", "x.png"], "expected an integer ≥ 1, got '0'"),
        (["train", "digits", "--validation", "1", "--out", "x"], "expected ≥ 0 and < 1, got '1'"),
        (["train", "digits", "--beta", "nan", "--out", "x"], "expected ≥ 0, got 'nan'"),
    ],
)
def test_wrong_usage(words: list[str], want: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert want in capsys.readouterr().err


@pytest.mark.once
def test_damaged_model_files(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 2,000 files that disks and people have spoilt, each is refused in a sentence, or whole."""
    content, rng = (good / "model.safetensors").read_bytes(), np.random.default_rng(0)
    path = tmp_path / "bad.safetensors"
    names = [name for name in MODEL_COMMANDS if name not in ("explore", "export", "evaluate")]
    for n in range(2000):
        path.write_bytes(damaged(content, rng))
        line = MODEL_COMMANDS[names[n % len(names)]](path, good / "pets", tmp_path / "out")
        sentence = refused(line, tmp_path / "out", capsys)
        assert str(path) in sentence
        assert len(sentence) < 1000


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))
from nnscratch.command import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.once
@pytest.mark.parametrize("command", [name for name in WRITERS if name not in ("export", "encode")])
def test_a_disk_that_is_full_half_way(command: str, good: Path, tmp_path: Path) -> None:
    """A real one, as far as a process can have one: no file may exceed 4 kB."""
    model, pets = good / "model.safetensors", fill(tmp_path / "pets", 30, 40)
    line = [str(word) for word in WRITERS[command](model, pets, tmp_path / "out")]
    if command == "train":
        line += ["--channels", "32"]
    if command in ("decode", "sample", "sample like", "reconstruct", "interpolate"):
        line[-1] = line[-1].rpartition(".")[0] + ".npy" if "." in line[-1] else line[-1] + ".npy"
        np.save(tmp_path / "codes.npy", np.zeros((64, 2), np.float32))
        line += {"sample": ["-n", "64"], "interpolate": ["--steps", "64"]}.get(command, [])
    env = os.environ | {"PYTHONPATH": str(Path(nn.__file__).parents[1])}
    found = subprocess.run(
        [sys.executable, "-c", LIMITED, *line], capture_output=True, text=True, env=env, check=False
    )
    assert (found.returncode, found.stderr.count("Traceback")) == (1, 0), found.stderr
    assert "File too large" in found.stderr
    left = {p.name for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert left <= {"run.toml", "history.csv"}
