import numpy as np


def forward(x, w, stride, padding):
    p = padding
    C, h, v, N = x.shape
    F, K, L = w.shape[1:]
    H, W = (h - 1) * stride + K, (v - 1) * stride + L
    y = np.zeros((F, H, W, N))
    for i in range(h):
        for j in range(v):
            place = np.s_[:, i * stride : i * stride + K, j * stride : j * stride + L]
            y[place] += np.einsum("cfkl,cn->fkln", w, x[:, i, j])
    return y[:, p : H - p, p : W - p]


def backward(dy, x, w, stride, padding):
    p = padding
    K, L = w.shape[2:]
    dyp = np.pad(dy, ((0, 0), (p, p), (p, p), (0, 0)))
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            window = dyp[:, i * stride : i * stride + K, j * stride : j * stride + L]
            dx[:, i, j] = np.einsum("cfkl,fkln->cn", w, window)
            dw += np.einsum("cn,fkln->cfkl", x[:, i, j], window)
    return dx, dw
