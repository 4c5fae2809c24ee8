"""The contractive penalty."""

import numpy as np

from ...core import Array
from ..problem import Problem
from ..trial import Trial

TINY = 1e-30


def squares(w: Array, b: Array, x: Array) -> Array:
    """Return Σ_md (∂h_m/∂x_d)² of h = σ(w x + b) for each sample, by the complex step."""
    total = np.zeros(x.shape[1])
    for d in range(len(x)):
        moved = x.astype(complex)
        moved[d] += 1j * TINY
        h = 1 / (1 + np.exp(-(w @ moved + b[:, None])))
        total += ((h.imag / TINY) ** 2).sum(axis=0)
    return total


def grade(trial: Trial) -> None:
    """The penalty against the Jacobian itself; both gradients against differences of that."""
    rng = trial.rng
    D, M, N = map(int, rng.permutation([3, 4, 5]))
    x, w, b = rng.standard_normal((D, N)), rng.standard_normal((M, D)), rng.standard_normal(M)
    given, sizes = {"x": x, "w": w, "b": b}, {"N": N, "D": D, "M": M}
    h = 1 / (1 + np.exp(-(w @ x + b[:, None])))
    s, lengths = h * (1 - h), (w**2).sum(axis=1)
    want = squares(w, b, x).mean()

    with trial.claim("penalty: (1/N) Σ_n ‖∂h/∂x‖²_F, by the complex step"):
        (value,) = trial.call("penalty", given, "L")
        wrong = {
            "the norm, where its square is meant": np.sqrt(squares(w, b, x)).mean(),
            "the norm over the whole batch, where its square is meant": np.sqrt(want),
            "the slope of σ is not squared": (s * lengths[:, None]).sum() / N,
            "h where its slope h (1 - h) is meant": (h**2 * lengths[:, None]).sum() / N,
            "1 - h² is the slope of tanh": ((1 - h**2) ** 2 * lengths[:, None]).sum() / N,
            "the slope of σ is missing: this is ‖w‖²": lengths.sum(),
            "w is missing: this is the slope squared": (s**2).sum() / N,
            "w is not squared": (s**2 * w.sum(axis=1)[:, None]).sum() / N,
            "|w| where w² is meant": (s**2 * np.abs(w).sum(axis=1)[:, None]).sum() / N,
            "the sum is squared, and not the entries": ((s * w.sum(axis=1)[:, None]) ** 2).sum()
            / N,
            "b is left out of h": squares(w, 0 * b, x).mean(),
        }
        trial.equal("L", value, want, wrong, sizes=sizes)

    def f(w: Array, b: Array) -> Array:
        return squares(w, b, x).mean()

    back = 2 * s**2 * (1 - 2 * h) * lengths[:, None] / N
    direct = 2 * w * (s**2).sum(axis=1)[:, None] / N
    through = back @ x.T
    wrong_slope = 2 * s * (1 - 2 * h) * lengths[:, None] / N
    flat = 2 * s**2 * lengths[:, None] / N
    trial.gradients(
        "gradient",
        Problem(f, {"w": w, "b": b}, analytic=False),
        lambda dy: given,
        lambda dy: {
            "w": {
                "w enters twice, and the way through h is missing": direct,
                "w enters twice, and the direct way is missing": through,
                "the way through h has the wrong sign": direct - through,
                "the factor 1 - 2h of the slope's slope is missing": direct + flat @ x.T,
                "the way through h lacks the slope of σ: this is ∂L/∂h xᵀ": direct
                + wrong_slope @ x.T,
                "the factor 2 of the direct way is missing": direct / 2 + through,
                "the factor 2 of the way through h is missing": direct + through / 2,
                "the direct way lacks 1/N": direct * N + through,
                "the way through h lacks 1/N": direct + through * N,
            },
            "b": {
                "the factor 1 - 2h of the slope's slope is missing": flat.sum(axis=1),
                "the slope of σ is missing: this is the sum of ∂L/∂h": wrong_slope.sum(axis=1),
                "Σ_d w² is missing": (2 * s**2 * (1 - 2 * h)).sum(axis=1) / N,
            },
        },
        sizes,
    )
