import numpy as np


def loss(mu, logvar):
    return np.sum(mu**2 + np.exp(logvar) - 1 - logvar) / (2 * mu.shape[1])


def gradient(mu, logvar):
    n = mu.shape[1]
    return mu / n, (np.exp(logvar) - 1) / (2 * n)
