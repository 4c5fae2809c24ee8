"""Max pooling: the largest of each window, and which of the window it was.

Windows are read from two tables (taps.py): those of a convolution say which pixels a window holds,
those of its adjoint which windows a pixel is in.
"""

from ..core import Array, IntArray
from .jit import kernel
from .simd import BYTES, add, load, splat, store, where_equal, where_larger, zero


@kernel
def max_pool(
    x: Array,
    rows: IntArray,
    columns: IntArray,
    number: Array,
    floor: Array,
    y: Array,
    winner: Array,
) -> None:
    """y[c, h, l, n] = max of x over the window of (h, l), winner[c, h, l, n] the number of its tap.

    Of equal values the first wins, in row-major order; a NaN beats every number, and a NaN before
    it. To begin with `floor` holds (value, number): a candidate that belongs to no pixel.

        x  (C, H, W, N), N a multiple of a vector      y, winner  (C, OH, OW, N)
        rows, columns  `Taps.runs`                     number     (KH, KW), each tap's own, as floats
    """
    C, H, W, N = x.shape
    _, OH, OW, _ = y.shape
    KW = number.shape[1]
    V = BYTES // x.itemsize
    source, out, which = x.reshape(x.size), y.reshape(y.size), winner.reshape(winner.size)
    numbers = number.reshape(number.size)
    for c in range(C):
        for h in range(OH):
            k, ROWS, top = rows[h]
            for l in range(OW):
                j, COLUMNS, left = columns[l]
                at = ((c * OH + h) * OW + l) * N
                p = ((c * H + top) * W + left) * N
                for n in range(0, N, V):
                    best, tap = splat(floor, 0), splat(floor, 1)
                    for r in range(ROWS):
                        for s in range(COLUMNS):
                            v = load(source, p + (r * W + s) * N + n)
                            tap = where_larger(v, best, splat(numbers, (k + r) * KW + j + s), tap)
                            best = where_larger(v, best, v, best)
                    store(out, at + n, best)
                    store(which, at + n, tap)


@kernel
def max_pool_dx(
    dy: Array, winner: Array, rows: IntArray, columns: IntArray, number: Array, dx: Array
) -> None:
    """dx[c, i, m, n] = Σ dy over the windows that pixel (i, m) has won.

    dy, winner     (C, OH, OW, N)               dx      (C, H, W, N)
    rows, columns  `Taps.runs` of the adjoint   number  (KH, KW), in the order of the adjoint's taps
    """
    C, H, W, N = dx.shape
    _, OH, OW, _ = dy.shape
    KW = number.shape[1]
    V = BYTES // dy.itemsize
    source, out, which = dy.reshape(dy.size), dx.reshape(dx.size), winner.reshape(winner.size)
    numbers = number.reshape(number.size)
    for c in range(C):
        for i in range(H):
            k, ROWS, top = rows[i]
            for m in range(W):
                j, COLUMNS, left = columns[m]
                at = ((c * H + i) * W + m) * N
                p = ((c * OH + top) * OW + left) * N
                for n in range(0, N, V):
                    sum_ = zero(out)
                    for r in range(ROWS):
                        for s in range(COLUMNS):
                            q = p + (r * OW + s) * N + n
                            tap = splat(numbers, (k + r) * KW + j + s)
                            won = where_equal(load(which, q), tap, load(source, q))
                            sum_ = add(sum_, won)
                    store(out, at + n, sum_)
