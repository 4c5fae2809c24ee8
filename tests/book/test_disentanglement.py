"""The equations and numbers of docs/disentanglement.md."""

from collections import Counter
from itertools import product
from math import log
from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close
from nnscratch.core import Array, IntArray
from nnscratch.data import sprites
from nnscratch.evaluation import dci, factor_vae_score, mutual_information_gap
from nnscratch.models.lesson import mlp

BINS = 20


def some(N: int = 2000) -> tuple[Array, IntArray]:
    """Return codes (N, 4) of three factors (N, 3), which they mix, and the factors."""
    rng = np.random.default_rng(0)
    f = np.stack([rng.integers(0, V, N) for V in (2, 3, 5)], axis=1)
    return f @ rng.standard_normal((3, 4)) + 0.3 * rng.standard_normal((N, 4)), f


def entropy(*columns: Any) -> float:
    """Return that of the counts of what stands side by side, in nats."""
    counts = np.array([*Counter(zip(*columns, strict=True)).values()]) / len(columns[0])
    return float(-(counts * np.log(counts)).sum())


def cut(z: Array) -> list[int]:
    """Return the bin of each number."""
    return list(np.digitize(z, np.linspace(z.min(), z.max(), BINS + 1)[1:-1]).tolist())


def information(z: Array, f: IntArray) -> float:
    """Return I(z; f) of counts."""
    return entropy(cut(z)) + entropy(f.tolist()) - entropy(cut(z), f.tolist())


@equation("gap")
def test_gap() -> None:
    z, f = some()
    gaps = []
    for factor in f.T:
        told = np.array([information(column, factor) for column in z.T])
        a = told.argmax()
        gaps.append((told[a] - np.delete(told, a).max()) / entropy(factor.tolist()))
    close(mutual_information_gap(z, f), np.mean(gaps))


def of_noise(N: int, draws: int) -> Array:
    """Return I(z; x) of draws of noise and the factor x of N sprites, from the library's gap.

    Of a code that is x and noise, with x as both factors, it is 1 - I(noise; x)/H(x).
    """
    rng = np.random.default_rng(0)
    f, found = sprites().factors[rng.permutation(6144)[:N]], []
    for _ in range(draws):
        z = np.column_stack([f[:, 3], rng.random(N)])
        both = mutual_information_gap(z, f[:, [3, 3]])
        found.append((1 - both) * entropy(f[:, 3].tolist()))
    return np.array(found)


@equation("bias")
def test_bias() -> None:
    """Five standard errors of the mean over draws, and less than a hundredth of curvature."""
    found = of_noise(6144, 100)
    want = (BINS - 1) * (8 - 1) / (2 * 6144)
    assert abs(found.mean() - want) < 5 * found.std() / 10 + 0.01 * want


@equation("dci")
def test_dci() -> None:
    found = dci(*some(), rng=np.random.default_rng(0))
    R, (L, K) = found.importance, found.importance.shape
    assert (R > 0).all()
    D = C = 0.0
    for l in range(L):  # noqa: E741
        P = [R[l, k] / R[l].sum() for k in range(K)]
        D += R[l].sum() / R.sum() * (1 + sum(p * log(p, K) for p in P))
    for k in range(K):
        Q = [R[l, k] / R[:, k].sum() for l in range(L)]  # noqa: E741
        C += R[:, k].sum() / R.sum() * (1 + sum(q * log(q, L) for q in Q))
    close([found.disentanglement, found.completeness], [D, C])


@equation("avoided")
def test_avoided() -> None:
    """A number says whether the first factor is above 1, of four values; one says the second."""
    rng = np.random.default_rng(1)
    f = np.stack([rng.integers(0, 4, 900), rng.integers(0, 2, 900)], axis=1)
    z = np.stack([f[:, 0] // 2, f[:, 1]], axis=1).astype(float)
    order = np.random.default_rng(0).permutation(900)
    train, test = order[:450], order[450:]
    answers = {}
    for cell in product((0, 1), (0, 1)):  # the tree asks of the other number, too
        known = f[train, 0][(z[train] == cell).all(axis=1)]
        answers[cell] = np.bincount(known).argmax()
    wrong = np.mean([answers[tuple(z[n].astype(int).tolist())] != f[n, 0] for n in test])
    guess = 1 - np.bincount(f[:, 0]).max() / 900
    found = dci(z, f, rng=np.random.default_rng(0)).informativeness
    close(found, ((1 - wrong / guess) + 1) / 2)


@equation("vote")
def test_vote() -> None:
    """All votes of a score, drawn in the library's order, of numbers on scales of their own."""
    (mixed, f), votes, batch = some(), 60, 16
    z = np.column_stack(
        [100 * f[:, 2] + 50 * mixed[:, 0], 9 + f[:, 0] + 0.4 * mixed[:, 1], mixed[:, 2:]]
    )
    rng, cast = np.random.default_rng(0), []
    for _ in range(2 * votes):
        k = int(rng.integers(3))
        value = int(rng.integers(f[:, k].max() + 1))
        drawn = z[rng.choice(np.flatnonzero(f[:, k] == value), batch)]
        ratios = [drawn[:, n].var() / z[:, n].var() for n in range(4)]
        cast.append((int(np.argmin(ratios)), k))
    owner = {}
    for n in range(4):
        counts = [cast[:votes].count((n, k)) for k in range(3)]
        owner[n] = int(np.argmax(counts))
    assert len({n for n, _ in cast}) > 2
    right = sum(owner[n] == k for n, k in cast[votes:]) / votes
    found = factor_vae_score(z, f, votes=votes, batch=batch, rng=np.random.default_rng(0))
    close(found, right)


def rotation(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


@equation("turned")
def test_turned(rng: np.random.Generator) -> None:
    """A smooth decoder, by the library; the integrals by Gauss and Hermite."""
    nets = [mlp(s, nn.Tanh, rng=rng, dtype=np.float64) for s in ((6, 4), (2, 5, 6))]
    model, x = nn.VAE(*nets, 2, input_shape=(6,)), (rng.random((7, 6)) > 0.5).astype(float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    z = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    w = np.outer(weights, weights).ravel() / (2 * np.pi)

    def evidence() -> Array:
        p = model.decode(z)[:, None]
        return np.asarray(w @ (p**x * (1 - p) ** (1 - x)).prod(axis=-1))

    before, at = evidence(), model.decode(z[100:101])
    first = model.parameters()["decoder.0.weight"].value
    first[...] = first @ rotation(0.7).T
    close(evidence(), before, 1e-7)
    assert np.abs(model.decode(z[100:101]) - at).max() > 1e-3


class Exact:
    """ε with the moments of N(0, I): each of two samples is seen with ±√2 along both axes."""

    def standard_normal(self, shape: tuple[int, ...], dtype: object = None) -> Array:
        steps = np.sqrt(2) * np.hstack([np.eye(2), -np.eye(2)])
        return np.tile(steps, shape[1] // 4)


def gap(w: Array, s2: float, x: Array) -> tuple[float, Array]:
    """Return log p(x) - ELBO of the library's linear VAE with its best encoder, and Λ."""
    D = len(w)
    precision = np.eye(2) + w.T @ w / s2
    encoder = nn.Dense(D, 4, rng=np.random.default_rng(0), dtype=np.float64)
    decoder = nn.Dense(2, D, rng=np.random.default_rng(0), dtype=np.float64)
    encoder.w.value[...] = np.vstack([np.linalg.solve(precision, w.T) / s2, np.zeros((2, D))])
    encoder.b.value[...] = np.concatenate([np.zeros(2), -np.log(np.diag(precision))])
    decoder.w.value[...], decoder.b.value[...] = w, 0
    model = nn.VAE(encoder, decoder, 2, nn.Gaussian(s2), input_shape=(D,))
    terms, _ = model.loss(x.repeat(4, axis=1), rng=Exact())
    covariance = w @ w.T + s2 * np.eye(D)
    square = (x * np.linalg.solve(covariance, x)).sum(axis=0).mean()
    nll = (square + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2
    return terms["total"] - nll, precision


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 4])
@equation("axes")
def test_axes(angle: float, rng: np.random.Generator) -> None:
    """Orthogonal columns of other lengths, turned; and of one length, which may be turned."""
    V, x = np.linalg.qr(rng.standard_normal((5, 2)))[0], rng.standard_normal((5, 6))
    loose, turned = gap(V * [2.0, 0.5] @ rotation(angle).T, 0.3, x)
    close(loose, (np.log(np.diag(turned)).sum() - np.linalg.slogdet(turned)[1]) / 2)
    assert loose > 0.1 if angle else abs(loose) < 1e-9
    close(gap(V @ rotation(angle).T, 0.3, x)[0], 0.0)


@number("bias")
def bias() -> str:
    return f"{of_noise(6144, 100).mean():.3f}"


@number("bias-few")
def bias_few() -> str:
    return f"{of_noise(512, 200).mean():.2f}"
