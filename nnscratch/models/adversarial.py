"""The adversarial autoencoder: codes shaped like a prior by an opponent, not by a formula."""

from collections.abc import Callable
from math import inf
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import number
from ..core import Array, IntArray, Layer, Parameter, Shape, backward_into_theta, check, named
from ..layers.contract import buffers, check_methods, whole_batch
from ..layers.sequential import Sequential, as_sequential
from ..likelihoods import Likelihood
from ..losses import bernoulli_nll
from .autoencoder import Autoencoder
from .batch_first import naming
from .parts import try_layer, two_halves
from .trainable import Terms


class Prior(Protocol):
    """A distribution over codes that one can draw from; nothing else is asked of it."""

    def __call__(self, L: int, N: int, *, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        """Return N draws (L, N)."""
        ...


def gaussian(L: int, N: int, *, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    """N(0, I): the prior of the VAE."""
    return rng.standard_normal((L, N)).astype(dtype)


def ring(L: int, N: int, *, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    """A ring of radius 2 and width 0.2 in the first two dimensions, N(0, 0.2² I) in the others."""
    z = 0.2 * rng.standard_normal((L, N))
    return _around(z, rng.uniform(0, 2 * np.pi, N)).astype(dtype)


def mixture(L: int, N: int, *, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    """Ten blobs of width 0.2 on a circle of radius 2 in the first two dimensions."""
    z = 0.2 * rng.standard_normal((L, N))
    return _around(z, 2 * np.pi * rng.integers(0, 10, N) / 10).astype(dtype)


def _around(z: Array, angle: Array) -> Array:
    """Move every z_n (L, N) to its angle on the circle of radius 2."""
    z[:2] += 2 * np.array([np.cos(angle), np.sin(angle)])[: len(z)]
    return z


class AdversarialAutoencoder(Autoencoder):
    """An autoencoder, and a discriminator D that tells codes from draws of the prior.

        autoencoder    L = -log p(x | a(z)) + weight · (-log σ(D(z)))         z = encoder(x)
        discriminator  L_D = -log σ(D(z')) - log (1 - σ(D(z)))                z' ~ prior

    D learns to give draws a high logit and codes a low one; the encoder, to be taken for the prior.
    Where neither can gain, the codes as a whole are distributed like the prior: the aggregate of
    q(z|x) over all x, where a VAE's KL asks the same of every single x. The prior need have no
    density, only samples, and may be any shape.

    Three things must hold, and the lesson's notebook breaks them all: D's own optimiser steps D;
    the step of one player leaves the other's parameters alone; D ends in one number.

    Shapes
        x  (*input_shape, N)      z, z'  (L, N)      D(z)  (1, N), a logit

    Derivation
        -log σ(d) is the Bernoulli loss of target 1, -log(1 - σ(d)) that of target 0, each with
        gradient σ(d) - target. In L it passes through D to z, joins what the decoder sends there,
        and goes on into the encoder; what it adds to D's own gradient on its way is thrown away.

    Source
        Makhzani et al., Adversarial Autoencoders (2015), §2; the non-saturating -log σ(D):
        Goodfellow et al., Generative Adversarial Nets (2014), §3.

    Raises
        ValueError as Autoencoder; if codes are no vectors, D does not give one number, weight < 0.
    """

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        discriminator: Layer,
        likelihood: Likelihood | None = None,
        *,
        input_shape: Shape,
        prior: Prior = gaussian,
        weight: float = 1.0,
    ) -> None:
        number("AdversarialAutoencoder", "weight", weight, 0, inf, "[)")
        check_methods("AdversarialAutoencoder prior", prior, "__call__")
        with naming("AdversarialAutoencoder discriminator"):
            self.discriminator = as_sequential(discriminator)
        self.prior, self.weight = prior, weight
        super().__init__(encoder, decoder, likelihood, input_shape=input_shape)
        with naming("AdversarialAutoencoder discriminator"):
            output = self.discriminator.output_shape(self.code_shape)
            if output != (1,):
                raise ValueError(f"expected one number a code, (1,), got {output}")
        self.whole_batch = self.whole_batch or whole_batch(self.discriminator)
        codes = two_halves(self.code_shape, self.dtype)
        try_layer("AdversarialAutoencoder discriminator", self.discriminator, codes)

    def loss(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the autoencoder's terms, and its backward; D's gradient is to be thrown away."""
        opposed = self.weight
        to_encode = self.encoder_input(x, labels, corrupted, rng=rng)
        z, encoder_backward = self.encoder.forward(to_encode, rng=rng)
        a, decoder_backward = self.decoder.forward(z, rng=rng)
        d, judge_backward = self.discriminator.forward(z, rng=rng)
        reconstruction, da = self.likelihood.nll(a, x)
        generator, dd = bernoulli_nll(d, np.ones_like(d))
        terms = {
            "total": reconstruction + opposed * generator,
            "reconstruction": reconstruction,
            "generator": generator,
        }

        def backward(weight: float = 1.0) -> None:
            dz = decoder_backward(weight * da) + judge_backward(weight * opposed * dd)
            backward_into_theta(encoder_backward, dz)

        return terms, backward

    def discriminator_loss(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator,
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return D's terms, with how often it is right, and a backward into D alone."""
        to_encode = self.encoder_input(x, labels, corrupted, rng=rng)
        z = self.encoder.inference().forward(to_encode)[0]
        L, N = z.shape
        draws = self.prior(L, N, rng=rng, dtype=z.dtype)
        check("AdversarialAutoencoder prior", draws, (L, N), z.dtype)
        d, backward_of_d = self.discriminator.forward(np.concatenate([draws, z], axis=1), rng=rng)
        real = np.concatenate([np.ones((1, N), z.dtype), np.zeros((1, N), z.dtype)], axis=1)
        value, dd = bernoulli_nll(d, real)  # a mean over 2 N; the sum of two means is twice that
        terms = {
            "discriminator": 2 * value,
            "accuracy": float(((d > 0) == (real > 0)).mean()),
        }

        def backward(weight: float = 1.0) -> None:
            backward_into_theta(backward_of_d, 2 * weight * dd)

        return terms, backward

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        return {"reconstruction": 1.0, "generator": self.weight}

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        name = getattr(self.prior, "__name__", type(self.prior).__name__)
        return super().settings() | {"prior": name}

    def draw_codes(self, count: int, *, rng: np.random.Generator) -> Array:
        """Return `count` draws from the prior, (count, L)."""
        draws = self.prior(self.code_shape[0], count, rng=rng, dtype=self.dtype)
        return np.ascontiguousarray(draws.T)

    def parts(self) -> dict[str, tuple[Sequential, Shape]]:
        """Return the networks of the model by name, D included."""
        return super().parts() | {"discriminator": (self.discriminator, self.code_shape)}

    def inference(self) -> Self:
        """Return the model as it is used once learning is over, D included."""
        model = super().inference()
        model.discriminator = self.discriminator.inference()
        return model

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name: the autoencoder's first, then D's."""
        return super().parameters() | named(discriminator=self.discriminator.parameters())

    def buffers(self) -> dict[str, Array]:
        """Return what else belongs to the trained model."""
        return super().buffers() | named(discriminator=buffers(self.discriminator))
