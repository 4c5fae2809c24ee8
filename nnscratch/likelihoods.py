"""What the numbers that leave a decoder mean: the parameters of a distribution over x.

nll(a, t)        (value, da)   the loss and its gradient: sum over features, mean over batch
log_prob(a, t)   (N,)          log p(t_n | a_n) of every sample
mean(a)          (…, N)        E[x], the picture to show
sample(a, rng)   (…, N)        a draw of x

Training asks for nll, decoding for mean, and evaluation.py for log_prob.
"""

from dataclasses import dataclass
from math import inf, log, pi
from typing import ClassVar, Protocol

import numpy as np

from .checks.arguments import number
from .core import Array, channel_axis
from .kernels.plain import sigmoid, softplus
from .losses import (
    bernoulli_nll,
    discretised_logistic_log_prob,
    discretised_logistic_nll,
    gaussian_nll,
    squared_error,
)


def halves(a: Array) -> tuple[Array, Array]:
    """Return the first and the second half of the channels."""
    first, second = np.split(a, 2, channel_axis(a.shape[:-1]))
    return first, second


def joined(first: Array, second: Array) -> Array:
    """Return what `halves` takes apart."""
    return np.concatenate([first, second], channel_axis(first.shape[:-1]))


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


@dataclass(frozen=True)
class Bernoulli:
    """x is 0 or 1, and a its logit: P(x = 1) = σ(a). See losses.bernoulli_nll on grey pixels."""

    unit: ClassVar[bool] = True

    def nll(self, a: Array, t: Array) -> tuple[float, Array]:
        """Return the mean of -log p(t_n | a_n) and its gradient in a."""
        return bernoulli_nll(a, t)

    def log_prob(self, a: Array, t: Array) -> Array:
        """Return log p(t_n | a_n) for every sample, (N,)."""
        return per_sample(t * a - np.logaddexp(0, a).astype(a.dtype))

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


def with_floor(b: Array, floor: float) -> tuple[Array, Array]:
    """Return log(floor + e^b), a logarithm that has a least value, and its derivative by b.

    Without a floor a scale that is learned would shrink for ever where x is constant, such as in
    the black border of an image. The derivative σ(b - log floor) never vanishes altogether.
    """
    least = np.asarray(log(floor), b.dtype)
    return np.logaddexp(b, least), sigmoid(b - least)


@dataclass(frozen=True)
class LearnedGaussian:
    """x ~ N(m, diag v) with m and log v from the decoder: a = (m, b), v = least_variance + e^b.

    least_variance  for pixels in [0, 1], 1e-6 is about the error of rounding to 255 levels; for
                    standardised columns of a table, 1e-3 is a thirtieth of a standard deviation
    """

    outputs: ClassVar[int] = 2
    least_variance: float = 1e-6

    def __post_init__(self) -> None:
        least = number("LearnedGaussian", "least_variance", self.least_variance, 0)
        object.__setattr__(self, "least_variance", least)

    def nll(self, a: Array, t: Array) -> tuple[float, Array]:
        """Return the mean of -log p(t_n | a_n) and its gradient in a."""
        mean, b = halves(a)
        logvar, slope = with_floor(b, self.least_variance)
        value, (dmean, dlogvar) = gaussian_nll(mean, logvar, t)
        return value, joined(dmean, dlogvar * slope)

    def log_prob(self, a: Array, t: Array) -> Array:
        """Return log p(t_n | a_n) for every sample, (N,)."""
        mean, b = halves(a)
        logvar, _ = with_floor(b, self.least_variance)
        return -per_sample((t - mean) ** 2 * np.exp(-logvar) + logvar + log(2 * pi)) / 2

    def mean(self, a: Array) -> Array:
        """Return m."""
        return halves(a)[0]

    def sample(self, a: Array, *, rng: np.random.Generator) -> Array:
        """Return m plus noise."""
        mean, b = halves(a)
        logvar, _ = with_floor(b, self.least_variance)
        return mean + np.exp(logvar / 2) * rng.standard_normal(mean.shape, mean.dtype)


@dataclass(frozen=True)
class DiscretisedLogistic:
    """x is a grey level, 0, 1/255 … 1: a logistic variable, rounded. See discretised_logistic_nll.

    a = (m, b), scale s = least_scale + e^b. A probability and no density: -log P(x) ≥ 0, and per
    number and in units of log 2 it is the bits that a lossless code would take.
    """

    unit: ClassVar[bool] = True
    outputs: ClassVar[int] = 2
    least_scale: float = 1e-3

    def __post_init__(self) -> None:
        least = number("DiscretisedLogistic", "least_scale", self.least_scale, 0, inf)
        object.__setattr__(self, "least_scale", least)

    def nll(self, a: Array, t: Array) -> tuple[float, Array]:
        """Return the mean of -log P(t_n | a_n) and its gradient in a."""
        mean, b = halves(a)
        logscale, slope = with_floor(b, self.least_scale)
        value, (dmean, dlogscale) = discretised_logistic_nll(mean, logscale, t)
        return value, joined(dmean, dlogscale * slope)

    def log_prob(self, a: Array, t: Array) -> Array:
        """Return log P(t_n | a_n) for every sample, (N,)."""
        mean, b = halves(a)
        logscale, _ = with_floor(b, self.least_scale)
        return per_sample(discretised_logistic_log_prob(mean, logscale, t))

    def mean(self, a: Array) -> Array:
        """Return the mean of the variable held in [0, 1], before it is rounded.

        ∫₀¹ P(X > x) dx = s (softplus(m/s) - softplus((m - 1)/s)). Rounding moves it by less than
        half a level.
        """
        mean, b = halves(a)
        s = np.exp(with_floor(b, self.least_scale)[0])
        return s * (softplus(mean / s) - softplus((mean - 1) / s))

    def sample(self, a: Array, *, rng: np.random.Generator) -> Array:
        """Return grey levels."""
        mean, b = halves(a)
        s = np.exp(with_floor(b, self.least_scale)[0])
        x = mean + s * rng.logistic(size=mean.shape).astype(mean.dtype)
        return (np.rint(255 * np.clip(x, 0, 1)) / 255).astype(mean.dtype)
