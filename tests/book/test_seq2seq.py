"""The equations of docs/seq2seq.md, and its numbers."""

from functools import cache
from math import acos, asin, cos, exp, log, pi, sin, sqrt, tanh
from typing import Any

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close
from nnscratch.core import Array
from nnscratch.data import sines
from nnscratch.layers import LSTM, Dense, RepeatVector, Sequential, TimeDistributed
from nnscratch.likelihoods import SquaredError
from nnscratch.models.lesson import keras_seq2seq, seq2seq_autoencoder

T, CODE, LOW, HIGH = 32, 4, 1.0, 5.0


def states(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return the gates (T, 4, H, N) of an LSTM of random weights, by loops; its y; and c."""
    lstm = LSTM(2, 3, rng=rng, dtype=np.float64)
    for p in lstm.parameters().values():
        p.value *= 3
    x = rng.standard_normal((6, 2, 4))
    w, u, b, d = (p.value for p in lstm.parameters().values())
    h = c = np.zeros((3, 4))
    gates, cells = [], []
    for x_t in x:
        s = (w @ x_t + u @ h + (b + d)[:, None]).reshape(4, 3, 4)
        i, f, o = (1 / (1 + np.exp(-s[k])) for k in (0, 1, 3))
        g = np.tanh(s[2])
        c = f * c + i * g
        h = o * np.tanh(c)
        gates.append([i, f, g, o])
        cells.append(c)
    return np.array(gates), lstm.forward(x)[0], np.array(cells)


@equation("output")
def test_output(rng: np.random.Generator) -> None:
    gates, y, c = states(rng)
    close(y, gates[:, 3] * np.tanh(c))


@equation("bound")
def test_bound(rng: np.random.Generator) -> None:
    """For open gates it is reached: then c_t = t."""
    _, y, _ = states(rng)
    assert np.all(np.abs(y) <= np.tanh(np.arange(1, 7))[:, None, None])
    lstm = LSTM(1, 1, rng=rng, dtype=np.float64)
    lstm.cells[0].b_ih.value[...] = 50  # type: ignore[union-attr]
    y = lstm.forward(np.zeros((6, 1, 1)))[0].ravel()
    close(y, np.array([tanh(t) for t in range(1, 7)]))
    assert y.max() < 1
    assert f"{y[0]:.3f}" == "0.762"


def share_clipped(A: float) -> float:
    return 2 / (pi * A**2) * ((A**2 + 2) * acos(1 / A) - 3 * sqrt(A**2 - 1))


@equation("clipped")
def test_clipped(rng: np.random.Generator) -> None:
    """By the library's squared error of the signal that is cut off, over one long period."""
    for A in (1.1, 2.0, 5.0):
        x = sines(
            1, 20_000, frequencies=(1, 1), amplitudes=(A, A), rng=rng, dtype=np.float64
        ).reshape(1, -1)
        left = nn.squared_error(x.clip(-1, 1), x)[0] / nn.squared_error(0 * x, x)[0]
        np.testing.assert_allclose(left, share_clipped(A), rtol=1e-5)
    assert asin(1) == acos(0)  # at A = 1 both terms are zero
    assert share_clipped(1.0) == 0


@number("clipped-two")
def clipped_two() -> str:
    return f"{share_clipped(2.0):.2f}"


@cache
def signals() -> tuple[Array, Array]:
    """Return sines to learn from and others."""
    rng = np.random.default_rng(0)
    return sines(4000, T, rng=rng), sines(1000, T, rng=rng)


def lost(y: Array, x: Array) -> float:
    return float(((y - x) ** 2).sum() / (x**2).sum())


@number("clipped")
def clipped() -> str:
    _, x = signals()
    return f"{lost(x.clip(-1, 1), x):.2f}"


def learned(model: nn.Autoencoder, factor: float = 1.0) -> float:
    """Return what a model loses on other sines after 20 epochs."""
    train, held = (np.float32(factor) * x for x in signals())
    rate = nn.schedules.Cosine(1e-2, 20 * 32)
    trainer = nn.Trainer(model, nn.Adam(rate, clip_norm=float(T)), seed=0, batch_size=128)
    trainer.fit(train, epochs=20)
    return lost(model.reconstruct(held), held)


def at_least(bound: float, found: float) -> str:
    """Return the bound that a page gives if what was found is above it, else what was found."""
    return f"{bound if found > bound else found:.2f}".rstrip("0")


@number("blog", long=True)
def blog() -> str:
    return at_least(0.98, learned(keras_seq2seq((T, 1), CODE, rng=np.random.default_rng(0))))


@number("blog-small", long=True)
def blog_small() -> str:
    return at_least(0.98, learned(keras_seq2seq((T, 1), CODE, rng=np.random.default_rng(0)), 0.45))


@number("map", long=True)
def with_a_map() -> str:
    rng = np.random.default_rng(0)
    words: Any = {"forget_bias": 1.0, "rng": rng}
    encoder = LSTM(1, CODE, return_sequences=False, **words)
    decoder = Sequential(
        RepeatVector(T), LSTM(CODE, 1, **words), TimeDistributed(Dense(1, 1, rng=rng))
    )
    model = nn.Autoencoder(encoder, decoder, SquaredError(), input_shape=(T, 1))
    return at_least(0.98, learned(model))


@equation("recurrence")
def test_recurrence(rng: np.random.Generator) -> None:
    x = sines(5, T, frequencies=(3, 3), rng=rng, dtype=np.float64)
    close(x[:, 2:], 2 * cos(2 * pi * 3 / T) * x[:, 1:-1] - x[:, :-2])


@equation("sign")
def test_sign(rng: np.random.Generator) -> None:
    gates, y, c = states(rng)
    close(y * c, gates[:, 3] * c * np.tanh(c))
    assert np.all(y * c >= 0)


@number("one-unit", long=True)
def one_unit() -> str:
    """A single unit and a single sine."""
    t = np.arange(T) / T
    x = (0.8 * np.sin(2 * pi * 3 * t + 0.7)).astype(np.float32)[:, None, None]
    found = []
    for seed in range(8):
        unit = LSTM(1, 1, rng=np.random.default_rng(seed))
        theta, adam = nn.pack(unit.parameters()), nn.Adam(nn.schedules.Cosine(3e-2, 4000))
        for _ in range(4000):
            y, backward = unit.forward(np.ones_like(x))
            _, dy = nn.squared_error(y, x)
            backward(dy)
            adam.step(theta)
        found.append(lost(unit.forward(np.ones_like(x))[0], x))
    return at_least(0.8, min(found))


def first_by_first(model: nn.Autoencoder, backwards: bool) -> float:
    """Return |∂y_1/∂x_1| at a random x; read from the end, or by the same weights forwards."""
    read = model.encoder if backwards else Sequential(*model.encoder.layers[1:])
    x = np.random.default_rng(1).standard_normal((T, 1, 1))
    z, encoder_backward = read.forward(x)
    y, decoder_backward = model.decoder.forward(z)
    dy = np.zeros_like(y)
    dy[0] = 1
    return abs(float(encoder_backward(decoder_backward(dy))[0, 0, 0]))


@number("gradient")
def gradient() -> str:
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        model = seq2seq_autoencoder((T, 1), CODE, 64, rng=rng, dtype=np.float64)
        ratios.append(log(first_by_first(model, True) / first_by_first(model, False)))
    return f"{float(f'{exp(np.mean(ratios)):.0e}'):,.0f}"


@equation("plane")
def test_plane() -> None:
    """The amplitude and phase are found by PCA's plane: both sides from its two numbers."""
    rng = np.random.default_rng(0)
    x = sines(50, T, frequencies=(3, 3), rng=rng, dtype=np.float64)
    rng = np.random.default_rng(0)
    rng.uniform(3, 3, (50, 1))
    A, phase = rng.uniform(0.5, 2.0, (50, 1)), rng.uniform(0, 2 * pi, (50, 1))
    turn = np.array([2 * pi * 3 * t / T for t in range(T)])
    right = A * np.cos(phase) * np.sin(turn) + A * np.sin(phase) * np.cos(turn)
    np.testing.assert_allclose(x[:, :, 0], right, atol=1e-13)
    np.testing.assert_allclose(nn.PCA(2).fit(x).reconstruct(x), x, atol=1e-12)


@cache
def covariance() -> Array:
    """Return C (T, T) by its formula; at s = t by the mean of A², which is 7/4, over 2."""
    C = np.full((T, T), 7 / 8)
    for s in range(T):
        for t in range(T):
            if s != t:
                tau = (s - t) / T
                difference = sin(2 * pi * HIGH * tau) - sin(2 * pi * LOW * tau)
                C[s, t] = 7 / 8 * difference / (2 * pi * (HIGH - LOW) * tau)
    return C


@equation("covariance")
def test_covariance(rng: np.random.Generator) -> None:
    """A Monte Carlo mean of the generator's, to 5 standard errors in each of 1,024 entries."""
    x = sines(20_000, T, frequencies=(LOW, HIGH), rng=rng, dtype=np.float64)[:, :, 0]
    mean = x.T @ x / len(x)
    error = np.sqrt(((x**2).T @ x**2 / len(x) - mean**2) / len(x))
    assert np.all(np.abs(mean - covariance()) < 5 * error)


def pca_loses(k: int) -> float:
    variances = np.linalg.eigvalsh(covariance())
    return float(variances[:-k].sum() / variances.sum())


@number("pca-4")
def pca_4() -> str:
    return f"{pca_loses(4):.2f}"


@number("pca-8")
def pca_8() -> str:
    return f"{pca_loses(8):.3f}"


@number("pca-12")
def pca_12() -> str:
    return f"{pca_loses(12):.4f}"
