"""The Wasserstein autoencoder: codes that are distributed like a prior, measured by kernels."""

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from ..checks.arguments import number
from ..core import Array, IntArray, Layer, Shape, backward_into_theta, check
from ..latent_losses import imq_mmd, rbf_mmd
from ..layers.contract import check_methods
from ..likelihoods import Likelihood
from .adversarial import Prior, gaussian
from .autoencoder import Autoencoder
from .trainable import Terms

KERNELS = {"imq": imq_mmd, "rbf": rbf_mmd}


class WassersteinAutoencoder(Autoencoder):
    """An autoencoder whose codes, all of a batch together, are distributed like draws of a prior.

        L = -log p(x | a(z)) + weight · MMD²({z_n}, {z'_n}),    z = encoder(x),    z' ~ prior

    MMD is the distance of two distributions in the space of functions that a kernel spans, and can
    be estimated from samples alone: where an AdversarialAutoencoder has a second network and a
    game, this has a formula. What it asks for is the same, a weaker thing than a VAE's KL: that the
    codes as a whole look like the prior, not those of each image.

    With `SquaredError` as its likelihood it bounds, for a large weight, the Wasserstein distance of
    the images from the model's, for the cost |x - y|²; the authors take weight 10.

    A batch passes in one piece, as the estimate is one of pairs of its codes; it needs two.

    Shapes
        x  (*input_shape, N)      z, z'  (L, N)

    Derivation
        dz is what the decoder sends back, plus weight times that of `imq_mmd` or `rbf_mmd`.

    Source
        Tolstikhin, Bousquet, Gelly and Schoelkopf, Wasserstein Auto-Encoders (2018), algorithm 2.

    Raises
        ValueError as Autoencoder; if codes are no vectors, weight < 0, there is no such kernel, or
        a batch has one sample.
    """

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        likelihood: Likelihood | None = None,
        *,
        input_shape: Shape,
        prior: Prior = gaussian,
        weight: float = 10.0,
        kernel: str = "imq",
    ) -> None:
        who = "WassersteinAutoencoder"
        self.weight = number(who, "weight", weight, 0, inf, "[)")
        check_methods(f"{who} prior", prior, "__call__")
        if kernel not in KERNELS:
            raise ValueError(f"{who}: expected kernel {' or '.join(KERNELS)}, got {kernel!r}")
        self.prior, self.kernel = prior, kernel
        super().__init__(encoder, decoder, likelihood, input_shape=input_shape)
        self.whole_batch = True

    def code_of(self, encoder_output: Shape) -> Shape:
        """Return (L,): codes are vectors."""
        if len(encoder_output) != 1:
            raise ValueError(f"expected codes (L,), got {encoder_output}")
        return encoder_output

    def loss(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ."""
        if rng is None:
            raise ValueError("WassersteinAutoencoder loss: expected rng, for the prior; got none")
        to_encode, opposed = self.encoder_input(x, labels, corrupted, rng=rng), self.weight
        z, encoder_backward = self.encoder.forward(to_encode, rng=rng)
        a, decoder_backward = self.decoder.forward(z, rng=rng)
        reconstruction, da = self.likelihood.nll(a, x)
        draws = self.prior(*z.shape, rng=rng, dtype=z.dtype)
        check("WassersteinAutoencoder prior", draws, z.shape, z.dtype)
        mmd, dz_mmd = KERNELS[self.kernel](z, draws)
        terms = {"total": reconstruction + opposed * mmd, "reconstruction": reconstruction}
        terms["mmd"] = mmd

        def backward(weight: float = 1.0) -> None:
            dz = decoder_backward(weight * da) + weight * opposed * dz_mmd
            backward_into_theta(encoder_backward, dz)

        return terms, backward

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        return {"reconstruction": 1.0, "mmd": self.weight}

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        name = getattr(self.prior, "__name__", type(self.prior).__name__)
        return super().settings() | {"prior": name, "kernel": self.kernel}

    def draw_codes(self, count: int, *, rng: np.random.Generator) -> Array:
        """Return `count` draws from the prior, (count, L)."""
        draws = self.prior(self.code_shape[0], count, rng=rng, dtype=self.dtype)
        return np.ascontiguousarray(draws.T)
