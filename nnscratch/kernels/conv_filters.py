"""The gradients of a convolution's filters and bias: products of dy with shifted copies of x.

    dw[f, c, k, j] += Σ_{h, m, n} dy[f, h, m, n] x[c, h·SH - PH + k·DH, m·SW - PW + j·DW, n]

First x is laid out anew, in planes that have its border of zeros and whose columns are sorted by
their phase modulo the stride (`spread`). Then row h of dy meets, whatever tap, stride and padding,
a run of OW·N numbers that are neighbours in memory: a tap is the offset of that run, no more.
"""

from typing import Any

from ..core import Array, IntArray
from .machine.jit import inlined, kernel
from .machine.simd import (
    fma,
    load,
    load_part,
    load_up_to,
    size_of_vector,
    store,
    store_part,
    total,
    zero,
)

L1 = 24_000
"""Bytes of dy and x that every tap visits before the next block of rows is begun."""

BLOCK = 1024
"""Numbers of a row that are written and then added up."""


@kernel
def spread(x: Array, top: int, left: int, SW: int, planes: Array) -> None:
    """planes[c, i, phase, m, :] = x[c, i - top, m·SW + phase - left, :], 0 where there is none.

    x  (C, H, W, N)      planes  (C, ROWS, SW, COLUMNS, N)
    """
    C, H, W, N = x.shape
    _, ROWS, _, COLUMNS, _ = planes.shape
    V = size_of_vector(x)
    source, out = x.reshape(x.size), planes.reshape(planes.size)
    for c in range(C):
        for i in range(ROWS):
            for phase in range(SW):
                q = ((c * ROWS + i) * SW + phase) * COLUMNS * N
                for m in range(phase - left, phase - left + COLUMNS * SW, SW):
                    p = ((c * H + i - top) * W + m) * N
                    inside = 0 <= i - top < H and 0 <= m < W
                    for n in range(0, N, V):
                        u = load_part(source, p + n, N - n if inside else 0)
                        store_part(out, q + n, u, N - n)
                    q += N


@kernel
def correlate_filters(
    planes: Array,
    offsets: IntArray,
    CHANNELS: int,
    ROW_STEP: int,
    dy: Array,
    sums: Array,
    dw: Array,
    targets: IntArray,
    F_STEP: int,
    C_STEP: int,
) -> None:
    """dw[f, c, t] += Σ_{h, m} dy[f, h, m] planes[c, offsets[t] + h·ROW_STEP + m], all f, c, t.

    m runs over the columns and samples of a row. Four filters by three taps of sums stay in
    registers for a block of rows; between blocks they wait in `sums`. Beyond the last filter or tap
    the tile repeats it. A pass over dy serves the taps of CHANNELS channels.

        planes            (C, …)
        dy                (F, OH, OW, N)
        dw                flat: dw[f, c, t] is at f·F_STEP + c·C_STEP + targets[t]
        offsets, targets  (CHANNELS·taps,)
        sums              flat: 4 vectors a tap, taps rounded up to a multiple of 3
    """
    (F, OH, OW, N), C = dy.shape, planes.shape[0]
    V = size_of_vector(dy)
    ROW, PLANE = OW * N, planes.size // C
    whole = ROW // V * V
    three, four = planes.reshape(planes.size), dy.reshape(dy.size)
    block = max(1, L1 // ((4 * ROW + CHANNELS * ROW_STEP) * dy.itemsize))
    for f in range(0, F, 4):
        f1 = (min(f + 1, F - 1) - f) * OH * ROW
        f2 = (min(f + 2, F - 1) - f) * OH * ROW
        f3 = (min(f + 3, F - 1) - f) * OH * ROW
        for c in range(0, C, CHANNELS):
            T = offsets.size // CHANNELS * min(CHANNELS, C - c)
            for at in range(0, sums.size, V):
                store(sums, at, zero(sums))
            # A block of rows of dy and x stays in L1 while all taps, three at a time, visit it.
            for top in range(0, OH, block):
                for t in range(0, T, 3):
                    # The sums of three taps by four filters, as the last block has left them.
                    at = t * 4 * V
                    s0, t0, u0 = load(sums, at), load(sums, at + V), load(sums, at + 2 * V)
                    at += 3 * V
                    s1, t1, u1 = load(sums, at), load(sums, at + V), load(sums, at + 2 * V)
                    at += 3 * V
                    s2, t2, u2 = load(sums, at), load(sums, at + V), load(sums, at + 2 * V)
                    at += 3 * V
                    s3, t3, u3 = load(sums, at), load(sums, at + V), load(sums, at + 2 * V)
                    # Row h of dy begins at p; what the taps meet of x begins at q, r and s.
                    for h in range(top, min(top + block, OH)):
                        p = (f * OH + h) * ROW
                        at = c * PLANE + h * ROW_STEP
                        q = at + offsets[t]
                        r = at + offsets[min(t + 1, T - 1)]
                        s = at + offsets[min(t + 2, T - 1)]
                        here = s0, t0, u0, s1, t1, u1, s2, t2, u2, s3, t3, u3
                        for m in range(0, whole, V):
                            three_at = q + m, r + m, s + m
                            four_at = p + m, p + f1 + m, p + f2 + m, p + f3 + m
                            here = twelve(three, three_at, four, four_at, V, here)
                        if whole < ROW:
                            three_at = q + whole, r + whole, s + whole
                            m = p + whole
                            four_at = m, m + f1, m + f2, m + f3
                            here = twelve(three, three_at, four, four_at, ROW - whole, here)
                        s0, t0, u0, s1, t1, u1, s2, t2, u2, s3, t3, u3 = here
                    # They wait in memory for the next block of rows.
                    at = t * 4 * V
                    store(sums, at, s0)
                    store(sums, at + V, t0)
                    store(sums, at + 2 * V, u0)
                    store(sums, at + 3 * V, s1)
                    store(sums, at + 4 * V, t1)
                    store(sums, at + 5 * V, u1)
                    store(sums, at + 6 * V, s2)
                    store(sums, at + 7 * V, t2)
                    store(sums, at + 8 * V, u2)
                    store(sums, at + 9 * V, s3)
                    store(sums, at + 10 * V, t3)
                    store(sums, at + 11 * V, u3)
            # The lanes of each sum are added up: that is the gradient of one number of w.
            for t in range(T):
                for i in range(min(4, F - f)):
                    at = (t // 3 * 12 + i * 3 + t % 3) * V
                    dw[(f + i) * F_STEP + c * C_STEP + targets[t]] += total(load(sums, at))


@inlined
def twelve(x: Array, q: Any, dy: Array, p: Any, n: int, sums: Any) -> Any:
    """Return sums + dy x, four places p by three places q; of the vectors there n lanes count."""
    (q0, q1, q2), (p0, p1, p2, p3) = q, p
    s0, t0, u0, s1, t1, u1, s2, t2, u2, s3, t3, u3 = sums
    v0, v1, v2 = load_up_to(x, q0, n), load_up_to(x, q1, n), load_up_to(x, q2, n)
    a = load_up_to(dy, p0, n)
    s0, t0, u0 = fma(a, v0, s0), fma(a, v1, t0), fma(a, v2, u0)
    a = load_up_to(dy, p1, n)
    s1, t1, u1 = fma(a, v0, s1), fma(a, v1, t1), fma(a, v2, u1)
    a = load_up_to(dy, p2, n)
    s2, t2, u2 = fma(a, v0, s2), fma(a, v1, t2), fma(a, v2, u2)
    a = load_up_to(dy, p3, n)
    s3, t3, u3 = fma(a, v0, s3), fma(a, v1, t3), fma(a, v2, u3)
    return s0, t0, u0, s1, t1, u1, s2, t2, u2, s3, t3, u3


@kernel
def bias_gradient_kernel(dy: Array, db: Array) -> None:
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
def rectified_bias_gradient_kernel(dy: Array, y: Array, da: Array, db: Array) -> None:
    """da = dy [y > 0], the gradient before the rectifier, and db[f] += Σ_m da[f, m].

    One pass over memory: a block is added up while it is in L1, in a loop of its own (jit.py).

    dy, y, da  (F, M)      db  (F,)
    """
    nothing = dy.dtype.type(0)
    for f in range(db.size):
        s = db[f]
        for start in range(0, dy.shape[1], BLOCK):
            block = slice(start, min(start + BLOCK, dy.shape[1]))
            row, gate, out = dy[f, block], y[f, block], da[f, block]
            for m in range(row.size):
                out[m] = row[m] if gate[m] > nothing else nothing
            for m in range(row.size):
                s += out[m]
        db[f] = s
