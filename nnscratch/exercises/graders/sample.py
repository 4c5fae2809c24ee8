"""The reparameterised sample."""

import numpy as np

from ..problem import Problem
from ..trial import Trial

MANY = 100_000


def grade(trial: Trial) -> None:
    """The moments of many samples, every single sample, both gradients."""
    rng = trial.rng
    L, N = map(int, rng.permutation([3, 4]))
    sizes = {"N": N, "L": L}
    mu, logvar = rng.standard_normal((L, N)), rng.uniform(0.5, 1.5, (L, N)) * rng.choice([-1, 1])
    noise = rng.standard_normal((L, N))
    s = np.exp(logvar / 2)

    with trial.claim("forward: 100,000 samples of N(2, 9) have a mean of 2 and a variance of 9"):
        two, nine = np.full((1, MANY), 2.0), np.full((1, MANY), np.log(9.0))
        draws = rng.standard_normal((1, MANY))
        draws = (draws - draws.mean()) / draws.std()  # the moments that they ought to have
        (z,) = trial.call("forward", {"mu": two, "logvar": nine, "noise": draws}, "z")
        trial.equal("the number of samples", z.size, MANY)
        trial.equal("their mean", z.mean(), 2.0, {"μ is not added": 0.0}, rtol=1e-6)
        wrong = {
            "σ² where σ is meant: e^logvar is the variance": 81.0,
            "√σ where σ is meant: the root is taken twice": 3.0,
            "logvar itself where σ is meant": np.log(9.0) ** 2,
            "logvar / 2 where σ is meant: exp is missing": np.log(3.0) ** 2,
            "σ is missing: this is μ + ε": 1.0,
            "1/σ where σ is meant: the sign of the exponent": 1 / 9,
            "there is no noise in it": 0.0,
        }
        trial.equal("their variance", z.var(), 9.0, wrong, rtol=1e-6)
    with trial.claim("forward: z = μ + σ ε, entry by entry"):
        (z,) = trial.call("forward", {"mu": mu, "logvar": logvar, "noise": noise}, "z")
        wrong = {
            "σ² where σ is meant": mu + s**2 * noise,
            "σ ε is subtracted: as likely, but not what is asked for": mu - s * noise,
            "μ is multiplied, too": (mu + noise) * s,
        }
        trial.equal("z", z, mu + s * noise, wrong)

    problem = Problem(
        lambda mu, logvar, noise: mu + np.exp(logvar / 2) * noise,
        {"mu": mu, "logvar": logvar},
        {"noise": noise},
    )
    trial.gradients(
        "backward",
        problem,
        lambda dz: {"dz": dz, "mu": mu, "logvar": logvar, "noise": noise},
        lambda dz: {
            "mu": {
                "it is dz · σ: z grows with μ by 1": dz * s,
                "it is dz · μ: z grows with μ by 1": dz * mu,
            },
            "logvar": {
                "the ½ is missing: σ = e^(logvar / 2)": dz * noise * s,
                "σ is missing: this is dz ε / 2": dz * noise / 2,
                "∂L/∂σ, and not ∂L/∂logvar": dz * noise,
                "σ² where σ is meant": dz * noise * s**2 / 2,
                "the gradient of σ = e^logvar: σ² where σ is meant, and no ½": dz * noise * s**2,
                "ε is missing": dz * s / 2,
                "dz is missing": noise * s / 2,
                "z where σ ε is meant: μ does not depend on logvar": dz * (mu + s * noise) / 2,
            },
        },
        sizes,
    )
    trial.promises(
        "backward",
        problem,
        lambda dz, mu, logvar: {"dz": dz, "mu": mu, "logvar": logvar, "noise": noise},
    )
