"""The bound that several weights of one sample make; what a loss is, losses.py says."""

import numpy as np

from .core import Array, check, float_dtype
from .losses import batch_size


def importance_bound(log_w: Array) -> tuple[float, Array]:
    """-log (1/K) Σ_k w_k from the logarithms of K weights a sample, (K, N), and its gradient.

        L      = -(1/N) Σ_n log (1/K) Σ_k e^log w_kn
        dlog_w = -(1/N) softmax_k(log w)_kn

    With w_k = p(x, z_k)/q(z_k|x) it bounds -log p(x), in expectation (Burda et al., Importance
    Weighted Autoencoders, 2016, eq. 8). The largest weight is taken out before the exponential.
    """
    check("importance_bound log_w", log_w, ("K", "N"), float_dtype(log_w))
    K, N = len(log_w), batch_size("importance_bound log_w", log_w)
    if K == 0:
        raise ValueError(f"importance_bound log_w: expected a weight or more, got {log_w.shape}")
    largest = log_w.max(axis=0)
    share = np.exp(log_w - largest)
    total = share.sum(axis=0)
    value = -float((largest + np.log(total / K)).sum()) / N
    share /= -N * total
    return value, share
