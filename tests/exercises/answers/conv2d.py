import numpy as np


def forward(x, w, b, stride, padding):
    p = padding
    K, L = w.shape[2:]
    xp = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    I = (xp.shape[1] - K) // stride + 1
    J = (xp.shape[2] - L) // stride + 1
    y = np.zeros((len(w), I, J, x.shape[3]))
    for i in range(I):
        for j in range(J):
            window = xp[:, i * stride : i * stride + K, j * stride : j * stride + L]
            y[:, i, j] = np.einsum("fckl,ckln->fn", w, window) + b[:, None]
    return y


def backward(dy, x, w, stride, padding):
    p = padding
    H, W = x.shape[1:3]
    K, L = w.shape[2:]
    xp = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            place = np.s_[:, i * stride : i * stride + K, j * stride : j * stride + L]
            dxp[place] += np.einsum("fckl,fn->ckln", w, dy[:, i, j])
            dw += np.einsum("fn,ckln->fckl", dy[:, i, j], xp[place])
    return dxp[:, p : p + H, p : p + W], dw, np.sum(dy, axis=(1, 2, 3))
