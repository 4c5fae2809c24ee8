"""The equations of docs/denoising.md, on distributions small enough to be summed over."""

from functools import cache

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from nnscratch.core import Array
from nnscratch.data import downsample, upsample_nearest
from nnscratch.losses import binary_entropy


def joint(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return x (3, 40) in [0, 1], the value 0 … 7 of y for each, and E[x|y] for each.

    All 40 pairs are as likely, so a mean over columns is an expectation.
    """
    x, y = rng.random((3, 40)), rng.integers(0, 8, 40)
    m = np.stack([x[:, y == value].mean(axis=1) for value in y], axis=1)
    return x, y, m


@equation("split")
def test_split(rng: np.random.Generator) -> None:
    x, y, m = joint(rng)
    f = rng.random((3, 8))[:, y]  # any function of y
    right = ((x - m) ** 2).sum(axis=0).mean() + ((f - m) ** 2).sum(axis=0).mean()
    np.testing.assert_allclose(nn.squared_error(f, x)[0], right, rtol=1e-12)


@equation("split-bce")
def test_split_bce(rng: np.random.Generator) -> None:
    x, y, m = joint(rng)
    a = rng.standard_normal((3, 8))[:, y]
    p = 1 / (1 + np.exp(-a))
    entropy = -(m * np.log(m) + (1 - m) * np.log(1 - m)).sum(axis=0).mean()
    kl = (m * np.log(m / p) + (1 - m) * np.log((1 - m) / (1 - p))).sum(axis=0).mean()
    np.testing.assert_allclose(nn.bernoulli_nll(a, x)[0], entropy + kl, rtol=1e-12)
    np.testing.assert_allclose(binary_entropy(m), entropy, rtol=1e-12)


def gaussian_pairs(rng: np.random.Generator) -> tuple[Array, Array, float]:
    """Return x and y = x + s ε, (4, 80), whose sample moments are exactly those of the theory."""
    raw = rng.standard_normal((8, 80))
    raw -= raw.mean(axis=1, keepdims=True)
    white = np.linalg.inv(np.linalg.cholesky(raw @ raw.T / 80)) @ raw  # covariance I
    x, s = rng.standard_normal((4, 4)) @ white[:4], 0.7
    return x, x + s * white[4:], s


@equation("linear")
def test_linear(rng: np.random.Generator) -> None:
    """The library's gradient vanishes at the filter, which is the sum over directions."""
    x, y, s = gaussian_pairs(rng)
    C = x @ x.T / 80
    w = C @ np.linalg.inv(C + s**2 * np.eye(4))
    layer = nn.Dense(4, 4, rng=rng, dtype=np.float64)
    layer.w.value[...], layer.b.value[...] = w, 0
    z, backward = layer.forward(y)
    _, dz = nn.squared_error(z, x)
    backward(dz)
    np.testing.assert_allclose(layer.w.grad, 0, atol=1e-12)
    np.testing.assert_allclose(layer.b.grad, 0, atol=1e-12)
    pca = nn.PCA(4).fit(x.T)
    shrunk = pca.encode(y.T) * pca.variances / (pca.variances + s**2)
    np.testing.assert_allclose(pca.decode(shrunk).T, z, rtol=1e-9)


@equation("linear-error")
def test_linear_error(rng: np.random.Generator) -> None:
    x, y, s = gaussian_pairs(rng)
    C = x @ x.T / 80
    variances = np.linalg.eigvalsh(C)
    left = nn.squared_error(C @ np.linalg.inv(C + s**2 * np.eye(4)) @ y, x)[0]
    np.testing.assert_allclose(left, (variances * s**2 / (variances + s**2)).sum(), rtol=1e-10)


def template_mean(y: Array, templates: Array, s: float) -> Array:
    """Return m(y), (D, N), by the library's softmax; templates are (D, K)."""
    distance = ((y[:, None, :] - templates[:, :, None]) ** 2).sum(axis=0)  # (K, N)
    weights, _ = nn.Softmax().forward(-distance / (2 * s**2))
    return templates @ weights


def density(y: Array, templates: Array, s: float) -> Array:
    """Return p(y), (N,), by Bayes' denominator: a mean of Gaussians."""
    D, K = templates.shape
    p = np.zeros(y.shape[1])
    for k in range(K):
        square = ((y - templates[:, [k]]) ** 2).sum(axis=0)
        p += np.exp(-square / (2 * s**2)) / (2 * np.pi * s**2) ** (D / 2) / K
    return p


@equation("templates")
def test_templates(rng: np.random.Generator) -> None:
    """Bayes' rule, one template after the other."""
    templates, y, s = rng.standard_normal((3, 5)), rng.standard_normal((3, 7)), 0.8
    m = np.zeros_like(y)
    for k in range(5):
        alone = density(y, templates[:, [k]], s)
        m += templates[:, [k]] * alone / 5 / density(y, templates, s)
    np.testing.assert_allclose(template_mean(y, templates, s), m, rtol=1e-12)


@equation("tweedie")
def test_tweedie(rng: np.random.Generator) -> None:
    """The gradient of log p(y) by differences."""
    templates, y, s, h = rng.standard_normal((3, 5)), rng.standard_normal((3, 7)), 0.8, 1e-5
    slope = np.empty_like(y)
    for d in range(3):
        step = h * np.eye(3)[:, [d]]
        up, down = (np.log(density(y + sign * step, templates, s)) for sign in (1, -1))
        slope[d] = (up - down) / (2 * h)
    np.testing.assert_allclose(template_mean(y, templates, s), y + s**2 * slope, rtol=1e-8)


@equation("nearest")
def test_nearest(rng: np.random.Generator) -> None:
    """Repetition is K² times the adjoint of the mean of tiles; A undoes it; its norm is least."""
    K, x, y = 3, rng.random((1, 6, 9)), rng.random((1, 2, 3))
    repeated = upsample_nearest(y, K)
    np.testing.assert_allclose(K**2 * (downsample(x, K) * y).sum(), (x * repeated).sum())
    np.testing.assert_allclose(downsample(repeated, K), y, rtol=1e-12)
    unseen = x - upsample_nearest(downsample(x, K), K)  # A of it is 0
    np.testing.assert_allclose((unseen * repeated).sum(), 0, atol=1e-12)


# The best linear map of 1,000 digits, with the same noise again and again, and with fresh noise

SD = 0.5


def affine(y: Array, x: Array) -> Array:
    """Return w (D + 1, D) of least squares: x is about [y, 1] w."""
    A = np.hstack([y, np.ones((len(y), 1))])
    return np.linalg.solve(A.T @ A, A.T @ x)


def error(w: Array, y: Array, x: Array) -> float:
    return nn.squared_error((y @ w[:-1] + w[-1]).T.copy(), x.T.copy())[0]


@cache
def errors(draws: int) -> tuple[str, str]:
    """Return the errors on digits learned from, with their first noise, and on held-out ones."""
    rng = np.random.default_rng(0)
    train, test = (part.images.reshape(len(part), -1) / 255 for part in nn.digits())
    held_out = test + SD * rng.standard_normal(test.shape)
    x = np.tile(train[:1000], (draws, 1))
    y = x + SD * rng.standard_normal(x.shape)
    w = affine(y, x)
    return f"{error(w, y[:1000], x[:1000]):.1f}", f"{error(w, held_out, test):.1f}"


@number("frozen-train")
def frozen_train() -> str:
    return errors(1)[0]


@number("frozen-test")
def frozen_test() -> str:
    return errors(1)[1]


@number("fresh-train", long=True)
def fresh_train() -> str:
    return errors(20)[0]


@number("fresh-test", long=True)
def fresh_test() -> str:
    return errors(20)[1]


@number("wiener")
def wiener() -> str:
    variances = nn.PCA(1).fit(nn.digits().train.images).variances
    return f"{(variances * SD**2 / (variances + SD**2)).sum():.1f}"
