"""How far one set of vectors is from another, if both were Gaussian."""

import numpy as np

from ..checks.arrays import floats_of
from ..core import Array
from ..kernels.machine.threads import pool


def frechet_distance(features: Array, others: Array) -> float:
    """Return the Fréchet distance of two sets of vectors, of the Gaussians that fit them.

        |m - n|² + trace(A + B - 2 (A^½ B A^½)^½)

    with the means m, n (D,) and the covariances A, B (D, D), Σ (x - m)(x - m)ᵀ / (N - 1). Like the
    FID it is the square of a distance. It is no FID unless the features are Inception's: say whose
    they are, as in "Fréchet distance in PCA's space".

    Two samples of one distribution are not at 0: |m - n|² alone is trace(A)(1/N + 1/M) in the mean,
    and the covariances add to it, the more the larger D²/N. So the distance of what a model draws
    says something only beside the distance, at the same N and M, of two samples of real data.

        features  (N, D)  with N > D, floats
        others    (M, D)  with M > D

    Source
        Dowson and Landau, The Fréchet distance between multivariate normal distributions (1982);
        Heusel et al., GANs Trained by a Two Time-Scale Update Rule (2017), eq. 6.

    Raises
        ValueError if they are not so, hold NaN or infinity, or the squares overflow.
    """
    who = "frechet_distance"
    with pool(1), np.errstate(over="ignore", invalid="ignore"):  # of which the result tells
        (m, A), (n, B) = _fit(f"{who} features", features), _fit(f"{who} others", others)
        if len(m) != len(n):
            raise ValueError(f"{who} others: expected ({len(m)},) a row, got ({len(n)},)")
        if not np.isfinite(A).all() or not np.isfinite(B).all():
            raise ValueError(f"{who}: expected vectors whose squares are finite")
        values, V = np.linalg.eigh(A)
        root = V * np.sqrt(values.clip(min=0)) @ V.T
        middle = np.linalg.eigvalsh(root @ B @ root).clip(min=0)
        trace = np.trace(A) + np.trace(B) - 2 * np.sqrt(middle).sum()
    return float((m - n) @ (m - n) + max(trace, 0.0))  # only rounding makes a trace below 0


def _fit(who: str, features: Array) -> tuple[Array, Array]:
    """Return the mean (D,) and the covariance (D, D) of rows."""
    x = floats_of(who, features, unit=False).astype(np.float64)
    if x.ndim != 2:
        raise ValueError(f"{who}: expected (N, D), got {x.shape}")
    if len(x) <= x.shape[1]:
        raise ValueError(
            f"{who}: expected more vectors than their {x.shape[1]} numbers, for a covariance, "
            f"got {len(x)}"
        )
    m = x.mean(axis=0)
    x -= m
    return m, x.T @ x / (len(x) - 1)
