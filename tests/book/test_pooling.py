"""The equations of docs/pooling.md: layers against matrices, windows and loops."""

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close
from nnscratch.core import Array
from nnscratch.data import downsample, upsample_nearest
from nnscratch.evaluation.metrics import bce


def matrix(layer: Any, I: int) -> Array:  # noqa: E741
    """Return the matrix of a layer along the columns of an image."""
    return layer.forward(np.eye(I).reshape(1, 1, I, I))[0][0, 0]


@equation("separable")
@pytest.mark.parametrize(
    "kind", [lambda S: nn.AvgPool2d(S), nn.UpsampleNearest2d, nn.UpsampleBilinear2d]
)
def test_separable(kind: Any, rng: np.random.Generator) -> None:
    layer, x = kind((3, 2)), rng.standard_normal((1, 6, 4, 1))
    A, B = matrix(kind((1, 3)), 6), matrix(kind((1, 2)), 4)
    y, backward = layer.forward(x)
    dy = rng.standard_normal(y.shape)
    for h, m in np.ndindex(y.shape[1:3]):
        sums = [A[h, i] * B[m, k] * x[0, i, k, 0] for i in range(6) for k in range(4)]
        close(y[0, h, m, 0], sum(sums))
    close(backward(dy)[0, ..., 0], A.T @ dy[0, ..., 0] @ B)


@equation("mean")
@pytest.mark.parametrize("S", [2, 3])
def test_the_mean_and_its_reverse(S: int, rng: np.random.Generator) -> None:
    A, U = matrix(nn.AvgPool2d((1, S)), 4 * S), matrix(nn.UpsampleNearest2d((1, S)), 4)
    close(A, U.T / S)
    close(A @ U, np.eye(4))
    close(U @ A @ U @ A, U @ A)
    x = rng.standard_normal(4 * S)
    best = U @ np.linalg.lstsq(U, x, rcond=None)[0]
    close(U @ A @ x, best)


@equation("tent")
@pytest.mark.parametrize("S", [1, 2, 3, 4])
def test_tents(S: int) -> None:
    A = matrix(nn.UpsampleBilinear2d((1, S)), 5)
    for h, i in np.ndindex(A.shape):
        u = min(max((h + 0.5) / S - 0.5, 0), 4)
        close(A[h, i], max(0.0, 1 - abs(u - i)))
    close(A.sum(axis=1), np.ones(5 * S))
    close(A.sum(axis=0), np.full(5, float(S)))


@equation("halving")
def test_halving(rng: np.random.Generator) -> None:
    """The mean of pairs, and the straight line from pixel to pixel at the middle between them."""
    x = rng.random((3, 8, 8))
    y = downsample(x, 2)
    rows = x[:, ::2] / 2 + x[:, 1::2] / 2
    close(y, rows[..., ::2] / 2 + rows[..., 1::2] / 2)
    line = x[0, 0]
    at = [np.interp((h + 0.5) * 2 - 0.5, np.arange(8), line) for h in range(4)]
    close(line[::2] / 2 + line[1::2] / 2, at)


@equation("max")
def test_the_largest(rng: np.random.Generator) -> None:
    x = rng.permutation(42).astype(np.float64).reshape(1, 6, 7, 1)
    y, backward = nn.MaxPool2d((3, 2), 1).forward(x)
    dy, dx = rng.standard_normal(y.shape), np.zeros_like(x)
    for h, m in np.ndindex(y.shape[1:3]):
        window = x[0, h : h + 3, m : m + 2, 0]
        i, k = np.unravel_index(window.argmax(), window.shape)
        assert y[0, h, m, 0] == window[i, k]
        dx[0, h + i, m + k, 0] += dy[0, h, m, 0]
    close(backward(dy), dx)


@equation("padded-mean")
@pytest.mark.parametrize("include", [True, False])
def test_a_mean_with_padding(include: bool, rng: np.random.Generator) -> None:
    x = rng.standard_normal(6)
    layer = nn.AvgPool2d((1, 3), 2, padding=(0, 1), count_include_pad=include)
    y = layer.forward(x.reshape(1, 1, 6, 1))[0].ravel()
    for h, value in enumerate(y):
        window = [x[i] for i in range(2 * h - 1, 2 * h + 2) if 0 <= i < 6]
        close(value, sum(window) / (3 if include else len(window)))


@equation("shuffle")
def test_the_shuffle(rng: np.random.Generator) -> None:
    S, x = 2, rng.standard_normal((12, 3, 2, 1))
    y, backward = nn.PixelShuffle(S).forward(x)
    dy = rng.standard_normal(y.shape)
    dx = backward(dy)
    for c, h, m, a, b in product(range(3), range(3), range(2), range(S), range(S)):
        here, there = (c, h * S + a, m * S + b, 0), (c * S * S + a * S + b, h, m, 0)
        assert y[here] == x[there]
        assert dx[there] == dy[here]


@cache
def trained_and_swapped() -> tuple[float, float]:
    """The lesson's network on held-out digits, nats a pixel, with its third pooling and the other.

    The first pads 7 pixels at the end, the second on both sides; the weights are the same.
    """
    train, test = nn.digits()
    model = nn.models.lesson.conv_autoencoder(rng=np.random.default_rng(0))
    trainer = nn.Trainer(model, nn.Adam(3e-3), seed=0, batch_size=128)
    trainer.fit(train.images[:5000], epochs=2)
    encoder = nn.Sequential(*model.encoder.layers[:-1], nn.MaxPool2d(2, padding=1))
    other = nn.Autoencoder(encoder, model.decoder, input_shape=(1, 28, 28))
    right, wrong = (bce(test.images, m.reconstruct(test.images)) / 784 for m in (model, other))
    return right, wrong


@number("trained")
def trained() -> str:
    return f"{trained_and_swapped()[0]:.2f}"


@number("swapped")
def swapped() -> str:
    return f"{trained_and_swapped()[1]:.2f}"


@number("small-mean")
def small_mean() -> str:
    x = nn.digits().test.images / 255
    return f"{bce(x, upsample_nearest(downsample(x, 2), 2)) / 784:.3f}"


@number("small-stretched")
def small_stretched() -> str:
    """By the tent of twice the width: ⅛, ⅜, ⅜, ⅛, and at the borders what is left of it, to 1."""
    x = nn.digits().test.images / 255
    middles = 2 * np.arange(14)[:, None] + 0.5
    tent = np.maximum(0, 1 - abs(np.arange(28) - middles) / 2)
    np.testing.assert_allclose(tent[5, 9:13] / 2, [1 / 8, 3 / 8, 3 / 8, 1 / 8])
    tent /= tent.sum(axis=1, keepdims=True)
    return f"{bce(x, upsample_nearest(tent @ x @ tent.T, 2)) / 784:.3f}"
