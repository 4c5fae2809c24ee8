"""What is trained, and how: the networks of nn.pretrained, by name.

They are those of the lesson and its demos, as wide as 1.5 MB in all allow: where the lesson has 512
hidden units in a VAE and 1,000 in an adversarial autoencoder, here are fewer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..data import LESSON_NOISE
from ..layers import Conv2d, ReLU, Sequential, UpsampleBilinear2d
from ..models import (
    AdversarialAutoencoder,
    Autoencoder,
    ConditionalVAE,
    Downsampling,
    GaussianNoise,
)
from ..models.lesson import (
    IMAGE,
    PIXELS,
    conv_autoencoder,
    conv_denoiser,
    dense_autoencoder,
    dense_vae,
    kvfrans_vae,
    mlp,
    seq2seq_autoencoder,
)

CLASSES = 10


@dataclass(frozen=True)
class Recipe:
    """How a network comes to its weights.

    make    called with rng and dtype, returns the untrained network
    words   what it is, for a table
    epochs  passes through the 10,000 digits, in batches of 128
    rate    Adam's first learning rate, which falls to 0 along half a cosine
    """

    make: Callable[..., Any]
    words: str
    epochs: int
    rate: float = 3e-3


def denoiser(**options: Any) -> Autoencoder:
    """The Keras blog's, under the noise of the lesson's edition for Keras."""
    net = conv_denoiser(**options)
    noise = GaussianNoise(*LESSON_NOISE["keras"])
    return Autoencoder(net.encoder, net.decoder, input_shape=IMAGE, corruption=noise)


def super_resolution(**options: Any) -> Autoencoder:
    """Bilinear interpolation from 14×14 to 28×28 pixels, and four convolutions on top of it."""

    def conv(C: int, F: int) -> Conv2d:
        return Conv2d(C, F, 3, padding="same", **options)

    features = conv(1, 16), ReLU(), conv(16, 16), ReLU(), conv(16, 16), ReLU()
    return Autoencoder(
        Sequential(UpsampleBilinear2d(2), *features),
        conv(16, 1),
        input_shape=IMAGE,
        corruption=Downsampling(2),
    )


def conditional_vae(hidden: int = 96, **options: Any) -> ConditionalVAE:
    """784 + 10 - hidden - 2 latents, + 10 - hidden - 784."""
    return ConditionalVAE(
        mlp((PIXELS + CLASSES, hidden, 4), **options),
        mlp((2 + CLASSES, hidden, PIXELS), **options),
        2,
        classes=CLASSES,
        input_shape=(PIXELS,),
    )


def adversarial_autoencoder(hidden: int = 64, **options: Any) -> AdversarialAutoencoder:
    """784 - hidden - 2 - hidden - 784, and a discriminator 2-64-64-1 that says nothing at first."""
    sizes = (PIXELS, hidden, 2), (2, hidden, PIXELS), (2, 64, 64, 1)
    encoder, decoder, discriminator = (mlp(each, **options) for each in sizes)
    discriminator.layers[-1].parameters()["weight"].value[...] = 0
    return AdversarialAutoencoder(
        encoder, decoder, discriminator, input_shape=(PIXELS,), weight=10.0
    )


RECIPES = {
    "dense_autoencoder": Recipe(dense_autoencoder, "784-32-784, ReLU", 40),
    "conv_autoencoder": Recipe(conv_autoencoder, "codes of 8×4×4", 40, 5e-3),
    "denoiser": Recipe(denoiser, "Gaussian noise of 0.5", 15),
    "super_resolution": Recipe(super_resolution, "14×14 to 28×28 pixels", 15),
    "vae": Recipe(partial(dense_vae, (128,), 2), "784-128-2-128-784", 30),
    "conv_vae": Recipe(partial(kvfrans_vae, 20), "convolutions, 20 latents", 30),
    "conditional_vae": Recipe(conditional_vae, "794-96-2, 12-96-784", 30),
    "adversarial_autoencoder": Recipe(adversarial_autoencoder, "784-64-2-64-784", 30, 1e-3),
    "seq2seq": Recipe(
        partial(seq2seq_autoencoder, (28, 28), 32, 64), "rows, LSTM 64, codes of 32", 40
    ),
}
