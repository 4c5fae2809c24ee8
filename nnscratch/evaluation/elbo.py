"""What a VAE is worth: its ELBO and where the nats go; importance.py has a tighter bound.

    bound = elbo(model, test.images, rng=rng)
    print(bound.total, "nats an image =", bound.reconstruction, "+", bound.kl)

Images are (N, …), uint8 or in [0, 1]; a model with classes takes a Dataset, and where it says
log p(x) read log p(x|y). The encoder is given them as they are, or, if it was made for fewer
pixels, what the model's corruption leaves of them. A figure is a mean over images, with its
standard error: that of the choice of images. Noise is averaged out over several draws, from streams
of each chunk's own, so a seed gives one answer on any number of threads.
"""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from ..checks.arguments import integer, number
from ..checks.arrays import floats_of
from ..core import Array
from ..data.dataset import Dataset, Images
from ..models.vae import VAE
from .draws import Chunk, Encoded

ACTIVE = 0.01
"""A unit whose posterior mean varies less than this from image to image is not in use."""


@dataclass(frozen=True)
class Estimate:
    """A mean over images, and how far it may be off: the standard error."""

    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.error:.2f}"


def estimate(values: Array) -> Estimate:
    """Return the mean of values, one an image, with its standard error."""
    N = len(values)
    return Estimate(float(values.mean()), float(values.std(ddof=min(1, N - 1))) / N**0.5)


@dataclass(frozen=True)
class Elbo:
    """The negative ELBO and its parts, nats an image: total = reconstruction + KL, at β = 1.

    Whatever β the model was trained with, this is the bound on -log p(x), so models with different
    β compare. Where the likelihood is none (the cross-entropy of grey pixels, the lesson's squared
    error) this is no bound either: print `metrics.bce_floor` beside it.
    """

    total: Estimate
    reconstruction: Estimate
    kl: Estimate
    kl_per_dimension: Array
    active_units: int
    draws: int


def elbo(
    model: VAE,
    data: Images | Dataset,
    *,
    draws: int = 10,
    rng: np.random.Generator,
    threads: int | None = None,
) -> Elbo:
    """Return where the nats of the ELBO go; the KL is exact, the reconstruction a mean of draws.

    Raises
        ValueError if draws < 1, there are no images, they do not fit the model, a Bernoulli's are
        not in [0, 1], or it lacks their labels.
    """

    def entries(chunk: Chunk) -> Array:
        mu, logvar = chunk.mu, chunk.logvar
        log_prob = sum(log_p.sum(axis=0) for log_p, _ in chunk.draws(draws)) / draws
        return np.vstack([-log_prob, (mu * mu + np.expm1(logvar) - logvar) / 2, mu]).T

    if not model.exact_kl:
        raise ValueError(
            f"elbo: expected a KL that has a formula, got {type(model).__name__}; importance_nll "
            "with samples=1 is its bound"
        )
    L, draws = model.latent_dim, integer("elbo", "draws of each image", draws)
    found = Encoded("elbo", model, data, rng, threads).each_chunk(entries)
    reconstruction, kl, mu = found[:, 0], found[:, 1 : 1 + L], found[:, 1 + L :]
    return Elbo(
        total=estimate(reconstruction + kl.sum(axis=1)),
        reconstruction=estimate(reconstruction),
        kl=estimate(kl.sum(axis=1)),
        kl_per_dimension=kl.mean(axis=0),
        active_units=int(active_units(mu).sum()),
        draws=draws,
    )


def active_units(codes: Array, threshold: float = ACTIVE) -> NDArray[np.bool_]:
    """Return which of the L posterior means, (N, L), differ from image to image: Var μ > threshold.

    Source
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), §5.
    """
    number("active_units", "threshold", threshold, 0, inf, "[)")
    codes = floats_of("active_units codes", codes, unit=False)
    if codes.ndim != 2:
        raise ValueError(f"active_units codes: expected (N, L), got {codes.shape}")
    return np.asarray(codes.var(axis=0, dtype=np.float64) > threshold)
