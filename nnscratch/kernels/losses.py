"""The Bernoulli likelihood in one pass."""

from math import log

from ..core import Array, IntArray
from .jit import kernel
from .team import BLOCK, claim_block, shared

FACTORS = 64
"""Factors a product: each lies in [1, 2], so it stays below 2⁶⁴, far from float32's 2¹²⁸."""


@kernel
def bernoulli_nll(
    a: Array,
    t: Array,
    e: Array,
    scale: float,
    da: Array,
    sums: Array,
    team: IntArray,
) -> None:
    """sums = Σ_n softplus(a_n) - t_n a_n block by block, da_n = scale (σ(a_n) - t_n), all flat.

    `e` holds exp(-|a|), from which everything else follows without overflow:

        softplus(a) = max(a, 0) + log(1 + e)
        σ(a)        = 1/(1 + e) where a ≥ 0, e/(1 + e) elsewhere

    A sum of logarithms is the logarithm of a product: one `log` serves FACTORS entries. The sums
    have a loop of their own, see jit.py.
    """
    _bernoulli_nll(a, t, e, scale, da, sums, team)


@shared
def _bernoulli_nll(
    a: Array,
    t: Array,
    e: Array,
    scale: float,
    da: Array,
    sums: Array,
    team: IntArray,
    me: int,
) -> None:
    zero, one, s = a.dtype.type(0), a.dtype.type(1), a.dtype.type(scale)
    first, last = claim_block(team, me, 0, a.size)
    while first < a.size:
        total = 0.0
        for start in range(first, last, FACTORS):
            stop = min(start + FACTORS, last)
            an, tn, en, dn = a[start:stop], t[start:stop], e[start:stop], da[start:stop]
            product, linear = one, zero
            for n in range(an.size):
                product *= one + en[n]
                linear += (an[n] if an[n] >= zero else zero) - tn[n] * an[n]
            for n in range(an.size):
                dn[n] = s * ((one if an[n] >= zero else en[n]) / (one + en[n]) - tn[n])
            total += float(linear) + log(product)
        sums[first // BLOCK] = total
        first, last = claim_block(team, me, 0, a.size)
