"""β-TCVAE: a VAE whose KL is taken apart, so that what entangles dimensions alone costs more."""

from collections.abc import Callable
from math import inf, log
from typing import Any

import numpy as np

from ..checks.arguments import integer, number
from ..core import Array, IntArray, Layer, Shape
from ..latent_losses import kl_decomposition
from ..likelihoods import Likelihood
from .trainable import Terms
from .vae import VAE


class BetaTCVAE(VAE):
    """A VAE with the KL in three parts, of which the total correlation counts β times.

        L = -log p(x | a(z)) + α I + β TC + γ D,    z = μ + σ ε

    I is the information that a code carries about its image, TC the KL of q(z) from the product of
    its dimensions, D the sum of each dimension's KL from the prior; q(z) is the mean of q(z|x) over
    all images (`kl_decomposition`). At α = β = γ = 1 the three sum to one draw of the KL, and L is
    the VAE's in expectation. β > 1 asks for independent dimensions, and not for fewer nats.

    q(z) is estimated from the batch. With S images in all and N in the batch, image m weighs for
    code n

        "weighted"    w_nm = 1/(S N)                                   minibatch weighted sampling
        "stratified"  w_nn = 1/S,  w_nm = (S - 1)/(S (N - 1))          minibatch stratified sampling

    The second makes Σ_m w_nm q(z|x_m) an unbiased estimate of q(z); the first is one for a lower
    bound on it. (The paper's stratified weights differ from image to image; these are their mean
    over the orders of a batch, so they vary less.) α, β and γ are attributes; `beta` can be
    annealed. A batch passes in one piece; with "stratified" it needs two images.

    Source
        Chen, Li, Grosse and Duvenaud, Isolating Sources of Disentanglement (2018), eq. 4,
        and appendix C.

    Raises
        ValueError as VAE; if α, β or γ < 0, samples < 1, or there is no such sampling.
    """

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        latent_dim: int,
        likelihood: Likelihood | None = None,
        beta: float = 6.0,
        *,
        samples: int,
        input_shape: Shape,
        alpha: float = 1.0,
        gamma: float = 1.0,
        sampling: str = "stratified",
    ) -> None:
        self.samples = integer("BetaTCVAE", "samples", samples)
        self.alpha = number("BetaTCVAE", "alpha", alpha, 0, inf, "[)")
        self.gamma = number("BetaTCVAE", "gamma", gamma, 0, inf, "[)")
        if sampling not in ("weighted", "stratified"):
            raise ValueError(
                f"BetaTCVAE: expected sampling weighted or stratified, got {sampling!r}"
            )
        self.sampling = sampling
        super().__init__(encoder, decoder, latent_dim, likelihood, beta, input_shape=input_shape)
        self.whole_batch = True

    def loss(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ."""
        draw = self.draw(x, labels, corrupted, rng=rng)
        log_weights = self.log_weights(draw.z.shape[1]).astype(draw.z.dtype)
        parts, parts_backward = kl_decomposition(draw.z, draw.mu, draw.logvar, log_weights)
        weights = self.term_weights()
        terms = dict(zip(weights, [draw.reconstruction, *map(float, parts)], strict=True))
        terms = {"total": sum(weights[name] * terms[name] for name in terms)} | terms
        shares = np.array([self.alpha, self.beta, self.gamma], draw.z.dtype)

        def backward(weight: float = 1.0) -> None:
            dz, dmu, dlogvar = parts_backward(weight * shares)
            draw.backward(weight, dmu, dlogvar, dz)

        return terms, backward

    def log_weights(self, N: int) -> Array:
        """Return log w_nm for a batch of N, (N, N)."""
        S = max(self.samples, N)
        if self.sampling == "weighted":
            return np.full((N, N), -log(S * N))
        if N < 2:
            raise ValueError(f"BetaTCVAE stratified: expected two images or more, got {N}")
        others = log(S - 1) - log(S * (N - 1))
        return np.where(np.eye(N) == 1, -log(S), others)

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        parts = {"information": self.alpha, "correlation": self.beta, "dimensions": self.gamma}
        return {"reconstruction": 1.0} | parts

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        return super().settings() | {"samples": self.samples, "sampling": self.sampling}
