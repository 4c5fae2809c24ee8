"""The equations of docs/linear_autoencoder.md: the library on the left, matrices on the right."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from nnscratch.core import Array
from nnscratch.evaluation.metrics import sse
from nnscratch.models.lesson import mlp

D, K, N = 6, 2, 50
RESULTS = Path(__file__).parents[2] / "docs" / "results.md"


def samples(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return centred samples (D, N) along skewed axes, and their covariance."""
    x = rng.standard_normal((D, D)) @ rng.standard_normal((D, N))
    x -= x.mean(axis=1, keepdims=True)
    return x, x @ x.T / N


def axes(C: Array) -> tuple[Array, Array]:
    """Return the eigenvalues, the largest first, and the eigenvectors as rows."""
    variances, directions = np.linalg.eigh(C)
    return variances[::-1], directions.T[::-1]


def model_of(u: Array, w: Array) -> nn.Autoencoder:
    """Return the autoencoder x → w u x of the library."""
    rng = np.random.default_rng(0)
    (k, d) = u.shape
    encoder = nn.Dense(d, k, rng=rng, dtype=np.float64)
    decoder = nn.Dense(k, d, rng=rng, dtype=np.float64)
    encoder.w.value[...], decoder.w.value[...] = u, w
    return nn.Autoencoder(encoder, decoder, nn.SquaredError(), input_shape=(d,))


def loss_and_gradients(u: Array, w: Array, x: Array) -> tuple[float, Array, Array]:
    """Return L, ∂L/∂u and ∂L/∂w by the library."""
    model = model_of(u, w)
    terms, backward = model.loss(x)
    backward(1.0)
    theta = model.parameters()
    return terms["total"], theta["encoder.0.weight"].grad, theta["decoder.0.weight"].grad


def test_the_best_decoder_bias_makes_the_means_equal(rng: np.random.Generator) -> None:
    """The prose: whatever u and w are, ∂L/∂b = 0 where x̂ has the mean of x."""
    x = rng.standard_normal((D, N)) + 3
    model = model_of(rng.standard_normal((K, D)), rng.standard_normal((D, K)))
    b = model.parameters()["decoder.0.bias"]
    b.value[...] = (x - model.reconstruct(x.T).T).mean(axis=1)
    model.loss(x)[1](1.0)
    np.testing.assert_allclose(b.grad, 0, atol=1e-12)


@equation("loss")
def test_loss() -> None:
    rng = np.random.default_rng(1)
    x, C = samples(rng)
    u, w = rng.standard_normal((K, D)), rng.standard_normal((D, K))
    E = np.eye(D) - w @ u
    np.testing.assert_allclose(loss_and_gradients(u, w, x)[0], np.trace(E @ C @ E.T), rtol=1e-12)


@equation("dw")
def test_dw() -> None:
    rng = np.random.default_rng(2)
    x, C = samples(rng)
    u, w = rng.standard_normal((K, D)), rng.standard_normal((D, K))
    E = np.eye(D) - w @ u
    np.testing.assert_allclose(loss_and_gradients(u, w, x)[2], -2 * E @ C @ u.T, rtol=1e-10)


@equation("du")
def test_du() -> None:
    rng = np.random.default_rng(3)
    x, C = samples(rng)
    u, w = rng.standard_normal((K, D)), rng.standard_normal((D, K))
    E = np.eye(D) - w @ u
    np.testing.assert_allclose(loss_and_gradients(u, w, x)[1], -2 * w.T @ E @ C, rtol=1e-10)


@equation("best-w")
def test_best_w() -> None:
    """The library's gradient in w vanishes there, and there alone: one step away it does not."""
    rng = np.random.default_rng(4)
    x, C = samples(rng)
    u = rng.standard_normal((K, D))
    w = C @ u.T @ np.linalg.inv(u @ C @ u.T)
    least, _, dw = loss_and_gradients(u, w, x)
    np.testing.assert_allclose(dw, 0, atol=1e-10)
    for _ in range(20):
        assert loss_and_gradients(u, w + 0.1 * rng.standard_normal(w.shape), x)[0] > least


@equation("stationary")
def test_stationary() -> None:
    rng = np.random.default_rng(5)
    x, C = samples(rng)
    variances, V = axes(C)
    for chosen in combinations(range(D), K):
        G = rng.standard_normal((K, K))
        S = list(chosen)
        value, du, dw = loss_and_gradients(G @ V[S], V[S].T @ np.linalg.inv(G), x)
        np.testing.assert_allclose(value, np.delete(variances, S).sum(), rtol=1e-9)
        np.testing.assert_allclose(du, 0, atol=1e-9)
        np.testing.assert_allclose(dw, 0, atol=1e-9)


@equation("pca")
def test_pca() -> None:
    """PCA's error by the library, the sum of eigenvalues, and no random pair below it."""
    rng = np.random.default_rng(6)
    x, C = samples(rng)
    least = axes(C)[0][K:].sum()
    np.testing.assert_allclose(nn.PCA(K).fit(x.T).errors(x.T)[K], least, rtol=1e-10)
    for _ in range(50):
        u = rng.standard_normal((K, D))
        best = C @ u.T @ np.linalg.inv(u @ C @ u.T)
        assert loss_and_gradients(u, best, x)[0] > least


@equation("saddle")
def test_saddle() -> None:
    rng = np.random.default_rng(7)
    x, C = samples(rng)
    variances, V = axes(C)
    i, j = 3, 1  # the set {0, 3} holds 3 and lacks 1, whose variance is larger
    start = loss_and_gradients(V[[0, i]], V[[0, i]].T, x)[0]
    for angle in (0.01, 0.5, 1.5):
        turned = np.stack([V[0], np.cos(angle) * V[i] + np.sin(angle) * V[j]])
        value = loss_and_gradients(turned, turned.T, x)[0]
        gain = (variances[j] - variances[i]) * np.sin(angle) ** 2
        np.testing.assert_allclose(value, start - gain, rtol=1e-10)


@equation("gauge")
def test_gauge() -> None:
    rng = np.random.default_rng(8)
    x, _ = samples(rng)
    u, w, G = rng.standard_normal((K, D)), rng.standard_normal((D, K)), rng.standard_normal((K, K))
    moved = loss_and_gradients(G @ u, w @ np.linalg.inv(G), x)[0]
    np.testing.assert_allclose(moved, loss_and_gradients(u, w, x)[0], rtol=1e-9)


@equation("shrink")
def test_shrink() -> None:
    """The same pictures for a tenth of the penalty, with ReLU in between."""
    rng = np.random.default_rng(9)
    x, _ = samples(rng)
    u, w, c = rng.standard_normal((K, D)), rng.standard_normal((D, K)), 0.1
    rectifier = nn.ReLU()
    z, _ = rectifier.forward(u @ x)
    small, _ = rectifier.forward(c * u @ x)
    np.testing.assert_allclose(nn.l1_penalty(small)[0], c * np.abs(z).sum() / N, rtol=1e-12)
    np.testing.assert_allclose(w / c @ small, w @ z, rtol=1e-12)


@number("trained", long=True)
def trained() -> str:
    """The ratio of tests/test_optima.py, which says why training must end at or above 1."""
    images = nn.data.downsample(nn.digits().train.images[:1000] / 255, 2)
    encoder = nn.Dense(196, 4, rng=np.random.default_rng(196), dtype=np.float64)
    decoder = nn.Dense(4, 196, rng=np.random.default_rng(4), dtype=np.float64)
    model = nn.Autoencoder(encoder, decoder, nn.SquaredError(), input_shape=(196,))
    rate = nn.schedules.Cosine(0.02, 150 * 4)
    trainer = nn.Trainer(model, nn.Adam(rate), seed=0, batch_size=250, replicas=1)
    trainer.fit(images, epochs=150)
    best = nn.PCA(4).fit(images).errors(images)[4]
    return f"{sse(images, model.reconstruct(images)) / best:.4f}"


@number("curved", long=True)
def curved() -> str:
    train, test = nn.digits()
    rng = np.random.default_rng(0)
    encoder, decoder = mlp((784, 256, 64, 2), rng=rng), mlp((2, 64, 256, 784), rng=rng)
    model = nn.Autoencoder(encoder, decoder, nn.SquaredError(), input_shape=(784,))
    rate = nn.schedules.Cosine(2e-3, 10 * 79)
    nn.Trainer(model, nn.Adam(rate), seed=0).fit(train.images, epochs=10)
    return f"{sse(test.images, model.reconstruct(test.images)):.1f}"


def row(name: str) -> list[str]:
    """Return the cells of a row of docs/results.md, which says how it was made."""
    [line] = re.findall(rf"^\| {name} \|.*$", RESULTS.read_text("utf-8"), re.MULTILINE)
    return [cell.strip() for cell in line.strip("|").split("|")]


@number("conv-ae")
def conv_ae() -> str:
    return row("conv-ae")[3]


@number("pca-128")
def pca_128() -> str:
    return row("conv-ae")[7]


@number("floor")
def floor() -> str:
    return row("perfect pixels")[3]
