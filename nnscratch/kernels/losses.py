"""The Bernoulli likelihood in one pass."""

from math import log

import numpy as np

from ..core import Array, IntArray
from .machine.counters import BLOCK
from .machine.exponential import constants, exponential
from .machine.fork_join import next_block, parallel
from .machine.helpers import workers_for
from .machine.processor import BYTES
from .machine.simd import (
    add,
    divide,
    fma,
    load,
    multiplied,
    relu,
    size_of_vector,
    splat,
    store,
    total,
    where_larger,
    zero,
)

FACTORS = 112
"""Factors a product: each lies in [1, 2], so it stays below 2¹¹², where float32 ends at 2¹²⁸."""

NOTHING = -1e3
"""A logit whose exponential is 0: beside the target 0 it adds nothing to a sum."""


def bernoulli_nll(a: Array, t: Array) -> tuple[float, Array]:
    """Return (1/N) Σ softplus(a) - t a, and its gradient (1/N) (σ(a) - t), for a, t (…, N)."""
    N, flat_a, flat_t = a.shape[-1], flat_vectors(a, NOTHING), flat_vectors(t, 0)
    da, sums = np.empty(flat_a.size, a.dtype), np.empty(-(-flat_a.size // BLOCK))
    numbers, c = np.array([1, -1, 1 / N], a.dtype), constants(a.dtype)
    bernoulli_nll_kernel(flat_a, flat_t, numbers, c, da, sums, workers_for(a.size))
    return float(sums.sum()) / N, da[: a.size].reshape(a.shape)


def flat_vectors(x: Array, fill: float) -> Array:
    """Return x's numbers in a row, and as many of these as make the last vector whole."""
    flat, missing = x.ravel(), -x.size % (BYTES // x.itemsize)
    return np.append(flat, np.full(missing, fill, x.dtype)) if missing else flat


@parallel
def bernoulli_nll_kernel(
    a: Array, t: Array, numbers: Array, c: Array, da: Array, sums: Array, workers: IntArray, me: int
) -> None:
    """sums = Σ_n softplus(a_n) - t_n a_n block by block, da_n = scale (σ(a_n) - t_n), all flat.

    With e = exp(-|a|) nothing overflows:

        softplus(a) = max(a, 0) + log(1 + e)
        σ(a)        = 1/(1 + e) where a > 0, e/(1 + e) elsewhere

    A sum of logarithms is the logarithm of a product: one `log` serves FACTORS entries.

        a, t, da  whole vectors      numbers  1, -1, scale      c  of the exponential
        sums      one for each BLOCK of a
    """
    V = size_of_vector(a)
    one, minus, scale, nothing = splat(numbers, 0), splat(numbers, 1), splat(numbers, 2), zero(c)
    step = FACTORS // V * V
    first, last = next_block(workers, me, 0, a.size)
    while first < a.size:
        value = 0.0
        for start in range(first, last, step):
            product, linear = one, nothing
            for n in range(start, min(start + step, last), V):
                an, minus_t = load(a, n), fma(minus, load(t, n), nothing)
                minus_a = fma(minus, an, nothing)
                e = exponential(where_larger(an, nothing, minus_a, an), c)
                factor = add(one, e)
                product = fma(product, factor, nothing)
                linear = add(linear, fma(minus_t, an, relu(an)))
                sigma = divide(where_larger(an, nothing, one, e), factor)
                store(da, n, fma(scale, add(sigma, minus_t), nothing))
            value += float(total(linear)) + log(multiplied(product))
        sums[first // BLOCK] = value
        first, last = next_block(workers, me, 0, a.size)
