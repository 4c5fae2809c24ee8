"""The gradients of a convolution's filters and bias: products of dy with shifted copies of x.

    dw[f, c, k, j] += Σ_{h, l, n} dy[f, h, l, n] x[c, h·SH - PH + k·DH, l·SW - PW + j·DW, n]

Every tap wants the sum over all of dy. Let x first be laid out with its border of zeros, and the
columns sorted by their phase modulo the stride (`spread`). Then row h of dy meets, for every tap,
a run of OW·N numbers that are neighbours in memory, at any stride, and a tap is no more than the
offset of that run. The channels of x and the taps become one list, to be walked in pairs.
"""

from ..core import Array, IntArray
from .jit import kernel
from .simd import BYTES, fma, load, store, total, zero

L1 = 24_000
"""Bytes of dy and x that are visited by every tap before the next block of rows is."""


@kernel
def correlate_filters(
    x: Array,
    dy: Array,
    top: int,
    left: int,
    SH: int,
    SW: int,
    rows: int,
    offsets: IntArray,
    targets: IntArray,
    F_STEP: int,
    C_STEP: int,
    planes: Array,
    sums: Array,
    dw: Array,
) -> None:
    """Add the sum above to dw, where it says f·F_STEP + c·C_STEP + targets[t] for f, c, (k, j).

        x   (C, H, W, N)      planes  flat: one channel of x spread, or two if C is even
        dy  (F, OH, OW, N)    sums    flat: 4 vectors for each of the T taps, T rounded up to even
        dw  flat              offsets, targets  (T,) of the taps of these channels
    """
    channels = 2 - x.shape[0] % 2
    ROW_STEP = SH * (planes.size // (channels * rows))
    for c in range(0, x.shape[0], channels):
        spread(x[c : c + channels], top, left, SW, rows, planes)
        for f in range(0, dy.shape[0], 4):
            sum_products(planes, offsets, ROW_STEP, dy, f, sums)
            for t in range(targets.size):
                for i in range(min(4, dy.shape[0] - f)):
                    at = (f + i) * F_STEP + c * C_STEP + targets[t]
                    dw[at] += total(load(sums, (t * 4 + i) * (BYTES // x.itemsize)))


@kernel
def spread(x: Array, top: int, left: int, SW: int, rows: int, planes: Array) -> None:
    """planes[c, i + top, (l + left) % SW, (l + left) // SW, :] = x[c, i, l, :] where that exists.

    x  (C, H, W, N)      planes  flat, of `rows` rows of SW phases a channel, zeros elsewhere
    """
    C, H, W, N = x.shape
    V = BYTES // x.itemsize
    source = x.reshape(x.size)
    ROW = planes.size // (C * rows)
    PHASE = ROW // SW
    for c in range(C):
        for i in range(max(0, -top), min(H, rows - top)):
            for l in range(max(0, -left), min(W, ROW // N - left)):
                p = ((c * H + i) * W + l) * N
                q = (c * rows + i + top) * ROW + (l + left) % SW * PHASE + (l + left) // SW * N
                for n in range(0, N, V):
                    store(planes, q + n, load(source, p + n))


@kernel
def sum_products(
    planes: Array, offsets: IntArray, ROW_STEP: int, dy: Array, f: int, sums: Array
) -> None:
    """sums[t, i, :] = Σ_{h, m} dy[f + i, h, m] planes[offsets[t] + h·ROW_STEP + m] for i < 4.

    m runs over the columns and samples of a row; a vector of sums is yet to be added up. Four
    filters by two taps stay in registers for a block of rows, between blocks they wait in `sums`.
    Beyond the last filter or tap the tile repeats it.
    """
    F, OH, OW, N = dy.shape
    T = offsets.size
    V = BYTES // dy.itemsize
    ROW = OW * N
    four = dy.reshape(dy.size)
    f1 = (min(f + 1, F - 1) - f) * OH * ROW
    f2 = (min(f + 2, F - 1) - f) * OH * ROW
    f3 = (min(f + 3, F - 1) - f) * OH * ROW
    for at in range(0, sums.size, V):
        store(sums, at, zero(sums))
    block = max(1, L1 // ((4 * ROW + 2 * ROW_STEP) * dy.itemsize))
    for top in range(0, OH, block):
        for t in range(0, T, 2):
            at = t * 4 * V
            s0, s1 = load(sums, at), load(sums, at + V)
            s2, s3 = load(sums, at + 2 * V), load(sums, at + 3 * V)
            t0, t1 = load(sums, at + 4 * V), load(sums, at + 5 * V)
            t2, t3 = load(sums, at + 6 * V), load(sums, at + 7 * V)
            for h in range(top, min(top + block, OH)):
                p = (f * OH + h) * ROW
                q = offsets[t] + h * ROW_STEP
                r = offsets[min(t + 1, T - 1)] + h * ROW_STEP
                for m in range(0, ROW, V):
                    u, v = load(planes, q + m), load(planes, r + m)
                    a = load(four, p + m)
                    s0, t0 = fma(a, u, s0), fma(a, v, t0)
                    a = load(four, p + f1 + m)
                    s1, t1 = fma(a, u, s1), fma(a, v, t1)
                    a = load(four, p + f2 + m)
                    s2, t2 = fma(a, u, s2), fma(a, v, t2)
                    a = load(four, p + f3 + m)
                    s3, t3 = fma(a, u, s3), fma(a, v, t3)
            store(sums, at, s0)
            store(sums, at + V, s1)
            store(sums, at + 2 * V, s2)
            store(sums, at + 3 * V, s3)
            store(sums, at + 4 * V, t0)
            store(sums, at + 5 * V, t1)
            store(sums, at + 6 * V, t2)
            store(sums, at + 7 * V, t3)


@kernel
def bias_gradient(dy: Array, db: Array) -> None:
    """db[f] += Σ_m dy[f, m].

    dy  (F, M)      db  (F,)
    """
    for f in range(db.size):
        s = db[f]
        row = dy[f]
        for m in range(row.size):
            s += row[m]
        db[f] = s


@kernel
def rectified_bias_gradient(dy: Array, y: Array, da: Array, db: Array) -> None:
    """da = dy [y > 0], the gradient before the rectifier, and db[f] += Σ_m da[f, m]; one pass.

    dy, y, da  (F, M)      db  (F,)
    """
    nothing = dy.dtype.type(0)
    for f in range(db.size):
        s = db[f]
        row, gate, out = dy[f], y[f], da[f]
        for m in range(row.size):
            v = row[m] if gate[m] > nothing else nothing
            out[m] = v
            s += v
        db[f] = s
