"""MNIST and Fashion-MNIST: found wherever they may lie, downloaded otherwise, and never mistaken.

No test reaches the network: sets of twenty images stand in for the real ones, and the mirrors are
folders served on 127.0.0.1. Only the last test reads the real MNIST, where NNSCRATCH_DATA has it.
"""

import dataclasses
import functools
import gzip
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from checks.idx import idx_bytes
from checks.server import NOWHERE, serving

from nnscratch.data import fashion_mnist, mnist

pytestmark = pytest.mark.oldest

# nnscratch.data.mnist is the function; the module of that name is where its sources stand.
module = sys.modules["nnscratch.data.mnist"]
FILES = module.FILES

TRAIN, TEST = (2,) * 10, (1, 3) * 5  # of each class


def labels(counts: tuple[int, ...]) -> np.ndarray:
    return np.repeat(np.arange(len(counts), dtype=np.uint8), counts)


def contents(train: tuple[int, ...], test: tuple[int, ...]) -> dict[str, bytes]:
    """The four files of a small set, by name."""
    arrays = []
    for part, counts in enumerate((train, test)):
        images = np.full((sum(counts), 28, 28), 255 * part, np.uint8)
        arrays += [images, labels(counts)]
    return {file: idx_bytes(a) for file, a in zip(FILES, arrays, strict=True)}


def packed(file: str) -> bytes:
    return gzip.compress(contents(TRAIN, TEST)[file], mtime=0)


def save(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small sets instead of the real ones, no network, an empty cache and no directory set."""
    sha256 = tuple(hashlib.sha256(packed(file)).hexdigest() for file in FILES)
    change = functools.partial(dataclasses.replace, mirrors=(NOWHERE,), sha256=sha256)
    monkeypatch.setattr(module, "MNIST", change(module.MNIST, train=TRAIN, test=TEST))
    monkeypatch.setattr(
        module, "FASHION_MNIST", change(module.FASHION_MNIST, train=TEST, test=TRAIN)
    )
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.delenv("NNSCRATCH_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """The address of a server that has the four files in files/, bad ones in bad/, else nothing."""
    save(tmp_path / "www" / "files", {f"{file}.gz": packed(file) for file in FILES})
    save(tmp_path / "www" / "bad", {f"{file}.gz": packed(file) + b"x" for file in FILES})
    with serving(tmp_path / "www") as address:
        yield address


def use_mirrors(monkeypatch: pytest.MonkeyPatch, *mirrors: str) -> None:
    monkeypatch.setattr(module, "MNIST", dataclasses.replace(module.MNIST, mirrors=mirrors))


@pytest.mark.parametrize("folder", [".", "mnist"])
@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("how", ["argument", "variable"])
def test_finds_the_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    dotted: bool,
    zipped: bool,
    how: str,
) -> None:
    files = contents(TRAIN, TEST)
    if dotted:
        files = {name.replace("-idx", ".idx"): content for name, content in files.items()}
    if zipped:
        files = {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
    save(tmp_path / folder, files)
    if how == "variable":
        monkeypatch.setenv("NNSCRATCH_DATA", str(tmp_path))
    train, test = mnist(tmp_path if how == "argument" else None)
    assert train.images.shape == (20, 28, 28)
    assert (train.images == 0).all()
    assert (test.images == 255).all()
    np.testing.assert_array_equal(train.labels, labels(TRAIN))
    np.testing.assert_array_equal(test.labels, labels(TEST))


def test_one_directory_holds_both_sets(tmp_path: Path) -> None:
    save(tmp_path / "mnist", contents(TRAIN, TEST))
    save(tmp_path / "fashion-mnist", contents(TEST, TRAIN))
    np.testing.assert_array_equal(mnist(tmp_path).train.labels, labels(TRAIN))
    np.testing.assert_array_equal(fashion_mnist(tmp_path).train.labels, labels(TEST))


def test_the_argument_goes_before_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "files", contents(TRAIN, TEST))
    monkeypatch.setenv("NNSCRATCH_DATA", str(tmp_path / "files"))
    with pytest.raises(FileNotFoundError, match=r"not all of them are in .*elsewhere"):
        mnist(tmp_path / "elsewhere")


def test_a_directory_without_all_four_is_refused(tmp_path: Path) -> None:
    save(tmp_path, contents(TRAIN, TEST))
    (tmp_path / FILES[3]).unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(f"not all of them are in {tmp_path}")):
        mnist(tmp_path)


def test_mnist_is_not_taken_for_fashion(tmp_path: Path) -> None:
    """The two sets name their files alike; how many there are of each class tells them apart."""
    save(tmp_path, contents(TRAIN, TEST))
    message = f"{FILES[1]}: not the labels of Fashion-MNIST, expected {TEST} of the classes"
    with pytest.raises(ValueError, match=re.escape(message)):
        fashion_mnist(tmp_path)


@pytest.mark.parametrize(
    ("file", "array", "message"),
    [
        (FILES[0], np.zeros((19, 28, 28), np.uint8), "expected (20, 28, 28) uint8, got (19, 28"),
        (FILES[2], np.zeros((20, 32, 32), np.uint8), "expected (20, 28, 28) uint8, got (20, 32"),
        (FILES[0], np.zeros((20, 28, 28), np.int8), "expected (20, 28, 28) uint8, got (20, 28"),
        (FILES[1], np.zeros((20, 1), np.uint8), "expected (20) uint8, got (20, 1)"),
        (FILES[1], labels((2,) * 9 + (0, 2)), "not the labels of MNIST"),
    ],
    ids=["too few", "too large", "signed", "two axes", "a label of 10"],
)
def test_refuses_what_is_not_mnist(
    tmp_path: Path, file: str, array: np.ndarray, message: str
) -> None:
    save(tmp_path, contents(TRAIN, TEST) | {file: idx_bytes(array)})
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / file}: {message}")):
        mnist(tmp_path)


def test_downloads_once(monkeypatch: pytest.MonkeyPatch, mirror: str, tmp_path: Path) -> None:
    use_mirrors(monkeypatch, f"{mirror}files/")
    np.testing.assert_array_equal(mnist().test.labels, labels(TEST))
    assert sorted(os.listdir(tmp_path / "cache" / "nnscratch" / "mnist")) == sorted(
        f"{file}.gz" for file in FILES
    )
    use_mirrors(monkeypatch, NOWHERE)
    np.testing.assert_array_equal(mnist().test.labels, labels(TEST))


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_variable_that_leads_nowhere_is_named_and_nothing_is_downloaded(
    monkeypatch: pytest.MonkeyPatch, mirror: str, tmp_path: Path, place: str
) -> None:
    directory = tmp_path / place
    monkeypatch.setenv("NNSCRATCH_DATA", str(directory))
    use_mirrors(monkeypatch, f"{mirror}files/")
    message = f"not all of them are in {directory}, which NNSCRATCH_DATA names"
    with pytest.raises(FileNotFoundError, match=f"(?s)^MNIST was not found.*{re.escape(message)}$"):
        mnist()
    assert not (tmp_path / "cache").exists()


def test_an_empty_variable_is_none(
    monkeypatch: pytest.MonkeyPatch, mirror: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("NNSCRATCH_DATA", "")
    use_mirrors(monkeypatch, f"{mirror}files/")
    assert len(mnist().train) == 20


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_home_is_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "data", contents(TRAIN, TEST))
    monkeypatch.setenv("NNSCRATCH_DATA", "~/data")
    assert len(mnist("~/data" if how == "argument" else None).train) == 20


def test_a_set_says_what_it_is(tmp_path: Path) -> None:
    save(tmp_path / "mnist", contents(TRAIN, TEST))
    save(tmp_path / "fashion-mnist", contents(TEST, TRAIN))
    test, clothes = mnist(tmp_path).test, fashion_mnist(tmp_path).train[:5]
    assert (test.name, test.nouns, test.class_name(7)) == ("MNIST", ("digit", "digits"), "7")
    assert (clothes.name, clothes.class_name(1)) == ("Fashion-MNIST", "Trouser")


@pytest.mark.parametrize("first", ["missing", "bad", NOWHERE])
def test_tries_the_next_mirror(monkeypatch: pytest.MonkeyPatch, mirror: str, first: str) -> None:
    first = first if first == NOWHERE else f"{mirror}{first}/"
    use_mirrors(monkeypatch, first, f"{mirror}files/")
    assert len(mnist().train) == 20


def test_a_wrong_file_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, mirror: str, tmp_path: Path
) -> None:
    use_mirrors(monkeypatch, f"{mirror}bad/")
    with pytest.raises(FileNotFoundError, match=r"(?s)was not found.*SHA256 hash"):
        mnist()
    assert os.listdir(tmp_path / "cache" / "nnscratch" / "mnist") == []


def test_a_damaged_cache_is_mended(
    monkeypatch: pytest.MonkeyPatch, mirror: str, tmp_path: Path
) -> None:
    save(tmp_path / "cache" / "nnscratch" / "mnist", {f"{FILES[0]}.gz": b"half a fi"})
    use_mirrors(monkeypatch, f"{mirror}files/")
    assert len(mnist().train) == 20


@pytest.mark.parametrize("hint", [*FILES, "NNSCRATCH_DATA", "folder fashion-mnist/", NOWHERE])
def test_offline_it_says_what_to_put_where(hint: str) -> None:
    with pytest.raises(FileNotFoundError, match=f"(?s)^Fashion-MNIST was not found.*{hint}"):
        fashion_mnist()


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("part", "images", "labels"),
    [
        (
            "train",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        (
            "test",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ],
)
def test_the_real_ones(
    monkeypatch: pytest.MonkeyPatch, part: str, images: str, labels: str
) -> None:
    """Written out as IDX again, they have the published hashes of the unpacked official files."""
    monkeypatch.undo()
    data = getattr(mnist(), part)
    assert hashlib.sha256(idx_bytes(data.images)).hexdigest() == images
    assert hashlib.sha256(idx_bytes(data.labels)).hexdigest() == labels
