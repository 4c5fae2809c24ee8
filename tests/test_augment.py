"""Augmentation: what becomes of an image, that it is drawn by the Trainer's streams, refusals."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data import Augment, DynamicBinarization, Pairs
from nnscratch.models import Autoencoder, build
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

SEEDS = st.integers(0, 999)


def one_of_the_views(x: np.ndarray, augment: Augment) -> list[np.ndarray]:
    """Return all that may become of one image (C, H, W), by loops over its pixels."""
    _, H, W = x.shape
    views = []
    for mirror in (False, True) if augment.flip else (False,):
        for a in range(-augment.shift, augment.shift + 1):
            for b in range(-augment.shift, augment.shift + 1):
                y = np.zeros_like(x)
                for i in range(H):
                    for j in range(W):
                        p, q = i - a, j - b
                        q = W - 1 - q if mirror else q
                        if augment.fill == "edge":
                            p, q = min(max(p, 0), H - 1), min(max(q, 0), W - 1)
                        if 0 <= p < H and 0 <= q < W:
                            y[:, i, j] = x[:, p, q]
                views.append(y)
    return views


@given(
    flip=st.booleans(),
    shift=st.integers(0, 3),
    fill=st.sampled_from(["edge", "black"]),
    seed=SEEDS,
)
def test_every_image_is_one_of_its_views(flip: bool, shift: int, fill: str, seed: int) -> None:
    if not flip and not shift:
        return
    rng = np.random.default_rng(seed)
    x = rng.random((2, 3, 4, 5), np.float32)
    augment = Augment(flip, shift, fill)
    y = augment(x, rng=rng)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    for n in range(5):
        assert any(np.array_equal(y[..., n], v) for v in one_of_the_views(x[..., n], augment))


def test_all_views_come_equally_often() -> None:
    """Of 4,000 images about 2,000 are mirrored, and 4,000/9 have each shift, to 5 σ."""
    x = np.repeat(np.random.default_rng(0).random((1, 6, 6, 1), np.float32), 4000, axis=3)
    augment = Augment(flip=True, shift=1)
    y = augment(x, rng=np.random.default_rng(1))
    counts = [
        int((y == view[..., None]).all(axis=(0, 1, 2)).sum())
        for view in one_of_the_views(x[..., 0], augment)
    ]
    assert len(counts) == 18
    assert sum(counts) == 4000
    assert max(abs(count - 4000 / 18) for count in counts) < 5 * np.sqrt(4000 / 18)


def test_a_pixel_is_white_as_often_as_it_is_grey() -> None:
    """Of 20,000 draws of each of five levels, to 5 σ; black and white are left as they are."""
    grey = np.array([[0.0], [0.2], [0.5], [0.9], [1.0]], np.float32)
    y = DynamicBinarization()(grey.repeat(20_000, axis=1), rng=np.random.default_rng(0))
    assert y.dtype == np.float32
    assert set(np.unique(y)) == {0, 1}
    sd = np.sqrt(grey * (1 - grey) / 20_000)[:, 0]
    assert (abs(y.mean(axis=1) - grey[:, 0]) <= 5 * sd).all()
    for bad in (-0.1, 1.5, np.nan):
        with pytest.raises(ValueError, match=r"DynamicBinarization: expected pixels in \[0, 1\]"):
            DynamicBinarization()(np.full((2, 2), bad), rng=np.random.default_rng(0))


X = np.random.default_rng(0).integers(0, 256, (24, 8, 8), np.uint8)


def new(augment: Augment | None, threads: int = 1) -> Trainer[Autoencoder]:
    rng = np.random.default_rng(0)
    model = build("conv_vae", (1, 8, 8), latent_dim=2, channels=(4,), rng=rng)
    return Trainer(
        model, Adam(1e-3), seed=0, batch_size=8, micro_batch=2, threads=threads, augment=augment
    )


def test_same_bits_on_any_threads_and_after_a_checkpoint(tmp_path: Path) -> None:
    theta = []
    for threads in (1, 2):
        trainer = new(Augment(flip=True, shift=2), threads)
        trainer.fit(X, epochs=1, checkpoint=tmp_path / "a.safetensors")
        trainer.fit(X, epochs=2)
        theta.append(trainer.replicas.theta.value.copy())
    resumed = new(Augment(flip=True, shift=2))
    resumed.resume(tmp_path / "a.safetensors")
    resumed.fit(X, epochs=2)
    np.testing.assert_array_equal(theta[0], theta[1])
    np.testing.assert_array_equal(theta[0], resumed.replicas.theta.value)
    plain = new(None)
    plain.fit(X, epochs=2)
    assert not np.array_equal(theta[0], plain.replicas.theta.value)
    with pytest.raises(ValueError, match="augment"):
        new(None).resume(tmp_path / "a.safetensors")


def test_validation_sees_the_images_as_they_are() -> None:
    one, other = new(Augment(flip=True, shift=2)), new(None)
    assert one.evaluate(X) == other.evaluate(X)


def test_refuses() -> None:
    for options, message in (
        ({}, "expected flip=True or shift ≥ 1, got neither"),
        ({"flip": 1}, "expected flip, True or False, got 1"),
        ({"shift": -1}, "expected shift ≥ 0, got -1"),
        ({"flip": True, "fill": "white"}, "expected fill, edge or black, got 'white'"),
    ):
        with pytest.raises(ValueError, match=f"Augment: {message}"):
            Augment(**options)
    with pytest.raises(ValueError, match="Trainer: expected augment, such as Augment"):
        new("flip")
    dense = build("dense_autoencoder", (64,), latent_dim=2, rng=np.random.default_rng(0))
    trainer = Trainer(dense, Adam(1e-3), seed=0, batch_size=8, augment=Augment(flip=True))
    with pytest.raises(ValueError, match=r"Augment: expected images \(C, H, W, N\), got \(64,"):
        trainer.fit(X, epochs=1)
    x = X[:, None] / np.float32(255)
    with pytest.raises(ValueError, match="fit: expected no Pairs with augment"):
        new(Augment(flip=True)).fit(Pairs(x, x), epochs=1)
