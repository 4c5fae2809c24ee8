"""Sets that are downloaded: right ones are kept, wrong ones are not, and nothing is half written.

No test reaches the network: a server on this machine has small archives instead of the real ones.
"""

import gzip
import hashlib
import io
import os
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from checks.idx import idx_bytes
from checks.server import NOWHERE, serving

from nnscratch.data import cifar10, emnist, kmnist, read_set
from nnscratch.data.download import Remote, download, located

pytestmark = pytest.mark.oldest

CIFAR = sys.modules["nnscratch.data.cifar10"]
RELATIVES = sys.modules["nnscratch.data.relatives"]
CONTENTS = {"a.bin": b"first" * 1000, "b.bin": b"second"}


def tar(contents: dict[str, bytes]) -> bytes:
    """Return a tar.gz of these files, by their paths in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tape:
        for path, content in contents.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tape.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def zipped(contents: dict[str, bytes]) -> bytes:
    """Return a ZIP file of these files, by their paths in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in contents.items():
            archive.writestr(path, content)
    return packed.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no directory set."""
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.delenv("NNSCRATCH_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "nnscratch"


@pytest.fixture
def www(tmp_path: Path) -> Path:
    """The folder that is served."""
    (tmp_path / "www").mkdir()
    return tmp_path / "www"


@pytest.fixture
def mirror(www: Path) -> Iterator[str]:
    with serving(www) as address:
        yield address


def remote(mirror: str, name: str, archive: bytes, members: tuple[str, ...]) -> Remote:
    return Remote("Set", "set", (NOWHERE, mirror), {name: sha256(archive)}, members)


@pytest.mark.parametrize(("name", "pack"), [("a.tar.gz", tar), ("a.zip", zipped)])
def test_an_archive_is_unpacked_once_and_removed(
    name: str, pack: object, mirror: str, www: Path, cache: Path
) -> None:
    archive = pack({f"deep/folder/{file}": content for file, content in CONTENTS.items()})
    (www / name).write_bytes(archive)
    ours = remote(mirror, name, archive, tuple(CONTENTS))
    folder = download(ours)
    assert folder == cache / "set"
    assert {file: (folder / file).read_bytes() for file in os.listdir(folder)} == CONTENTS
    (www / name).unlink()
    assert download(ours) == folder


@pytest.mark.parametrize(("name", "pack"), [("a.tar.gz", tar), ("a.zip", zipped)])
@pytest.mark.parametrize("path", ["../../a.bin", "/tmp/../a.bin", "a.bin"])
def test_no_path_of_an_archive_is_followed(
    name: str, pack: object, path: str, mirror: str, www: Path, cache: Path
) -> None:
    """And what was not asked for stays in the archive."""
    archive = pack({path: b"content", "../../../evil": b"x", "more.bin": b"x"})
    (www / name).write_bytes(archive)
    download(remote(mirror, name, archive, ("a.bin",)))
    written = [str(p.relative_to(www.parent)) for p in www.parent.rglob("*") if p.is_file()]
    assert sorted(written) == ["cache/nnscratch/set/a.bin", f"www/{name}"]


def test_a_link_in_an_archive_is_no_file(mirror: str, www: Path, cache: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tape:
        link = tarfile.TarInfo("a.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tape.addfile(link)
    (www / "a.tar.gz").write_bytes(packed.getvalue())
    with pytest.raises(ValueError, match=r"a\.tar\.gz: expected an archive with a\.bin in it"):
        download(remote(mirror, "a.tar.gz", packed.getvalue(), ("a.bin",)))
    assert os.listdir(cache / "set") == ["a.tar.gz"]


def test_a_wrong_archive_is_refused_and_not_kept(mirror: str, www: Path, cache: Path) -> None:
    archive = tar(CONTENTS)
    (www / "a.tar.gz").write_bytes(archive[:-1] + b"x")
    message = r"(?s)^Set was not found\. Put these files into .* a\.bin\n.*SHA256 hash"
    with pytest.raises(FileNotFoundError, match=message) as error:
        download(remote(mirror, "a.tar.gz", archive, tuple(CONTENTS)))
    assert NOWHERE in str(error.value)
    assert os.listdir(cache / "set") == []


def test_what_was_interrupted_is_finished(
    mirror: str, www: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full after the first member: nothing is half there, and next time all is."""
    archive = tar(CONTENTS)
    (www / "a.tar.gz").write_bytes(archive)
    ours = remote(mirror, "a.tar.gz", archive, tuple(CONTENTS))
    sync, calls = os.fsync, []

    def full(file: int) -> None:
        calls.append(file)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        sync(file)

    with monkeypatch.context() as patch:
        patch.setattr("nnscratch.files.os.fsync", full)
        with pytest.raises(OSError, match=r"b\.bin of a\.tar\.gz not written, No space left"):
            download(ours)
    assert sorted(os.listdir(cache / "set")) == ["a.bin", "a.tar.gz"]
    (www / "a.tar.gz").unlink()
    assert sorted(os.listdir(download(ours))) == ["a.bin", "b.bin"]


def test_a_directory_goes_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = remote(NOWHERE, "a.tar.gz", b"", ("a.bin",))
    assert located(ours, tmp_path) == tmp_path
    (tmp_path / "set").mkdir()
    assert located(ours, tmp_path) == tmp_path / "set"
    monkeypatch.setenv("NNSCRATCH_DATA", str(tmp_path))
    assert located(ours, None) == tmp_path / "set"
    assert located(ours, tmp_path / "set") == tmp_path / "set"
    monkeypatch.setenv("NNSCRATCH_DATA", "")
    with pytest.raises(FileNotFoundError, match="Set was not found"):
        located(ours, None)


def test_cifar10(mirror: str, www: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = np.zeros((10, 3073), np.uint8)
    records[:, 0], records[:, 1] = np.arange(10), 7
    names = [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]
    archive = tar({f"cifar-10-batches-bin/{name}": records.tobytes() for name in names})
    (www / "cifar-10-binary.tar.gz").write_bytes(archive)
    ours = replace(
        CIFAR.REMOTE, mirrors=(mirror,), sha256={"cifar-10-binary.tar.gz": sha256(archive)}
    )
    monkeypatch.setattr(CIFAR, "REMOTE", ours)
    monkeypatch.setattr(CIFAR, "BATCH", 10)
    train, test = cifar10()
    assert (train.images.shape, test.images.shape) == ((50, 3, 32, 32), (10, 3, 32, 32))
    np.testing.assert_array_equal(train.labels, list(range(10)) * 5)
    assert (test.images[:, 0, 0, 0] == 7).all()
    assert sorted(os.listdir(cache / "cifar-10-batches-bin")) == names


def test_kmnist(mirror: str, www: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = {}
    for file, N in zip(RELATIVES.FILES, (60_000, 60_000, 10_000, 10_000), strict=True):
        labels = (np.arange(N) % 10).astype(np.uint8)
        a = labels if "labels" in file else np.zeros((N, 28, 28), np.uint8)
        content = gzip.compress(idx_bytes(a), 1)
        (www / f"{file}.gz").write_bytes(content)
        hashes[f"{file}.gz"] = sha256(content)
    assert hashes.keys() == RELATIVES.KMNIST.sha256.keys()
    ours = replace(RELATIVES.KMNIST, mirrors=(mirror,), sha256=hashes)
    monkeypatch.setattr(RELATIVES, "KMNIST", ours)
    train, test = kmnist()
    assert (len(train), len(test), train.name) == (60_000, 10_000, "KMNIST")
    assert sorted(os.listdir(cache / "kmnist")) == sorted(hashes)


def test_emnist(mirror: str, www: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All 24 files of the six parts come in one archive; named as in NIST's."""
    digits = np.arange(10, dtype=np.uint8)
    contents = {}
    for part in ("balanced", "bymerge", "byclass", "digits", "letters", "mnist"):
        for half in ("train", "test"):
            y = np.arange(1, 27, dtype=np.uint8) if part == "letters" else digits
            x = np.zeros((len(y), 28, 28), np.uint8)
            x[:, 3, 5] = y
            for what, a in (("images-idx3", x), ("labels-idx1", y)):
                name = f"gzip/emnist-{part}-{half}-{what}-ubyte.gz"
                contents[name] = gzip.compress(idx_bytes(a))
    archive = zipped(contents | {"gzip/emnist-balanced-mapping.txt": b"0 48"})
    (www / "gzip.zip").write_bytes(archive)
    ours = replace(RELATIVES.EMNIST, mirrors=(mirror,), sha256={"gzip.zip": sha256(archive)})
    monkeypatch.setattr(RELATIVES, "EMNIST", ours)
    letters = emnist("letters").test
    assert (len(letters), letters.class_name(0)) == (26, "A")
    np.testing.assert_array_equal(letters.images[:, 5, 3], np.arange(1, 27))
    (www / "gzip.zip").unlink()
    assert len(emnist("digits").train) == 10
    assert sorted(os.listdir(cache / "emnist")) == sorted(name[5:] for name in contents)
    assert len(read_set(cache / "emnist" / "emnist-mnist").test) == 10


@pytest.mark.parametrize(
    ("call", "module", "name", "hints"),
    [
        (cifar10, CIFAR, "REMOTE", ["CIFAR-10 was not found", "data_batch_5.bin", "test_batch"]),
        (kmnist, RELATIVES, "KMNIST", ["KMNIST was not found", "t10k-labels-idx1-ubyte\n"]),
        (
            lambda: emnist("letters"),
            RELATIVES,
            "EMNIST",
            ["EMNIST was not found", "emnist-letters-test-labels-idx1-ubyte.gz", "emnist/)"],
        ),
    ],
)
def test_offline_it_says_what_to_put_where(
    call: object, module: object, name: str, hints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, replace(getattr(module, name), mirrors=(NOWHERE,)))
    with pytest.raises(FileNotFoundError) as error:
        call()
    for hint in (*hints, "NNSCRATCH_DATA", NOWHERE):
        assert re.search(re.escape(hint), str(error.value))
