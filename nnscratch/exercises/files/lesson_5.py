"""Lesson, task 5. A convolutional VAE

"Build a variational autoencoder of convolutions." The lesson's VAE is made of
dense layers; give yours an encoder of convolutions, a decoder of transposed
ones (or of upsampling), and a code of 16 dimensions.

Write `model`, then

    python 17_lesson_5.py

which trains it on the 10,000 digits in the package, for a minute or two, and
writes 17_lesson_5.safetensors and 17_lesson_5.png, with digits drawn from the
prior.

What is judged, on 2,000 digits that were held out:

    the negative ELBO in nats an image, against our own runs
    the reconstruction, against PCA with 16 numbers
    the KL: a posterior that has collapsed onto the prior says nothing

(The BCE of grey pixels has a floor of 45.6 nats here: nobody can be below it.)

Check your answer:   python -m nnscratch.exercises check lesson_5
"""

from math import ceil
from pathlib import Path

import numpy as np

import nnscratch as nn

EPOCHS = 15


def model(rng):
    """Return an untrained nn.VAE of images (1, 28, 28), with 16 latents."""
    raise NotImplementedError


def train(seed=0):
    """Return a trained model."""
    net = model(np.random.default_rng(seed))
    images = nn.digits().train.images
    rate = nn.schedules.Cosine(2e-3, EPOCHS * ceil(len(images) / 128))
    nn.Trainer(net, nn.Adam(rate), seed=seed).fit(images, epochs=EPOCHS)
    return net


if __name__ == "__main__":
    net = train()
    nn.save_model(Path(__file__).with_suffix(".safetensors"), net)
    from nnscratch.plots import image_grid

    drawn = net.sample(64, rng=np.random.default_rng(0))
    figure = image_grid(drawn.reshape(-1, 28, 28))
    figure.savefig(Path(__file__).with_suffix(".png"))
