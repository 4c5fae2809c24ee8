"""The codebook of a VQ-VAE: some vectors, the nearest of which stands for whatever comes near."""

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import integer, number
from ..checks.recorded import Recorded
from ..core import Array, IntArray, Parameter
from ..kernels.plain import matmul
from ..latent_losses import sums_by_token


class Codebook(Recorded):
    """K vectors e_k of D numbers: k(z) = argmin_k |z - e_k|², of equal distances the first.

    There are two ways to learn. With a `decay` γ, e_k is the moving average of the vectors for
    which it stands, n_k of their counts in a batch and m_k of their sums:

        n_k ← γ n_k + (1 - γ) Σ_p [k(z_p) = k]          m_k ← γ m_k + (1 - γ) Σ_p [k(z_p) = k] z_p

        e_k = m_k / ñ_k,    ñ_k = (n_k + ε) / (n + K ε) · n,    n = Σ_k n_k

    ñ is n with Laplace's smoothing, of the same sum. With decay=None, e is a parameter, and the
    gradient of `codebook_error` moves it.

    A code that is never the nearest never moves and is lost. One with n_k < `dead` that was chosen
    nowhere in this batch is revived: it becomes a vector of the batch, drawn at random, with
    n_k = 1, so that at γ = 0.99 and dead = ½ it then has 69 batches' time. dead=0 revives none.

    Parameters and buffers
        weight  (K, D)  e, a parameter or a buffer
        counts  (K,)    n, a buffer; it begins with ones, at γ = 0.99 where e is a parameter
        sums    (K, D)  m, a buffer where e is a moving average

    Source
        van den Oord, Vinyals and Kavukcuoglu, Neural Discrete Representation Learning (2017), §3.2
        and appendix A.1. Revival: Dhariwal et al., Jukebox (2020), §3.1.

    Raises
        ValueError if a size is not positive, decay is not in (0, 1), or dead is not in [0, 1).
    """

    EPS, DECAY = 1e-5, 0.99

    def __init__(
        self,
        codes: int,
        features: int,
        *,
        decay: float | None = DECAY,
        dead: float = 0.5,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.codes = K = integer("Codebook", "codes", codes)
        self.features = D = integer("Codebook", "features", features)
        self.decay = None if decay is None else number("Codebook", "decay", decay, 0, 1)
        self.dead = number("Codebook", "dead", dead, 0, 1, "[)")
        self.dtype = np.dtype(dtype)
        self.w = Parameter(rng.uniform(-1 / K, 1 / K, (K, D)).astype(dtype))
        self.counts, self.sums = np.ones(K, dtype), self.w.value.copy()

    def __repr__(self) -> str:
        decay = "" if self.decay == self.DECAY else f", decay={self.decay}"
        return f"Codebook({self.codes}, {self.features}{decay}, dead={self.dead})"

    @property
    def moves_with_batches(self) -> bool:
        """Does it keep averages over batches, so that each batch must pass in one piece?"""
        return self.decay is not None or self.dead > 0

    def nearest(self, z: Array) -> IntArray:
        """Return k(z) for vectors z (D, P, N): (P, N). Where one is NaN this is any code."""
        e = self.w.value
        scores = (e * e).sum(axis=1)[:, None] / 2 - matmul(e, z.reshape(self.features, -1))
        return np.asarray(scores.argmin(axis=0).reshape(z.shape[1:]))

    def vectors(self, tokens: IntArray) -> Array:
        """Return e_k for tokens (P, N): (D, P, N)."""
        return np.ascontiguousarray(np.moveaxis(self.w.value[tokens], -1, 0))

    def draw(self, places: int, rng: np.random.Generator | None) -> IntArray:
        """Return for each code the place in a batch whose vector it becomes if it is revived."""
        return np.zeros(self.codes, int) if rng is None else rng.integers(0, places, self.codes)

    def learn(self, z: Array, tokens: IntArray, drawn: IntArray) -> None:
        """Move the averages by a batch z (D, P, N), and revive; not by numbers that are no numbers.

        drawn  (K,) what `draw` returned for this batch
        """
        if not np.isfinite(z).all():
            return
        rows, k = z.reshape(self.features, -1).T, tokens.ravel()
        chosen = np.bincount(k, minlength=self.codes).astype(self.dtype)
        new = 1 - (self.DECAY if self.decay is None else self.decay)
        self.counts += new * (chosen - self.counts)
        if self.decay is not None:
            sums = sums_by_token(k, np.ascontiguousarray(rows), self.codes)
            self.sums += new * (sums - self.sums)
            self.w.value[...] = self.sums / self._smoothed()[:, None]
        lost = (self.counts < self.dead) & (chosen == 0)
        self.w.value[lost] = self.sums[lost] = rows[drawn[lost]]
        self.counts[lost] = 1

    def _smoothed(self) -> Array:
        n = self.counts.sum()
        return np.asarray((self.counts + self.EPS) / (n + self.codes * self.EPS) * n)

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name: e where a gradient moves it."""
        return {"weight": self.w} if self.decay is None else {}

    def buffers(self) -> dict[str, Array]:
        """Return what else belongs to the trained codebook."""
        if self.decay is None:
            return {"counts": self.counts}
        return {"weight": self.w.value, "counts": self.counts, "sums": self.sums}


def perplexity(tokens: IntArray, codes: int) -> float:
    """Return exp of the entropy of the tokens' frequencies: how many codes are in use, from 1 to K.

    If m codes are chosen equally often, and no others, it is m.
    """
    p = np.bincount(tokens.ravel(), minlength=codes) / max(tokens.size, 1)
    used = p[p > 0]
    return float(np.exp(-(used * np.log(used)).sum()))
