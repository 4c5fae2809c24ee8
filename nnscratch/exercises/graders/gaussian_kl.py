"""The divergence of a Gaussian from N(0, I)."""

import numpy as np

from ...core import Array
from ..problem import Problem
from ..trial import Refuted, Trial

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(20)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
MANY = 200_000


def divergence(mu: Array, logvar: Array) -> Array:
    """Return (1/N) Σ ∫ q (log q - log p), each integral by a Gauss-Hermite sum.

    log q - log p is a polynomial in z, for which the sum is exact.
    """
    total = np.zeros(mu.shape, mu.dtype)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        z = mu + np.exp(logvar / 2) * node
        log_q = -(node**2) / 2 - logvar / 2
        log_p = -(z**2) / 2
        total = total + weight * (log_q - log_p)
    return total.sum() / mu.shape[1]


def grade(trial: Trial) -> None:
    """The value against an integral and many draws; its zero; both gradients."""
    rng = trial.rng
    L, N = map(int, rng.permutation([3, 5]))
    mu, logvar = rng.standard_normal((L, N)), rng.uniform(0.4, 1.6, (L, N))
    logvar *= rng.choice([-1, 1], (L, N))
    sizes, want = {"N": N, "L": L}, divergence(mu, logvar)
    m, v, s = mu**2, np.exp(logvar), logvar

    def half(terms: Array) -> Array:
        return terms.sum() / (2 * N)

    with trial.claim("loss: KL by an integral, summed over L dimensions, the mean over the batch"):
        (value,) = trial.call("loss", {"mu": mu, "logvar": logvar}, "KL")
        wrong = {
            "logvar is taken for log σ: e^(2 logvar) and 2 logvar": half(m + v**2 - 1 - 2 * s),
            "σ where σ² is meant: e^(logvar / 2)": half(m + np.sqrt(v) - 1 - s),
            "σ⁴ where σ² is meant: e^(2 logvar)": half(m + v**2 - 1 - s),
            "log σ where log σ² is meant": half(m + v - 1 - s / 2),
            "logvar is the logarithm already: log logvar": np.nan,
            "-1 is missing: at μ = 0, σ = 1 it must be 0": half(m + v - s),
            "+1 where -1 is meant": half(m + v + 1 - s),
            "+ log σ² where - log σ² is meant": half(m + v - 1 + s),
            "- log σ² is missing": half(m + v - 1),
            "μ² is missing": half(v - 1 - s),
            "μ where μ² is meant": half(mu + v - 1 - s),
            "|μ| where μ² is meant": half(np.abs(mu) + v - 1 - s),
            "σ² is missing": half(m - 1 - s),
            "logvar where σ² = e^logvar is meant": half(m + s - 1 - s),
            "the other way round, KL(p ‖ q)": half((m + 1) / v - 1 + s),
        }
        trial.equal("KL", value, want, wrong, sizes=sizes)
    with trial.claim("loss: within 5 standard errors of the mean of log q(z) - log p(z)"):
        one, two = mu[:1, :1], logvar[:1, :1]
        e = rng.standard_normal(MANY)
        z = one + np.exp(two / 2) * e
        draws = (z**2 - e**2 - two) / 2
        (value,) = trial.call("loss", {"mu": one, "logvar": two}, "KL")
        mean, error = draws.mean(), draws.std() / np.sqrt(MANY)
        if value.ndim or not abs(value - mean) <= 5 * error:
            raise Refuted(f"KL is {value}, and the mean over draws {mean:.5g} ± {error:.1g}")
        trial.evidence = f"{(value - mean) / error:+.1f} standard errors"
    with trial.claim("loss: 0 at μ = 0, σ = 1"):
        (value,) = trial.call("loss", {"mu": np.zeros((2, 3)), "logvar": np.zeros((2, 3))}, "KL")
        trial.equal("KL", value, 0.0)

    trial.gradients(
        "gradient",
        Problem(divergence, {"mu": mu, "logvar": logvar}),
        lambda dy: {"mu": mu, "logvar": logvar},
        lambda dy: {
            "mu": {
                "μ/σ²: the gradient of another Gaussian's logarithm": mu / v / N,
                "sign μ where μ is meant": np.sign(mu) / N,
                "μ² where μ is meant": m / N,
            },
            "logvar": {
                "-1 is missing: at σ = 1 the gradient is 0": v / (2 * N),
                "+1 where -1 is meant": (v + 1) / (2 * N),
                "the gradient by log σ: σ² - 1": (v - 1) / N,
                "∂KL/∂σ² and not ∂KL/∂logvar": (1 - 1 / v) / (2 * N),
                "∂KL/∂σ and not ∂KL/∂logvar": (np.sqrt(v) - 1 / np.sqrt(v)) / N,
                "σ where σ² is meant": (np.sqrt(v) - 1) / (2 * N),
                "σ⁴ where σ² is meant: logvar is taken for log σ": (v**2 - 1) / (2 * N),
                "logvar is taken for log σ: e^(2 logvar) - 1": (v**2 - 1) / N,
                "logvar where σ² = e^logvar is meant": (s - 1) / (2 * N),
            },
        },
        sizes,
    )
