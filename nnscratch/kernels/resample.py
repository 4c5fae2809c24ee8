"""A sparse matrix applied to the pixels of every image: average pooling, upsampling, padding.

    y[c, r, n] = Σ_p M[r, p] x[c, p, n]          p, r number the pixels of x and y, row by row

What all of these share is one small matrix, the same for every channel and sample. The transpose,
dx = Mᵀ dy, is the same kernel given Mᵀ.
"""

from ..core import Array, IntArray
from ..processor import BYTES
from .jit import kernel
from .simd import fma, load, splat, store, zero


@kernel
def resample(x: Array, starts: IntArray, pixels: IntArray, weights: Array, y: Array) -> None:
    """The sum above; row r of M is weights[t] at pixels[t] for starts[r] ≤ t < starts[r + 1].

    x  (C, P, N), N a multiple of two vectors      starts           (R + 1,)
    y  (C, R, N)                                   pixels, weights  one entry for each M[r, p] ≠ 0
    """
    (C, P, N), R = x.shape, y.shape[1]
    V = BYTES // x.itemsize
    source, out = x.reshape(x.size), y.reshape(y.size)
    for c in range(C):
        for r in range(R):
            at = (c * R + r) * N
            for n in range(0, N, 2 * V):
                s0, s1 = zero(out), zero(out)
                for t in range(starts[r], starts[r + 1]):
                    p = (c * P + pixels[t]) * N + n
                    w = splat(weights, t)
                    s0, s1 = fma(w, load(source, p), s0), fma(w, load(source, p + V), s1)
                store(out, at + n, s0)
                store(out, at + n + V, s1)
