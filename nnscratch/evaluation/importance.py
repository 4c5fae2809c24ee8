"""A bound on log p(x) from many draws of each code, and how far it can be trusted.

found = importance_nll(model, binarize(test.images, "static", rng=rng), samples=5000, rng=rng)
print(found, "nats;", np.median(found.effective), "draws count in the median")
"""

import warnings
from dataclasses import dataclass, field

import numpy as np

from ..checks.arguments import integer
from ..core import Array
from ..data.dataset import Dataset, Images
from ..likelihoods import Bernoulli, SquaredError
from ..models.vae import VAE
from .draws import Chunk, Encoded
from .elbo import Estimate, estimate

DRAWS, MOST_PARTS = 128, 64
"""Draws of a part of the work, and parts that the draws of an image come in at most: of more draws
the parts are larger, and the memory stays what it is."""

MANY, FEW, SHARE = 100, 2.0, 0.05
"""With MANY samples or more there is a warning if more than this SHARE of the images have an
effective sample size below FEW.

The sum of the squared shares of the weights is at most the largest share. So below 2 one weight is
more than half of the sum, and the others together are less than it: another seed has another such
weight. The gap that is left is then, to second order, above 1/4 - 1/(2 K) nats. With fewer than
MANY samples a loose bound is what has been asked for."""


class LowEffectiveSampleSize(RuntimeWarning):
    """An importance-weighted bound has been decided by single weights."""


@dataclass(frozen=True)
class ImportanceNLL(Estimate):
    """A bound on -log p(x), nats an image, and how far to trust it.

    log_prob   (N,)   log (1/K) Σ_k w_k of each image
    effective  (N,)   the effective sample size of its weights, (Σ w)²/Σ w² (Kish): from 1, where
                      one weight has decided everything, to K, where all agree
    """

    log_prob: Array = field(compare=False)
    effective: Array = field(compare=False)


def importance_nll(
    model: VAE,
    data: Images | Dataset,
    *,
    samples: int,
    rng: np.random.Generator,
    threads: int | None = None,
) -> ImportanceNLL:
    """Return a bound on -log p(x), nats an image, that is the tighter the more samples it takes.

        -log p(x) ≤ -E log (1/K) Σ_k w_k,    w_k = p(x|z_k) p(z_k) / q(z_k|x),    z_k ~ q(z|x)

    With K = 1 it is the negative ELBO (in expectation), in the limit it is -log p(x) itself. The
    encoder runs once. Draws of an image pass through the decoder many at a time, and of their
    weights two sums are kept, so that the memory does not grow with K.

    A LowEffectiveSampleSize warning says where single weights have decided the result.

    Source
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), eq. 8.
        The largest share of the weights as what tells whether they are enough: Chatterjee and
        Diaconis, The Sample Size Required in Importance Sampling (2018), §2.

    Raises
        ValueError as elbo; or if there is no likelihood to speak of: grey images under a
        Bernoulli (binarize them), the squared error without its constant (take a Gaussian).
    """
    K = integer("importance_nll", "draws of each image", samples)
    encoded = Encoded("importance_nll", model, data, rng, threads)
    _refuse_what_is_no_likelihood(model, encoded.images)
    size = max(DRAWS, -(-K // MOST_PARTS))

    def log_sums(chunk: Chunk, part: int) -> Array:
        """Return log Σ w and log Σ w² of the draws of a part, (N, 2)."""
        sums = np.full((2, chunk.x.shape[-1]), -np.inf)
        for log_p, log_ratio in chunk.draws(min(size, K - part * size)):
            log_w = log_p + log_ratio
            more = [np.logaddexp.reduce(power * log_w, axis=0) for power in (1, 2)]
            sums = np.logaddexp(sums, more)
        return sums.T

    parts = encoded.each_part(log_sums, -(-K // size))
    one, two = np.logaddexp.reduce(parts, axis=0).T
    log_prob, effective = one - np.log(K), np.exp(2 * one - two)
    if K >= MANY:
        _warn_of_few(effective, K)
    mean = estimate(-log_prob)
    return ImportanceNLL(mean.mean, mean.error, log_prob, effective)


def _warn_of_few(effective: Array, K: int) -> None:
    few = int((effective < FEW).sum())
    if few > SHARE * len(effective):
        warnings.warn(
            f"importance_nll: for {few} of {len(effective)} images one weight of {K} is larger "
            f"than all others together (effective sample size below {FEW:g}), so that the bound is "
            "loose there and depends on the seed: take more samples, or read it as the bound of "
            f"{K} samples and not as -log p(x)",
            LowEffectiveSampleSize,
            stacklevel=3,
        )


def _refuse_what_is_no_likelihood(model: VAE, images: Images) -> None:
    who = "importance_nll: expected a likelihood"
    if isinstance(model.likelihood, SquaredError):
        raise ValueError(f"{who}, got SquaredError, which has no constant: take Gaussian(0.5)")
    white = 255 if images.dtype == np.uint8 else 1
    if isinstance(model.likelihood, Bernoulli) and not np.isin(images, (0, white)).all():
        raise ValueError(f"{who}, got Bernoulli and grey images: binarize them first")
