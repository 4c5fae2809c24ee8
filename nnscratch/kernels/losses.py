"""The Bernoulli likelihood in one pass."""

from math import log

from ..core import Array
from .jit import kernel

BLOCK = 64
"""Factors a product: each lies in [1, 2], so it stays below 2⁶⁴, far from float32's 2¹²⁸."""


@kernel
def bernoulli_nll(a: Array, t: Array, e: Array, scale: float, da: Array) -> float:
    """Return Σ_n softplus(a_n) - t_n a_n, and da_n = scale (σ(a_n) - t_n), all flat.

    `e` holds exp(-|a|), from which everything else follows without overflow:

        softplus(a) = max(a, 0) + log(1 + e)
        σ(a)        = 1/(1 + e) where a ≥ 0, e/(1 + e) elsewhere

    A sum of logarithms is the logarithm of a product: one `log` serves BLOCK entries. The sums have
    a loop of their own, see jit.py.
    """
    zero, one, s = a.dtype.type(0), a.dtype.type(1), a.dtype.type(scale)
    total = 0.0
    for start in range(0, a.size, BLOCK):
        stop = min(start + BLOCK, a.size)
        an, tn, en, dn = a[start:stop], t[start:stop], e[start:stop], da[start:stop]
        product, linear = one, zero
        for n in range(an.size):
            product *= one + en[n]
            linear += (an[n] if an[n] >= zero else zero) - tn[n] * an[n]
        for n in range(an.size):
            dn[n] = s * ((one if an[n] >= zero else en[n]) / (one + en[n]) - tn[n])
        total += float(linear) + log(product)
    return total
