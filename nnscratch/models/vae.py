"""The variational autoencoder: an autoencoder whose codes fill a known space."""

from collections.abc import Callable
from math import inf, log, pi
from typing import Any, NamedTuple

import numpy as np

from ..checks.arguments import generator, integer, number
from ..core import Array, IntArray, Layer, Shape, backward_into_theta
from ..kernels.machine.threads import check_threads, in_chunks
from ..layers.sampling import GaussianSample
from ..likelihoods import Likelihood
from ..losses import gaussian_kl, gaussian_kl_per_sample
from .autoencoder import Autoencoder
from .batch_first import CHUNK, to_columns
from .corruption import Corruption
from .labels import append_labels
from .trainable import Terms


def bound(
    reconstruction: float, mu: Array, logvar: Array, beta: float, free_bits: float
) -> tuple[Terms, tuple[Array, Array]]:
    """Return the terms of reconstruction + β max(KL - free, 0), and the gradients of the maximum.

    The allowance is a sample's: its first `free_bits` nats, summed over the dimensions of its code.
    Below it the KL has no gradient. The gradients, in mu and in logvar, are without the factor β.
    """
    kl, (dmu, dlogvar) = gaussian_kl(mu, logvar)
    terms = {"total": reconstruction + beta * kl, "reconstruction": reconstruction, "kl": kl}
    if free_bits > 0:
        each = gaussian_kl_per_sample(mu, logvar)
        terms["free"] = float(np.minimum(each, free_bits).mean())
        terms["total"] -= beta * terms["free"]
        charged = each > free_bits
        dmu, dlogvar = charged * dmu, charged * dlogvar
    return terms, (dmu, dlogvar)


class Draw(NamedTuple):
    """What a draw of z for each sample of a batch is worth, and the way back from it.

    mu, logvar, z   (L, N)
    reconstruction  -log p(x | a(z)), a mean over the batch
    backward        (weight, dmu, dlogvar, dz) adds ∂/∂θ of weight · reconstruction and of terms
                    that have these gradients in μ, log σ² and z; they may have none in z
    """

    mu: Array
    logvar: Array
    z: Array
    reconstruction: float
    backward: Callable[..., None]


class VAE(Autoencoder):
    """q(z|x) = N(μ(x), σ²(x)), p(z) = N(0, I), p(x|a) with a = decoder(z): maximise the ELBO.

        log p(x) ≥ E_q log p(x | a(z)) - KL(q(z|x) ‖ p(z))

        L = -log p(x | a(μ + σ ε)) + β max(KL - free, 0),    ε ~ N(0, I), one draw a sample and step

    The first term wants codes that say which x it was; the second wants every code to look like a
    draw from the prior. At β = 1 their sum bounds -log p(x) from above, in nats an image. The
    encoder returns 2 L rows: first μ, then log σ².

    Two cures for a posterior that collapses onto the prior (KL → 0, the code says nothing): let β
    rise from 0 (`Trainer(anneal={"beta": Linear(0, 1, steps)})`), or let a sample's first
    `free_bits` nats of KL go free.

    Shapes
        x, a  (*input_shape, N)         mu, logvar, z  (latent_dim, N)

    Derivation
        z = μ + σ ε carries dz back to μ and log σ² (GaussianSample); there the KL adds its own
        gradient, β times (gaussian_kl); both go into the encoder stacked as it returned them.

    Source
        Kingma and Welling, Auto-Encoding Variational Bayes (2014), eq. 10.
        β: Higgins et al., β-VAE (2017), eq. 4.
        Free bits, a sample at a time: Roberts et al., MusicVAE (2018), §2.2.

    Raises
        ValueError naming the layer that does not fit, if β < 0, free_bits < 0 or latent_dim < 1.
    """

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        latent_dim: int,
        likelihood: Likelihood | None = None,
        beta: float = 1.0,
        *,
        input_shape: Shape,
        free_bits: float = 0.0,
        corruption: Corruption | None = None,
    ) -> None:
        self.latent_dim = integer("VAE", "latent_dim", latent_dim)
        self.beta = number("VAE", "beta", beta, 0, inf, "[)")
        self.free_bits = number("VAE", "free_bits", free_bits, 0, inf, "[)")
        super().__init__(
            encoder, decoder, likelihood, input_shape=input_shape, corruption=corruption
        )

    def code_of(self, encoder_output: Shape) -> Shape:
        """Return (L,): the encoder's 2 L numbers are the mean and log-variance of L."""
        L = self.latent_dim
        if encoder_output != (2 * L,):
            raise ValueError(f"expected an output of shape ({2 * L},), got {encoder_output}")
        return (L,)

    def loss(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ."""
        draw, beta = self.draw(x, labels, corrupted, rng=rng), self.beta
        terms, (dmu, dlogvar) = bound(
            draw.reconstruction, draw.mu, draw.logvar, beta, self.free_bits
        )

        def backward(weight: float = 1.0) -> None:
            draw.backward(weight, weight * beta * dmu, weight * beta * dlogvar)

        return terms, backward

    def draw(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Draw:
        """Encode a batch, draw z = μ + σ ε, decode it, and compare with x."""
        if rng is None:
            raise ValueError(f"{type(self).__name__} loss: expected rng, the source of ε; got none")
        L = self.latent_dim
        to_encode = self.encoder_input(x, labels, corrupted, rng=rng)
        h, encoder_backward = self.encoder.forward(to_encode, rng=rng)
        mu, logvar = h[:L], h[L:]
        eps = rng.standard_normal(mu.shape, mu.dtype)
        z, sample_backward = GaussianSample().forward(mu, logvar, eps)
        to_decode = append_labels(z, self.one_hot(labels))
        a, decoder_backward = self.decoder.forward(to_decode, rng=rng)
        reconstruction, da = self.likelihood.nll(a, x)

        def backward(weight: float, dmu: Array, dlogvar: Array, dz: Array | None = None) -> None:
            da_weighted = da if weight == 1 else weight * da
            dz_decoder = decoder_backward(da_weighted)[:L]
            dmu_z, dlogvar_z = sample_backward(dz_decoder if dz is None else dz_decoder + dz)
            dh = np.concatenate([dmu_z + dmu, dlogvar_z + dlogvar])
            backward_into_theta(encoder_backward, dh)

        return Draw(mu, logvar, z, reconstruction, backward)

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        free = {"free": -self.beta} if self.free_bits > 0 else {}
        return {"reconstruction": 1.0, "kl": self.beta} | free

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        return super().settings() | {"free_bits": self.free_bits}

    def posterior(
        self, images: Array, labels: IntArray | None = None, *, threads: int | None = None
    ) -> tuple[Array, Array]:
        """Return mu and logvar of q(z|x) for images (N, …), both (N, L)."""
        h = self.encoder_output("posterior", images, labels, threads)
        return h[:, : self.latent_dim], h[:, self.latent_dim :]

    def encode(
        self, images: Array, labels: IntArray | None = None, *, threads: int | None = None
    ) -> Array:
        """Return the mean codes μ of images (N, …): (N, L)."""
        return self.encoder_output("encode", images, labels, threads)[:, : self.latent_dim]

    def log_prob(
        self,
        images: Array,
        labels: IntArray | None = None,
        *,
        rng: np.random.Generator | None = None,
        threads: int | None = None,
    ) -> Array:
        """Return the ELBO of each image (N, …), from one draw of its code, nats (N,).

        It bounds log p(x) from below; `evaluation.importance_nll` comes nearer, for a set. With
        labels it bounds log p(x|y).
        """
        check_threads("log_prob", threads)
        rng = generator("log_prob", rng)
        expected, model, L = self.image_input, self.inference(), self.latent_dim
        rows = expected.rows("log_prob", images)
        labels = expected.labels("log_prob", labels, len(rows))
        eps = rng.standard_normal((len(rows), self.noise_dim), self.dtype)

        def on(chunk: range) -> Array:
            here = slice(chunk.start, chunk.stop)
            x = to_columns("log_prob", rows[here], expected)
            y = self.one_hot(None if labels is None else labels[here])
            to_encode = self.reduced(x, rng=np.random.default_rng(0))
            h = model.encoder.forward(append_labels(to_encode, y))[0]
            mu, logvar = h[:L], h[L:]
            z, log_ratio = model.sampled(mu, logvar, eps[here].T)
            a = model.decoder.forward(append_labels(z, y))[0]
            kl = gaussian_kl_per_sample(mu, logvar) if self.exact_kl else -log_ratio
            return self.likelihood.log_prob(a, x) - kl

        return np.asarray(in_chunks(on, range(len(rows)), CHUNK, threads))

    exact_kl = True
    """Is the KL that of two Gaussians, which has a formula?"""

    @property
    def noise_dim(self) -> int:
        """How many numbers of noise a draw of a code takes."""
        return self.latent_dim

    def sampled(self, mu: Array, logvar: Array, eps: Array) -> tuple[Array, Array]:
        """Return z = μ + σ ε, and log p(z) - log q(z|x) of each column, in float64.

        mu, logvar  (L, M)        eps  (noise_dim, M), from N(0, I)
        """
        log_q = -(eps * eps + logvar + log(2 * pi)).sum(axis=0, dtype=np.float64) / 2
        z = mu + np.exp(logvar / 2) * eps
        return z, self.log_prior(z) - log_q

    def log_prior(self, z: Array) -> Array:
        """Return log p(z) of codes (L, N): (N,)."""
        return -np.asarray((z * z + log(2 * pi)).sum(axis=0, dtype=np.float64)) / 2

    def draw_codes(self, count: int, *, rng: np.random.Generator) -> Array:
        """Return `count` draws from the prior N(0, I), (count, L)."""
        return rng.standard_normal((count, self.latent_dim), self.dtype)
