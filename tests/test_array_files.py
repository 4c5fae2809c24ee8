"""NPY and NPZ files as sets: mapped, named, and refused where damaged."""

from pathlib import Path

import numpy as np
import pytest

from nnscratch.data import arrays
from nnscratch.models import build
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

X = np.random.default_rng(0).integers(0, 256, (6, 4, 4), np.uint8)
Y = np.array([0, 1, 2, 0, 1, 2])


def mapped(a: np.ndarray | None) -> bool:
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
    assert mapped(data.images)
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
    with pytest.raises(ValueError, match=r"expected an array 'images', got pictures \(6, 4, 4\)"):
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
