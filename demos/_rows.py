"""The networks of the table of results: how each is made, and for how long it learns."""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from demos._centred import Centred
from nnscratch.core import Shape
from nnscratch.data import LESSON_NOISE
from nnscratch.layers import Conv2d, MaxPool2d, ReLU, Sequential
from nnscratch.models import AdversarialAutoencoder, Autoencoder
from nnscratch.models import lesson as nets
from nnscratch.models.corruption import Downsampling, GaussianNoise


class Row(NamedTuple):
    """A network to train: how, for how long, and what others have.

    code    how many numbers a digit it keeps; None if it is shown less than PCA is
    lesson  the lesson's own figure on the same held-out digits, mean over pixels; None: it has none
    """

    make: Callable[..., Autoencoder]
    epochs: int
    rate: float
    code: int | None
    lesson: float | None
    note: str = ""


def denoiser(image: Shape, *, rng: np.random.Generator) -> Autoencoder:
    """The lesson's: its convolutional autoencoder with noise in front, and its input centred."""
    net = nets.conv_autoencoder(image=image, rng=rng)
    noise = GaussianNoise(*LESSON_NOISE["tensorflow"])
    encoder = Sequential(Centred(noise.mean), *net.encoder.layers)
    return Autoencoder(encoder, net.decoder, input_shape=image, corruption=noise)


def super_resolution(image: Shape, *, rng: np.random.Generator) -> Autoencoder:
    """The lesson's: half the side in, two pools to 8 channels of 4×4, the same decoder."""
    conv = partial(Conv2d, kernel_size=3, padding="same", rng=rng)
    pool = partial(MaxPool2d, 2, ceil_mode=True)
    encoder = Sequential(conv(1, 16), ReLU(), pool(), conv(16, 8), ReLU(), pool())
    decoder = nets.conv_autoencoder(image=image, rng=rng).decoder
    return Autoencoder(encoder, decoder, input_shape=image, corruption=Downsampling(2))


def adversarial(image: Shape, *, rng: np.random.Generator) -> AdversarialAutoencoder:
    """A smaller network than the lesson's, with a discriminator that learns."""
    D = prod(image)
    model = AdversarialAutoencoder(
        nets.mlp((D, 512, 64), rng=rng),
        nets.mlp((64, 512, D), rng=rng),
        nets.mlp((64, 64, 64, 1), rng=rng),
        input_shape=(D,),
        weight=10.0,
    )
    model.parameters()["discriminator.4.weight"].value[...] = 0  # it says nothing at first
    return model


def conv(make: Callable[..., Autoencoder], *args: int) -> Callable[..., Autoencoder]:
    """Return a maker of a convolutional network of the lesson by the shape of an image."""
    return lambda image, *, rng: make(*args, image=image, rng=rng)


def dense(make: Callable[..., Autoencoder], *args: Any) -> Callable[..., Autoencoder]:
    """Return a maker of a dense network of the lesson by the shape of an image."""
    return lambda image, *, rng: make(*args, pixels=prod(image), rng=rng)


CENTRED = "input centred; as it was, 101.5 with seed 0 and 108.9 with seed 3: channels had died"

ROWS = {
    "conv-ae": Row(conv(nets.conv_autoencoder), 25, 3e-3, 128, 0.0953),
    "denoiser": Row(denoiser, 25, 3e-3, None, 0.1398, CENTRED),
    "super-resolution": Row(super_resolution, 45, 3e-3, None, 0.0955),
    "dense-ae-32": Row(dense(nets.dense_autoencoder), 60, 1.5e-3, 32, None),
    "deep-ae-32": Row(dense(nets.dense_autoencoder, (128, 64)), 80, 3e-3, 32, None),
    "vae-2": Row(dense(nets.dense_vae, (512,), 2), 60, 3e-3, 2, None),
    "vae-20": Row(dense(nets.dense_vae, (512,), 20), 40, 2e-3, 20, None),
    "vae-32": Row(dense(nets.dense_vae, (512,), 32), 40, 2e-3, 32, None),
    "conv-vae-32": Row(conv(nets.kvfrans_vae, 32), 30, 2e-3, 32, None),
    "adversarial-ae": Row(adversarial, 20, 1e-3, 64, 0.0945),
}
