"""Likelihoods whose scale is learned: the decoder returns it beside the mean, for each number.

The first half of the channels of a is the mean, the second the logarithm of the scale. What a
likelihood has to do stands in likelihoods.py.
"""

from dataclasses import dataclass
from math import inf, log, pi
from typing import ClassVar

import numpy as np

from .checks.arguments import number
from .core import Array, channel_axis, check
from .kernels.plain import softplus
from .likelihoods import per_sample
from .losses import batch_size, gaussian_nll


def discretised_logistic_nll(
    mean: Array, logscale: Array, t: Array
) -> tuple[float, tuple[Array, Array]]:
    """-log P(t) of grey levels t in 0, 1/255 … 1, with its gradients in mean and logscale.

    A logistic variable X, P(X < x) = σ((x - mean)/s) with s = exp logscale, is rounded to the
    nearest level; what lies outside of [0, 1] becomes 0 or 1. With h = 1/510, half a level,

        u = (t + h - mean)/s        l = (t - h - mean)/s        w = u - l = 2 h/s

        log P(t) = log (σ(u) - σ(l)) = log σ(u) + log σ(-l) + log (1 - e^-w)
        ∂ log P/∂mean     = -(1/s) (σ(-u) - σ(l))
        ∂ log P/∂logscale = -u σ(-u) + l σ(l) - w/(e^w - 1)

    Written as three logarithms it loses no digits, however far off the mean is. For t = 0, which
    has no lower end, only the terms of u are left, and only those of l for t = 1.

    Source: Salimans et al., PixelCNN++ (2017), §2.1, with a mixture of one.
    """
    N = batch_size("discretised_logistic_nll mean", mean)
    check("discretised_logistic_nll logscale", logscale, mean.shape, mean.dtype)
    check("discretised_logistic_nll t", t, mean.shape, mean.dtype)
    log_p, (dmean, dlogscale) = _log_level(mean, logscale, t)
    return -float(log_p.sum()) / N, (dmean / -N, dlogscale / -N)


def _log_level(mean: Array, logscale: Array, t: Array) -> tuple[Array, tuple[Array, Array]]:
    """Return log P(t) of every entry, and its derivatives: see discretised_logistic_nll."""
    h, precision = 1 / 510, np.exp(-logscale)
    upper, lower = t < 1 - h, t > h  # whether there is an upper and a lower end
    u, l, w = (t + h - mean) * precision, (t - h - mean) * precision, 2 * h * precision  # noqa: E741
    above, du = softplus_and_slope(-u)  # -log σ(u), σ(-u)
    below, dl = softplus_and_slope(l)
    du, dl, both = upper * du, lower * dl, upper & lower
    width = np.maximum(-np.expm1(-w), np.finfo(w.dtype).tiny)  # 1 - e^-w
    log_p = both * np.log(width) - upper * above - lower * below
    return log_p, (precision * (dl - du), l * dl - u * du - both * w * np.exp(-w) / width)


def softplus_and_slope(x: Array) -> tuple[Array, Array]:
    """Return log(1 + eˣ) and its derivative σ(x): nothing overflows, and nothing branches."""
    e = np.exp(-np.abs(x))
    return np.maximum(x, 0) + np.log1p(e), np.exp(np.minimum(x, 0)) / (1 + e)


def halves(a: Array) -> tuple[Array, Array]:
    """Return the first and the second half of the channels."""
    first, second = np.split(a, 2, channel_axis(a.shape[:-1]))
    return first, second


def joined(first: Array, second: Array) -> Array:
    """Return what `halves` takes apart."""
    return np.concatenate([first, second], channel_axis(first.shape[:-1]))


def with_floor(b: Array, floor: float) -> tuple[Array, Array]:
    """Return log(floor + e^b), a logarithm that has a least value, and its derivative by b.

    Without a floor a scale that is learned would shrink for ever where x is constant, such as in
    the black border of an image. The derivative σ(b - log floor) never vanishes altogether.
    """
    above, slope = softplus_and_slope(b - log(floor))
    return log(floor) + above, slope


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
        return per_sample(_log_level(mean, logscale, t)[0])

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
