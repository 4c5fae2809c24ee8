"""Binary cross-entropy from logits."""

import numpy as np

from ...core import Array
from ..problem import Problem
from ..trial import Trial


def bce(a: Array, t: Array) -> Array:
    """Return -(1/N) Σ t log σ(a) + (1 - t) log σ(-a), literally; of complex a, too."""
    log_p, log_q = -np.log(1 + np.exp(-a)), -np.log(1 + np.exp(a))
    return -np.sum(t * log_p + (1 - t) * log_q) / a.shape[-1]


def grade(trial: Trial) -> None:
    """The value, large logits and small losses; the gradient."""
    rng = trial.rng
    D, N = map(int, rng.permutation([3, 5]))
    a, t = 2 * rng.standard_normal((D, N)), rng.random((D, N))
    sizes = {"N": N, "D": D}
    s = 1 / (1 + np.exp(-a))

    with trial.claim("loss: a sum over the D pixels, a mean over the batch"):
        (value,) = trial.call("loss", {"a": a, "t": t}, "L")
        wrong = {
            "the part of black pixels is missing, (1-t) log(1-σ)": -np.sum(t * np.log(s)) / N,
            "the part of white pixels is missing, t log σ": -np.sum((1 - t) * np.log(1 - s)) / N,
            "t and 1 - t are exchanged": bce(a, 1 - t),
            "t a is added to softplus(a), and must be subtracted": bce(a, -t),
            "this is softplus(a) alone: t a is missing": bce(a, 0 * t),
            "log2: nats are meant, the natural logarithm": bce(a, t) / np.log(2),
            "it is the squared error": np.sum((s - t) ** 2) / N,
            "σ is applied twice: a is a logit already": bce(s, t),
        }
        trial.equal("L", value, bce(a, t), wrong, sizes=sizes)
    extreme = np.array([[1000.0, -1000.0, 1000.0, -1000.0]])
    told = np.array([[1.0, 0.0, 0.0, 1.0]])
    with trial.claim("loss: a = ±1000 costs 0 if right and 1000 if wrong, without an overflow"):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            (value,) = trial.call("loss", {"a": extreme, "t": told}, "L")
        trial.equal("L", value, 500.0)
    with trial.claim("loss: a small one keeps its digits: a = -40, t = 0 costs e^-40 = 4.2e-18"):
        (value,) = trial.call("loss", {"a": np.array([[-40.0]]), "t": np.zeros((1, 1))}, "L")
        lost = {"log(1 + e) is 0 for e < 1e-16; there is np.log1p": 0.0}
        trial.equal("L", value, np.exp(-40.0), lost)

    trial.gradients(
        "gradient",
        Problem(bce, {"a": a}, {"t": t}),
        lambda dy: {"a": a, "t": t},
        lambda dy: {
            "a": {
                "the slope of the sigmoid once too often: σ - t is all": (s - t) * s * (1 - s) / N,
                "a where σ(a) is meant": (a - t) / N,
                "t is not subtracted": s / N,
                "σ is missing": -t / N,
                "∂L/∂σ, and not ∂L/∂a: the slope of the sigmoid is missing": (s - t)
                / (s * (1 - s) * N),
                "t and 1 - t are exchanged": (s - 1 + t) / N,
                "tanh where σ is meant": (np.tanh(a) - t) / N,
                "t is rounded": (s - t.round()) / N,
            }
        },
        sizes,
    )
    with trial.claim("gradient: a = ±1000, without an overflow"):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            (da,) = trial.call("gradient", {"a": extreme, "t": told}, "da")
        trial.equal("da", da, [[0, 0, 0.25, -0.25]])
