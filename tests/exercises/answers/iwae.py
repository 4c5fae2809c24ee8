import numpy as np


def weights(log_w):
    e = np.exp(log_w - np.max(log_w, axis=0))
    return e / np.sum(e, axis=0)


def bound(log_w):
    c = np.max(log_w, axis=0)
    return np.mean(c + np.log(np.mean(np.exp(log_w - c), axis=0)))


def gradient(log_w):
    return weights(log_w) / log_w.shape[1]
