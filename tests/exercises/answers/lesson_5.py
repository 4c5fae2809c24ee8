from math import ceil
from pathlib import Path

import numpy as np

import nnscratch as nn

EPOCHS = 15


def model(rng):
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1, rng=rng),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, rng=rng),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dense(1568, 32, rng=rng),
    )
    decoder = nn.Sequential(
        nn.Dense(16, 1568, rng=rng),
        nn.ReLU(),
        nn.Reshape(32, 7, 7),
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1, rng=rng),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1, rng=rng),
    )
    return nn.VAE(encoder, decoder, 16, input_shape=(1, 28, 28))


def train(seed=0):
    net = model(np.random.default_rng(seed))
    images = nn.digits().train.images
    rate = nn.schedules.Cosine(2e-3, EPOCHS * ceil(len(images) / 128))
    nn.Trainer(net, nn.Adam(rate), seed=seed).fit(images, epochs=EPOCHS)
    return net


if __name__ == "__main__":
    nn.save_model(Path(__file__).with_suffix(".safetensors"), train())
