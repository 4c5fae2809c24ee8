"""Losses of codes, each against its formula read once more, and the codebook of a VQ-VAE.

Each check takes the module that it judges: the library's, or one with a planted fault.
"""

from itertools import permutations
from types import ModuleType

import numpy as np
import pytest

from nnscratch.core import Array
from nnscratch.gradcheck.gradcheck import gradcheck

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def codes(L: int, N: int, seed: int = 0) -> tuple[Array, Array, Array]:
    """Return draws, means and log-variances, (L, N) each."""
    rng = np.random.default_rng(seed)
    mu, logvar = rng.standard_normal((L, N)), 0.5 * rng.standard_normal((L, N)) - 1
    return mu + np.exp(logvar / 2) * rng.standard_normal((L, N)), mu, logvar


def log_normal(z: Array, mu: Array, logvar: Array) -> Array:
    """log N(z; μ, σ²), entry by entry."""
    v = np.exp(logvar)
    return np.asarray(np.log(np.exp(-((z - mu) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)))


def check_codebook_error(module: ModuleType) -> None:
    """By hand: codes 1 and 4; places 2 and 0 are nearest to 1, 3 to 4, in two samples."""
    e, k = np.array([[1.0], [4.0]]), np.array([[0, 1], [1, 0]])
    z = np.array([[[2.0, 3.0], [3.0, 0.0]]])
    value, de = module.codebook_error(e, k, z)
    assert value == (1 + 1 + 1 + 1) / 2
    np.testing.assert_array_equal(de, [[(1 - 2) + (1 - 0)], [(4 - 3) + (4 - 3)]])
    rng = np.random.default_rng(0)
    constants = [rng.integers(0, 3, (2, 5)), rng.standard_normal((2, 2, 5))]
    gradcheck(module.codebook_error, (3, 2), constants=constants, rng=rng).raise_if_failed()


def check_mmd(module: ModuleType, L: int, N: int, seed: int) -> None:
    """All pairs, one by one."""
    rng = np.random.default_rng(seed)
    z, p = rng.standard_normal((2, L, N))
    kernels = {
        "imq_mmd": lambda r2: sum(2 * L * s / (2 * L * s + r2) for s in SCALES),
        "rbf_mmd": lambda r2: sum(np.exp(-r2 / (2 * L * s)) for s in SCALES),
    }
    for name, kernel in kernels.items():
        pairs = list(permutations(range(N), 2))
        within = sum(
            kernel(((a[:, i] - a[:, j]) ** 2).sum()) for a in (z, p) for i, j in pairs
        ) / len(pairs)
        every = [kernel(((z[:, i] - p[:, j]) ** 2).sum()) for i in range(N) for j in range(N)]
        function = getattr(module, name)
        assert function(z, p)[0] == pytest.approx(within - 2 * np.mean(every), rel=1e-9, abs=1e-12)
        gradcheck(function, z, constants=[p], rng=rng).raise_if_failed()


def check_parts(module: ModuleType, L: int, N: int, seed: int) -> None:
    """Code by code; and they sum to a draw of the KL, whatever the weights."""
    z, mu, logvar = codes(L, N, seed)
    rng = np.random.default_rng(seed)
    w = rng.random((N, N)) + 0.1
    parts, _ = module.kl_decomposition(z, mu, logvar, np.log(w))
    want, own, prior = np.zeros(3), log_normal(z, mu, logvar), log_normal(z, 0 * z, 0 * z)
    for n in range(N):
        q = np.exp(log_normal(z[:, n : n + 1], mu, logvar))  # (L, N)
        joint, margins = np.log(q.prod(axis=0) @ w[n]), np.log(q @ w[n]).sum()
        want += [own[:, n].sum() - joint, joint - margins, margins - prior[:, n].sum()]
    np.testing.assert_allclose(parts, want / N, rtol=1e-9, atol=1e-9)
    assert parts.sum() == pytest.approx((own - prior).sum() / N, abs=1e-9)
    constants = [np.log(w)]
    gradcheck(
        module.kl_decomposition, z, mu, logvar, constants=constants, rng=rng
    ).raise_if_failed()


def check_mixture(module: ModuleType, L: int, N: int, K: int, seed: int) -> None:
    """Code by code and component by component."""
    z, mu, logvar = codes(L, N, seed)
    _, means, logvars = codes(L, K, seed + 1)
    want = log_normal(z, mu, logvar).sum() / N
    for n in range(N):
        q = np.exp(log_normal(z[:, n : n + 1], means, logvars)).prod(axis=0)
        want -= np.log(q.mean()) / N
    value, _ = module.mixture_kl(z, mu, logvar, means, logvars)
    assert value == pytest.approx(want, rel=1e-9, abs=1e-9)
    rng = np.random.default_rng(seed)
    gradcheck(module.mixture_kl, z, mu, logvar, means, logvars, rng=rng).raise_if_failed()


def check_averages(module: ModuleType, steps: int, seed: int) -> None:
    """Moving averages, code by code, and their smoothing."""
    rng = np.random.default_rng(seed)
    book = module.Codebook(4, 2, decay=0.8, dead=0, rng=rng, dtype=np.float64)
    n, m = np.ones(4), book.w.value.copy()
    for _ in range(steps):
        z = rng.standard_normal((2, 3, 5))
        k = book.nearest(z)
        book.learn(z, k, book.draw(15, None))
        for j in range(4):
            n[j] = 0.8 * n[j] + 0.2 * (k == j).sum()
            m[j] = 0.8 * m[j] + 0.2 * sum(z[:, p, q] for p, q in np.argwhere(k == j))
        smooth = (n + 1e-5) / (n.sum() + 4e-5) * n.sum()
        assert smooth.sum() == pytest.approx(n.sum(), rel=1e-12)
        np.testing.assert_allclose(book.counts, n, rtol=1e-12)
        np.testing.assert_allclose(book.w.value, m / smooth[:, None], rtol=1e-12)


def check_nearest(module: ModuleType, K: int, D: int, seed: int) -> None:
    """Distance by distance."""
    rng = np.random.default_rng(seed)
    book = module.Codebook(K, D, rng=rng, dtype=np.float64)
    book.w.value[...] = rng.standard_normal((K, D))
    z = rng.standard_normal((D, 3, 4))
    found = book.nearest(z)
    vectors = book.vectors(found)
    assert vectors.shape == z.shape
    for p, n in np.ndindex(3, 4):
        distances = ((book.w.value - z[:, p, n]) ** 2).sum(axis=1)
        assert found[p, n] == distances.argmin()
        np.testing.assert_array_equal(vectors[:, p, n], book.w.value[found[p, n]])


def check_revival(module: ModuleType, decay: float | None) -> None:
    """No code but the first is ever chosen; at 0.9 (0.99) it takes 7 (69) batches to be dead."""
    made = np.random.default_rng(1)
    book = module.Codebook(3, 2, decay=decay, rng=made, dtype=np.float64)
    book.w.value[1:], book.sums[1:] = 1e6, 1e6
    rng, z = np.random.default_rng(0), 0.1 * made.standard_normal((2, 4, 5))
    for step in range(7 if decay else 69):
        assert (book.w.value[1:] > 1e5).all(), step
        drawn = book.draw(20, rng)
        book.learn(z, np.zeros((4, 5), int), drawn)
        assert book.counts[0] > 1  # of a code that is in use, which so does not begin anew
    np.testing.assert_array_equal(book.w.value[1:], z.reshape(2, -1)[:, drawn[1:]].T)
    assert (book.counts[1:] == 1).all()
    if decay:
        np.testing.assert_array_equal(book.sums[1:], book.w.value[1:])


def check_perplexity(module: ModuleType) -> None:
    """Of m codes in equal use it is m; of ¾ and ¼ the geometric mean of their inverses."""
    for m in range(1, 6):
        assert module.perplexity(np.tile(np.arange(m), (3, 1)), 8) == pytest.approx(m, rel=1e-12)
    skewed = np.array([0, 0, 0, 1])
    assert module.perplexity(skewed, 8) == pytest.approx(0.75**-0.75 * 0.25**-0.25, rel=1e-12)
