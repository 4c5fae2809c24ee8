"""CIFAR-10, KMNIST and EMNIST, in files made by hand in their formats."""

from pathlib import Path

import numpy as np
import pytest

from nnscratch.data import cifar10, emnist, kmnist


def idx(path: Path, a: np.ndarray) -> None:
    """Write an IDX file of bytes."""
    path.write_bytes(bytes((0, 0, 8, a.ndim)) + np.array(a.shape, ">u4").tobytes() + a.tobytes())


def idx_set(folder: Path, x: np.ndarray, y: np.ndarray, prefix: str = "") -> Path:
    """Write images and labels as a set whose two parts are the same."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "t10k"):
        idx(folder / f"{prefix}{part}-images-idx3-ubyte", x)
        idx(folder / f"{prefix}{part}-labels-idx1-ubyte", y)
    return folder


@pytest.fixture(scope="module")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return six files: the colour of image n of file f is (f, n mod 250, row)."""
    folder = tmp_path_factory.mktemp("data") / "cifar-10-batches-bin"
    folder.mkdir()
    n = np.arange(10_000)
    for f, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        records = np.zeros((10_000, 3, 32, 32), np.uint8)
        records[:, 0], records[:, 1] = f, (n % 250)[:, None, None]
        records[:, 2] = np.arange(32)[:, None]
        labels = (n % 10).astype(np.uint8)[:, None]
        np.hstack([labels, records.reshape(10_000, -1)]).tofile(folder / f"{name}.bin")
    return folder


def test_cifar10(cifar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNSCRATCH_DATA", str(cifar.parent))
    train, test = cifar10()
    assert (train.images.shape, test.images.shape) == ((50_000, 3, 32, 32), (10_000, 3, 32, 32))
    np.testing.assert_array_equal(train.images[30_007, :, 5, 9], [3, 7, 5])
    np.testing.assert_array_equal(test.images[251, :, 31, 0], [5, 1, 31])
    np.testing.assert_array_equal(train.labels[[0, 10_003, 49_999]], [0, 3, 9])
    assert (train.class_name(3), test.name) == ("cat", "CIFAR-10")


def test_cifar10_refuses_other_files(cifar: Path, tmp_path: Path) -> None:
    for n in range(1, 6):
        (tmp_path / f"data_batch_{n}.bin").symlink_to(cifar / f"data_batch_{n}.bin")
    with pytest.raises(FileNotFoundError, match=r"test_batch\.bin: expected a file of the binary"):
        cifar10(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(bytes(99))
    with pytest.raises(ValueError, match=r"test_batch\.bin: expected 30,730,000 bytes, got 99"):
        cifar10(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(b"\x0a" * 30_730_000)
    with pytest.raises(ValueError, match=r"test_batch\.bin: expected labels 0 to 9, got 10"):
        cifar10(tmp_path)
    (tmp_path / "test_batch.bin").rename(tmp_path / "test_batch")
    with pytest.raises(FileNotFoundError, match="got the one for Python, whose pickles run code"):
        cifar10(tmp_path)


def test_kmnist(tmp_path: Path) -> None:
    x = np.zeros((60_000, 28, 28), np.uint8)
    y = (np.arange(60_000) % 10).astype(np.uint8)
    x[:, 0, 1] = 200
    folder = idx_set(tmp_path, x, y)
    with pytest.raises(ValueError, match="expected KMNIST, 28×28 and 1000 of each of ten classes"):
        kmnist(folder)
    idx(folder / "t10k-images-idx3-ubyte", x[:10_000])
    idx(folder / "t10k-labels-idx1-ubyte", y[:10_000])
    train, test = kmnist(folder)
    np.testing.assert_array_equal(train.images, x)
    assert (len(test), test.class_name(1), test.name) == (10_000, "き", "KMNIST")


@pytest.mark.parametrize(
    ("part", "labels", "names"),
    [
        ("letters", range(1, 27), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("digits", range(10), "0123456789"),
        ("balanced", range(47), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"),
        ("byclass", [0, 10, 36, 61], "0Aaz"),
    ],
)
def test_emnist_stands_upright(
    part: str, labels: range | list[int], names: str, tmp_path: Path
) -> None:
    y = np.array(labels, np.uint8)
    x = np.random.default_rng(0).integers(0, 256, (len(y), 28, 28), np.uint8)
    folder = idx_set(tmp_path / "gzip", x, y, f"emnist-{part}-")
    train, test = emnist(part, folder)
    for n in range(len(y)):
        np.testing.assert_array_equal(train.images[n], x[n].T)
    assert "".join(train.class_name(label) for label in train.labels) == names
    np.testing.assert_array_equal(test.labels, y - (part == "letters"))
    assert train.name == f"EMNIST {part}"


def test_emnist_refuses_what_it_is_not(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"emnist: expected one of balanced, .*, got 'latters'"):
        emnist("latters", tmp_path)
    x, y = np.full((3, 28, 28), 9, np.uint8), np.array([0, 1, 2], np.uint8)
    idx_set(tmp_path, x, y, "emnist-letters-")
    with pytest.raises(ValueError, match="expected labels 1 to 26 in emnist-letters, got 0 to 2"):
        emnist("letters", tmp_path)
