"""The equations of docs/wasserstein_autoencoder.md."""

from collections.abc import Callable
from itertools import product

import numpy as np

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.latent_losses import SCALES, imq_mmd, rbf_mmd
from nnscratch.models.lesson import mlp


def widths(L: int) -> list[float]:
    return [2 * L * s for s in SCALES]


def imq(r2: float, L: int) -> float:
    return sum(C / (C + r2) for C in widths(L))


def rbf(r2: float, L: int) -> float:
    return float(sum(np.exp(-r2 / C) for C in widths(L)))


Kernel = Callable[[float, int], float]
BOTH: list[tuple[Callable[[Array, Array], tuple[float, Array]], Kernel]] = [
    (imq_mmd, imq),
    (rbf_mmd, rbf),
]


def sums(z: Array, p: Array, kernel: Kernel) -> tuple[float, float, float]:
    """Σ_i≠j k(z_i, z_j), Σ_i≠j k(p_i, p_j) and Σ_ij k(z_i, p_j)."""
    N = z.shape[1]
    found = [0.0, 0.0, 0.0]
    for i, j in product(range(N), repeat=2):
        for term, (a, b) in enumerate(((z, z), (p, p), (z, p))):
            if term == 2 or i != j:
                found[term] += kernel(float(((a[:, i] - b[:, j]) ** 2).sum()), len(z))
    return found[0], found[1], found[2]


def estimate(z: Array, p: Array, kernel: Kernel) -> float:
    N, (zz, pp, zp) = z.shape[1], sums(z, p, kernel)
    return (zz + pp) / (N * (N - 1)) - 2 * zp / N**2


def of_gaussian(a2: float, s: float, L: int) -> float:
    """E of the Gaussian kernels of d ~ N(a, s I), |a|² = a2."""
    return float(sum((1 + 2 * s / C) ** (-L / 2) * np.exp(-a2 / (C + 2 * s)) for C in widths(L)))


@equation("mmd")
def test_mmd(rng: np.random.Generator) -> None:
    """By features: the first coordinates of a Gaussian kernel's, drawn at random (Rahimi, Recht).

    cos(w·z + b) √2 with w ~ N(0, 2 I / C) are features of exp(-|·|²/C), on average.
    """
    m, v, L, F = np.array([0.8, -0.5]), 0.5, 2, 4000
    want = of_gaussian(0, 2 * v, L) + of_gaussian(0, 2, L) - 2 * of_gaussian(float(m @ m), 1 + v, L)
    total, variance = 0.0, 0.0
    for C in widths(L):
        w, b = np.sqrt(2 / C) * rng.standard_normal((F, L)), rng.uniform(0, 2 * np.pi, F)
        squares = (w * w).sum(axis=1)

        def mean(at: Array, spread: float, w: Array = w, b: Array = b, q: Array = squares) -> Array:
            return np.asarray(np.sqrt(2) * np.exp(-spread * q / 2) * np.cos(w @ at + b))

        each = (mean(m, v) - mean(0 * m, 1.0)) ** 2
        total, variance = total + each.mean(), variance + each.var() / F
    assert abs(total - want) < 4 * np.sqrt(variance)
    found = [
        rbf_mmd(m[:, None] + np.sqrt(v) * z, p)[0] for z, p in rng.standard_normal((800, 2, L, 6))
    ]
    assert abs(np.mean(found) - want) < 4 * np.std(found) / np.sqrt(800)


@equation("kernels")
def test_kernels() -> None:
    """Two codes and two draws, all of a draw's distances equal: kernel by kernel."""
    z, p = np.array([[0.0, 3.0]]), np.array([[0.0, 3.0]])
    for function, kernel in BOTH:
        close(function(z, p)[0], 2 * kernel(9, 1) - (kernel(0, 1) + kernel(9, 1)))
        close(kernel(0, 1), 7.0)


@equation("u-statistic")
def test_u_statistic(rng: np.random.Generator) -> None:
    z, p = rng.standard_normal((2, 3, 6))
    for function, kernel in BOTH:
        close(function(z, p)[0], estimate(z, p, kernel))


@equation("bias")
def test_bias(rng: np.random.Generator) -> None:
    """What the pairs i = j would add, on average; codes and draws of one distribution."""
    N, L, found = 5, 2, []
    for z, p in rng.standard_normal((300, 2, L, N)):
        zz, pp, zp = sums(z, p, rbf)
        found.append((zz + pp + 2 * N * rbf(0, L) - 2 * zp) / N**2 - rbf_mmd(z, p)[0])
    want = 2 / N * (rbf(0, L) - of_gaussian(0, 2, L))
    assert abs(np.mean(found) - want) < 4 * np.std(found) / np.sqrt(len(found))


@equation("gradient")
def test_gradient(rng: np.random.Generator) -> None:
    z, p = rng.standard_normal((2, 3, 5))
    N, L = 5, 3
    slopes: list[Callable[[float], float]] = [
        lambda r2: -sum(C / (C + r2) ** 2 for C in widths(L)),
        lambda r2: -float(sum(np.exp(-r2 / C) / C for C in widths(L))),
    ]
    for (function, kernel), slope in zip(BOTH, slopes, strict=True):
        want = np.zeros_like(z)
        for i, j in product(range(N), repeat=2):
            d, e = z[:, i] - z[:, j], z[:, i] - p[:, j]
            want[:, i] += 4 / (N * (N - 1)) * slope(float(d @ d)) * d
            want[:, i] -= 4 / N**2 * slope(float(e @ e)) * e
        dz = function(z, p)[1]
        close(dz, want)
        close(dz, jacobian(lambda z, k=kernel: estimate(z, p, k), z), 1e-8)  # type: ignore[misc]


@equation("integral")
def test_integral() -> None:
    """By a grid in two dimensions; rbf_mmd's own kernels, all seven."""
    a, s, L = np.array([0.7, -0.4]), 0.6, 2
    line = np.linspace(-8, 8, 401)
    d = np.stack(np.meshgrid(line, line)).reshape(2, -1)
    density = np.exp(-((d - a[:, None]) ** 2).sum(axis=0) / (2 * s)) / (2 * np.pi * s)
    kernels = sum(np.exp(-(d**2).sum(axis=0) / C) for C in widths(L))
    close(
        (density * kernels).sum() * (line[1] - line[0]) ** 2, of_gaussian(float(a @ a), s, L), 1e-8
    )


@equation("objective")
def test_objective() -> None:
    rng = np.random.default_rng(0)
    nets = [mlp(s, rng=rng, dtype=np.float64) for s in ((6, 2), (2, 6))]
    model = nn.WassersteinAutoencoder(*nets, nn.SquaredError(), input_shape=(6,), weight=3.0)
    x = rng.random((6, 5))
    z = model.encode(x.T).T
    draws = np.random.default_rng(9).standard_normal((2, 5))
    error = ((model.decode(z.T).T - x) ** 2).sum() / 5
    terms, _ = model.loss(x, rng=np.random.default_rng(9))
    close(terms["total"], error + 3 * estimate(z, draws, imq))
