"""An importance-weighted autoencoder with two stochastic layers, one above the other."""

from collections.abc import Callable
from typing import Self

import numpy as np

from ..checks.arguments import integer
from ..core import Array, Layer, Parameter, Shape, named
from ..kernels.plain_samples import scaled_columns
from ..layers.contract import buffers, whole_batch
from ..layers.sampling import GaussianSample
from ..layers.sequential import Sequential, as_sequential
from ..likelihoods import Likelihood, log_prob_of_samples
from .batch_first import naming
from .iwae import IWAE
from .trainable import Terms


class TwoLayerIWAE(IWAE):
    """x → h₁ → h₂ and back, each arrow a Gaussian given what it starts from; h₂ ~ N(0, I).

        w = p(x|h₁) p(h₁|h₂) p(h₂) / (q(h₁|x) q(h₂|h₁))

    The objectives are those of the IWAE, with these weights. Given x the layers depend on one
    another, and so do they under the prior: that is what two layers can say and one cannot.

    A code is h₁, so `encode` and `decode` are those of a VAE with these. The prior of h₁ is the
    mean of p(h₁|h₂) over h₂, which has no formula: a draw of it takes one of h₂ first.

    encoder, upper_encoder  return μ and log σ² of h₁ given x, and of h₂ given h₁
    upper_decoder, decoder  return mean and log-variance of h₁ given h₂, and a of x given h₁

    Shapes
        x (*input_shape, N)     h₁ (L, K N)     h₂ (U, K N)     with latent_dims = (L, U)

    Derivation
        Of the loss, with s_k the share of each sample as in the IWAE, m and v those of p(h₁|h₂) and
        r = (h₁ - m)/v, from the top down:

            dm   = -s r         dlog v  = ½ s (1 - (h₁ - m) r)
            dh₂  = s h₂ + (upper decoder's, of dm and dlog v)
            dμ₂  = dh₂          dlogσ₂² = ½ (dh₂ σ₂ ε₂ - s)
            dh₁  = s r - s ∂log p(x|h₁)/∂h₁ + (upper encoder's, of dμ₂ and dlogσ₂²)
            dμ₁  = Σ_k dh₁      dlogσ₁² = ½ (Σ_k dh₁ σ₁ ε₁ - 1)

    Source
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), §3 and appendix.

    Raises
        ValueError as IWAE, and naming the part that does not fit.
    """

    exact_kl = False

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        latent_dims: tuple[int, int],
        likelihood: Likelihood | None = None,
        samples: int = 5,
        *,
        upper_encoder: Layer,
        upper_decoder: Layer,
        input_shape: Shape,
        objective: str = "iwae",
    ) -> None:
        who = "TwoLayerIWAE"
        if not isinstance(latent_dims, tuple | list) or len(latent_dims) != 2:
            raise ValueError(f"{who}: expected latent_dims, two integers ≥ 1, got {latent_dims!r}")
        L, self.upper_dim = (integer(who, "latent_dims", size) for size in latent_dims)
        with naming(f"{who} upper_encoder"):
            self.upper_encoder = as_sequential(upper_encoder)
            fits(self.upper_encoder.output_shape((L,)), self.upper_dim)
        with naming(f"{who} upper_decoder"):
            self.upper_decoder = as_sequential(upper_decoder)
            fits(self.upper_decoder.output_shape((self.upper_dim,)), L)
        nets = encoder, decoder, L, likelihood, samples
        super().__init__(*nets, input_shape=input_shape, objective=objective)
        self.whole_batch |= whole_batch(self.upper_encoder) or whole_batch(self.upper_decoder)

    def bound(
        self, x: Array, h: Array, eps: Array, *, rng: np.random.Generator | None = None
    ) -> tuple[Terms, Callable[[float], Array]]:
        """Return the terms of L for given noise; backward(weight) returns weight · ∂L/∂h.

        x (*input_shape, N); h (2 L, N), μ and log σ² stacked; eps (L + U, K N); rng for dropout.
        """
        L, U, K, N = self.latent_dim, self.upper_dim, self.samples, x.shape[-1]
        wide = np.tile(h, K)
        h1, sample_backward = GaussianSample().forward(wide[:L], wide[L:], eps[:L])
        q, upper_encoder_backward = self.upper_encoder.forward(h1, rng=rng)
        h2, upper_sample_backward = GaussianSample().forward(q[:U], q[U:], eps[L:])
        p, upper_decoder_backward = self.upper_decoder.forward(h2, rng=rng)
        a, decoder_backward = self.decoder.forward(h1, rng=rng)
        log_p, da = log_prob_of_samples(self.likelihood, a, x)
        terms, dlog_w = self.terms(log_p, log_ratio(eps, wide[L:], q[U:], h1, p, h2))

        def backward(weight: float = 1.0) -> Array:
            share = (-weight * dlog_w).astype(h.dtype)  # of all K N samples, with the batch's 1/N
            d = h1 - p[:L]
            r = d * np.exp(-p[L:])
            dp = share * np.concatenate([-r, (1 - d * r) / 2])
            dmu2, dlogvar2 = upper_sample_backward(upper_decoder_backward(dp) + share * h2)
            dq = np.concatenate([dmu2, dlogvar2 - share / 2])
            da1 = scaled_columns(da, -share)
            dh1 = decoder_backward(da1) + share * r + upper_encoder_backward(dq)
            dmu, dlogvar = sample_backward(dh1)
            return np.concatenate([dmu, dlogvar - share / 2]).reshape(2 * L, K, N).sum(axis=1)

        return terms, backward

    @property
    def noise_dim(self) -> int:
        """How many numbers of noise a draw of both layers takes."""
        return self.latent_dim + self.upper_dim

    def sampled(self, mu: Array, logvar: Array, eps: Array) -> tuple[Array, Array]:
        """Return h₁ drawn from q(h₁|x), and log p(h₁, h₂)/q(h₁, h₂|x) for an h₂ drawn as well."""
        L, U = self.latent_dim, self.upper_dim
        h1 = mu + np.exp(logvar / 2) * eps[:L]
        q = self.upper_encoder.forward(h1)[0]
        h2 = q[:U] + np.exp(q[U:] / 2) * eps[L:]
        p = self.upper_decoder.forward(h2)[0]
        return h1, log_ratio(eps, logvar, q[U:], h1, p, h2)

    def log_prior(self, z: Array) -> Array:
        """Refuse: log p(h₁) has no formula."""
        raise ValueError("TwoLayerIWAE: expected no question for log p(h₁), which has no formula")

    def draw_codes(self, count: int, *, rng: np.random.Generator) -> Array:
        """Return `count` draws of h₁ from the prior, (count, L), each from an h₂ of its own."""
        L = self.latent_dim
        h2 = rng.standard_normal((count, self.upper_dim), self.dtype).T
        p = self.upper_decoder.inference().forward(np.ascontiguousarray(h2))[0]
        eps = rng.standard_normal((count, L), self.dtype)
        return p[:L].T + np.exp(p[L:].T / 2) * eps

    def upper_means(self, codes: Array) -> Array:
        """Return the means of q(h₂|h₁) for codes h₁ (N, L): (N, U)."""
        h1 = np.ascontiguousarray(self.code_input.rows("upper_means", codes).T, self.dtype)
        return self.upper_encoder.inference().forward(h1)[0][: self.upper_dim].T

    def parts(self) -> dict[str, tuple[Sequential, Shape]]:
        """Return the networks of the model by name, each with the shape of a sample it takes."""
        upper = self.upper_encoder, (self.latent_dim,)
        lower = self.upper_decoder, (self.upper_dim,)
        return super().parts() | {"upper_encoder": upper, "upper_decoder": lower}

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        return super().parameters() | named(
            upper_encoder=self.upper_encoder.parameters(),
            upper_decoder=self.upper_decoder.parameters(),
        )

    def buffers(self) -> dict[str, Array]:
        """Return what else belongs to the trained model."""
        return super().buffers() | named(
            upper_encoder=buffers(self.upper_encoder), upper_decoder=buffers(self.upper_decoder)
        )

    def inference(self) -> Self:
        """Return the model as it is used once learning is over: without noise, statistics fixed."""
        model = super().inference()
        model.upper_encoder = self.upper_encoder.inference()
        model.upper_decoder = self.upper_decoder.inference()
        return model


def fits(output: Shape, size: int) -> None:
    """Raise ValueError unless a network returns mean and log-variance of so many numbers."""
    if output != (2 * size,):
        raise ValueError(f"expected an output of shape ({2 * size},), got {output}")


def log_ratio(eps: Array, logvar1: Array, logvar2: Array, h1: Array, p: Array, h2: Array) -> Array:
    """Return log p(h₁|h₂) p(h₂) / (q(h₁|x) q(h₂|h₁)) of each column, in float64.

    h₁ and h₂ were drawn with eps (L + U, M), with these log-variances; p (2 L, M) are the mean and
    log-variance of p(h₁|h₂). The powers of 2π cancel.
    """
    L = len(h1)
    up = (eps * eps).sum(axis=0) + logvar1.sum(axis=0) + logvar2.sum(axis=0)
    down = (h2 * h2).sum(axis=0) + ((h1 - p[:L]) ** 2 * np.exp(-p[L:]) + p[L:]).sum(axis=0)
    return (up - down).astype(np.float64) / 2
