"""Every command that writes, on a disk that is really full: a small tmpfs, mounted for the test."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from test_command import SMALL, assert_same_bits, fill
from test_command_bad_input import WRITERS

import nnscratch as nn
from nnscratch.command import main
from nnscratch.training import checkpoint

pytestmark = pytest.mark.once

PAGE = os.sysconf("SC_PAGE_SIZE")
OLDER = b"what was here before"

TOOLS: dict[str, Callable[[Path, Path, Path], list[object]]] = {
    "sample, a picture a file": lambda m, d, o: ["sample", m, "-n", 9, "--out", o / "samples"],
    "explain": lambda m, d, o: ["explain", "Dense", "--html", o / "dense.html"],
    "exercises": lambda m, d, o: ["exercises", "start", o / "study"],
}
ALL = {name: words for name, words in (WRITERS | TOOLS).items() if name != "sample"}


@dataclass
class Disk:
    """A file system of its own at a folder."""

    place: Path

    def mount(self, pages: int, options: str = "") -> None:
        words = ["mount", "-t", "tmpfs", "-o", f"size={pages * PAGE}{options}", "tmpfs"]
        found = subprocess.run([*words, self.place], capture_output=True, text=True, check=False)
        if found.returncode:
            pytest.skip(f"may not mount a disk, which takes root: {found.stderr.strip()}")

    def grow(self, pages: int) -> None:
        words = ["mount", "-o", f"remount,size={pages * PAGE}", self.place]
        subprocess.run(words, check=True)

    def files(self) -> list[Path]:
        return sorted(path for path in self.place.rglob("*") if path.is_file())

    def leave(self, pages: int) -> None:
        """Fill the disk but for so many pages."""
        (self.place / "ballast").unlink(missing_ok=True)
        free = os.statvfs(self.place).f_bfree
        with open(self.place / "ballast", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, (free - pages) * PAGE)
        assert os.statvfs(self.place).f_bfree == pages


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    made.place.mkdir()
    yield made
    subprocess.run(["umount", "--lazy", made.place], capture_output=True, check=False)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, pictures and codes."""
    home = tmp_path_factory.mktemp("good")
    fill(home / "pets")
    rng = np.random.default_rng(0)
    model = nn.models.build("conv_vae", (3, 8, 8), latent_dim=2, channels=(2,), rng=rng)
    nn.save(home / "model.safetensors", model)
    np.save(home / "codes.npy", np.zeros((9, 2), np.float32))
    return home


def line_of(command: str, good: Path, out: Path) -> list[str]:
    words = ALL[command](good / "model.safetensors", good / "pets", out)
    return [str(word) for word in words]


def assert_whole(path: Path) -> None:
    """Is this file of a run what it should be, from the first byte to the last?"""
    if path.suffix == ".safetensors":
        checkpoint.read(path)
    elif path.suffix == ".png":
        from PIL import Image

        Image.open(path).load()
    elif path.suffix == ".html":
        assert path.read_text("utf-8").rstrip().endswith("</html>")
    elif path.suffix == ".py":
        compile(path.read_text("utf-8"), path, "exec")
    else:
        assert path.read_bytes().endswith(b"\n"), path


@pytest.mark.parametrize("command", ALL)
def test_a_full_disk(
    command: str, good: Path, disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    """With no page free, with one, and with one too few; and then with enough.

    What stood where a file is to go is still there to the byte, and a folder that was not there
    before holds no part of what it was to hold.
    """
    if command == "export" and find_spec("onnx") is None:
        pytest.skip("onnx is an extra")
    disk.mount(4096)
    line = line_of(command, good, disk.place)
    target = Path(line[-1])
    assert main(line) == 0, capsys.readouterr().err
    wrote = [path for path in disk.files() if path.is_relative_to(target)]
    used = sum(-(-path.stat().st_size // PAGE) for path in wrote)
    for path in wrote:
        path.unlink()
    if target.is_dir():
        target.rmdir()
    elif command not in ("train",):
        target.write_bytes(OLDER)
    before = [path for path in disk.files() if path.name != "ballast"]
    for free in sorted({0, 1, used - 1} - {used}):
        disk.leave(free)
        code, said = main(line), capsys.readouterr().err
        assert (code, said.count("Traceback")) == ((2, 0) if command == "exercises" else (1, 0))
        assert "No space left on device" in said
        assert str(target) in said
        after = [path for path in disk.files() if path.name != "ballast"]
        if command in ("train", "exercises"):  # one file after the other, and each is whole
            for path in after:
                assert_whole(path)
                path.unlink()
        else:
            assert after == before
            assert all(path.read_bytes() == OLDER for path in after)
    disk.leave(used + 8)
    assert main(line) == 0, capsys.readouterr().err


def test_a_disk_that_takes_no_more_files(
    good: Path, disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is room for bytes and none for names."""
    disk.mount(4096, ",nr_inodes=4")
    line = line_of("sample, a picture a file", good, disk.place)
    assert main(line) == 1
    assert "picture not written, No space left on device" in capsys.readouterr().err
    assert list(disk.place.iterdir()) == []


def test_a_run_whose_disk_fills_up_goes_on(
    good: Path, disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    """The checkpoint of an earlier epoch is whole: with more room it ends with the same bits."""
    straight, out = good / "straight", disk.place / "run"
    line = ["train", str(good / "pets"), "--size", "8", "8", *SMALL]
    assert main([*line, "--epochs", "5", "--out", str(straight)]) == 0
    disk.mount(4096)
    assert main([*line, "--epochs", "2", "--out", str(out)]) == 0
    kept = {path: path.read_bytes() for path in out.iterdir()}
    disk.leave(1)
    capsys.readouterr()
    resume = ["train", "--resume", "--epochs", "5", "--out", str(out)]
    assert main(resume) == 1
    said = capsys.readouterr().err
    assert "checkpoint not written, No space left on device" in said
    assert "--resume` goes on" in said
    for path, content in kept.items():
        assert_whole(path)
        if path.name not in ("run.toml", "history.csv"):  # which say what has come since
            assert path.read_bytes() == content, path
    disk.grow(8192)
    assert main(resume) == 0
    assert_same_bits(out, straight)


def test_force_on_a_full_disk_leaves_the_other_run(
    good: Path, disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    disk.mount(4096)
    line = ["train", str(good / "pets"), "--size", "8", "8", *SMALL, "--out", str(disk.place)]
    assert main(line) == 0
    disk.leave(0)
    kept = {path: path.read_bytes() for path in disk.files()}
    capsys.readouterr()
    assert main([*line, "--force", "--seed", "1"]) == 1
    assert "settings not written, No space left on device" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in disk.files()} == kept
