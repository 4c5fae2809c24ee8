"""What learning minimises. A loss returns (value, gradient) at once, since ∂L/∂L = 1.

One reduction for the whole library: the sum over features, the mean over the batch. A value is then
nats an example (or squared error an example), terms of one objective can be added, and neither the
image size nor the batch size hides in a weight.

    y, a, mu, …  (…, N)     predictions, a sample a column
    t            (…, N)     targets of the same shape

Every function raises ValueError if its arrays differ in shape or dtype, are no floats, or hold no
sample.
"""

from math import log, pi

import numpy as np

from .checks.arrays import labels_of
from .core import Array, IntArray, check, float_dtype
from .kernels import plain


def batch_size(name: str, a: Array) -> int:
    """Return N; ValueError unless `a` is (…, N) of float32 or float64 with N ≥ 1."""
    check(name, a, (*a.shape[:-1], "N"), float_dtype(a))
    N = a.shape[-1]
    if N == 0:
        raise ValueError(f"{name}: expected a sample or more, got {a.shape}")
    return N


def squared_error(y: Array, t: Array) -> tuple[float, Array]:
    """L = (1/N) Σ (y - t)²  and  dy = (2/N) (y - t).

    Up to a constant this is the Gaussian negative log-likelihood of variance ½.
    """
    N = batch_size("squared_error y", y)
    check("squared_error t", t, y.shape, y.dtype)
    d = y - t
    value = float(np.vdot(d, d)) / N
    d *= 2 / N
    return value, d


def gaussian_nll(mean: Array, logvar: Array, t: Array) -> tuple[float, tuple[Array, Array]]:
    """-log N(t; mean, exp logvar), with its gradients in mean and logvar.

        L       = (1/2N) Σ (t - mean)² e^-logvar + logvar + log 2π
        dmean   = (1/N) (mean - t) e^-logvar
        dlogvar = (1/2N) (1 - (t - mean)² e^-logvar)

    A given variance is a constant logvar whose gradient nobody uses; a learned one is an output of
    the decoder (Kingma and Welling 2014, appendix C.2).
    """
    N = batch_size("gaussian_nll mean", mean)
    check("gaussian_nll logvar", logvar, mean.shape, mean.dtype)
    check("gaussian_nll t", t, mean.shape, mean.dtype)
    precision = np.exp(-logvar)
    d = mean - t
    squares = d * d * precision
    value = float((squares + logvar + log(2 * pi)).sum()) / (2 * N)
    return value, (d * precision / N, (1 - squares) / (2 * N))


def bernoulli_nll(a: Array, t: Array) -> tuple[float, Array]:
    """-log Bernoulli(t; σ(a)) from logits a: binary cross-entropy without clipping.

        L  = -(1/N) Σ t log σ(a) + (1-t) log(1-σ(a)) = (1/N) Σ softplus(a) - t a
        da = (1/N) (σ(a) - t)

    For t in {0, 1} it is a likelihood. For grey t in (0, 1) it is not: its minimum, at σ(a) = t, is
    the entropy of t and not 0 (`binary_entropy`).
    """
    batch_size("bernoulli_nll a", a)
    check("bernoulli_nll t", t, a.shape, a.dtype)
    return plain.bernoulli_nll(a, t)


def binary_entropy(t: Array) -> float:
    """-(1/N) Σ t log t + (1-t) log(1-t): the floor under `bernoulli_nll` for grey t in [0, 1]."""
    if not (t.min() >= 0 and t.max() <= 1):
        raise ValueError(f"binary_entropy: expected t in [0, 1], got {t.min()} … {t.max()}")
    inside = t[(t > 0) & (t < 1)].astype(np.float64)
    return float(-(inside * np.log(inside) + (1 - inside) * np.log1p(-inside)).sum()) / t.shape[-1]


def categorical_nll(a: Array, labels: IntArray) -> tuple[float, Array]:
    """-log softmax(a)_label from logits a (…, K, N) and labels (…, N) in 0 … K-1.

        L  = (1/N) Σ logsumexp_k a_kn - a_label(n),n
        da = (1/N) (softmax(a)_kn - [k = label(n)])

    With a leading axis T (sequences) the T steps are features: they are summed.
    """
    check("categorical_nll a", a, (*a.shape[:-2], "K", "N"), float_dtype(a))
    K, N = a.shape[-2], batch_size("categorical_nll a", a)
    if type(labels) is not np.ndarray:
        labels = labels_of("categorical_nll labels", labels)
    if labels.shape != (*a.shape[:-2], N) or labels.dtype.kind not in "iu":
        want = ", ".join(map(str, (*a.shape[:-2], N)))
        raise ValueError(
            f"categorical_nll labels: expected ({want}) integers, got {labels.shape} {labels.dtype}"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < K:
        raise ValueError(
            f"categorical_nll labels: expected 0 … {K - 1}, got {labels.min()} … {labels.max()}"
        )
    at = labels[..., None, :]
    a = a - a.max(axis=-2, keepdims=True)
    da = np.exp(a)
    total = da.sum(axis=-2, keepdims=True)
    value = float((np.log(total) - np.take_along_axis(a, at, axis=-2)).sum()) / N
    da /= total
    np.put_along_axis(da, at, np.take_along_axis(da, at, axis=-2) - 1, axis=-2)
    da /= N
    return value, da


def gaussian_kl(mu: Array, logvar: Array) -> tuple[float, tuple[Array, Array]]:
    """KL(N(mu, exp logvar) ‖ N(0, I)), with its gradients in mu and logvar.

        L       = (1/2N) Σ mu² + e^logvar - 1 - logvar
        dmu     = (1/N) mu
        dlogvar = (1/2N) (e^logvar - 1)

    logvar is log σ². With log σ in its place the terms would read σ² = e^(2 log σ) and 2 log σ; the
    two must not be mixed (Kingma and Welling 2014, appendix B).
    """
    N = batch_size("gaussian_kl mu", mu)
    check("gaussian_kl logvar", logvar, mu.shape, mu.dtype)
    excess = np.expm1(logvar)
    value = float(_twice_kl(mu, logvar, excess).sum()) / (2 * N)
    return value, (mu / N, excess / (2 * N))


def gaussian_kl_per_sample(mu: Array, logvar: Array) -> Array:
    """Return the same divergence for each of the N samples, (N,): what each code says of its x."""
    batch_size("gaussian_kl_per_sample mu", mu)
    check("gaussian_kl_per_sample logvar", logvar, mu.shape, mu.dtype)
    return _twice_kl(mu, logvar, np.expm1(logvar)).sum(axis=0) / 2


def gaussian_kl_per_dimension(mu: Array, logvar: Array) -> Array:
    """The same divergence for each of the L latent dimensions, (L,): which of them are in use."""
    batch_size("gaussian_kl_per_dimension mu", mu)
    check("gaussian_kl_per_dimension logvar", logvar, mu.shape, mu.dtype)
    return _twice_kl(mu, logvar, np.expm1(logvar)).mean(axis=-1) / 2


def _twice_kl(mu: Array, logvar: Array, excess: Array) -> Array:
    """μ² + σ² - 1 - log σ², entry by entry; `excess` is σ² - 1, of which expm1 keeps the digits."""
    return mu * mu + excess - logvar


def l1_penalty(z: Array) -> tuple[float, Array]:
    """L = (1/N) Σ |z|  and  dz = (1/N) sign z: a price on every active entry of a code."""
    N = batch_size("l1_penalty z", z)
    return float(np.abs(z).sum()) / N, np.sign(z) / N


def contraction(h: Array, w: Array) -> tuple[float, tuple[Array, Array]]:
    """‖∂h/∂x‖²_F of h = σ(w x + b), with its gradients in h (M, N) and in w (M, D) as written here.

        ∂h_m/∂x_d = s_m w_md             with s = h (1 - h), the slope of σ where it is h

        L  = (1/N) Σ_mn s_mn² Σ_d w_md²
        dh = (2/N) s_mn (1 - 2 h_mn) Σ_d w_md²
        dw = (2/N) w_md Σ_n s_mn²

    w enters a second time through h; that part of its gradient dh takes along, through the layer
    (Rifai et al., Contractive Auto-Encoders, 2011, §3).
    """
    check("contraction h", h, ("M", "N"), float_dtype(h))
    M, N = len(h), batch_size("contraction h", h)
    check("contraction w", w, (M, "D"), h.dtype)
    s = h * (1 - h)
    slopes, lengths = (s * s).sum(axis=1), (w * w).sum(axis=1)
    dh = 2 / N * s * (1 - 2 * h) * lengths[:, None]
    return float(slopes @ lengths) / N, (dh, 2 / N * slopes[:, None] * w)
