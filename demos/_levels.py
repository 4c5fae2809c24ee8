"""The cross-entropy of grey levels as a distribution over them, so that it can be compared."""

from dataclasses import dataclass
from math import log

import numpy as np

from nnscratch.core import Array
from nnscratch.data.dataset import Images
from nnscratch.likelihoods import Bernoulli, per_sample

TINY = 1e-30
"""In place of logits of 0, for which the closed form of the sum is 0/0."""


@dataclass(frozen=True)
class BernoulliOfLevels(Bernoulli):
    """P(x = k/255) in proportion to σ(a)^x (1 - σ(a))^(1-x), for the 256 levels k.

    The factor that both levels have in common cancels, and P(x) = e^(a x) / Z(a) with

        Z(a) = Σ_k e^(a k/255) = max(1, e^a) (1 - e^(-256 b)) / (1 - e^-b),    b = |a|/255

    A model that was trained with a Bernoulli has the same logits under this name, and its
    -log P is nats that a code would take.
    """

    def log_prob(self, a: Array, t: Array) -> Array:
        """Return log P(t_n | a_n) for every sample, (N,)."""
        b = np.abs(a) / 255 + a.dtype.type(TINY)
        return per_sample(a * t - np.maximum(a, 0) - np.log(np.expm1(-256 * b) / np.expm1(-b)))


def bits_of_perfect_pixels(images: Images) -> float:
    """Return -log₂ P a number of images (N, …) uint8 if σ(a) is the grey level itself.

    That is where the cross-entropy is least. Black and white are taken for half a level off.
    """
    x = images.reshape(-1) / 255
    m = np.clip(x, 0.5 / 255, 1 - 0.5 / 255)
    log_p = BernoulliOfLevels().log_prob(np.log(m / (1 - m))[:, None], x[:, None])
    return -float(log_p[0]) / len(x) / log(2)
