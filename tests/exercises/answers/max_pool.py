import numpy as np


def forward(x, size, stride):
    C, H, W, N = x.shape
    I, J = (H - size) // stride + 1, (W - size) // stride + 1
    y = np.zeros((C, I, J, N))
    for i in range(I):
        for j in range(J):
            window = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
            y[:, i, j] = np.max(window, axis=(1, 2))
    return y


def backward(dy, x, size, stride):
    dx = np.zeros_like(x)
    for c, i, j, n in np.ndindex(dy.shape):
        window = x[c, i * stride : i * stride + size, j * stride : j * stride + size, n]
        k, m = np.unravel_index(np.argmax(window), window.shape)
        dx[c, i * stride + k, j * stride + m, n] += dy[c, i, j, n]
    return dx
