"""The three matrix products of a dense layer: w x + b, dw += dy xᵀ and wᵀ dy.

BLAS would return the bare product, and adding to it is another pass over memory; for dw that is a
temporary as large as the weights. In `add_product` the sums start from what is there. The third
product stands alone: it is BLAS's. And products so small that calling BLAS is most of the work are
loops.
"""

import numpy as np

from ..core import Array
from .jit import brief_kernel, kernel
from .simd import BYTES, fma, load, splat, store

ROWS = 6
"""Rows of a tile, see `add_product`."""

MANY_ROWS, MANY_COLUMNS = 64, 32
"""A product of this size or larger is one for `add_product`: with fewer rows, packing the other
factor costs too much of it; with fewer columns, the padding of the last tile."""

SMALL = 2**17
"""Up to so many multiplications, some 15 µs, a product is done by loops that keep the GIL."""


def affine(w: Array, x: Array, b: Array | None) -> Array:
    """Return y_mn = b_m + Σ_d w_md x_dn."""
    M, N = len(w), x.shape[1]
    small = w.size * N <= SMALL
    if not compiled(w) or not (small or (M >= MANY_ROWS and N >= MANY_COLUMNS)):
        y = w @ x
        if b is not None:
            y += b[:, None]
        return y
    y = np.empty((M, N), w.dtype)
    bias = np.zeros(M, w.dtype) if b is None else np.ascontiguousarray(b)
    if small:
        small_affine(w, np.ascontiguousarray(x), bias, y)
    else:
        add_product(w, x.ravel(), N, 1, bias, y, False)
    return y


def add_outer(dy: Array, x: Array, dw: Array, db: Array | None) -> None:
    """dw_md += Σ_n dy_mn x_dn and db_m += Σ_n dy_mn."""
    M, N = dy.shape
    if not compiled(dw):
        dw += dy @ x.T
        if db is not None:
            db += dy.sum(axis=1)
        return
    dy = np.ascontiguousarray(dy)
    if dw.size * N <= SMALL:
        add_small_outer(dy, np.ascontiguousarray(x), dw)
    elif M >= MANY_ROWS:
        add_product(dy, x.ravel(), 1, N, dw[0, :0], dw, True)
    else:
        dw += dy @ x.T
    if db is not None:
        add_rows(dy, db)


def adjoint(w: Array, dy: Array) -> Array:
    """Return dx_dn = Σ_m w_md dy_mn."""
    if not compiled(w) or w.size * dy.shape[1] > SMALL:
        return w.T @ dy
    dx = np.zeros((w.shape[1], dy.shape[1]), w.dtype)
    add_small_adjoint(w, np.ascontiguousarray(dy), dx)
    return dx


def compiled(w: Array) -> bool:
    """Is this a matrix for kernels, real and contiguous?"""
    return w.dtype.char in "fd" and w.flags.c_contiguous


@brief_kernel
def small_affine(w: Array, x: Array, bias: Array, y: Array) -> None:
    """y_mn = bias_m + Σ_d w_md x_dn."""
    (M, D), N = w.shape, x.shape[1]
    for m in range(M):
        ym = y[m]
        for n in range(N):
            ym[n] = bias[m]
        for d in range(D):
            s, xd = w[m, d], x[d]
            for n in range(N):
                ym[n] += s * xd[n]


@brief_kernel
def add_small_outer(dy: Array, x: Array, dw: Array) -> None:
    """dw_md += Σ_n dy_mn x_dn."""
    (M, D), N = dw.shape, x.shape[1]
    for m in range(M):
        dym = dy[m]
        for d in range(D):
            total, xd = dw.dtype.type(0), x[d]
            for n in range(N):
                total += dym[n] * xd[n]
            dw[m, d] += total


@brief_kernel
def add_small_adjoint(w: Array, dy: Array, dx: Array) -> None:
    """dx_dn += Σ_m w_md dy_mn."""
    (M, D), N = w.shape, dy.shape[1]
    for d in range(D):
        dxd = dx[d]
        for m in range(M):
            s, dym = w[m, d], dy[m]
            for n in range(N):
                dxd[n] += s * dym[n]


@brief_kernel
def add_rows(dy: Array, db: Array) -> None:
    """db_m += Σ_n dy_mn."""
    M, N = dy.shape
    for m in range(M):
        total, dym = db.dtype.type(0), dy[m]
        for n in range(N):
            total += dym[n]
        db[m] += total


@kernel
def pack(b: Array, K: int, K_STEP: int, N: int, N_STEP: int) -> Array:
    """Return a matrix B (K, N) as panels (P, K, S), each as wide as a tile.

    packed[p,k,s] = B_kn = b[k K_STEP + n N_STEP] with n = p S + s, and 0 where n ≥ N.
    """
    S = 2 * BYTES // b.itemsize
    P = -(-N // S)
    packed = np.empty((P, K, S), b.dtype)
    for p in range(P):
        for k in range(K):
            row, start = packed[p, k], k * K_STEP + p * S * N_STEP
            if p * S + S <= N:
                for s in range(S):
                    row[s] = b[start + s * N_STEP]
            else:
                for s in range(S):
                    row[s] = b[start + s * N_STEP] if p * S + s < N else 0
    return packed


@kernel
def add_product(
    a: Array, b: Array, K_STEP: int, N_STEP: int, bias: Array, c: Array, accumulate: bool
) -> None:
    """c_mn = (c_mn if accumulate else bias_m) + Σ_k a_mk B_kn, B_kn = b[k K_STEP + n N_STEP].

    A tile of c, 6 rows by 2 vectors, stays in registers while k runs from end to end. A core adds
    two vectors of products a cycle and has each sum back after four: 8 sums must be under way.
    With 12 of them, 2 vectors of B and one number of a, 15 of the 16 registers are in use, and
    8 loads feed 12 products: the multipliers are what it waits for, not memory.

    At the border rows are computed twice and columns are padding; `edge` holds such a tile, and
    what exists of it is copied.
    """
    (M, N), K = c.shape, a.shape[1]
    packed = pack(b, K, K_STEP, N, N_STEP)
    A, B, C = a.reshape(a.size), packed.reshape(packed.size), c.reshape(c.size)
    V = BYTES // c.itemsize
    S = 2 * V
    edge = np.zeros(ROWS * S, c.dtype)
    for m in range(0, M, ROWS):
        m1, m2, m3 = min(m + 1, M - 1), min(m + 2, M - 1), min(m + 3, M - 1)
        m4, m5 = min(m + 4, M - 1), min(m + 5, M - 1)
        for n in range(0, N, S):
            inside = m + ROWS <= M and n + S <= N
            out, r0, STEP = (C, m * N + n, N) if inside else (edge, 0, S)
            r1, r2, r3 = r0 + STEP, r0 + 2 * STEP, r0 + 3 * STEP
            r4, r5 = r0 + 4 * STEP, r0 + 5 * STEP
            if accumulate:
                if not inside:
                    for r in range(min(ROWS, M - m)):
                        for s in range(min(S, N - n)):
                            edge[r * S + s] = c[m + r, n + s]
                u0, v0 = load(out, r0), load(out, r0 + V)
                u1, v1 = load(out, r1), load(out, r1 + V)
                u2, v2 = load(out, r2), load(out, r2 + V)
                u3, v3 = load(out, r3), load(out, r3 + V)
                u4, v4 = load(out, r4), load(out, r4 + V)
                u5, v5 = load(out, r5), load(out, r5 + V)
            else:
                u0 = v0 = splat(bias, m)
                u1 = v1 = splat(bias, m1)
                u2 = v2 = splat(bias, m2)
                u3 = v3 = splat(bias, m3)
                u4 = v4 = splat(bias, m4)
                u5 = v5 = splat(bias, m5)
            p = n * K
            for k in range(K):
                u, v = load(B, p), load(B, p + V)
                s0 = splat(A, m * K + k)
                u0, v0 = fma(s0, u, u0), fma(s0, v, v0)
                s1 = splat(A, m1 * K + k)
                u1, v1 = fma(s1, u, u1), fma(s1, v, v1)
                s2 = splat(A, m2 * K + k)
                u2, v2 = fma(s2, u, u2), fma(s2, v, v2)
                s3 = splat(A, m3 * K + k)
                u3, v3 = fma(s3, u, u3), fma(s3, v, v3)
                s4 = splat(A, m4 * K + k)
                u4, v4 = fma(s4, u, u4), fma(s4, v, v4)
                s5 = splat(A, m5 * K + k)
                u5, v5 = fma(s5, u, u5), fma(s5, v, v5)
                p += S
            store(out, r0, u0)
            store(out, r1, u1)
            store(out, r2, u2)
            store(out, r3, u3)
            store(out, r4, u4)
            store(out, r5, u5)
            store(out, r0 + V, v0)
            store(out, r1 + V, v1)
            store(out, r2 + V, v2)
            store(out, r3 + V, v3)
            store(out, r4 + V, v4)
            store(out, r5 + V, v5)
            if not inside:
                for r in range(min(ROWS, M - m)):
                    for s in range(min(S, N - n)):
                        c[m + r, n + s] = edge[r * S + s]
