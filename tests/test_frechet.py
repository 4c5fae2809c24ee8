"""The Fréchet distance of Gaussians: closed forms, what it does not depend on, its bias."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array
from nnscratch.evaluation import frechet_distance

SEEDS = st.integers(0, 2**32 - 1)


def with_moments(m: Array, root: Array, rng: np.random.Generator) -> Array:
    """Return vectors of exactly this mean and of the covariance root rootᵀ."""
    D = len(m)
    x = rng.standard_normal((3 * D + 2, D))
    x -= x.mean(axis=0)
    L = np.linalg.cholesky(x.T @ x / (len(x) - 1))
    return np.asarray(m + x @ np.linalg.inv(L).T @ root.T)


@given(seed=SEEDS, D=st.integers(1, 6))
def test_of_the_moments_given(seed: int, D: int) -> None:
    """trace (AB)^½ is the sum of the roots of the eigenvalues of AB, which is not symmetric."""
    rng = np.random.default_rng(seed)
    m, n = rng.standard_normal((2, D))
    R, S = rng.standard_normal((2, D, D))
    A, B = R @ R.T, S @ S.T
    roots = np.sqrt(np.linalg.eigvals(A @ B).real.clip(min=0))
    want = (m - n) @ (m - n) + np.trace(A + B) - 2 * roots.sum()
    x, y = with_moments(m, R, rng), with_moments(n, S, rng)
    assert frechet_distance(x, y) == pytest.approx(want, rel=1e-6, abs=1e-6)


def test_of_numbers_by_hand() -> None:
    """-1, 0, 1 has mean 0 and variance 1; 1, 4, 7 has 4 and 9: (0 - 4)² + (1 - 3)² = 20."""
    x, y = np.array([[-1.0], [0], [1]]), np.array([[1.0], [4], [7]])
    assert frechet_distance(x, y) == pytest.approx(20)


@given(seed=SEEDS, D=st.integers(1, 5), scale=st.floats(1e-3, 1e3))
def test_what_it_depends_on(seed: int, D: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((12, D)), 2 * rng.standard_normal((9, D)) + 1
    turn, _ = np.linalg.qr(rng.standard_normal((D, D)))
    shift, step = rng.standard_normal((2, D))
    d = frechet_distance(x, y)
    assert d > 0
    assert frechet_distance(y, x) == pytest.approx(d, rel=1e-6)
    assert frechet_distance(x @ turn + shift, y @ turn + shift) == pytest.approx(d, rel=1e-6)
    assert frechet_distance(scale * x, scale * y) == pytest.approx(scale**2 * d, rel=1e-6)
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(x, x + step) == pytest.approx(step @ step, abs=1e-6)


def test_two_samples_of_one_distribution_are_not_at_zero() -> None:
    """Of N numbers from N(0, 1), means differ by 2/N and deviations by 1/N, in the mean square."""
    rng, N = np.random.default_rng(0), 200
    found = [frechet_distance(*rng.standard_normal((2, N, 1))) for _ in range(1000)]
    error = np.std(found) / 1000**0.5
    assert abs(np.mean(found) - 3 / N) < 4 * error + 1 / N**2


@pytest.mark.parametrize("bad", [0, 1])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 3)), "expected more vectors than their 3 numbers, for a covariance, got 3"),
        (np.zeros((9, 3, 1)), r"expected \(N, D\), got \(9, 3, 1\)"),
        (np.full((9, 3), np.nan), "expected finite numbers, got NaN"),
        (np.zeros((9, 3), np.uint8), "expected float32 or float64, got uint8"),
        (1e300 * np.eye(9, 3), "expected vectors whose squares are finite"),
    ],
)
def test_refuses(bad: int, x: Any, message: str) -> None:
    pair = [np.random.default_rng(0).random((9, 3))] * 2
    pair[bad] = x
    who = r"frechet_distance( features| others)?"
    with pytest.raises(ValueError, match=f"^{who}: {message}"):
        frechet_distance(*pair)


def test_refuses_vectors_of_two_lengths() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"others: expected \(3,\) a row, got \(2,\)"):
        frechet_distance(rng.random((9, 3)), rng.random((9, 2)))
