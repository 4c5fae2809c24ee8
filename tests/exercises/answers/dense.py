import numpy as np


def forward(x, w, b):
    return w @ x + b[:, None]


def backward(dy, x, w):
    dx = w.T @ dy
    dw = dy @ x.T
    db = np.sum(dy, axis=1)
    return dx, dw, db
