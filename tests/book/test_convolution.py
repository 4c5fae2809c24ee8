"""The equations of docs/convolution.md: the layers against sums over indices, and matrices."""

from itertools import product

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation
from book.numerics import close
from nnscratch.core import Array

CASES = [(9, 3, 1, 0, 1), (9, 3, 2, 1, 1), (10, 3, 2, 1, 1), (9, 2, 3, 1, 2), (8, 4, 2, 0, 2)]
"""I, K, the stride, the padding on both sides, the dilation."""

every = pytest.mark.parametrize(("I", "K", "s", "p", "d"), CASES)


def layer_of(kind: type, K: int, s: int, p: int, d: int, **more: int) -> nn.Layer:
    """Return the layer on rows of one channel."""
    rng = np.random.default_rng(3)
    options = {"stride": (1, s), "padding": (0, p), "dilation": (1, d), "bias": False}
    options |= {name: (0, value) for name, value in more.items()}
    return kind(1, 1, (1, K), rng=rng, dtype=np.float64, **options)


def rows(x: Array) -> Array:
    return x[None, None, :, None]


def matrix(I: int, O: int, w: Array, s: int, p: int, d: int) -> Array:  # noqa: E741
    C = np.zeros((O, I))
    for h, i, k in product(range(O), range(I), range(len(w))):
        C[h, i] += w[k] * (i == h * s - p + k * d)
    return C


def of(I: int, K: int, s: int, p: int, d: int) -> tuple[nn.Layer, Array, Array, int]:  # noqa: E741
    """Return a convolution, its filter, an input and the size of its output."""
    layer = layer_of(nn.Conv2d, K, s, p, d)
    x = np.random.default_rng(1).standard_normal(I)
    return layer, layer.w.value.ravel(), x, layer.output_shape((1, 1, I))[2]


@equation("forward")
@every
def test_forward(I: int, K: int, s: int, p: int, d: int) -> None:  # noqa: E741
    layer, w, x, O = of(I, K, s, p, d)  # noqa: E741
    outside = dict(enumerate(x))
    y = [sum(w[k] * outside.get(h * s - p + k * d, 0) for k in range(K)) for h in range(O)]
    close(layer.forward(rows(x))[0].ravel(), y)


@equation("size")
@every
def test_size(I: int, K: int, s: int, p: int, d: int) -> None:  # noqa: E741
    *_, O = of(I, K, s, p, d)  # noqa: E741
    assert (I + p + p - d * (K - 1) - 1) // s + 1 == O
    last = (O - 1) * s + d * (K - 1)
    assert last < I + 2 * p <= last + s


@equation("matrix")
@every
def test_matrix(I: int, K: int, s: int, p: int, d: int) -> None:  # noqa: E741
    layer, w, x, O = of(I, K, s, p, d)  # noqa: E741
    close(layer.forward(rows(x))[0].ravel(), matrix(I, O, w, s, p, d) @ x)


@equation("dx")
@every
def test_dx(I: int, K: int, s: int, p: int, d: int) -> None:  # noqa: E741
    layer, w, x, O = of(I, K, s, p, d)  # noqa: E741
    dy = np.random.default_rng(2).standard_normal(O)
    dx = layer.forward(rows(x))[1](rows(dy)).ravel()
    taps = [[(i + p - k * d, w[k]) for k in range(K)] for i in range(I)]
    close(dx, [sum(v * dy[m // s] for m, v in t if m % s == 0 and 0 <= m // s < O) for t in taps])
    close(dx, matrix(I, O, w, s, p, d).T @ dy)


@equation("dw")
@every
def test_dw(I: int, K: int, s: int, p: int, d: int) -> None:  # noqa: E741
    layer, _, x, O = of(I, K, s, p, d)  # noqa: E741
    dy, outside = np.random.default_rng(2).standard_normal(O), dict(enumerate(x))
    layer.forward(rows(x))[1](rows(dy))
    dw = [sum(dy[h] * outside.get(h * s - p + k * d, 0) for h in range(O)) for k in range(K)]
    close(layer.w.grad.ravel(), dw)
    unit = [dy @ matrix(I, O, row, s, p, d) @ x for row in np.eye(K)]
    close(layer.w.grad.ravel(), unit)


@equation("images")
def test_images(rng: np.random.Generator) -> None:
    C, F, K, s, p, d = 2, 3, 2, 2, 1, 2
    options = {"stride": s, "padding": p, "dilation": d}
    layer = nn.Conv2d(C, F, K, rng=rng, dtype=np.float64, **options)
    layer.b.value[...] = b = rng.standard_normal(F)
    x, w = rng.standard_normal((C, 5, 6, 2)), layer.w.value
    y, _ = layer.forward(x)
    padded = np.pad(x, ((0, 0), (p, p + 9), (p, p + 9), (0, 0)))
    for f, h, m, n in np.ndindex(y.shape):
        terms = [
            w[f, c, k, j] * padded[c, h * s + k * d, m * s + j * d, n]
            for c, k, j in product(range(C), range(K), range(K))
        ]
        close(y[f, h, m, n], b[f] + sum(terms))


@equation("adjoint")
@every
def test_adjoint(I: int, K: int, s: int, p: int, d: int) -> None:  # noqa: E741
    layer, _, x, O = of(I, K, s, p, d)  # noqa: E741
    v = np.random.default_rng(2).standard_normal(O)
    y, backward = layer.forward(rows(x))
    close(np.vdot(y, rows(v)), np.vdot(rows(x), backward(rows(v))), 1e-13)


@equation("transposed")
@every
def test_transposed(I: int, K: int, s: int, p: int, d: int) -> None:  # noqa: E741
    """From O numbers to the smallest I that has so many windows."""
    conv, _, _, O = of(I, K, s, p, d)  # noqa: E741
    layer, rng = layer_of(nn.ConvTranspose2d, K, s, p, d), np.random.default_rng(4)
    size = layer.output_shape((1, 1, O))[2]
    assert conv.output_shape((1, 1, size))[2] == O
    C = matrix(size, O, layer.w.value.ravel(), s, p, d)
    x, dy = rng.standard_normal(O), rng.standard_normal(size)
    y, backward = layer.forward(rows(x))
    close(y.ravel(), C.T @ x)
    close(backward(rows(dy)).ravel(), C @ dy)
    outside = dict(enumerate(dy))
    dw = [sum(x[h] * outside.get(h * s - p + k * d, 0) for h in range(O)) for k in range(K)]
    close(layer.w.grad.ravel(), dw)


@equation("output-size")
@every
def test_output_size(I: int, K: int, s: int, p: int, d: int) -> None:  # noqa: E741
    """Each I that has O windows is the size for one output_padding."""
    *_, O = of(I, K, s, p, d)  # noqa: E741
    sizes = []
    for more in range(s):
        layer = layer_of(nn.ConvTranspose2d, K, s, p, d, output_padding=more)
        sizes.append(layer.output_shape((1, 1, O))[2])
        assert sizes[-1] == (O - 1) * s - p - p + d * (K - 1) + 1 + more
        assert layer_of(nn.Conv2d, K, s, p, d).output_shape((1, 1, sizes[-1]))[2] == O
    assert I in sizes
