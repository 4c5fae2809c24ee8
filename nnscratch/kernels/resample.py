"""A linear map of the rows and columns of images: what average pooling and upsampling are.

    y[c, h, l, n] = Σ_{i, j} A[h, i] B[l, j] x[c, i, j, n]        y = A x Bᵀ for every c and n

A and B are banded: of their rows only a few neighbours are not zero, and only those are visited, so
a NaN reaches no further than it should. The transpose, dx = Aᵀ dy B, is the same kernel.
"""

from ..core import Array, IntArray
from .jit import kernel
from .simd import BYTES, fma, load, splat, store, zero


@kernel
def resample(x: Array, A: Array, rows: IntArray, B: Array, columns: IntArray, y: Array) -> None:
    """The sum above, where A[h, i] = 0 unless rows[h, 0] ≤ i < rows[h, 1]; B and columns likewise.

    x  (C, H, W, N), N a multiple of a vector      A  (OH, H)      rows     (OH, 2)
    y  (C, OH, OW, N)                              B  (OW, W)      columns  (OW, 2)
    """
    C, H, W, N = x.shape
    _, OH, OW, _ = y.shape
    V = BYTES // x.itemsize
    source, out = x.reshape(x.size), y.reshape(y.size)
    a, b = A.reshape(A.size), B.reshape(B.size)
    for c in range(C):
        for h in range(OH):
            for l in range(OW):
                at = ((c * OH + h) * OW + l) * N
                for n in range(0, N, V):
                    total = zero(out)
                    for i in range(rows[h, 0], rows[h, 1]):
                        of_row = zero(out)
                        for j in range(columns[l, 0], columns[l, 1]):
                            v = load(source, ((c * H + i) * W + j) * N + n)
                            of_row = fma(splat(b, l * W + j), v, of_row)
                        total = fma(splat(a, h * H + i), of_row, total)
                    store(out, at + n, total)
