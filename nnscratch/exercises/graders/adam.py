"""One step of Adam."""

from typing import Any

import numpy as np

from ...core import Array
from ..trial import Refuted, Trial


def averages(gradients: list[Array], beta: float) -> tuple[Array, Array]:
    """Return (1 - β) Σ β^(t-i) g_i and Σ β^(t-i) g_i / Σ β^(t-i), by the weights of a mean."""
    t = len(gradients)
    weights = [beta ** (t - 1 - i) for i in range(t)]
    total = np.tensordot(weights, np.stack(gradients), 1)
    return (1 - beta) * total, total / sum(weights)


def grade(trial: Trial) -> None:
    """Weighted means in closed form, the size of a step, its independence of scale, an optimum."""
    rng = trial.rng
    D = int(rng.integers(3, 6))
    rate, b1, b2 = (float(rng.uniform(*r)) for r in ((0.1, 0.3), (0.5, 0.7), (0.8, 0.95)))
    names = "theta m v"

    def run(theta: Array, gradients: list[Array], rate: float, eps: float) -> list[list[Array]]:
        """Return θ, m, v after each of the steps."""
        m, v = np.zeros_like(theta), np.zeros_like(theta)
        found = []
        for t, grad in enumerate(gradients, 1):
            given = {"theta": theta, "grad": grad, "m": m, "v": v, "t": t, "rate": rate}
            theta, m, v = trial.call("step", given | {"beta1": b1, "beta2": b2, "eps": eps}, names)
            for name, a in zip(names.split(), (theta, m, v), strict=True):
                if a.shape != grad.shape:
                    raise Refuted(f"{name} has the shape {a.shape}, expected {grad.shape}")
            found.append([theta, m, v])
        return found

    start, gradients = rng.standard_normal(D), list(rng.standard_normal((3, D)))
    eps, g = 0.2, gradients[0]
    with trial.claim("m after three steps is (1-β₁) Σ β₁^(t-i) g_i"):
        m = run(start, gradients, rate, eps)[-1][1]
        want, hat = averages(gradients, b1)
        wrong = {
            "1 - β₁ is missing: m ← β₁ m + g": want / (1 - b1),
            "β₁ and 1 - β₁ are exchanged": averages(gradients, 1 - b1)[0],
            "β₂ where β₁ is meant": averages(gradients, b2)[0],
            "the bias correction is kept in m: it belongs to m̂ alone": _kept(gradients, b1),
            "m is the last gradient: it does not remember": gradients[-1],
            "m is the corrected m̂": hat,
            "g² where g is meant": averages([g**2 for g in gradients], b1)[0],
            "the last gradient does not enter with 1 - β₁": want + b1 * gradients[-1],
        }
        trial.equal("m", m, want, wrong)
    squares = [g**2 for g in gradients]
    with trial.claim("v after three steps is (1-β₂) Σ β₂^(t-i) g_i²"):
        v = run(start, gradients, rate, eps)[-1][2]
        wrong = {
            "1 - β₂ is missing: v ← β₂ v + g²": averages(squares, b2)[0] / (1 - b2),
            "g where g² is meant": averages(gradients, b2)[0],
            "|g| where g² is meant": averages([np.abs(g) for g in gradients], b2)[0],
            "β₁ where β₂ is meant": averages(squares, b1)[0],
            "the bias correction is kept in v: it belongs to v̂ alone": _kept(squares, b2),
            "β₂ and 1 - β₂ are exchanged": averages(squares, 1 - b2)[0],
        }
        trial.equal("v", v, averages(squares, b2)[0], wrong)
    with trial.claim("θ after one step is θ - rate · g / (|g| + ε)"):
        theta = run(start, gradients[:1], rate, eps)[0][0]
        wrong = _steps(start, gradients[:1], (rate, b1, b2, eps))
        trial.equal("theta", theta, start - rate * g / (np.abs(g) + eps), wrong)
    with trial.claim("θ after the third step moves by rate · m̂ / (√v̂ + ε)"):
        path = run(start, gradients, rate, eps)
        moved = path[1][0] - rate * averages(gradients, b1)[1] / (
            np.sqrt(averages(squares, b2)[1]) + eps
        )
        wrong = _steps(path[1][0], gradients, (rate, b1, b2, eps))
        trial.equal("theta", path[2][0], moved, wrong)
    with trial.claim("a gradient that stays the same moves θ by `rate` in each step"):
        path = run(start, [g] * 4, rate, 1e-12)
        trial.equal("theta", path[-1][0], start - 4 * rate * np.sign(g), rtol=1e-6)
    with trial.claim("gradients a million times larger make the same steps"):
        small = run(start, gradients, rate, 1e-15)[-1][0]
        large = run(start, [1e6 * g for g in gradients], rate, 1e-15)[-1][0]
        trial.equal("theta", large, small, rtol=1e-6)
    with trial.claim("it finds the minimum of Σ s (θ - c)², for s from 0.01 to 100"):
        c, s = rng.standard_normal(D), 10 ** rng.uniform(-2, 2, D)
        theta, m, v = c + rng.uniform(0.5, 1, D), np.zeros(D), np.zeros(D)
        for t in range(1, 301):
            grad = 2 * s * (theta - c)
            given: dict[str, Any] = {"theta": theta, "grad": grad, "m": m, "v": v, "t": t}
            given |= {"rate": 0.1 * 0.97**t, "beta1": b1, "beta2": b2, "eps": 1e-12}
            theta, m, v = trial.call("step", given, names)
        if not np.abs(theta - c).max() < 1e-2:
            raise Refuted(f"after 300 steps θ is {np.abs(theta - c).max():.3g} from the minimum")
        trial.evidence = f"within {np.abs(theta - c).max():.0e}"


def _kept(gradients: list[Array], beta: float) -> Array:
    """A mean that is corrected again and again."""
    m = np.zeros_like(gradients[0])
    for t, g in enumerate(gradients, 1):
        m = (beta * m + (1 - beta) * g) / (1 - beta**t)
    return m


def _steps(
    theta: Array, gradients: list[Array], setting: tuple[float, float, float, float]
) -> dict[str, Any]:
    """Return wrong ways to take the last step from θ."""
    rate, b1, b2, eps = setting
    m, mhat = averages(gradients, b1)
    v, vhat = averages([g**2 for g in gradients], b2)
    t = len(gradients)

    def by(m: Array, root: Array, sign: float = -1) -> Array:
        return theta + sign * rate * m / root

    late = m / (1 - b1 ** (t + 1)), np.sqrt(v / (1 - b2 ** (t + 1))) + eps
    return {
        "the bias correction is missing": by(m, np.sqrt(v) + eps),
        "the bias correction of v is missing": by(mhat, np.sqrt(v) + eps),
        "the bias correction of m is missing": by(m, np.sqrt(vhat) + eps),
        "ε stands inside of the root": by(mhat, np.sqrt(vhat + eps)),
        "ε is missing": by(mhat, np.sqrt(vhat)),
        "ε is added before v is corrected": by(mhat, (np.sqrt(v) + eps) / np.sqrt(1 - b2**t)),
        "the root of v̂ is missing": by(mhat, vhat + eps),
        "the step goes uphill: θ minus, and not plus": by(mhat, np.sqrt(vhat) + eps, 1),
        "g where m̂ is meant": by(gradients[-1], np.sqrt(vhat) + eps),
        "it is not divided by √v̂: this is momentum": by(mhat, np.ones_like(m)),
        "t + 1 where t is meant: the first step has t = 1": by(*late),
        "rate is missing": theta - mhat / (np.sqrt(vhat) + eps),
        "θ is not moved": theta,
        "m̂ is divided by 1 - β₁, whatever t": by(m / (1 - b1), np.sqrt(v / (1 - b2)) + eps)
        if t > 1
        else np.nan,
    }
