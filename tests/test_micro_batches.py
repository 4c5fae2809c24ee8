"""The Trainer's own choice of micro-batches: by model and batch, whatever the machine."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.layers import Conv2d, Dense, Flatten, ReLU, Reshape, Sequential
from nnscratch.models import Autoencoder, lesson
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer
from nnscratch.training.micro_batches import size_of_micro_batch

RNG = np.random.default_rng(0)
OF_IMAGES = [lesson.conv_autoencoder(rng=RNG), lesson.conv_denoiser(rng=RNG)]


@pytest.mark.parametrize(
    ("make", "batch", "size"),
    [
        (lesson.kvfrans_vae, 128, 64),  # 79 KB of activations a sample
        (lesson.kvfrans_vae, 129, 65),
        (lesson.kvfrans_vae, 192, 48),
        (lesson.kvfrans_vae, 256, 64),
        (lesson.conv_autoencoder, 128, 32),  # 151 KB
        (lesson.conv_autoencoder, 20, 10),
        (lesson.conv_denoiser, 127, 64),  # 317 KB
        (lesson.conv_denoiser, 128, 32),
        (lesson.conv_denoiser, 200, 34),
        (lesson.keras_conv_vae, 100, 50),  # 242 KB
        (lesson.keras_conv_vae, 256, 32),
        (lesson.dense_vae, 256, 256),
    ],
)
def test_a_micro_batch_is_chosen_by_activations(make: Any, batch: int, size: int) -> None:
    model = make(rng=np.random.default_rng(0))
    assert Trainer(model, Adam(), seed=0, batch_size=batch).micro_batch == size
    assert Trainer(model, Adam(), seed=0, batch_size=batch, threads=1).micro_batch == size


@given(batch=st.integers(64, 500), replicas=st.integers(1, 4))
def test_a_micro_batch_is_neither_small_nor_large(batch: int, replicas: int) -> None:
    for model in OF_IMAGES:
        size = size_of_micro_batch(model, batch, replicas)
        assert size <= 96
        assert size >= min(32, batch // replicas)
        assert -(-batch // size) % replicas == 0


def test_activations_are_the_outputs_of_all_stages() -> None:
    """A ReLU that is computed together with the convolution before it makes no numbers of its own.

    That in front of Flatten is in another Sequential than a convolution, and does.
    """
    rng = np.random.default_rng(0)
    inner = Sequential(Conv2d(1, 3, 3, padding=1, rng=rng), ReLU())
    encoder = Sequential(inner, ReLU(), Flatten(), Dense(3 * 16, 2, rng=rng))
    decoder = Sequential(Dense(2, 16, rng=rng), Reshape(1, 4, 4))
    model = Autoencoder(encoder, decoder, input_shape=(1, 4, 4))
    assert model.activation_bytes == 4 * (48 + 48 + 48 + 2 + 16 + 16)
