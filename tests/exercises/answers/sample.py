import numpy as np


def forward(mu, logvar, noise):
    return mu + np.exp(logvar / 2) * noise


def backward(dz, mu, logvar, noise):
    return dz, dz * noise * np.exp(logvar / 2) / 2
