"""The negative ELBO: how its terms are put together."""

from typing import Any

import numpy as np

from ...core import Array
from ..problem import Problem
from ..trial import Trial
from .bce import bce
from .gaussian_kl import divergence


def grade(trial: Trial) -> None:
    """Each term and their sum, what a batch does to them, the gradients."""
    rng = trial.rng
    D, L, N = map(int, rng.permutation([3, 4, 7]))
    a, t = rng.standard_normal((D, N)), rng.random((D, N))
    mu, logvar = rng.standard_normal((L, N)), rng.standard_normal((L, N))
    beta = float(rng.uniform(1.5, 4))
    given: dict[str, Any] = {"a": a, "t": t, "mu": mu, "logvar": logvar, "beta": beta}
    sizes, names = {"N": N, "D": D, "L": L}, "total reconstruction kl"
    rec, kl = float(bce(a, t)), float(divergence(mu, logvar))

    with trial.claim("loss: the reconstruction is BCE summed over pixels, the mean over the batch"):
        _, value, _ = trial.call("loss", given, names)
        wrong = {
            "β belongs to the KL": beta * rec,
            "this is the KL: the terms are exchanged": kl,
            "it is the squared error, and pixels are Bernoulli": np.sum(
                (1 / (1 + np.exp(-a)) - t) ** 2
            )
            / N,
        }
        trial.equal("reconstruction", value, rec, wrong, sizes=sizes)
    with trial.claim("loss: the KL is summed over dimensions, the mean over the batch, without β"):
        _, _, value = trial.call("loss", given, names)
        wrong = {
            "β is in the KL that is returned, and belongs to the total alone": beta * kl,
            "logvar is taken for log σ": float(divergence(mu, 2 * logvar)),
        }
        trial.equal("kl", value, kl, wrong, sizes=sizes)
    with trial.claim("loss: total = reconstruction + β KL"):
        total, _, _ = trial.call("loss", given, names)
        wrong = {
            "β is forgotten": rec + kl,
            "the KL is subtracted: this is the loss, and the KL is a price": rec - beta * kl,
            "the sign: this is the ELBO, and the loss is its negative": -(rec + beta * kl),
            "β multiplies the reconstruction": beta * rec + kl,
            "β multiplies both": beta * (rec + kl),
            "β is squared": rec + beta**2 * kl,
            "the KL is missing": rec,
            "the reconstruction is missing": beta * kl,
            "the KL is a mean over its dimensions, the reconstruction a sum": rec + beta * kl / L,
            "the reconstruction is a mean over pixels, the KL a sum": rec / D + beta * kl,
            "both are means over features": rec / D + beta * kl / L,
            "the reconstruction is a sum over the batch, the KL a mean": rec * N + beta * kl,
            "the KL is a sum over the batch, the reconstruction a mean": rec + beta * kl * N,
        }
        trial.equal("total", total, rec + beta * kl, wrong, sizes=sizes)
    with trial.claim("loss: the same batch twice has the same loss"):
        twice = {name: np.tile(x, 2) if np.ndim(x) else x for name, x in given.items()}
        total, _, _ = trial.call("loss", twice, names)
        trial.equal("total", total, rec + beta * kl, sizes={"batch": 2})

    def f(a: Array, mu: Array, logvar: Array) -> Array:
        return bce(a, t) + beta * divergence(mu, logvar)

    s, v = 1 / (1 + np.exp(-a)), np.exp(logvar)
    trial.gradients(
        "gradient",
        Problem(f, {"a": a, "mu": mu, "logvar": logvar}),
        lambda dy: given,
        lambda dy: {
            "a": {
                "β belongs to the KL": beta * (s - t) / N,
                "the slope of the sigmoid once too often": (s - t) * s * (1 - s) / N,
                "it is divided by D·N, and the sum over pixels is no mean": (s - t) / (N * D),
            },
            "mu": {
                "β is forgotten": mu / N,
                "β is forgotten, and 1/N": mu,
                "it is divided by L·N, and the sum over dimensions is no mean": beta * mu / (N * L),
            },
            "logvar": {
                "β is forgotten": (v - 1) / (2 * N),
                "-1 is missing: at σ = 1 the gradient is 0": beta * v / (2 * N),
                "the gradient by log σ": beta * (v - 1) / N,
            },
        },
        sizes,
    )
