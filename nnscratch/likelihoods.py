"""What the numbers that leave a decoder mean: the parameters of a distribution over x.

nll(a, t)        (value, da)   the loss and its gradient: sum over features, mean over batch
log_prob(a, t)   (N,)          log p(t_n | a_n) of every sample
mean(a)          (…, N)        E[x], the picture to show
sample(a, rng)   (…, N)        a draw of x

Training asks for nll, decoding for mean, and evaluation.py for log_prob.
"""

from dataclasses import dataclass
from math import log, pi
from typing import ClassVar, Protocol

import numpy as np

from .checks.arguments import number
from .core import Array
from .kernels.plain import sigmoid
from .kernels.plain_samples import bernoulli_log_prob, bernoulli_log_prob_and_slope
from .losses import bernoulli_nll, squared_error


def per_sample(a: Array) -> Array:
    """Σ over everything but the batch, (N,)."""
    return a.reshape(-1, a.shape[-1]).sum(axis=0)


class Likelihood(Protocol):
    """p(x | a), where a is what the decoder returns.

    One that has an attribute `unit`, True, speaks of x in [0, 1] alone: other images are refused.
    One that has an attribute `outputs`, 2, takes two numbers for each of x: a has twice the
    channels, first all of one kind, then all of the other.
    """

    def nll(self, a: Array, t: Array) -> tuple[float, Array]:
        """Return the mean of -log p(t_n | a_n) and its gradient in a."""
        ...

    def log_prob(self, a: Array, t: Array) -> Array:
        """Return log p(t_n | a_n) for every sample, (N,)."""
        ...

    def mean(self, a: Array) -> Array:
        """Return E[x | a]."""
        ...

    def sample(self, a: Array, *, rng: np.random.Generator) -> Array:
        """Return a draw of x given a."""
        ...


def log_prob_of_samples(likelihood: Likelihood, a: Array, t: Array) -> tuple[Array, Array]:
    """Return log p(t | a) of each of several a for one t, and its gradient in a.

    a (…, K·N), t (…, N): column k N + n of a is the k-th that belongs to column n of t. The
    logarithms (K·N,) are float64, as they will be compared with one another; the gradient is that
    of each by itself, neither summed nor averaged.

    A likelihood that has a method `log_prob_of_samples(a, t)` answers itself.
    """
    own = getattr(likelihood, "log_prob_of_samples", None)
    if own is not None:
        return own(a, t)
    t = np.tile(t, a.shape[-1] // t.shape[-1])
    _, da = likelihood.nll(a, t)
    return likelihood.log_prob(a, t).astype(np.float64), -a.shape[-1] * da


@dataclass(frozen=True)
class Bernoulli:
    """x is 0 or 1, and a its logit: P(x = 1) = σ(a). See losses.bernoulli_nll on grey pixels."""

    unit: ClassVar[bool] = True

    def nll(self, a: Array, t: Array) -> tuple[float, Array]:
        """Return the mean of -log p(t_n | a_n) and its gradient in a."""
        return bernoulli_nll(a, t)

    def log_prob(self, a: Array, t: Array) -> Array:
        """Return log p(t_n | a_n) for every sample, (N,)."""
        return bernoulli_log_prob(a, t).astype(a.dtype)

    def log_prob_of_samples(self, a: Array, t: Array) -> tuple[Array, Array]:
        """Return log p(t | a) of several a (…, K·N) for each t (…, N), and its gradient in a."""
        return bernoulli_log_prob_and_slope(a, t)

    def mean(self, a: Array) -> Array:
        """Return P(x = 1)."""
        return sigmoid(a)

    def sample(self, a: Array, *, rng: np.random.Generator) -> Array:
        """Return zeros and ones."""
        return (rng.random(a.shape, a.dtype) < sigmoid(a)).astype(a.dtype)


@dataclass(frozen=True)
class Gaussian:
    """x ~ N(a, variance · I), one variance given for all pixels.

    -log p(t) = |a - t|²/(2 variance) + ½ D log(2π variance): squared error with a scale and a
    constant. The lesson's |a - t|² is this at variance ½, less the constant.
    """

    variance: float = 1.0

    def __post_init__(self) -> None:
        variance = number("Gaussian", "variance", self.variance, 0)
        object.__setattr__(self, "variance", variance)

    def nll(self, a: Array, t: Array) -> tuple[float, Array]:
        """Return the mean of -log p(t_n | a_n) and its gradient in a."""
        value, da = squared_error(a, t)
        D = a.size // a.shape[-1]
        da /= 2 * self.variance
        return value / (2 * self.variance) + D * log(2 * pi * self.variance) / 2, da

    def log_prob(self, a: Array, t: Array) -> Array:
        """Return log p(t_n | a_n) for every sample, (N,)."""
        D = a.size // a.shape[-1]
        squares = per_sample((a - t) ** 2)
        return -squares / (2 * self.variance) - D * log(2 * pi * self.variance) / 2

    def mean(self, a: Array) -> Array:
        """Return a itself."""
        return a

    def sample(self, a: Array, *, rng: np.random.Generator) -> Array:
        """Return a plus noise."""
        return a + np.sqrt(self.variance).astype(a.dtype) * rng.standard_normal(a.shape, a.dtype)


@dataclass(frozen=True)
class SquaredError:
    """|a - t|², the lesson's loss: a Gaussian of variance ½ whose constant is left out."""

    def nll(self, a: Array, t: Array) -> tuple[float, Array]:
        """Return the mean of |a_n - t_n|² and its gradient in a."""
        return squared_error(a, t)

    def log_prob(self, a: Array, t: Array) -> Array:
        """Return -|a_n - t_n|² for every sample, (N,)."""
        return -per_sample((a - t) ** 2)

    def mean(self, a: Array) -> Array:
        """Return a itself."""
        return a

    def sample(self, a: Array, *, rng: np.random.Generator) -> Array:
        """Return a draw from N(a, ½ I)."""
        return Gaussian(0.5).sample(a, rng=rng)
