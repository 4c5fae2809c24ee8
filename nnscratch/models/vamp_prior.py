"""A VAE with a VampPrior: the prior is the mean of the posteriors of some learned images."""

from collections.abc import Callable
from math import log
from typing import Any, Self

import numpy as np

from ..checks.arguments import integer
from ..core import Array, IntArray, Layer, Parameter, Shape
from ..kernels.plain import sigmoid
from ..latent_losses import log_normals, log_sum, mixture_kl
from ..layers.contract import whole_batch
from ..likelihoods import Likelihood
from .batch_first import CHUNK, to_columns
from .trainable import Terms
from .vae import VAE


class VampPriorVAE(VAE):
    """A VAE with p(z) = (1/K) Σ_k q(z|u_k): a mixture of the posteriors of K pseudo-images u_k.

        L = -log p(x | a(z)) + β (log q(z|x) - log p(z)),    z = μ + σ ε,  u = sigmoid(v)

    The prior under which the bound is tightest is the mean of q(z|x) over all images. That is too
    large a mixture, and would overfit; K learned images stand for it. They pass through the same
    encoder, so the prior moves with it. The KL has no formula, and is estimated by the draw that
    the decoder is given anyhow.

    Where the likelihood is one of images in [0, 1], u = sigmoid(v) is one too; elsewhere u = v. The
    parameters v begin as N(-2, 1), or with `start_from` as images of the set.

    Shapes
        x, a  (*input_shape, N)      mu, logvar, z  (L, N)      u, v  (*input_shape, K)

    Derivation
        `mixture_kl` has the gradients in z, in μ and σ² of x and in those of the u_k. The encoder
        runs twice, on x and on u, and its two backwards add to one gradient; the second goes on to
        u, and dv = du u (1 - u).

    Source
        Tomczak and Welling, VAE with a VampPrior (2018), eq. 9 and 10. Theirs clips v to [0, 1],
        where a pixel that has left it has no gradient any more.

    Raises
        ValueError as VAE; if components = K < 1, or the encoder needs the whole batch (BatchNorm).
    """

    exact_kl = False
    v: Parameter | None = None
    mixture: tuple[Array, Array] | None = None

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        latent_dim: int,
        likelihood: Likelihood | None = None,
        beta: float = 1.0,
        *,
        components: int,
        input_shape: Shape,
        rng: np.random.Generator,
    ) -> None:
        self.components = integer("VampPriorVAE", "components", components)
        super().__init__(encoder, decoder, latent_dim, likelihood, beta, input_shape=input_shape)
        if whole_batch(self.encoder):
            raise ValueError("VampPriorVAE encoder: expected one that takes each image by itself")
        v = rng.standard_normal((*self.input_shape, self.components)) - 2
        self.v = Parameter(v.astype(self.dtype))

    def start_from(self, images: Array) -> None:
        """Let the pseudo-images be the first K of some images (N, …)."""
        rows = self.image_input.rows("start_from", images)
        if len(rows) < self.components:
            raise ValueError(
                f"start_from: expected {self.components} images or more, got {len(rows)}"
            )
        u = to_columns("start_from", rows[: self.components], self.image_input)
        u = np.clip(u, 0.02, 0.98) if self.unit else u
        self._v.value[...] = np.log(u / (1 - u)) if self.unit else u

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
        L, beta, v = self.latent_dim, self.beta, self._v
        u = self.pseudo_inputs()
        hu, pseudo_backward = self.encoder.forward(u, rng=rng)
        kl, gradients = mixture_kl(draw.z, draw.mu, draw.logvar, hu[:L], hu[L:])
        dz, dmu, dlogvar, *dmixture = gradients
        reconstruction = draw.reconstruction
        terms = {"total": reconstruction + beta * kl, "reconstruction": reconstruction, "kl": kl}

        def backward(weight: float = 1.0) -> None:
            share = weight * beta
            draw.backward(weight, share * dmu, share * dlogvar, share * dz)
            du = pseudo_backward(share * np.concatenate(dmixture))
            v.grad += du * u * (1 - u) if self.unit else du

        return terms, backward

    @property
    def _v(self) -> Parameter:
        assert self.v is not None
        return self.v

    def pseudo_inputs(self) -> Array:
        """Return u (*input_shape, K)."""
        v = self._v.value
        return sigmoid(v) if self.unit else v.copy()

    def components_of_the_prior(self) -> tuple[Array, Array]:
        """Return the means and log-variances of p(z), both (L, K)."""
        if self.mixture is not None:
            return self.mixture
        h = self.encoder.inference().forward(self.pseudo_inputs())[0]
        return h[: self.latent_dim], h[self.latent_dim :]

    def inference(self) -> Self:
        """Return the model as it is used once learning is over; its prior is computed once."""
        model = super().inference()
        model.mixture = self.components_of_the_prior()
        return model

    def log_prior(self, z: Array) -> Array:
        """Return log p(z) of codes (L, N): (N,). CHUNK at a time are compared with all K."""
        prior, found = self.components_of_the_prior(), []
        for start in range(0, z.shape[1], CHUNK):
            a, _ = log_normals(z[:, start : start + CHUNK], *prior)
            found.append(log_sum(a.sum(axis=0) - log(self.components))[0])
        return np.concatenate(found)

    def draw_codes(self, count: int, *, rng: np.random.Generator) -> Array:
        """Return `count` draws from the prior, (count, L): a component, then a code of it."""
        means, logvars = self.components_of_the_prior()
        k = rng.integers(0, self.components, count)
        eps = rng.standard_normal((self.latent_dim, count), self.dtype)
        return np.ascontiguousarray((means[:, k] + np.exp(logvars[:, k] / 2) * eps).T)

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        return super().settings() | {"components": self.components}

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name: the networks' first, then the pseudo-images."""
        own = {} if self.v is None else {"pseudo_inputs": self.v}
        return super().parameters() | own
