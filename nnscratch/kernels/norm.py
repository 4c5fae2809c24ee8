"""Normalisation of each sample by itself, a group of its channels at a time.

A group of C channels of P numbers has one mean and one variance for each sample n, over K = C·P
numbers: with r_n = (σ²_n + ε)^-½

    x̂_cpn = r_n (x_cpn - μ_n)          y_cpn = γ_c x̂_cpn + β_c

Operation by operation, as in plain_images.py, memory would see a dozen arrays as large as x.
Here a row of N samples is added to N sums: three passes over x forward, two over x and dy backward.

    x, y, dy, dx       (G, C, P, N)
    gamma, beta, …     (G, C)
    mean, r            (G, N)
"""

import numpy as np

from ..core import Array
from .machine.jit import kernel


def normalise(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, Array, Array]:
    """Return y, the mean and r: see plain_images.py."""
    G, _, _, N = x.shape
    x = np.ascontiguousarray(x)
    y, (mean, r) = np.empty_like(x), np.empty((2, G, N), x.dtype)
    normalise_kernel(x, gamma, beta, eps, y, mean, r)
    return y, mean, r


def normalise_backward(
    dy: Array, x: Array, gamma: Array, mean: Array, r: Array, dgamma: Array, dbeta: Array
) -> Array:
    """Return dx, and add to dgamma and dbeta: see plain_images.py."""
    dy, x = np.ascontiguousarray(dy), np.ascontiguousarray(x)
    dx, sums = np.empty_like(x), np.empty((4, x.shape[-1]), x.dtype)
    normalise_backward_kernel(dy, x, gamma, mean, r, sums, dgamma, dbeta, dx)
    return dx


@kernel
def normalise_kernel(
    x: Array, gamma: Array, beta: Array, eps: float, y: Array, mean: Array, r: Array
) -> None:
    """Compute y, mean and r."""
    G, C, P, N = x.shape
    K = C * P
    for g in range(G):
        # First pass: the mean of each sample.
        m, s = mean[g], r[g]
        m[:] = 0
        s[:] = 0
        for c in range(C):
            for p in range(P):
                row = x[g, c, p]
                for n in range(N):
                    m[n] += row[n]
        for n in range(N):
            m[n] /= K
        # Second pass: the sum of squares around the mean, in s, which then becomes r. The shorter
        # E[x²] - E[x]² would lose all digits of a small variance.
        for c in range(C):
            for p in range(P):
                row = x[g, c, p]
                for n in range(N):
                    d = row[n] - m[n]
                    s[n] += d * d
        for n in range(N):
            s[n] = 1 / np.sqrt(s[n] / K + eps)
        # Third pass: y.
        for c in range(C):
            scale, shift = gamma[g, c], beta[g, c]
            for p in range(P):
                row, out = x[g, c, p], y[g, c, p]
                for n in range(N):
                    out[n] = scale * (s[n] * (row[n] - m[n])) + shift


@kernel
def normalise_backward_kernel(
    dy: Array,
    x: Array,
    gamma: Array,
    mean: Array,
    r: Array,
    sums: Array,
    dgamma: Array,
    dbeta: Array,
    dx: Array,
) -> None:
    """Compute dx, add to dgamma and dbeta. Let T_cn and U_cn be what channel c says of sample n:

        T_cn = Σ_p dy_cpn           dβ_c = Σ_n T_cn         A_n = (1/K) Σ_c γ_c T_cn
        U_cn = Σ_p dy_cpn x̂_cpn     dγ_c = Σ_n U_cn         B_n = (1/K) Σ_c γ_c U_cn

        dx_cpn = r_n (γ_c dy_cpn - A_n - x̂_cpn B_n)

    sums  (4, N), in which A, B, T and U are added up
    """
    G, C, P, N = x.shape
    K = C * P
    a, b, t, u = sums[0], sums[1], sums[2], sums[3]
    for g in range(G):
        # First pass: a channel's T and U, and what they add to dβ and dγ, to A and to B.
        m, s = mean[g], r[g]
        a[:] = 0
        b[:] = 0
        for c in range(C):
            t[:] = 0
            u[:] = 0
            for p in range(P):
                row, given = x[g, c, p], dy[g, c, p]
                for n in range(N):
                    t[n] += given[n]
                    u[n] += given[n] * (row[n] - m[n])
            scale = gamma[g, c]
            for n in range(N):
                u[n] *= s[n]
                a[n] += scale * t[n]
                b[n] += scale * u[n]
            db, dg = dbeta[g, c], dgamma[g, c]
            for n in range(N):
                db += t[n]
                dg += u[n]
            dbeta[g, c], dgamma[g, c] = db, dg
        # B is divided by K, and multiplied by the r of x̂ = r (x - μ) below.
        for n in range(N):
            a[n] /= K
            b[n] *= s[n] / K
        # Second pass: dx.
        for c in range(C):
            scale = gamma[g, c]
            for p in range(P):
                row, given, out = x[g, c, p], dy[g, c, p], dx[g, c, p]
                for n in range(N):
                    out[n] = s[n] * (scale * given[n] - a[n] - (row[n] - m[n]) * b[n])
