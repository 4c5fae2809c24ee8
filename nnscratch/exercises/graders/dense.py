"""y = w x + b."""

import numpy as np

from ..problem import Problem
from ..trial import Trial


def grade(trial: Trial) -> None:
    """Forward by its definition, all gradients, the adjoint identity, the promises."""
    rng = trial.rng
    D, M, N = map(int, rng.permutation([3, 4, 5]))
    x, w, b = rng.standard_normal((D, N)), rng.standard_normal((M, D)), rng.standard_normal(M)
    sizes = {"N": N, "D": D, "M": M}

    with trial.claim(f"forward: y = w x + b, for x {x.shape}, w {w.shape}, b {b.shape}"):
        (y,) = trial.call("forward", {"x": x, "w": w, "b": b}, "y")
        wx = np.einsum("md,dn->mn", w, x)
        wrong = {"b is not added": wx, "b is subtracted": wx - b[:, None]}
        trial.equal("y", y, wx + b[:, None], wrong)

    with trial.claim("backward: dx for a square w, where a wrong transpose would fit"):
        u, square = rng.standard_normal((D, N)), rng.standard_normal((D, D))
        dy, want = Problem(lambda x: square @ x, {"x": u}).derivatives(rng)
        dx, _, _ = trial.call("backward", {"dy": dy, "x": u, "w": square}, "dx dw db")
        wrong = {"w is taken where its transpose wᵀ is meant": square @ dy}
        trial.equal("dx", dx, want["x"], wrong, sizes=sizes)
    problem = Problem(lambda x, w, b: w @ x + b[:, None], {"x": x, "w": w, "b": b})
    trial.gradients(
        "backward",
        problem,
        lambda dy: {"dy": dy, "x": x, "w": w},
        lambda dy: {
            "w": {"it depends on w, and y is linear in w": w * np.resize(dy, w.shape)},
            "b": {"only the last sample is used: sum over all": dy[:, -1]},
        },
        sizes,
    )
    with trial.claim("adjoint: ⟨w x, v⟩ = ⟨x, dx(v)⟩ for a random v"):
        v, zero = rng.standard_normal((M, N)), np.zeros(M)
        (y,) = trial.call("forward", {"x": x, "w": w, "b": zero}, "y")
        dx, _, _ = trial.call("backward", {"dy": v, "x": x, "w": w}, "dx dw db")
        trial.equal("⟨x, dx(v)⟩", np.sum(x * dx), np.sum(y * v), rtol=1e-11)
    trial.promises("backward", problem, lambda dy, x, w, b: {"dy": dy, "x": x, "w": w})
