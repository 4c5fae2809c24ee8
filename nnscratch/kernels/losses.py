"""The Bernoulli likelihood in one pass."""

from math import log

from ..core import Array, IntArray
from .machine.exponential import exponential
from .machine.fork_join import BLOCK, next_block, parallel
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


@parallel
def bernoulli_nll(
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
