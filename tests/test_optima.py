"""Whole models against optima in closed form: training must reach them and cannot pass them.

A gradient check sees one derivative at a time; here layers, losses, noise, replicas and optimiser
must be right together. Digits of 14 × 14 pixels in float64, a few seconds each.
"""

import numpy as np
import pytest

from nnscratch.core import Array
from nnscratch.data import digits, downsample
from nnscratch.evaluation.baselines import PCA, linear_vae_optimum
from nnscratch.evaluation.metrics import sse
from nnscratch.layers import Dense
from nnscratch.likelihoods import Gaussian, SquaredError
from nnscratch.models import VAE, Autoencoder
from nnscratch.optimizers import Adam
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

pytestmark = pytest.mark.plain

N, D, BATCH = 1000, 14 * 14, 250


@pytest.fixture(scope="module")
def images() -> Array:
    """(1000, 14, 14) float64."""
    return downsample(digits().train.images[:N] / 255, 2)


def linear(in_features: int, out_features: int) -> Dense:
    rng = np.random.default_rng(in_features)
    return Dense(in_features, out_features, rng=rng, dtype=np.float64)


def train(model: Autoencoder, images: Array, epochs: int) -> None:
    """Adam with a rate that falls to nothing, on one thread: the matrices are small."""
    rate = Cosine(0.02, epochs * N // BATCH)
    Trainer(model, Adam(rate), seed=0, batch_size=BATCH, replicas=1).fit(images, epochs=epochs)


def test_a_linear_autoencoder_learns_pca(images: Array) -> None:
    """Baldi and Hornik (1989): no linear code of 4 numbers loses less, and training finds it."""
    model = Autoencoder(linear(D, 4), linear(4, D), SquaredError(), input_shape=(D,))
    train(model, images, epochs=150)
    best = PCA(4).fit(images).errors(images)[4]
    assert best <= sse(images, model.reconstruct(images)) <= 1.001 * best


def test_a_linear_vae_reaches_its_optimum_and_collapses_where_it_should(images: Array) -> None:
    """Eight units, of which six are worth their KL at s² = 0.4 (Lucas et al. 2019).

    Training sees one draw of ε an image; what it found is judged by the expectation over ε,

        E |x - x̂|² = |x - w μ - b|² + Σ_i |w_i|² σ_i².
    """
    k, s2 = 8, 0.4
    model = VAE(linear(D, 2 * k), linear(k, D), k, Gaussian(s2), input_shape=(D,))
    train(model, images, epochs=400)

    mu, logvar = model.posterior(images)
    w = model.parameters()["decoder.0.weight"].value
    error = sse(images, model.decode(mu)) + (np.exp(logvar) @ (w * w).sum(axis=0)).mean()
    kl = (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1).mean() / 2
    optimum = linear_vae_optimum(images, s2, k)
    assert optimum.active == 6
    assert (mu.var(axis=0) > 0.01).sum() == 6
    assert optimum.total <= error / (2 * s2) + kl <= 1.001 * optimum.total
