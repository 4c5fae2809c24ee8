"""PCA for a page: the first directions alone, also of samples of very many numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core import Array
from ..kernels.machine.threads import pool

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Linear:
    """The linear code z = V (x - m) of least squared error, and back m + Vᵀ z.

    components  V (k, D), orthonormal rows, those of largest variance first; 0 where none is left
    mean        m (D,)
    error       the mean square of a number of x - m - Vᵀ z, over the samples fitted on
    """

    components: Numbers
    mean: Numbers
    error: float

    @property
    def k(self) -> int:
        """How many numbers a code has."""
        return len(self.components)

    def encode(self, x: Array) -> Numbers:
        """Return the codes (N, k) of samples (N, D)."""
        codes: Numbers = (x - self.mean) @ self.components.T
        return codes


def linear(x: Numbers, k: int) -> Linear:
    """Return PCA's code of k numbers, fitted on samples (N, D), k ≤ N and k ≤ D.

    Of the matrices XᵀX (D, D) and XXᵀ (N, N) of centred samples, which have the same eigenvalues
    but for zeros, the smaller one is taken apart: XXᵀu = λu gives the direction Xᵀu/√λ.
    """
    (N, D), mean = x.shape, x.mean(axis=0)
    x = x - mean
    with pool(1):  # more threads would often wait for each other
        values, vectors = np.linalg.eigh(x.T @ x if D <= N else x @ x.T)
        values, V = values[::-1][:k], vectors.T[::-1][:k]
        if D > N:
            some = values > 1e-12 * values[0]
            V = some[:, None] * (V @ x) / np.sqrt(np.where(some, values, 1))[:, None]
    left_out = max(float((x * x).sum() - values.sum()), 0.0)
    return Linear(np.ascontiguousarray(V), mean, left_out / (N * D))
