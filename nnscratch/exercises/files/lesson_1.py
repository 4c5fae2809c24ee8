"""Lesson, task 1. A digit as two numbers

"Train an autoencoder with a very small latent dimension, such as 2, and plot
the codes, coloured by their digit." From here on nnscratch is yours: build the
model of its layers, train it, and let the checker judge the weights by numbers.

Write `model`, then

    python 15_lesson_1.py

which trains it on the 10,000 digits in the package, for some seconds, and
writes 15_lesson_1.safetensors and 15_lesson_1.png beside this file.

What is judged, on 2,000 digits that were held out:

    the squared error an image, against PCA with two numbers, and against runs
    of our own network, 784-512-2-512-784

    how often the nearest codes have the same digit, against PCA's codes

Two numbers are a narrow door: a linear map, such as PCA, does not get far. What
does the network need between the image and the code, and on the way back?

Check your answer:   python -m nnscratch.exercises check lesson_1
"""

from math import ceil
from pathlib import Path

import numpy as np

import nnscratch as nn

EPOCHS = 25


def model(rng):
    """Return an untrained nn.Autoencoder: 784 pixels, a code of 2 numbers."""
    raise NotImplementedError


def train(seed=0):
    """Return a trained model."""
    net = model(np.random.default_rng(seed))
    images = nn.digits().train.images
    rate = nn.schedules.Cosine(3e-3, EPOCHS * ceil(len(images) / 128))
    nn.Trainer(net, nn.Adam(rate), seed=seed).fit(images, epochs=EPOCHS)
    return net


if __name__ == "__main__":
    net, test = train(), nn.digits().test
    nn.save_model(Path(__file__).with_suffix(".safetensors"), net)
    import matplotlib.pyplot as plt

    z = net.encode(test.images)
    plt.scatter(z[:, 0], z[:, 1], c=test.labels, s=4, cmap="tab10")
    plt.colorbar()
    plt.savefig(Path(__file__).with_suffix(".png"))
