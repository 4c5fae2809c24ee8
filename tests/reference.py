"""The library's formulas once more, in other words: what the fast code must agree with.

No line here is shared with nnscratch. Numbers are taken one at a time, with Python's math module,
and tensors with einsum, so that an error would have to be made twice in two different ways.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from nnscratch.core import Array, IntArray

ALPHA, SLOPE = 1.5, 0.1
"""Of ELU and LeakyReLU, wherever the tests do not say otherwise."""

NORMAL = NormalDist()

# Elementwise y = f(x), one number at a time; where |x| is moderate, and that is all they are for.
ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "ReLU": lambda x: x if x > 0 else 0.0,
    "LeakyReLU": lambda x: x if x > 0 else SLOPE * x,
    "ELU": lambda x: x if x > 0 else ALPHA * (math.exp(x) - 1),
    "GELU": lambda x: x * NORMAL.cdf(x),
    "Sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "Softplus": lambda x: math.log(1 + math.exp(x)),
    "Tanh": lambda x: 2 / (1 + math.exp(-2 * x)) - 1,
}


def elementwise(name: str, x: Array) -> Array:
    return np.vectorize(ACTIVATIONS[name], otypes=[np.float64])(x)


def softmax(x: Array) -> Array:
    """1/Σ_j e^(x_j - x_k): the same ratio, with no maximum to subtract."""
    return 1 / np.exp(x[..., None, :, :] - x[..., :, None, :]).sum(axis=-2)


def softmax_dx(y: Array, dy: Array) -> Array:
    """Through the Jacobian ∂y_j/∂x_k written out, (K, K) for every sample; y is (K, N)."""
    jacobian = np.einsum("jn,jk->jkn", y, np.eye(len(y))) - np.einsum("jn,kn->jkn", y, y)
    return np.einsum("jn,jkn->kn", dy, jacobian)


def dense(x: Array, w: Array, b: Array) -> Array:
    return np.einsum("md,dn->mn", w, x) + np.einsum("m,n->mn", b, np.ones(x.shape[-1]))


def dense_gradients(x: Array, w: Array, dy: Array) -> tuple[Array, Array, Array]:
    """dx, dw, db."""
    return (
        np.einsum("md,mn->dn", w, dy),
        np.einsum("mn,dn->md", dy, x),
        np.einsum("mn->m", dy),
    )


# Losses: Σ over samples of -log of a probability, term by term, divided by their number.


def squared_error(y: Array, t: Array) -> float:
    return sum(math.dist(a.ravel(), b.ravel()) ** 2 for a, b in _samples(y, t)) / y.shape[-1]


def gaussian_nll(mean: Array, logvar: Array, t: Array) -> float:
    return _mean_over_the_batch(
        lambda m, s, v: -math.log(NormalDist(m, math.exp(s / 2)).pdf(v)), mean, logvar, t
    )


def bernoulli_nll(a: Array, t: Array) -> float:
    def nll(a: float, t: float) -> float:
        p = 1 / (1 + math.exp(-a))
        return -t * math.log(p) - (1 - t) * math.log(1 - p)

    return _mean_over_the_batch(nll, a, t)


def categorical_nll(a: Array, labels: IntArray) -> float:
    p = softmax(a)
    return sum(-math.log(p[(*i[:-1], label, i[-1])]) for i, label in np.ndenumerate(labels)) / len(
        labels.T
    )


def gaussian_kl(mu: Array, logvar: Array) -> float:
    """From the formula for two normals, log σ₂/σ₁ + (σ₁² + (μ₁ - μ₂)²)/2σ₂² - ½, at (0, 1)."""

    def kl(mu: float, logvar: float) -> float:
        sigma = math.exp(logvar / 2)
        return math.log(1 / sigma) + (sigma**2 + mu**2) / 2 - 0.5

    return _mean_over_the_batch(kl, mu, logvar)


def l1_penalty(z: Array) -> float:
    return _mean_over_the_batch(abs, z)


def _samples(*arrays: Array) -> "zip[tuple[Array, ...]]":
    return zip(*(np.moveaxis(a, -1, 0) for a in arrays), strict=True)


def _mean_over_the_batch(f: Callable[..., float], *arrays: Array) -> float:
    per_sample = [
        sum(map(f, *(a.ravel().tolist() for a in arrays))) for arrays in _samples(*arrays)
    ]
    return sum(per_sample) / len(per_sample)


# Images (C, H, W, N). Windows are views of a padded copy, products are einsum's.

Sides = tuple[tuple[int, int], tuple[int, int]]
Two = tuple[int, int]


def padded(x: Array, padding: Sides, value: float = 0) -> Array:
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)


def windows(x: Array, K: Two, stride: Two, dilation: Two) -> Array:
    """(C, H, W, N) as (C, OH, OW, N, KH, KW)."""
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, K, strict=True)]
    every = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    return every[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]


def conv2d(x: Array, w: Array, stride: Two, padding: Sides, dilation: Two, G: int) -> Array:
    at = windows(padded(x, padding), w.shape[2:], stride, dilation)
    C, *rest = at.shape
    y = np.einsum(
        "gfckj,gchmnkj->gfhmn",
        w.reshape(G, -1, *w.shape[1:]),
        at.reshape(G, C // G, *rest),
    )
    return y.reshape(-1, *y.shape[2:])


def conv2d_gradients(
    x: Array, w: Array, dy: Array, stride: Two, padding: Sides, dilation: Two, G: int
) -> tuple[Array, Array]:
    """dx, dw; dx as dy laid down, filter by filter, on a writeable view of the windows."""
    (C, H, W, N), (KH, KW) = x.shape, w.shape[2:]
    ((top, bottom), (left, right)) = padding
    dy, w = dy.reshape(G, -1, *dy.shape[1:]), w.reshape(G, -1, *w.shape[1:])
    at = windows(padded(x, padding), (KH, KW), stride, dilation)
    dw = np.einsum("gfhmn,gchmnkj->gfckj", dy, at.reshape(G, C // G, *at.shape[1:]))
    dx = np.zeros((G, C // G, top + H + bottom, left + W + right, N))
    OH, OW = dy.shape[2:4]
    for k, j in np.ndindex(KH, KW):
        rows = slice(k * dilation[0], k * dilation[0] + stride[0] * (OH - 1) + 1, stride[0])
        columns = slice(j * dilation[1], j * dilation[1] + stride[1] * (OW - 1) + 1, stride[1])
        dx[:, :, rows, columns] += np.einsum("gfc,gfhmn->gchmn", w[..., k, j], dy)
    dx = dx.reshape(C, *dx.shape[2:])[:, top : top + H, left : left + W]
    return dx, dw.reshape(-1, *dw.shape[2:])


def rnn(x: Array, states: list[Array], theta: list[Array]) -> tuple[Array, list[Array]]:
    """A tanh RNN, unit by unit: the states of all steps (T, H, N), and the last."""
    return _through_time(x, states, theta, _rnn_unit)


def lstm(x: Array, states: list[Array], theta: list[Array]) -> tuple[Array, list[Array]]:
    """An LSTM, unit by unit, gates i, f, g, o: all h (T, H, N), and the last h and c."""
    return _through_time(x, states, theta, _lstm_unit)


def gru(x: Array, states: list[Array], theta: list[Array]) -> tuple[Array, list[Array]]:
    """A GRU, unit by unit, gates r, z, n: all h (T, H, N), and the last."""
    return _through_time(x, states, theta, _gru_unit)


def _through_time(
    x: Array, states: list[Array], theta: list[Array], unit: Callable[..., tuple[float, ...]]
) -> tuple[Array, list[Array]]:
    """Run `unit` for every step, sample and unit j; it gets the maps of x and of h, by gate."""
    w, u, b_ih, b_hh = theta
    H, states = u.shape[1], [s.copy() for s in states]
    y = np.zeros((len(x), H, x.shape[-1]))
    for t, n in np.ndindex(len(x), x.shape[-1]):
        before = [s[:, n].copy() for s in states]
        for j in range(H):
            rows = range(j, len(w), H)
            ax = [sum(w[r, d] * x[t, d, n] for d in range(w.shape[1])) + b_ih[r] for r in rows]
            ah = [sum(u[r, k] * before[0][k] for k in range(H)) + b_hh[r] for r in rows]
            new = unit(ax, ah, [s[j] for s in before])
            for s, value in zip(states, new, strict=True):
                s[j, n] = value
            y[t, j, n] = new[0]
    return y, states


def _sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def _rnn_unit(ax: list[float], ah: list[float], state: list[float]) -> tuple[float]:
    return (math.tanh(ax[0] + ah[0]),)


def _lstm_unit(ax: list[float], ah: list[float], state: list[float]) -> tuple[float, float]:
    i, f, g, o = (a + b for a, b in zip(ax, ah, strict=True))
    c = _sigmoid(f) * state[1] + _sigmoid(i) * math.tanh(g)
    return _sigmoid(o) * math.tanh(c), c


def _gru_unit(ax: list[float], ah: list[float], state: list[float]) -> tuple[float]:
    r, z = _sigmoid(ax[0] + ah[0]), _sigmoid(ax[1] + ah[1])
    return ((1 - z) * math.tanh(ax[2] + r * ah[2]) + z * state[0],)
