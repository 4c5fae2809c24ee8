"""What an autoencoder must beat, and what it cannot: the mean image, PCA, the linear optima.

A table of autoencoders without these rows says little. The mean image needs no code at all. PCA is
the best linear code: a linear autoencoder learns the same subspace (Baldi and Hornik 1989). And a
linear VAE has an optimum in closed form, which training must reach and cannot pass. What a model of
melodies must beat is in melody_baselines.py; all of them are in `nn.baselines`.
"""

from copy import copy
from dataclasses import dataclass
from math import log, pi
from typing import Self

import numpy as np

from ..checks.arguments import integer, number
from ..checks.arrays import images_of, samples_of
from ..core import Array
from ..data.dataset import Images
from ..kernels.machine.threads import pool
from ..models.batch_first import Input, apply_in_chunks, naming
from .melody_baselines import MetreModel, NextStep, NGram, copied_bar, next_step
from .metrics import as_floats

__all__ = [
    "PCA",
    "LinearOptimum",
    "MetreModel",
    "NGram",
    "NextStep",
    "copied_bar",
    "linear_vae_optimum",
    "mean_image",
    "next_step",
]

BLOCK = 5000
"""Images turned into floats at a time: of 60,000 at once there would be 0.4 GB."""


LARGE = 2000
"""Numbers in an image beyond which the covariance of all pairs takes too long and too much memory:
with 12,288, a picture of 64×64 in colour, it is 1.2 GB. Then fewer images than numbers will do."""


def mean_image(images: Images) -> Array:
    """Return the mean of the images: the best picture there is without a code."""
    images = images_of("mean_image", images)
    total = sum(as_floats("mean_image", block).sum(axis=0) for block in _blocks(images))
    return np.asarray(total / len(images))


class PCA:
    """Principal components: z = V (x - m) and back x̂ = Vᵀ z + m, of least squared error.

    k is the length of a code. `fit` takes samples of any shape, remembers it, and finds

        mean        (…)      m, the mean image
        components  (k, …)   V, the k directions in which the images differ most, orthonormal
        variances   (D,)     of the images along all D directions, the largest first; what is not
                             coded is lost: the SSE of the images fitted on is Σ_{i>k} variances_i

    As a density (probabilistic PCA) x is N(m, Vᵀ diag(variances - s²) V + s² I): the variances
    along the k directions, and s² along each of the others.

    Source
        Hotelling (1933). Tipping and Bishop, Probabilistic Principal Component Analysis (1999).

    Raises
        ValueError if k is not in 1 … D, anything is asked before `fit`, or images have another
        shape than those fitted on.
    """

    mean: Array
    variances: Array
    directions: Array

    def __init__(self, k: int) -> None:
        self.k = integer("PCA", "k", k)

    def fit(self, images: Images) -> Self:
        """Find mean, components and variances of images (N, …), and return self."""
        images = images_of("PCA fit", images)
        with naming("PCA fit"):
            m = mean_image(images).ravel()
        self._check(m.size)
        if m.size > LARGE and self.k <= len(images) < m.size:
            return self._fit_few(images, m)
        covariance = np.zeros((m.size, m.size))
        with pool(1):  # more threads would often wait for each other
            for block in _blocks(images):
                x = as_floats("PCA fit", block).reshape(len(block), -1) - m
                covariance += x.T @ x
            variances, directions = np.linalg.eigh(covariance / len(images))
        self.mean, self.variances = m.reshape(images.shape[1:]), variances[::-1].clip(min=0)
        self.directions = np.ascontiguousarray(directions.T[::-1])
        return self

    def _fit_few(self, images: Images, m: Array) -> Self:
        """Find the same of fewer images than numbers in one, without a matrix (D, D).

        Of the D directions there are N here; along all others the images do not differ.
        """
        x = as_floats("PCA fit", images).reshape(len(images), -1) - m
        with pool(1):
            _, singular, self.directions = np.linalg.svd(x, full_matrices=False)
        self.mean, self.variances = m.reshape(images.shape[1:]), np.zeros(m.size)
        self.variances[: len(x)] = singular**2 / len(x)
        return self

    def first(self, k: int) -> Self:
        """Return the same fit with codes of length k."""
        other = copy(self)
        other.k = k
        self._fitted()
        other._check(len(self.directions))
        return other

    def encode(self, images: Images) -> Array:
        """Return the codes (N, k) of images (N, …)."""
        V, m = self._fitted(), self.mean.reshape(-1, 1)
        expected = Input(self.mean.shape, np.float64)
        return apply_in_chunks(
            "PCA encode", lambda x: V @ (x.reshape(len(m), -1) - m), images, expected
        )

    def decode(self, codes: Array) -> Array:
        """Return the pictures (N, …) of codes (N, k); they may leave [0, 1]."""
        V, m = self._fitted(), self.mean.reshape(-1, 1)
        expected = Input((self.k,), np.float64, codes=True)
        rows = apply_in_chunks("PCA decode", lambda z: V.T @ z + m, codes, expected)
        return rows.reshape(-1, *self.mean.shape)

    def reconstruct(self, images: Images) -> Array:
        """Return decode(encode(images))."""
        with naming("PCA reconstruct"):
            return self.decode(self.encode(images))

    def errors(self, images: Images) -> Array:
        """Return the SSE of images, an image, with 0, 1, … D components: (D + 1,)."""
        self._fitted()
        with naming("PCA errors"):
            codes = self.first(self.mean.size).encode(images)
        return np.append((codes * codes).mean(axis=0)[::-1].cumsum()[::-1], 0.0)

    def log_prob(self, images: Images, variance: float | None = None) -> Array:
        """Return log p(x) of every image, nats (N,), with s² = `variance`.

        s² is the mean of the variances left out if None, which maximises the likelihood. A
        component of variance below s² counts as noise.
        """
        self._fitted()
        images = samples_of("PCA log_prob", images, self.mean.shape)
        z, k, D = self.encode(images), self.k, self.mean.size
        left_out = self.variances[k:]
        s2 = float(left_out.mean()) if variance is None else variance
        along = np.maximum(self.variances[:k], s2)
        x = as_floats("PCA log_prob", images).reshape(len(z), -1) - self.mean.ravel()
        across_them = (x * x).sum(axis=1) - (z * z).sum(axis=1)
        mahalanobis = (z * z / along).sum(axis=1) + across_them / s2
        log_determinant = np.log(along).sum() + (D - k) * log(s2)
        return -(D * log(2 * pi) + log_determinant + mahalanobis) / 2

    @property
    def components(self) -> Array:
        """V, the k directions as pictures (k, …)."""
        return self._fitted().reshape(self.k, *self.mean.shape)

    def _check(self, D: int) -> None:
        if not 1 <= self.k <= D:
            raise ValueError(f"PCA: expected k in 1 … {D}, got {self.k}")

    def _fitted(self) -> Array:
        """Return V as a matrix (k, D)."""
        if not hasattr(self, "directions"):
            raise ValueError("PCA: expected a call of fit first")
        return self.directions[: self.k]


@dataclass(frozen=True)
class LinearOptimum:
    """The least that a linear VAE can reach on the images it is trained on, nats an image.

    reconstruction     E |x - x̂|² / 2s², without the constant ½ D log 2πs²
    kl_per_dimension   (k,), 0 for a unit that has collapsed
    """

    reconstruction: float
    kl_per_dimension: Array

    @property
    def kl(self) -> float:
        """The sum over the units."""
        return float(self.kl_per_dimension.sum())

    @property
    def total(self) -> float:
        """The negative ELBO, less its constant."""
        return self.reconstruction + self.kl

    @property
    def active(self) -> int:
        """How many units carry anything."""
        return int((self.kl_per_dimension > 0).sum())


def linear_vae_optimum(images: Images, variance: float, k: int) -> LinearOptimum:
    """Return the optimum of x̂ = w z + b, z ~ N(u x + c, diag σ²), for p(x|z) = N(x̂, s² I).

    With the variances l_i of the images along their principal directions and s² = `variance`, a
    unit is worth its KL where l_i > s², and collapses elsewhere:

        active     KL_i = ½ log(l_i/s²)     error ½
        the rest   KL_i = 0                 error ½ l_i/s²

    Posterior collapse is thus no accident of training: at s² = 1 just 12 of the directions of MNIST
    vary enough to be worth a unit, however many there are.

    Source
        Lucas, Tucker, Grosse and Norouzi, Don't Blame the ELBO! (2019), §4.

    Raises
        ValueError if variance is not positive or k not in 1 … D.
    """
    variance = number("linear_vae_optimum", "variance", variance, 0)
    with naming("linear_vae_optimum"):
        ratio = PCA(k).fit(images).variances / variance
    coded = np.log(np.maximum(ratio[:k], 1)) / 2
    error = np.where((ratio > 1) & (np.arange(ratio.size) < k), 1, ratio) / 2
    return LinearOptimum(float(error.sum()), coded)


def _blocks(images: Images) -> list[Images]:
    return [images[i : i + BLOCK] for i in range(0, len(images), BLOCK)]
