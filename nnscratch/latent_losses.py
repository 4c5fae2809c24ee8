"""Losses of codes: of a codebook, and of what a whole batch of codes says of their distribution.

As in losses.py each returns (value, gradient), is the sum over features and the mean over the
batch, and raises ValueError if its arrays differ in shape or dtype or hold no sample.
"""

from collections.abc import Callable
from math import log, pi

import numpy as np

from .core import Array, Backward, IntArray, check, float_dtype
from .kernels.plain import matmul
from .layers.tokens import check_tokens
from .losses import batch_size


def sums_by_token(tokens: IntArray, rows: Array, classes: int) -> Array:
    """Return for each class the sum of the rows (M, D) whose token (M,) it is: (classes, D)."""
    one_hot = (np.arange(classes)[:, None] == tokens).astype(rows.dtype)
    return np.asarray(matmul(one_hot, rows))


def codebook_error(codebook: Array, tokens: IntArray, z: Array) -> tuple[float, Array]:
    """(1/N) Σ |e_k - sg(z)|² over all places, k being the place's token, with its gradient in e.

        L    = (1/N) Σ_pn |e_k(p,n) - z_pn|²
        de_j = (2/N) Σ_pn [k(p,n) = j] (e_j - z_pn)

    z is a target and has no gradient: sg, the stop-gradient, is that this function returns none.
    The other half of a VQ-VAE's penalty, |z - sg(e_k)|², is `squared_error(z, e_k)`.

    Shapes
        codebook  (K, D)        tokens  (P, N), 0 … K - 1        z  (D, P, N), P places a sample

    Source
        van den Oord, Vinyals and Kavukcuoglu, Neural Discrete Representation Learning (2017), eq. 3
    """
    check("codebook_error codebook", codebook, ("K", "D"), float_dtype(codebook))
    (K, D), N = codebook.shape, batch_size("codebook_error z", z)
    check("codebook_error z", z, (D, *np.shape(tokens)), codebook.dtype)
    check_tokens("codebook_error tokens", tokens, ("P", N), K)
    k = tokens.ravel()
    d = codebook[k] - z.reshape(D, -1).T
    return float(np.vdot(d, d)) / N, 2 / N * sums_by_token(k, d, K)


SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""The kernels of the MMD, by their squared widths in units of a typical squared distance."""

Kernel = Callable[[Array], tuple[Array, Array]]
"""Squared distances r² ↦ k(r²) and its derivative in r²."""


def imq_mmd(z: Array, draws: Array) -> tuple[float, Array]:
    """MMD² with k(r²) = Σ_s C_s / (C_s + r²), the inverse multiquadratics: see `_mmd`."""

    def kernel(r2: Array) -> tuple[Array, Array]:
        each = [C / (C + r2) for C in _widths(z)]
        slopes = [-k * k / C for k, C in zip(each, _widths(z), strict=True)]
        return np.asarray(sum(each)), np.asarray(sum(slopes))

    return _mmd("imq_mmd", z, draws, kernel)


def rbf_mmd(z: Array, draws: Array) -> tuple[float, Array]:
    """MMD² with k(r²) = Σ_s exp(-r² / C_s), the Gaussian kernels: see `_mmd`."""

    def kernel(r2: Array) -> tuple[Array, Array]:
        each = [np.exp(-r2 / C) for C in _widths(z)]
        slopes = [-k / C for k, C in zip(each, _widths(z), strict=True)]
        return np.asarray(sum(each)), np.asarray(sum(slopes))

    return _mmd("rbf_mmd", z, draws, kernel)


def _widths(z: Array) -> list[float]:
    """Return C_s = 2 L s: 2 L is the mean squared distance of two draws from N(0, I)."""
    return [2 * len(z) * s for s in SCALES]


def _mmd(who: str, z: Array, draws: Array, kernel: Kernel) -> tuple[float, Array]:
    """The squared maximum mean discrepancy between codes z and draws p of a prior, and dz.

        MMD² = Σ_i≠j [k(z_i, z_j) + k(p_i, p_j)] / (N (N-1)) - 2 Σ_ij k(z_i, p_j) / N²

        dz_i = 4/(N (N-1)) Σ_j k'(|z_i - z_j|²) (z_i - z_j) - 4/N² Σ_j k'(|z_i - p_j|²) (z_i - p_j)

    k' is the derivative in r² = |·|². This is the U-statistic: its mean is the MMD² between the two
    distributions, 0 if they are one, so that it may come out negative. It belongs to a batch as a
    whole, and is no mean over samples. Being a small difference of large sums it is computed in
    float64.

    Shapes
        z, draws  (L, N), N ≥ 2

    Source
        Gretton et al., A Kernel Two-Sample Test (2012), lemma 6; Tolstikhin, Bousquet, Gelly and
        Schoelkopf, Wasserstein Auto-Encoders (2018), algorithm 2.
    """
    check(f"{who} z", z, ("L", "N"), float_dtype(z))
    check(f"{who} draws", draws, z.shape, z.dtype)
    N = batch_size(f"{who} z", z)
    if N < 2:
        raise ValueError(f"{who}: expected two codes or more, which make a pair, got {N}")
    apart = 1 - np.eye(N, dtype=z.dtype)
    a, b = z.astype(np.float64), draws.astype(np.float64)
    d_zz, d_zp, d_pp = differences(a, a), differences(a, b), differences(b, b)
    k_zz, slope_zz = kernel((d_zz * d_zz).sum(axis=0))
    k_zp, slope_zp = kernel((d_zp * d_zp).sum(axis=0))
    k_pp, _ = kernel((d_pp * d_pp).sum(axis=0))
    within = float(((k_zz + k_pp) * apart).sum()) / (N * (N - 1))
    dz = 4 / (N * (N - 1)) * (slope_zz * d_zz).sum(axis=2)
    dz -= 4 / N**2 * (slope_zp * d_zp).sum(axis=2)
    return within - 2 * float(k_zp.sum()) / N**2, dz.astype(z.dtype)


def differences(a: Array, b: Array) -> Array:
    """Return a_i - b_j for columns of a (L, N) and b (L, M): (L, N, M)."""
    return a[:, :, None] - b[:, None]


def log_normals(z: Array, mu: Array, logvar: Array) -> tuple[Array, Array]:
    """Return log N(z_ln; μ_lm, σ²_lm) for all codes n and all posteriors m, and (z - μ) / σ².

    Shapes
        z  (L, N)       mu, logvar  (L, M)       both  (L, N, M)
    """
    d = differences(z, mu)
    u = d * np.exp(-logvar)[:, None]
    return -(d * u + logvar[:, None] + log(2 * pi)) / 2, u


def log_sum(a: Array) -> tuple[Array, Array]:
    """Return log Σ_m exp a_·m and the shares exp(a_·m) / Σ_m exp a_·m, its derivatives."""
    top = a.max(axis=-1, keepdims=True)
    e = np.exp(a - top)
    total = e.sum(axis=-1, keepdims=True)
    return np.asarray((np.log(total) + top)[..., 0]), e / total


def kl_decomposition(
    z: Array, mu: Array, logvar: Array, log_weights: Array
) -> tuple[Array, Backward]:
    """The KL of codes z_n ~ q(z|x_n) = N(μ_n, σ²_n) from N(0, I), in three parts, with gradients.

        q(z_n)    ≈ Σ_m w_nm q(z_n|x_m),    q(z_nl) ≈ Σ_m w_nm q(z_nl|x_m)

        index-code information   I  = (1/N) Σ_n log q(z_n|x_n) - log q(z_n)
        total correlation        TC = (1/N) Σ_n log q(z_n) - Σ_l log q(z_nl)
        dimension-wise KL        D  = (1/N) Σ_n Σ_l log q(z_nl) - log p(z_nl)

    Whatever the weights, I + TC + D is the mean of log q(z_n|x_n) - log p(z_n), of which the KL is
    the expectation.

    Derivation
        With dy = (α, β, γ), a_lnm = log q(z_nl|x_m) and the shares of m in the two sums,
        p_nm = softmax_m (Σ_l a_lnm + log w_nm) and p_lnm = softmax_m (a_lnm + log w_nm),

            da_lnm = (1/N) (α [n = m] + (β - α) p_nm + (γ - β) p_lnm)

        and from ∂a/∂μ = u = (z - μ)/σ², ∂a/∂z = -u, ∂a/∂log σ² = ½ ((z - μ) u - 1)

            dz_ln = (γ/N) z_ln - Σ_m da_lnm u_lnm      dμ_lm = Σ_n da_lnm u_lnm
            dlogvar_lm = ½ Σ_n da_lnm ((z - μ)_lnm u_lnm - 1)

    Shapes
        z, mu, logvar  (L, N)       log_weights  (N, N)       result and dy  (3,): I, TC, D

    Source
        Chen, Li, Grosse and Duvenaud, Isolating Sources of Disentanglement (2018), eq. 2 and §4.1.
    """
    check("kl_decomposition z", z, ("L", "N"), float_dtype(z))
    N = batch_size("kl_decomposition z", z)
    check("kl_decomposition mu", mu, z.shape, z.dtype)
    check("kl_decomposition logvar", logvar, z.shape, z.dtype)
    check("kl_decomposition log_weights", log_weights, (N, N), z.dtype)
    a, u = log_normals(z, mu, logvar)
    log_joint, joint = log_sum(a.sum(axis=0) + log_weights)
    log_each, each = log_sum(a + log_weights)
    given = np.diagonal(a, axis1=1, axis2=2).sum(axis=0)
    margins = log_each.sum(axis=0)
    prior = -(z * z + log(2 * pi)).sum(axis=0) / 2
    parts = [given - log_joint, log_joint - margins, margins - prior]

    def backward(dy: Array) -> tuple[Array, Array, Array]:
        check("kl_decomposition dy", dy, (3,), z.dtype)
        alpha, beta, gamma = dy / N
        da = alpha * np.eye(N, dtype=z.dtype) + (beta - alpha) * joint + (gamma - beta) * each
        dau = da * u
        squares = differences(z, mu) * dau
        dlogvar = (squares - da).sum(axis=1) / 2
        return gamma * z - dau.sum(axis=2), dau.sum(axis=1), dlogvar

    return np.array([part.mean() for part in parts], z.dtype), backward


def mixture_kl(
    z: Array, mu: Array, logvar: Array, means: Array, logvars: Array
) -> tuple[float, tuple[Array, ...]]:
    """log q(z|x) - log p(z) for z ~ q(z|x) and p = (1/K) Σ_k N(m_k, v_k), with all gradients.

        L = (1/N) Σ_n [ log N(z_n; μ_n, σ²_n) - log (1/K) Σ_k N(z_n; m_k, v_k) ]

    It is one draw of the KL, for which there is no formula, and may be negative.

    Derivation
        With u_n = (z_n - μ_n)/σ²_n, U_nk = (z_n - m_k)/v_k and the share r_nk of component k in
        p(z_n),

            dz_n = (1/N) (Σ_k r_nk U_nk - u_n)              dμ_n = (1/N) u_n
            dlogvar_n = (1/2N) ((z_n - μ_n) u_n - 1)        dm_k = -(1/N) Σ_n r_nk U_nk
            dlogv_k = -(1/2N) Σ_n r_nk ((z_n - m_k) U_nk - 1)

    Shapes
        z, mu, logvar  (L, N)       means m, logvars log v  (L, K)

    Source
        Tomczak and Welling, VAE with a VampPrior (2018), eq. 9.
    """
    check("mixture_kl z", z, ("L", "N"), float_dtype(z))
    (L, _), N = z.shape, batch_size("mixture_kl z", z)
    K = batch_size("mixture_kl means", means)
    for name, a, size in (("mu", mu, N), ("logvar", logvar, N), ("means", means, K)):
        check(f"mixture_kl {name}", a, (L, size), z.dtype)
    check("mixture_kl logvars", logvars, (L, K), z.dtype)
    d = z - mu
    u = d * np.exp(-logvar)
    given = -(d * u + logvar + log(2 * pi)).sum(axis=0) / 2
    a, U = log_normals(z, means, logvars)
    log_p, r = log_sum(a.sum(axis=0) - log(K))
    rU = r * U / N
    dlogvars = (r / N - differences(z, means) * rU).sum(axis=1) / 2
    gradients = rU.sum(axis=2) - u / N, u / N, (d * u - 1) / (2 * N), -rU.sum(axis=1), dlogvars
    return float((given - log_p).mean()), gradients
