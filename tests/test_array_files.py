"""NPY and NPZ files as sets: mapped, named, and refused where damaged."""

import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from damage import Bomb

from nnscratch.data import arrays, columns
from nnscratch.models import build
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

X = np.random.default_rng(0).integers(0, 256, (6, 4, 4), np.uint8)
Y = np.array([0, 1, 2, 0, 1, 2])


def in_a_map(a: np.ndarray | None) -> bool:
    """Does an array lie in a map of a file?"""
    while a is not None:
        if isinstance(a, np.memmap):
            return True
        a = a.base if isinstance(a.base, np.ndarray) else None
    return False


def test_npy_is_mapped_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    data = arrays(tmp_path / "x.npy", tmp_path / "y.npy")
    assert in_a_map(data.images)
    np.testing.assert_array_equal(data.images, X)
    np.testing.assert_array_equal(data.labels, Y)
    assert data.name == "x"
    assert arrays(tmp_path / "x.npy").labels.tolist() == [0] * 6


def test_npz_by_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=X, labels=Y)
    np.savez_compressed(tmp_path / "b.npz", pictures=X, kinds=Y)
    for data in (
        arrays(tmp_path / "a.npz"),
        arrays(tmp_path / "b.npz", names=("pictures", "kinds")),
    ):
        np.testing.assert_array_equal(data.images, X)
        np.testing.assert_array_equal(data.labels, Y)
    with pytest.raises(ValueError, match="expected an array 'images', got pictures, kinds; see"):
        arrays(tmp_path / "b.npz")


def test_signals_train_from_a_map_as_from_memory(tmp_path: Path) -> None:
    x = np.random.default_rng(1).standard_normal((32, 16)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    theta = []
    for data in (arrays(tmp_path / "x.npy", unit=False), x):
        model = build("table_autoencoder", (16,), latent_dim=2, rng=np.random.default_rng(0))
        trainer = Trainer(model, Adam(1e-3), seed=0, batch_size=8)
        trainer.fit(data, epochs=2)
        theta.append(trainer.replicas.theta.value.copy())
    np.testing.assert_array_equal(*theta)


def test_refuses(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "a.npz", images=X)
    content = (tmp_path / "x.npy").read_bytes()
    for name, bad in (("cut", content[:-5]), ("text", b"text"), ("empty", b"")):
        (tmp_path / f"{name}.npy").write_bytes(bad)
        with pytest.raises(ValueError, match=f"{name}.npy: expected a whole NPY or NPZ file"):
            arrays(tmp_path / f"{name}.npy")
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"objects\.npy: expected a whole NPY or NPZ file"):
        arrays(tmp_path / "objects.npy")
    cut = (tmp_path / "a.npz").read_bytes()[:-30]
    (tmp_path / "cut.npz").write_bytes(cut)
    with pytest.raises(ValueError, match=r"cut\.npz: expected a whole NPY or NPZ file"):
        arrays(tmp_path / "cut.npz")
    with pytest.raises(ValueError, match=r"expected names= for an NPZ file only"):
        arrays(tmp_path / "x.npy", names=("a", "b"))
    with pytest.raises(ValueError, match=r"expected labels in .*a\.npz itself"):
        arrays(tmp_path / "a.npz", tmp_path / "x.npy")
    with pytest.raises(ValueError, match="expected one array, got an NPZ file"):
        arrays(tmp_path / "x.npy", tmp_path / "a.npz")
    with pytest.raises(FileNotFoundError):
        arrays(tmp_path / "none.npy")


def test_what_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeros, of which a ZIP file holds a thousand in a byte; a header that promises too much."""
    np.savez_compressed(tmp_path / "zeros.npz", images=np.zeros((1000, 32, 32), np.uint8))
    assert arrays(tmp_path / "zeros.npz").images.shape == (1000, 32, 32)
    monkeypatch.setattr(sys.modules["nnscratch.data.arrays"], "PACKED", 10**6)
    with pytest.raises(ValueError, match=r"zeros\.npz: .* got images\.npy of 1,024,128 bytes pac"):
        arrays(tmp_path / "zeros.npz")
    np.save(tmp_path / "x.npy", X)
    content = (tmp_path / "x.npy").read_bytes()
    assert content.count(b"(6, 4, 4), }" + b" " * 13) == 1
    for N in (7, 10**12, 10**18):
        header = f"({N}, 4, 4), }}".encode().ljust(25)
        promised = content.replace(b"(6, 4, 4), }" + b" " * 13, header)
        (tmp_path / "x.npy").write_bytes(promised)
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr("images.npy", promised)
        for name in ("x.npy", "x.npz"):
            with pytest.raises(ValueError, match=f"{name}: expected a whole NPY or NPZ file"):
                arrays(tmp_path / name)


def test_no_code_is_run(tmp_path: Path) -> None:
    """A pickle in place of an array, or of an object in one, is not read."""
    bomb = Bomb(tmp_path / "touched")
    objects = np.empty(1, object)
    objects[0] = bomb
    np.savez(tmp_path / "b.npz", images=objects)
    np.save(tmp_path / "b.npy", objects)
    (tmp_path / "c.npy").write_bytes(pickle.dumps(bomb))
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("images.npy", pickle.dumps(bomb))
        archive.writestr("labels", "no array")
    for name in ("b.npz", "b.npy", "c.npy", "c.npz"):
        with pytest.raises(ValueError, match=f"{name}: expected a whole NPY or NPZ file"):
            arrays(tmp_path / name)
    assert not (tmp_path / "touched").exists()


def test_a_mapped_file_that_is_changed_in_training_is_named(tmp_path: Path) -> None:
    """Other numbers would be learned from, or the system would end the program."""
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).random((20_000, 6), np.float32))
    data = arrays(path)
    model = build("table_autoencoder", (6,), latent_dim=2, rng=np.random.default_rng(0))
    trainer = Trainer(model, Adam(1e-3), seed=0, batch_size=4)
    trainer.fit(data[:12], epochs=1)
    with open(path, "r+b") as file:
        file.truncate(200)
    with pytest.raises(ValueError, match=r"x\.npy: the file was changed since it was mapped"):
        trainer.fit(data, epochs=2)
    with pytest.raises(ValueError, match="the file was changed since it was mapped"):
        columns(data[4:8].images)
    with pytest.raises(ValueError, match="the file was changed since it was mapped"):
        model.encode(data.images)


@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_a_mapped_file_that_is_another_one_by_now_does_no_harm(how: str, tmp_path: Path) -> None:
    path, x = tmp_path / "x.npy", np.random.default_rng(0).random((20, 6), np.float32)
    np.save(path, x)
    data = arrays(path)
    np.save(tmp_path / "y.npy", x + 1)
    (tmp_path / "y.npy").replace(path) if how == "replaced" else path.unlink()
    np.testing.assert_array_equal(columns(data.images), x.T)
