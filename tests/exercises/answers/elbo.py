import numpy as np


def loss(a, t, mu, logvar, beta):
    n = a.shape[1]
    reconstruction = np.sum(np.logaddexp(0, a) - t * a) / n
    kl = np.sum(mu**2 + np.exp(logvar) - 1 - logvar) / (2 * n)
    return reconstruction + beta * kl, reconstruction, kl


def gradient(a, t, mu, logvar, beta):
    n = a.shape[1]
    sigma = 1 / (1 + np.exp(-a))
    return (sigma - t) / n, beta * mu / n, beta * (np.exp(logvar) - 1) / (2 * n)
