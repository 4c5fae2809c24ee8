"""The Bernoulli likelihood of each sample by itself; losses.py has the formulas."""

from math import gcd, log

import numpy as np

from ..core import Array, IntArray
from .losses import FACTORS
from .machine.exponential import constants, exponential
from .machine.fork_join import next_piece, parallel
from .machine.helpers import workers_for
from .machine.processor import BYTES
from .machine.simd import (
    add,
    divide,
    fma,
    load,
    load_up_to,
    relu,
    size_of_vector,
    splat,
    store,
    store_up_to,
    where_larger,
    zero,
)

ROWS = 56
"""Rows a piece of work where samples have sums of their own: no more than FACTORS."""


def bernoulli_log_prob(a: Array, t: Array) -> Array:
    """Return Σ t a - softplus(a) of each column (N,), for a, t (…, N)."""
    N = a.shape[-1]
    pieces, V = -(-N // (2 * BYTES // a.itemsize)), BYTES // a.itemsize
    sums, scratch = np.zeros(2 * V * pieces), np.empty(4 * V * pieces, a.dtype)
    numbers, c = np.array([1, -1], a.dtype), constants(a.dtype)
    flat = a.ravel(), t.ravel(), numbers, c, sums, scratch
    bernoulli_log_prob_kernel(*flat, N, workers_for(a.size))
    return sums[:N]


@parallel
def bernoulli_log_prob_kernel(
    a: Array,
    t: Array,
    numbers: Array,
    c: Array,
    sums: Array,
    scratch: Array,
    N: int,
    workers: IntArray,
    me: int,
) -> None:
    """sums_n += Σ_d t_dn a_dn - softplus(a_dn), two vectors of columns at a time.

    Each column has its product in a register; after FACTORS rows its logarithm is taken.

        a, t  (D, N), flat      numbers  1, -1      c  of the exponential
        sums  N, up to whole pieces of two vectors      scratch  twice as many
    """
    V = size_of_vector(a)
    one, minus, nothing = splat(numbers, 0), splat(numbers, 1), zero(c)
    D, pieces = a.size // N, (N + 2 * V - 1) // (2 * V)
    piece = next_piece(workers, me, pieces)
    while piece < pieces:
        first, room = piece * 2 * V, piece * 4 * V
        left = N - first
        for start in range(0, D, FACTORS):
            product, product2, linear, linear2 = one, one, nothing, nothing
            for d in range(start, min(start + FACTORS, D)):
                at = d * N + first
                an, tn = load_up_to(a, at, left), load_up_to(t, at, left)
                e = exponential(where_larger(an, nothing, fma(minus, an, nothing), an), c)
                product = fma(product, add(one, e), nothing)
                linear = fma(tn, an, fma(minus, relu(an), linear))
                an, tn = load_up_to(a, at + V, left - V), load_up_to(t, at + V, left - V)
                e = exponential(where_larger(an, nothing, fma(minus, an, nothing), an), c)
                product2 = fma(product2, add(one, e), nothing)
                linear2 = fma(tn, an, fma(minus, relu(an), linear2))
            store(scratch, room, product)
            store(scratch, room + V, product2)
            store(scratch, room + 2 * V, linear)
            store(scratch, room + 3 * V, linear2)
            for n in range(2 * V):
                total = float(scratch[room + 2 * V + n]) - log(float(scratch[room + n]))
                sums[first + n] += total
        piece = next_piece(workers, me, pieces)


def bernoulli_log_prob_and_slope(a: Array, t: Array) -> tuple[Array, Array]:
    """Return Σ t a - softplus(a) of each column (K·N,), and its gradient t - σ(a) as a.

    a (…, K·N), t (…, N): the columns of t are repeated K times, N after N.
    """
    M, N, V = a.shape[-1], t.shape[-1], BYTES // a.itemsize
    # As many copies of t as fill whole vectors: of 20 columns the second vector would have 4.
    t = np.tile(t, min(M // N, V // gcd(N, V)))
    D, P = t.size // t.shape[-1], t.shape[-1]
    pieces, width = -(-D // ROWS), -(-M // V) * V
    da, sums = np.empty(a.shape, a.dtype), np.empty((pieces, width))
    scratch = np.empty(2 * sums.size, a.dtype)
    numbers, c = np.array([1, -1], a.dtype), constants(a.dtype)
    flat = a.ravel(), t.ravel(), numbers, c, da.ravel(), sums.ravel(), scratch
    bernoulli_log_prob_and_slope_kernel(*flat, D, M, P, workers_for(a.size))
    return sums[:, :M].sum(axis=0), da


@parallel
def bernoulli_log_prob_and_slope_kernel(
    a: Array,
    t: Array,
    numbers: Array,
    c: Array,
    da: Array,
    sums: Array,
    scratch: Array,
    D: int,
    M: int,
    P: int,
    workers: IntArray,
    me: int,
) -> None:
    """sums = Σ_d t_dp a_dm - softplus(a_dm) over ROWS rows each, da_dm = t_dp - σ(a_dm), p = m % P.

    The formulas are those of bernoulli_nll_kernel. Here each column keeps a product and a sum of
    its own, in scratch, so that the rows are read as they lie in memory.

        a, da  (D, M), flat     t  (D, P), flat; P is M, or whole vectors
        sums   (pieces, width)  scratch  twice as many; width is M, up to a whole vector
        numbers  1, -1          c  of the exponential
    """
    V = size_of_vector(a)
    one, minus, nothing = splat(numbers, 0), splat(numbers, 1), zero(c)
    width, pieces = (M + V - 1) // V * V, (D + ROWS - 1) // ROWS
    half = pieces * width
    piece = next_piece(workers, me, pieces)
    while piece < pieces:
        start = piece * width
        for i in range(start, start + width, V):
            store(scratch, i, one)
            store(scratch, half + i, nothing)
        for d in range(piece * ROWS, min((piece + 1) * ROWS, D)):
            for first in range(0, M, P):
                left = min(P, M - first)
                for n in range(0, left, V):
                    at, i = d * M + first + n, start + first + n
                    an, tn = load_up_to(a, at, left - n), load_up_to(t, d * P + n, left - n)
                    minus_a = fma(minus, an, nothing)
                    e = exponential(where_larger(an, nothing, minus_a, an), c)
                    factor = add(one, e)
                    store(scratch, i, fma(load(scratch, i), factor, nothing))
                    linear = fma(minus, relu(an), load(scratch, half + i))
                    store(scratch, half + i, fma(tn, an, linear))
                    sigma = divide(where_larger(an, nothing, one, e), factor)
                    store_up_to(da, at, fma(minus, sigma, tn), left - n)
        for i in range(start, start + width):
            sums[i] = float(scratch[half + i]) - log(float(scratch[i]))
        piece = next_piece(workers, me, pieces)
