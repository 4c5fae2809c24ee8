"""A sparse matrix applied to the pixels of every image: average pooling, upsampling, padding.

    y[c, r, n] = Σ_p M[r, p] x[c, p, n]          p, r number the pixels of x and y, row by row

What all of these share is one small matrix, the same for every channel and sample. The transpose,
dx = Mᵀ dy, is the same kernel given Mᵀ.
"""

from ..core import Array, IntArray
from .machine.jit import kernel
from .machine.simd import fma, load_up_to, size_of_vector, splat, store_up_to, zero


@kernel
def resample(x: Array, starts: IntArray, pixels: IntArray, weights: Array, y: Array) -> None:
    """The sum above; row r of M is weights[t] at pixels[t] for starts[r] ≤ t < starts[r + 1].

    x  (C, P, N)      starts           (R + 1,)
    y  (C, R, N)      pixels, weights  one entry for each M[r, p] ≠ 0
    """
    (C, P, N), R = x.shape, y.shape[1]
    V = size_of_vector(x)
    source, out = x.reshape(x.size), y.reshape(y.size)
    for c in range(C):
        for r in range(R):
            at, first = (c * R + r) * N, c * P * N
            for n in range(0, N, 2 * V):
                s0, s1, left = zero(out), zero(out), N - n
                for t in range(starts[r], starts[r + 1]):
                    p, w = first + pixels[t] * N + n, splat(weights, t)
                    s0 = fma(w, load_up_to(source, p, left), s0)
                    s1 = fma(w, load_up_to(source, p + V, left - V), s1)
                store_up_to(out, at + n, s0, left)
                store_up_to(out, at + n + V, s1, left - V)
