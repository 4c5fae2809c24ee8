from math import ceil
from pathlib import Path

import numpy as np

import nnscratch as nn

EPOCHS = 25


def model(rng):
    encoder = nn.Sequential(nn.Dense(784, 512, rng=rng), nn.ReLU(), nn.Dense(512, 2, rng=rng))
    decoder = nn.Sequential(nn.Dense(2, 512, rng=rng), nn.ReLU(), nn.Dense(512, 784, rng=rng))
    return nn.Autoencoder(encoder, decoder, input_shape=(784,))


def train(seed=0):
    net = model(np.random.default_rng(seed))
    images = nn.digits().train.images
    rate = nn.schedules.Cosine(3e-3, EPOCHS * ceil(len(images) / 128))
    nn.Trainer(net, nn.Adam(rate), seed=seed).fit(images, epochs=EPOCHS)
    return net


if __name__ == "__main__":
    nn.save_model(Path(__file__).with_suffix(".safetensors"), train())
