"""The importance-weighted bound."""

import numpy as np

from ...core import Array
from ..problem import Problem
from ..trial import Refuted, Trial

MANY = 20_000


def bound(log_w: Array) -> Array:
    """Return (1/N) Σ_n log (1/K) Σ_k w_kn, by the definition; for moderate numbers."""
    return np.mean(np.log(np.sum(np.exp(log_w), axis=0) / len(log_w)))


def grade(trial: Trial) -> None:
    """The weights, the bound and what it bounds, the gradient; logarithms of any size."""
    rng = trial.rng
    K, N = map(int, rng.permutation([3, 5]))
    a, sizes = 1.5 * rng.standard_normal((K, N)), {"N": N, "K": K}
    w = np.exp(a) / np.exp(a).sum(axis=0)

    with trial.claim("weights: w_kn / Σ_j w_jn, which sum to 1 for each image"):
        (got,) = trial.call("weights", {"log_w": a}, "weights")
        minus = np.exp(-a) / np.exp(-a).sum(axis=0)
        wrong = {
            "the sign: the best sample gets the smallest weight": minus,
            "they are not normalised: this is e^(log w)": np.exp(a),
            "they are normalised over the batch, and not over the K samples": np.exp(a)
            / np.exp(a).sum(axis=1, keepdims=True),
            "they are normalised over everything": np.exp(a) / np.exp(a).sum(),
            "these are the logarithms of the weights": np.log(w),
            "logarithms are normalised, and weights are meant": a / a.sum(axis=0),
            "all samples weigh the same: 1/K": 1 / K,
            "they are divided by the largest, and not by the sum": np.exp(a - a.max(axis=0)),
        }
        trial.equal("weights", got, w, wrong, sizes=sizes)
    with trial.claim("bound: (1/N) Σ_n log (1/K) Σ_k w_kn"):
        (value,) = trial.call("bound", {"log_w": a}, "L")
        wrong = {
            "log K is not subtracted: a mean over samples, not a sum": bound(a) + np.log(K),
            "log K is subtracted twice": bound(a) - np.log(K),
            "the mean of log w: that is the ELBO, log and mean are exchanged": a.mean(),
            "Σ of weights times log w: that is not the bound": (w * a).sum() / N,
            "the log of the mean over everything: each image has its own log": np.log(
                np.exp(a).mean()
            ),
            "the log is missing": np.exp(a).mean(),
            "the largest log w alone": a.max(axis=0).mean(),
            "the mean is over the wrong axis": np.log(np.exp(a).mean(axis=1)).mean(),
            "the sign of log w": bound(-a),
        }
        trial.equal("L", value, bound(a), wrong, sizes=sizes)
    with trial.claim("bound: K = 1 gives the ELBO, the mean of log w"):
        (value,) = trial.call("bound", {"log_w": a[:1]}, "L")
        trial.equal("L", value, a[0].mean(), sizes=sizes)
    with trial.claim("log w of -1000 or +1000: nothing overflows or is log 0"):
        for shift in (-1000.0, 1000.0):
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                (value,) = trial.call("bound", {"log_w": a + shift}, "L")
                (got,) = trial.call("weights", {"log_w": a + shift}, "weights")
                (da,) = trial.call("gradient", {"log_w": a + shift}, "dlog_w")
            trial.equal("L", value, bound(a) + shift)
            trial.equal("weights", got, w)
            trial.equal("dlog_w", da, w / N, sizes=sizes)
    with trial.claim("log w that differ by 2000: the largest decides, and nothing overflows"):
        spread = a + 2000 * (np.arange(K) == 0)[:, None]
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            (value,) = trial.call("bound", {"log_w": spread}, "L")
            (got,) = trial.call("weights", {"log_w": spread}, "weights")
        trial.equal("L", value, spread[0].mean() - np.log(K))
        trial.equal("weights", got, np.broadcast_to(np.eye(K)[:, :1], (K, N)))
    with trial.claim("bound: it rises with K to log p(x), where z ~ N(0, 1), x | z ~ N(z, 1)"):
        x = float(rng.normal())
        values = [estimate(trial, x, K) for K in (1, 3, 200)]
        exact = -(x**2) / 4 - np.log(4 * np.pi) / 2  # of N(0, 2), in nats
        if not values[0] < values[1] < values[2] + 0.01:
            told = ", ".join(f"{value:.4f}" for value in values)
            raise Refuted(f"for K = 1, 3 and 200 it is {told}; log p(x) is {exact:.4f}")
        if abs(values[2] - exact) > 0.02:
            raise Refuted(f"for K = 200 it is {values[2]:.4f}; log p(x) is {exact:.4f}")
        trial.evidence = f"{values[2]:.4f} for log p(x) = {exact:.4f}"

    trial.gradients(
        "gradient",
        Problem(bound, {"log_w": a}),
        lambda dy: {"log_w": a},
        lambda dy: {
            "log_w": {
                "1/(K N): that is the gradient of the ELBO": 1 / (K * N),
                "the sign of log w: the best sample gets the smallest weight": minus / N,
                "the weights are not normalised": np.exp(a) / N,
                "1/w where the derivative of a logarithm of a sum is meant": np.exp(-a) / N,
                "it is divided by K: the normalised weights have it already": w / K / N,
                "w (1 - w): the slope of a softmax, and not of its logarithm": w * (1 - w) / N,
                "the squares of the weights": w**2 / N,
                "weights are normalised over the batch": np.exp(a)
                / np.exp(a).sum(axis=1, keepdims=True)
                / N,
            }
        },
        sizes,
    )


def estimate(trial: Trial, x: float, K: int) -> float:
    """Return the bound of x with K samples of q = N(x/2, 0.8), over many draws."""
    draws = MANY // K if K > 1 else MANY
    m, v = x / 2, 0.8
    e = trial.rng.standard_normal((K, max(draws, 500)))
    z = m + np.sqrt(v) * e
    log_p = -(z**2) / 2 - (x - z) ** 2 / 2 - np.log(2 * np.pi)
    log_q = -(e**2) / 2 - np.log(2 * np.pi * v) / 2
    (value,) = trial.call("bound", {"log_w": log_p - log_q}, "L")
    return float(value)
