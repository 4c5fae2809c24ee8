"""Figures of `evaluate` beyond the loss: draws from the prior, and the factors in codes."""

from typing import Any

import numpy as np

from ..data import Dataset, Sprites
from ..evaluation import (
    ACTIVE,
    PCA,
    dci,
    factor_vae_score,
    frechet_distance,
    mutual_information_gap,
)
from ..models import VAE
from ..models.codec import Codec
from .saved import Saved, in_parts

COMPONENTS = 32
"""Principal components in whose space distances are taken, where samples have as many numbers."""

MOST, FEW, LARGE = 10_000, 2000, 2000
"""Samples that are compared, at most; and of those with more than LARGE numbers, at most FEW."""


def distances(saved: Saved, data: Dataset, seed: int) -> dict[str, float]:
    """Return the Fréchet distance of draws from real samples, and that of other real samples.

    The components are those of one half of the samples, drawn at random. From this half are
    measured as many draws of the model as the other half has samples, and the other half itself,
    which is the floor: what a perfect model would have at this number. A draw is the mean of p(x|z)
    for a z from the prior; of a model with classes it has the labels of the other half.

    Raises
        ValueError if there are too few samples, or the model cannot draw.
    """
    model = saved.model
    if type(model).draw_codes is Codec.draw_codes:
        return {}  # there is no prior
    numbers = int(np.prod(data.images.shape[1:]))
    rng, k = np.random.default_rng([seed, 3]), min(COMPONENTS, numbers)
    rows = rng.permutation(len(data))[: FEW if numbers > LARGE else MOST]
    N = len(rows) // 2
    if k >= N:
        raise ValueError(f"expected {2 * k + 2} samples or more, got {len(data)}")
    one, other = (data[part] for part in (rows[:N], rows[N : 2 * N]))
    real, again = np.asarray(one.images), np.asarray(other.images)
    labels = other.labels if model.classes else None
    drawn = model.sample(N, labels, rng=rng).reshape(real.shape)
    pca = PCA(k).fit(real)
    of_real, of_drawn, of_again = (pca.encode(x) for x in (real, drawn, again))
    return {
        f"Fréchet distance in PCA-{k}'s space, {N:,} draws": frechet_distance(of_real, of_drawn),
        f"  floor: {N:,} other samples": frechet_distance(of_real, of_again),
    }


def scores(saved: Saved, data: Dataset, seed: int) -> dict[str, float]:
    """Return how well the codes of a set with known factors are disentangled; for others nothing.

    Raises
        ValueError if there are too few samples, or codes are of one number, or all have collapsed.
    """
    if not isinstance(data, Sprites):
        return {}
    model, f = saved.model, data.factors
    codes: list[Any] = [model.encode(x, y).reshape(len(x), -1) for x, y in in_parts(data, saved)]
    z, rng = np.concatenate(codes), np.random.default_rng([seed, 4])
    threshold = ACTIVE if isinstance(model, VAE) else 0.0
    found = dci(z, f, rng=rng)
    return {
        "MIG": mutual_information_gap(z, f),
        "DCI, disentanglement": found.disentanglement,
        "DCI, completeness": found.completeness,
        "DCI, informativeness": found.informativeness,
        f"FactorVAE score, by chance {1 / f.shape[1]:.2g}": factor_vae_score(
            z, f, threshold=threshold, rng=rng
        ),
    }
