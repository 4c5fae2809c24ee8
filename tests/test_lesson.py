"""The lesson's networks: as many parameters as counted by hand, codes of the right shape."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnscratch.core import Shape
from nnscratch.layers import Tanh
from nnscratch.likelihoods import SquaredError
from nnscratch.models import Autoencoder
from nnscratch.models.lesson import (
    conv_autoencoder,
    conv_denoiser,
    dense_autoencoder,
    dense_vae,
    keras_conv_vae,
    kvfrans_vae,
)


def dense(D: int, M: int) -> int:
    """Weights and biases of a dense layer."""
    return D * M + M


def conv(C: int, F: int, K: int = 3) -> int:
    """Weights and biases of a convolution, transposed or not."""
    return C * F * K * K + F


# The model, parameters of its encoder and its decoder, their sum, the shape of a code.
LESSON = {
    "simple": (
        dense_autoencoder,
        dense(784, 32),
        dense(32, 784),
        50_992,
        (32,),
    ),
    "deep": (
        lambda **k: dense_autoencoder((128, 64), **k),
        dense(784, 128) + dense(128, 64) + dense(64, 32),
        dense(32, 64) + dense(64, 128) + dense(128, 784),
        222_384,
        (32,),
    ),
    "dense VAE": (
        dense_vae,
        dense(784, 512) + 2 * dense(512, 2),
        dense(2, 512) + dense(512, 784),
        403_972 + 403_728,
        (2,),
    ),
    "Keras blog VAE": (
        lambda **k: dense_vae((64,), **k),
        dense(784, 64) + 2 * dense(64, 2),
        dense(2, 64) + dense(64, 784),
        101_652,
        (2,),
    ),
    "conv autoencoder": (
        conv_autoencoder,
        conv(1, 16) + conv(16, 8) + conv(8, 8),
        2 * conv(8, 8) + conv(8, 16) + conv(16, 1),
        1_904 + 2_481,
        (8, 4, 4),
    ),
    "conv denoiser": (
        conv_denoiser,
        conv(1, 32) + conv(32, 32),
        2 * conv(32, 32) + conv(32, 1),
        28_353,
        (32, 7, 7),
    ),
    "kvfrans VAE": (
        kvfrans_vae,
        conv(1, 16, 5) + conv(16, 32, 5) + 2 * dense(1_568, 20),
        dense(20, 1_568) + (conv(32, 16, 5) - 16) + (conv(16, 1, 5) - 1),  # less the biases
        76_008 + 46_128,
        (20,),
    ),
    "Keras conv VAE": (
        keras_conv_vae,
        conv(1, 32) + conv(32, 64) + dense(3_136, 16) + 2 * dense(16, 2),
        dense(2, 3_136) + conv(64, 64) + conv(64, 32) + conv(32, 1),
        69_076 + 65_089,
        (2,),
    ),
}


@pytest.fixture(params=LESSON.values(), ids=LESSON)
def case(request: pytest.FixtureRequest) -> tuple[Callable[..., Autoencoder], int, int, int, Shape]:
    return request.param


def test_parameters_are_as_many_as_counted_by_hand(case, rng: np.random.Generator) -> None:
    make, encoder, decoder, total, _ = case
    model = make(rng=rng)
    count = {"encoder": 0, "decoder": 0}
    for name, p in model.parameters().items():
        count[name.split(".")[0]] += p.value.size
    assert count == {"encoder": encoder, "decoder": decoder}
    assert encoder + decoder == total


def test_images_become_codes_and_codes_images(case, rng: np.random.Generator) -> None:
    make, _, _, _, code_shape = case
    model = make(rng=rng)
    images = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)
    codes = model.encode(images)
    assert codes.shape == (3, *code_shape)
    assert codes.dtype == np.float32
    decoded = model.decode(codes)
    assert decoded.size == 3 * 784
    assert 0 < decoded.min() <= decoded.max() < 1


def test_float64_throughout(case, rng: np.random.Generator) -> None:
    model = case[0](rng=rng, dtype=np.float64)
    assert {p.value.dtype for p in model.parameters().values()} == {np.dtype(np.float64)}
    terms, backward = model.loss(rng.random((*model.input_shape, 2)), rng=rng)
    backward(1.0)
    assert np.isfinite(terms["total"])


def test_one_seed_gives_one_model(case) -> None:
    a, b = (case[0](rng=np.random.default_rng(5)) for _ in range(2))
    for name, p in a.parameters().items():
        np.testing.assert_array_equal(b.parameters()[name].value, p.value)


def test_every_parameter_learns(case, rng: np.random.Generator) -> None:
    """A weight that no gradient reaches is a layer that was left out of the backward."""
    model = case[0](rng=rng)
    x = rng.random((*model.input_shape, 4), dtype=np.float32)
    model.loss(x, rng=rng)[1](1.0)
    silent = [name for name, p in model.parameters().items() if not p.grad.any()]
    assert silent == []


def test_options_reach_the_model(rng: np.random.Generator) -> None:
    loss = SquaredError()
    assert conv_autoencoder(likelihood=loss, rng=rng).likelihood is loss
    assert keras_conv_vae(5, beta=0.5, rng=rng).code_shape == (5,)
    assert kvfrans_vae(beta=0.5, rng=rng).beta == 0.5
    assert isinstance(dense_vae(activation=Tanh, rng=rng).encoder.layers[1], Tanh)


@pytest.mark.parametrize("image", [(1, 6, 28), (1, 28, 6), (1, 2, 28), (1, 0, 28), (28, 28)])
def test_sides_that_cannot_be_halved_twice_are_refused(image: Any) -> None:
    with pytest.raises(ValueError, match=r"expected \(C, H, W\) with sides that 4 divides"):
        conv_autoencoder(image=image, rng=np.random.default_rng(0))


@pytest.mark.parametrize("side", [4, 8, 12, 16, 28, 32])
def test_the_convolutional_autoencoder_returns_images_of_the_same_size(side: int) -> None:
    """One of its convolutions is padded or not, by the remainder of 8."""
    model = conv_autoencoder(image=(1, side, 28), rng=np.random.default_rng(0))
    assert model.reconstruct(np.zeros((2, 1, side, 28), np.float32)).shape == (2, 1, side, 28)
