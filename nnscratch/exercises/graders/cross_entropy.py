"""The cross-entropy of a softmax."""

import numpy as np

from ...core import Array, IntArray
from ..problem import Problem
from ..trial import Trial


def cross_entropy(a: Array, labels: IntArray) -> Array:
    """Return (1/N) Σ_n log Σ_k exp a_kn - a_label(n),n; of complex a, too."""
    top = a.real.max(axis=0)
    own = a[labels, np.arange(a.shape[1])]
    return np.mean(np.log(np.exp(a - top).sum(axis=0)) + top - own)


def grade(trial: Trial) -> None:
    """The value, its invariance, large logits; the gradient."""
    rng = trial.rng
    K, N = map(int, rng.permutation([3, 5]))
    a, labels = 2 * rng.standard_normal((K, N)), rng.integers(0, K, N)
    labels[:2] = [0, K - 1]
    sizes = {"N": N, "K": K}
    want = cross_entropy(a, labels)
    own, right = a[labels, np.arange(N)], np.arange(K)[:, None] == labels
    p = np.exp(a) / np.exp(a).sum(axis=0)
    shifted = np.exp(a - a.max(axis=0))
    shifted /= shifted.sum(axis=1, keepdims=True)
    across = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)

    with trial.claim("loss: L = (1/N) Σ_n -log softmax(a_n)_label(n)"):
        (value,) = trial.call("loss", {"a": a, "labels": labels}, "L")
        wrong = {
            "the logit of the label is not subtracted": want + own.mean(),
            "the log is missing: this is the probability": p[right].mean(),
            "the log is missing: this is 1 - p": 1 - p[right].mean(),
            "log2: nats are meant, the natural logarithm": want / np.log(2),
            "log10: nats are meant, the natural logarithm": want / np.log(10),
            "softmax runs over the batch, and classes are the first axis": -np.log(
                across[right]
            ).mean(),
            "all classes are summed, and not the label's alone": -np.log(p).sum() / N,
        }
        trial.equal("L", value, want, wrong, sizes=sizes)
    with trial.claim("loss: adding 300 to all logits changes nothing"):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            (value,) = trial.call("loss", {"a": a + 300, "labels": labels}, "L")
        trial.equal("L", value, want)
    extreme, first = np.array([[1000.0, 0.0], [0.0, 1000.0]]), np.array([0, 0])
    with trial.claim("loss: logits of 1000 give (0 + 1000) / 2, without an overflow"):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            (value,) = trial.call("loss", {"a": extreme, "labels": first}, "L")
        trial.equal("L", value, 500.0)

    trial.gradients(
        "gradient",
        Problem(cross_entropy, {"a": a}, {"labels": labels}),
        lambda dy: {"a": a, "labels": labels},
        lambda dy: {
            "a": {
                "1 is not subtracted at the label": p / N,
                "1 is added at the label: it is subtracted": (p + right) / N,
                "softmax runs over the batch, and classes are the first axis": (across - right) / N,
                "the sum of the softmax runs over the batch": (shifted - right) / N,
                "only the label's logit gets a gradient: all have one": (p - right) * right / N,
                "the label's logit gets none": p * ~right / N,
                "a logit where its softmax is meant": (a - right) / N,
                "exp without the division by its sum": (np.exp(a) - right) / N,
                "the slope of a softmax once too often: p (1 - p)": (p - right) * p * (1 - p) / N,
                "∂L/∂p, and not ∂L/∂a": -1.0 * right / p / N,
            }
        },
        sizes,
    )
    with trial.claim("gradient: logits of 1000, without an overflow"):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            (da,) = trial.call("gradient", {"a": extreme, "labels": first}, "da")
        trial.equal("da", da, [[0, -0.5], [0, 0.5]])
