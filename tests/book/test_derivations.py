"""The equations of docs/derivations.md: three layers against loops over indices."""

import numpy as np

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.losses import contraction


@equation("sum-over-y")
def test_every_entry_of_y_counts(rng: np.random.Generator) -> None:
    layer = nn.Dense(3, 4, rng=rng, dtype=np.float64)
    x, dy = rng.standard_normal((3, 2)), rng.standard_normal((4, 2))
    J = jacobian(lambda x: layer.forward(x)[0], x)
    dx = layer.forward(x)[1](dy)
    for i, j in np.ndindex(3, 2):
        close(dx[i, j], sum(dy[m, n] * J[m, n, i, j] for m, n in np.ndindex(4, 2)))


@equation("gather")
def test_the_backward_of_a_gather(rng: np.random.Generator) -> None:
    """Flatten, padding and max-pooling are gathers; p is read off an input of distinct numbers."""
    x = rng.permutation(36).astype(np.float64).reshape(1, 6, 6, 1)
    y, backward = nn.MaxPool2d(3, 1).forward(x)
    dy = rng.standard_normal(y.shape)
    p = [int(np.flatnonzero(x == v)[0]) for v in y.ravel()]
    dx = [sum(d for d, at in zip(dy.ravel(), p, strict=True) if at == j) for j in range(36)]
    close(backward(dy).ravel(), dx)
    assert len(set(p)) < len(p)


@equation("scatter")
def test_the_backward_of_a_scatter_add(rng: np.random.Generator) -> None:
    """A transposed convolution with a filter of ones adds x to the places that it covers."""
    layer = nn.ConvTranspose2d(1, 1, (1, 2), bias=False, rng=rng, dtype=np.float64)
    layer.w.value[...] = 1
    x = rng.standard_normal((1, 1, 3, 1))
    y, backward = layer.forward(x)
    places = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3)]
    want = np.zeros(4)
    for i, at in places:
        want[at] += x[0, 0, i, 0]
    close(y.ravel(), want)
    dy = rng.standard_normal(y.shape)
    close(
        backward(dy).ravel(), [sum(dy[0, 0, p, 0] for i, p in places if i == k) for k in range(3)]
    )


@equation("sample")
def test_the_sample(rng: np.random.Generator) -> None:
    mu, s, eps, dz = rng.standard_normal((4, 2, 3))
    dmu, ds = nn.GaussianSample().forward(mu, s, eps)[1](dz)

    def L(mu: Array, s: Array) -> float:
        return float((dz * (mu + np.exp(s / 2) * eps)).sum())

    close(dmu, jacobian(lambda mu: L(mu, s), mu))
    close(ds, jacobian(lambda s: L(mu, s), s))
    close(ds, 0.5 * dz * np.exp(s / 2) * eps)


@equation("upsample")
def test_upsampling(rng: np.random.Generator) -> None:
    S, x = 3, rng.standard_normal((1, 2, 4, 1))
    y, backward = nn.UpsampleNearest2d(S).forward(x)
    for h, m in np.ndindex(6, 12):
        assert y[0, h, m, 0] == x[0, h // S, m // S, 0]
    dy = rng.standard_normal(y.shape)
    dx = backward(dy)
    for i, k in np.ndindex(2, 4):
        block = [dy[0, i * S + a, k * S + b, 0] for a in range(S) for b in range(S)]
        close(dx[0, i, k, 0], sum(block))


def penalty(h: Array, w: Array) -> float:
    (M, N), (_, D) = h.shape, w.shape
    s = h * (1 - h)
    return sum(
        s[m, n] ** 2 * w[m, d] ** 2 for m in range(M) for n in range(N) for d in range(D)
    ) / float(N)


@equation("contraction")
def test_the_penalty_is_the_norm_of_the_jacobian(rng: np.random.Generator) -> None:
    w, b, x = rng.standard_normal((3, 4)), rng.standard_normal((3, 1)), rng.standard_normal((4, 2))

    def code(x: Array) -> Array:
        return 1 / (1 + np.exp(-(w @ x + b)))

    value, _ = contraction(code(x), w)
    close(value, penalty(code(x), w))
    J = [jacobian(lambda c: code(c[:, None])[:, 0], x[:, n]) for n in range(2)]
    close(value, sum((j**2).sum() for j in J) / 2)


@equation("contraction-dh")
def test_the_penaltys_gradient_by_the_code(rng: np.random.Generator) -> None:
    h, w = rng.random((3, 2)), rng.standard_normal((3, 4))
    _, (dh, _) = contraction(h, w)
    close(dh, jacobian(lambda h: penalty(h, w), h))
    close(dh, 2 / 2 * h * (1 - h) * (1 - 2 * h) * (w**2).sum(axis=1, keepdims=True))


@equation("contraction-dw")
def test_the_penaltys_gradient_by_the_weight(rng: np.random.Generator) -> None:
    h, w = rng.random((3, 2)), rng.standard_normal((3, 4))
    _, (_, dw) = contraction(h, w)
    close(dw, jacobian(lambda w: penalty(h, w), w))
    close(dw, 2 / 2 * w * ((h * (1 - h)) ** 2).sum(axis=1, keepdims=True))
