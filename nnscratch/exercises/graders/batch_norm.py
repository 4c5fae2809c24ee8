"""Batch normalisation."""

import numpy as np

from ...core import Array
from ..problem import Problem
from ..trial import Trial


def normalise(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """Return γ x̂ + β by the definition; of complex numbers, too."""
    mean = x.sum(axis=1, keepdims=True) / x.shape[1]
    variance = ((x - mean) ** 2).sum(axis=1, keepdims=True) / x.shape[1]
    return gamma[:, None] * (x - mean) / np.sqrt(variance + eps) + beta[:, None]


def grade(trial: Trial) -> None:
    """Forward, a feature that is constant, invariance; all gradients."""
    rng = trial.rng
    D, N = map(int, rng.permutation([3, 5]))
    x = 3 * rng.standard_normal((D, N)) + 2 * rng.standard_normal((D, 1))
    gamma, beta = rng.uniform(0.5, 2, D) * rng.choice([-1, 1], D), rng.standard_normal(D)
    eps, sizes = float(rng.uniform(0.3, 0.6)), {"N": N, "D": D}
    c = x - x.mean(axis=1, keepdims=True)
    v = (c**2).mean(axis=1, keepdims=True)
    r = 1 / np.sqrt(v + eps)
    xhat, g, b = c * r, gamma[:, None], beta[:, None]

    with trial.claim("forward: mean 0 and variance 1 over the batch, then γ and β"):
        (y,) = trial.call("forward", {"x": x, "gamma": gamma, "beta": beta, "eps": eps}, "y")
        unbiased = v * N / (N - 1)
        wrong = {
            "the variance is divided by N - 1, and N is meant": g * c / np.sqrt(unbiased + eps) + b,
            "ε stands outside of the root": g * c / (np.sqrt(v) + eps) + b,
            "ε is missing": g * c / np.sqrt(v) + b,
            "divided by the variance, where its root is meant": g * c / (v + eps) + b,
            "the mean is not subtracted": g * x * r + b,
            "β is not added": g * xhat,
            "γ is missing": xhat + b,
            "γ multiplies β, too": g * (xhat + b),
            "γ and β are missing": xhat,
            "the variance is that of x around 0: Σ x² / N": g
            * c
            / np.sqrt((x**2).mean(axis=1, keepdims=True) + eps)
            + b,
            "mean and variance run over the features, and the batch is the last axis": g
            * (x - x.mean(axis=0))
            / np.sqrt(x.var(axis=0) + eps)
            + b,
            "mean and variance run over everything": g * (x - x.mean()) / np.sqrt(x.var() + eps)
            + b,
            "the variance is a sum, and a mean is meant": g * c / np.sqrt(v * N + eps) + b,
        }
        trial.equal("y", y, normalise(x, gamma, beta, eps), wrong, sizes=sizes)
    with trial.claim("forward: a feature that is constant becomes β, and no NaN"):
        constant = np.full((D, N), 0.5)
        given = {"x": constant, "gamma": gamma, "beta": beta, "eps": 1e-5}
        (y,) = trial.call("forward", given, "y")
        trial.equal("y", y, np.broadcast_to(b, (D, N)))

    def mean(a: Array) -> Array:
        return a.mean(axis=1, keepdims=True)

    problem = Problem(
        lambda x, gamma, beta: normalise(x, gamma, beta, eps),
        {"x": x, "gamma": gamma, "beta": beta},
    )

    def suspects(dy: Array) -> dict[str, dict[str, Array | float]]:
        h = g * dy  # ∂L/∂x̂
        along = xhat * mean(h * xhat)
        return {
            "x": {
                "μ and σ are taken for constants: they depend on x": r * h,
                "σ is taken for a constant: it depends on x": r * (h - mean(h)),
                "μ is taken for a constant: it depends on x": r * (h - along),
                "γ is missing": r * (dy - mean(dy) - xhat * mean(dy * xhat)),
                "1/√(σ² + ε) is missing": h - mean(h) - along,
                "x̂ is missing where the path through σ² ends": r * (h - mean(h) - mean(h * xhat)),
                "the path through σ² has the wrong sign": r * (h - mean(h) + along),
                "the path through μ has the wrong sign": r * (h + mean(h) - along),
                "sums over the batch where means are meant": r * (h - N * mean(h) - N * along),
                "x where x̂ is meant": r * (h - mean(h) - x * mean(h * x)),
                "the path through σ² is twice too long": r * (h - mean(h) - 2 * along),
                "the path through σ² is halved": r * (h - mean(h) - along / 2),
                "ε is left out of σ² + ε": _without_eps(h, c, v),
            },
            "gamma": {
                "x where x̂ is meant": (dy * x).sum(axis=1),
                "x̂ is missing: this is dβ": dy.sum(axis=1),
                "γ is in it: y is linear in γ": (h * xhat).sum(axis=1),
                "x - μ where x̂ is meant": (dy * c).sum(axis=1),
            },
            "beta": {
                "γ is in it: β stands outside": h.sum(axis=1),
                "this is dγ": (dy * xhat).sum(axis=1),
            },
        }

    trial.gradients(
        "backward",
        problem,
        lambda dy: {"dy": dy, "x": x, "gamma": gamma, "eps": eps},
        suspects,
        sizes,
    )
    with trial.claim("backward: dx sums to 0, as adding a constant changes nothing"):
        dy = rng.standard_normal((D, N))
        given = {"dy": dy, "x": x, "gamma": gamma, "eps": eps}
        dx, _, _ = trial.call("backward", given, "dx dgamma dbeta")
        trial.equal("Σ_n dx + 1", dx.sum(axis=1) + 1, np.ones(D))
    trial.promises(
        "backward",
        problem,
        lambda dy, x, gamma, beta: {"dy": dy, "x": x, "gamma": gamma, "eps": eps},
    )


def _without_eps(h: Array, c: Array, v: Array) -> Array:
    """The whole of dx for ε = 0."""
    r = 1 / np.sqrt(v)
    xhat = c * r
    mean = h.mean(axis=1, keepdims=True)
    return r * (h - mean - xhat * (h * xhat).mean(axis=1, keepdims=True))
