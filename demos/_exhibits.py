"""The bugs of `demos bugs`: each a switch, right or wrong, and the check that tells which.

A check asks its question of one version of the code. It trains nothing and needs no digits.
"""

from collections.abc import Callable
from math import exp, log
from typing import Any, NamedTuple

import numpy as np

from nnscratch.core import check
from nnscratch.layers import GaussianSample
from nnscratch.layers.activations import sigmoid
from nnscratch.likelihoods import Bernoulli
from nnscratch.losses import bernoulli_nll, gaussian_kl
from nnscratch.models import VAE, AdversarialAutoencoder
from nnscratch.models.lesson import PIXELS, mlp
from nnscratch.optimizers import SGD
from nnscratch.training.adversarial import AdversarialTrainer, discriminator_loss
from nnscratch.training.streams import DUEL

DRAWS, CLIP = 100_000, np.float32(1e-7)


class Bug(NamedTuple):
    """A bug by its name, what stands in the code with it and without, and how to find out."""

    name: str
    right: Any
    wrong: Any
    question: str
    check: Callable[[Any], bool]


# %% 1 σ = exp(log σ²)
def sample_variance(mu, logvar, eps):
    """Return z = μ + σ² ε, with its exact derivative."""
    noise = np.exp(logvar) * eps

    def backward(dz):
        check("dz", dz, mu.shape, mu.dtype)
        return dz.copy(), dz * noise

    return mu + noise, backward


def deviation(sample):
    """Return the standard deviation of many draws that were asked to have 2."""
    shape = (1, DRAWS)
    eps = np.random.default_rng(0).standard_normal(shape)
    return float(sample(np.zeros(shape), np.full(shape, log(4)), eps)[0].std())


def draws_as_asked(sample):
    """Is the deviation of draws 2, to five standard errors?"""
    return abs(deviation(sample) - 2) < 5 * 2 / np.sqrt(2 * DRAWS)


# %% 2 2 log σ charged as log σ²
class LogSigmaVAE(VAE):
    """The encoder returns μ and s = log σ; `scale` is what the KL takes 1 s for: 2 is right."""

    scale = 2

    def loss(self, x, labels=None, corrupted=None, *, rng):
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ."""
        L, scale = self.latent_dim, self.scale
        to_encode = self.encoder_input(x, labels, corrupted, rng=rng)
        h, encoder_backward = self.encoder.forward(to_encode)
        mu, s = h[:L], h[L:]
        eps = rng.standard_normal(s.shape, s.dtype)
        z, sample_backward = GaussianSample().forward(mu, 2 * s, eps)
        a, decoder_backward = self.decoder.forward(z)
        reconstruction, da = self.likelihood.nll(a, x)
        kl, (dmu_kl, dlogvar_kl) = gaussian_kl(mu, scale * s)

        def backward(weight=1.0):
            dmu, dlogvar = sample_backward(decoder_backward(weight * da))
            ds = 2 * dlogvar + weight * scale * dlogvar_kl
            encoder_backward(np.concatenate([dmu + weight * dmu_kl, ds]), need_dx=False)

        return {"total": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}, backward


def charges_its_draws(scale, s=-2.0):
    """Is the KL charged to a code that of the draws which this code makes?"""
    z = 0.3 + exp(s) * np.random.default_rng(0).standard_normal(DRAWS)
    charged = gaussian_kl(np.full((1, 1), 0.3), np.full((1, 1), scale * s))[0]
    return abs(charged - (z.mean() ** 2 + z.var() - 1 - np.log(z.var())) / 2) < 0.02


# %% 3 averaged over pixels, summed over latent dimensions
class Averaged(Bernoulli):
    """The cross-entropy a pixel, where the library has that of an image."""

    def nll(self, a, t):
        """Return the mean over pixels and batch, and its gradient in a."""
        value, da = super().nll(a, t)
        return value / len(a), da / a.dtype.type(len(a))


def sums_over_features(likelihood):
    """Is the loss of an image with every pixel twice twice the loss?"""
    rng = np.random.default_rng(0)
    a, t = rng.standard_normal((9, 4)), rng.random((9, 4))
    twice = likelihood.nll(np.concatenate([a, a]), np.concatenate([t, t]))[0]
    return bool(np.isclose(twice, 2 * likelihood.nll(a, t)[0]))


# %% 4 no stop
def duel(stop, optimizers, *, pixels=PIXELS, seed=0, **run):
    """Return the trainer of an adversarial autoencoder, with the stop or without."""
    rng = np.random.default_rng(seed)
    nets = (mlp(sizes, rng=rng) for sizes in ((pixels, 128, 2), (2, 128, pixels), (2, 64, 64, 1)))
    model = AdversarialAutoencoder(*nets, input_shape=(pixels,), weight=10.0)
    return AdversarialTrainer(model, *optimizers, stop=stop, seed=seed, **run)


def steps_down_its_own_loss(stop):
    """Does D, at rate 1 and its opponent at rate 0, move by minus the gradient of its own loss?"""
    t = duel(stop, (SGD(0.0), SGD(1.0)), replicas=1, batch_size=64)
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)
    batch, before = np.arange(64), t.replicas.theta.value.copy()
    t.gradient(images, batch, discriminator_loss, DUEL)
    own = t.replicas.grads.sum(axis=0)
    t.replicas.grads[...] = 0
    t.train_step(images, batch)
    return bool(
        np.allclose((before - t.replicas.theta.value)[t.split :], own[t.split :], atol=1e-5)
    )


# %% 5 clipped probabilities
def clipped_bce(a, t):
    """Return the BCE of clipped probabilities, and its exact gradient: 0 where it clips."""
    p = sigmoid(a)
    q = p.clip(CLIP, 1 - CLIP)
    value = -(t * np.log(q) + (1 - t) * np.log(1 - q)).sum() / a.shape[-1]
    return float(value), np.where(p == q, p - t, 0).astype(a.dtype) / a.shape[-1]


def right_at_the_ends(loss):
    """Is the loss of ink where the logit is a = -100 … 100 that of float64, log(1 + exp -a)?"""
    a = np.linspace(-100, 100, 201, dtype=np.float32)[:, None]
    got = [loss(row[None], np.ones((1, 1), np.float32))[0] for row in a]
    return bool(np.allclose(got, np.logaddexp(0, -a[:, 0].astype(float)), rtol=1e-5, atol=1e-6))


# %% All of them
BUGS = {
    "sigma": Bug(
        name="σ = exp(log σ²)",
        right=GaussianSample().forward,
        wrong=sample_variance,
        question="moments of the draws",
        check=draws_as_asked,
    ),
    "scale": Bug(
        name="2 log σ as log σ²",
        right=2,
        wrong=1,
        question="KL against that of the draws",
        check=charges_its_draws,
    ),
    "averaged": Bug(
        name="pixels averaged",
        right=Bernoulli(),
        wrong=Averaged(),
        question="twice the pixels, twice the loss",
        check=sums_over_features,
    ),
    "stop": Bug(
        name="no stop before D",
        right=True,
        wrong=False,
        question="D steps down its own loss",
        check=steps_down_its_own_loss,
    ),
    "saturated": Bug(
        name="clipped BCE",
        right=bernoulli_nll,
        wrong=clipped_bce,
        question="value at logits ±100",
        check=right_at_the_ends,
    ),
}
