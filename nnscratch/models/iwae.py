"""The importance-weighted autoencoder: a VAE whose bound takes several samples of each code."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks.arguments import flag, integer
from ..core import Array, IntArray, Layer, Shape, backward_into_theta
from ..importance import importance_bound
from ..kernels.plain_samples import gaussian_draws, scaled_columns, sums_over_draws
from ..likelihoods import Likelihood, log_prob_of_samples
from .corruption import Corruption
from .trainable import Terms
from .vae import VAE

OBJECTIVES = ("iwae", "vae")


class IWAE(VAE):
    """A VAE's networks, trained on a bound of K samples of z for every x.

        w_k = p(x|z_k) p(z_k) / q(z_k|x),    z_k = μ(x) + σ(x) ε_k,    ε_k ~ N(0, I)

        L = -log (1/K) Σ_k w_k        objective "iwae"
        L = -(1/K) Σ_k log w_k        objective "vae": the ELBO, with a sampled KL

    The first is the tighter bound on -log p(x), in expectation, and nears it as K grows; at K = 1
    they are the same. Its terms are those of a VAE, means over the samples, less the `gain` by
    which the logarithm of the mean exceeds the mean of the logarithms:

        L = reconstruction + kl - gain

    The encoder runs once for all K samples, and the decoder once, on K N columns.

    doubly_reparameterized  the encoder's gradient is estimated in the way of Tucker et al.: the
                            same in expectation, with less noise. At K = 1 it leaves out the part
                            whose expectation is zero (Roeder et al., Sticking the landing, 2017).

    Shapes
        x  (*input_shape, N)    mu, logvar  (L, N)    eps, z  (L, K N)    a  (*input_shape, K N)
        Column k N + n of eps, z and a is the k-th sample of x's column n.

    Derivation
        With s_k = w_k/Σ_j w_j ("vae": 1/K), ∂L/∂log w_k = -s_k, and each sample is that of a VAE:

            log w_k = log p(x|z_k) + ½ Σ ε_k² + log σ² - z_k²

            dz_k    = s_k (z_k - ∂log p(x|z_k)/∂z_k)
            dμ      = Σ_k dz_k                 dlogσ² = ½ (Σ_k dz_k σ ε_k - 1)

        Doubly reparameterized: the derivative of log w_k by z_k alone, μ and σ in q held fixed,
        which adds ε_k/σ, and each sample's share a second time:

            dz_k    = s_k² (z_k - ε_k/σ - ∂log p(x|z_k)/∂z_k)
            dμ      = Σ_k dz_k                 dlogσ² = ½ Σ_k dz_k σ ε_k

    Source
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), eq. 8 and 14.
        Tucker et al., Doubly Reparameterized Gradient Estimators (2019), eq. 8.

    Raises
        ValueError as VAE; if samples < 1, the objective is neither, or doubly_reparameterized is
        asked for with the objective "vae" or with BatchNorm, whose samples are not independent.
    """

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        latent_dim: int,
        likelihood: Likelihood | None = None,
        samples: int = 5,
        *,
        input_shape: Shape,
        objective: str = "iwae",
        doubly_reparameterized: bool = False,
        corruption: Corruption | None = None,
    ) -> None:
        who = type(self).__name__
        self.samples = integer(who, "samples", samples)
        if objective not in OBJECTIVES:
            raise ValueError(f"{who}: expected objective, iwae or vae, got {objective!r}")
        self.objective = objective
        self.doubly_reparameterized = flag(who, "doubly_reparameterized", doubly_reparameterized)
        super().__init__(
            encoder, decoder, latent_dim, likelihood, input_shape=input_shape, corruption=corruption
        )
        if self.doubly_reparameterized and (objective == "vae" or self.whole_batch):
            got = "BatchNorm" if self.whole_batch else "vae"
            raise ValueError(
                f"{who}: expected objective iwae and samples that are independent of each other "
                f"with doubly_reparameterized, got {got}"
            )

    def loss(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ."""
        who = type(self).__name__
        if rng is None:
            raise ValueError(f"{who} loss: expected rng, the source of ε; got none")
        if (self.beta, self.free_bits) != (1, 0):
            got = f"{self.beta} and {self.free_bits}"
            raise ValueError(f"{who} loss: expected beta 1 and free_bits 0, got {got}")
        to_encode = self.encoder_input(x, labels, corrupted, rng=rng)
        h, encoder_backward = self.encoder.forward(to_encode, rng=rng)
        eps = rng.standard_normal((self.noise_dim, self.samples * x.shape[-1]), h.dtype)
        terms, bound_backward = self.bound(x, h, eps, rng=rng)

        def backward(weight: float = 1.0) -> None:
            backward_into_theta(encoder_backward, bound_backward(weight))

        return terms, backward

    def bound(
        self, x: Array, h: Array, eps: Array, *, rng: np.random.Generator | None = None
    ) -> tuple[Terms, Callable[[float], Array]]:
        """Return the terms of L for given noise; backward(weight) returns weight · ∂L/∂h.

        x (*input_shape, N); h (2 L, N), μ and log σ² stacked; eps (L, K N); rng is for dropout.
        """
        (L, N), K, dtype = (len(eps), x.shape[-1]), self.samples, eps.dtype
        mu, logvar = h[:L], h[L:]
        z, log_ratio = gaussian_draws(mu, logvar, eps)
        a, decoder_backward = self.decoder.forward(z, rng=rng)
        log_p, da = log_prob_of_samples(self.likelihood, a, x)
        terms, dlog_w = self.terms(log_p, log_ratio)

        def backward(weight: float = 1.0) -> Array:
            share = (-weight * dlog_w).astype(dtype)  # of all K N samples, with the batch's 1/N
            sd, constant = np.exp(logvar / 2), weight / N
            dz = decoder_backward(scaled_columns(da, -share)) + share * z
            if self.doubly_reparameterized:
                dz = (-N * dlog_w).astype(dtype) * (dz - share * eps / np.tile(sd, K))
                constant = 0
            dmu, dsd = sums_over_draws(dz, eps, N)
            return np.concatenate([dmu, (dsd * sd - dtype.type(constant)) / 2])

        return terms, backward

    def terms(self, log_p: Array, log_ratio: Array) -> tuple[Terms, Array]:
        """Return the terms of L, and ∂L/∂log w of each sample (K N,).

        log_p, log_ratio  (K N,)   log p(x|z) and log p(z)/q(z|x), whose sum is log w
        """
        log_w = (log_p + log_ratio).reshape(self.samples, -1)
        terms = {"reconstruction": -float(log_p.mean()), "kl": -float(log_ratio.mean())}
        elbo = terms["reconstruction"] + terms["kl"]
        if self.objective == "vae":
            return {"total": elbo} | terms, np.full(log_w.size, -1 / log_w.size)
        value, dlog_w = importance_bound(log_w)
        return {"total": value} | terms | {"gain": elbo - value}, dlog_w.ravel()

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        gain = {"gain": -1.0} if self.objective == "iwae" else {}
        return {"reconstruction": 1.0, "kl": 1.0} | gain

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        names = ("samples", "objective", "doubly_reparameterized")
        return super().settings() | {name: getattr(self, name) for name in names}
