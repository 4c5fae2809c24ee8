"""The contractive autoencoder, whose codes hardly move with their image; and how far codes do."""

from collections.abc import Callable
from math import inf

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import number
from ..core import Array, IntArray, backward_into_theta, unique
from ..layers import Dense, Sequential, Sigmoid, TiedDense
from ..layers.replica import replica
from ..likelihoods import Likelihood
from ..losses import contraction
from .autoencoder import Autoencoder
from .batch_first import apply_in_chunks
from .trainable import Terms


class ContractiveAutoencoder(Autoencoder):
    """h = σ(w x + b), a = wᵀ h + c, trained so that a describes x and h hardly changes with x.

        L = -log p(x | a) + λ ‖∂h/∂x‖²_F

    The second term wants a code that no small change of the image moves, the first one that tells
    images apart: what is left to move it are the changes that turn one image of the data into
    another. A layer deep and of sigmoids, the encoder has a Jacobian in closed form. The decoder
    is tied to it, or a small w with a large decoder would contract without losing a thing.

    Shapes
        x, a  (in_features, N)         h  (code, N)         w  (code, in_features)

    Derivation
        L depends on w in three places. The decoder adds its dw; its dh and that of the contraction
        go together through the encoder, which adds the dw of h; the third is written on the
        Jacobian itself (`contraction`), and is added here.

    Source
        Rifai, Vincent, Muller, Glorot and Bengio, Contractive Auto-Encoders (2011), eq. 7 and §3.

    Raises
        ValueError if a size is not positive, or λ = strength < 0.
    """

    def __init__(
        self,
        in_features: int,
        code: int,
        strength: float,
        likelihood: Likelihood | None = None,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        number("ContractiveAutoencoder", "strength", strength, 0, inf, "[)")
        dense = Dense(in_features, code, rng=rng, dtype=dtype)
        self.w, self.strength = dense.w, float(strength)
        super().__init__(
            Sequential(dense, Sigmoid()), TiedDense(dense), likelihood, input_shape=(in_features,)
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
        w, strength = self.w, self.strength
        h, encoder_backward = self.encoder.forward(
            self.encoder_input(x, labels, corrupted, rng=rng)
        )
        a, decoder_backward = self.decoder.forward(h)
        reconstruction, da = self.likelihood.nll(a, x)
        squares, (dh, dw) = contraction(h, w.value)
        total = reconstruction + strength * squares
        terms = {"total": total, "reconstruction": reconstruction, "contraction": squares}

        def backward(weight: float = 1.0) -> None:
            dh_decoder = decoder_backward(weight * da)
            backward_into_theta(encoder_backward, dh_decoder + weight * strength * dh)
            w.grad += weight * strength * dw

        return terms, backward

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        return {"reconstruction": 1.0, "contraction": self.strength}


def jacobian_norms(model: Autoencoder, images: Array, *, threads: int | None = None) -> Array:
    """Return ‖∂z/∂x‖_F of an encoder at each of images (N, …), as they are: (N,).

    To first order, independent noise of standard deviation s in every pixel moves a code by s times
    this (root mean square). A row of the Jacobian is what backward makes of a unit vector.
    """
    if model.classes:
        raise ValueError("jacobian_norms: expected a model without classes, got a conditional one")
    encoder = model.encoder.inference()
    size = sum(p.value.size for p in unique(encoder.parameters()))

    def squares(x: Array) -> Array:
        twin = replica(encoder, np.zeros(size, model.dtype))  # backward adds to gradients, too
        z, backward = twin.forward(x)
        total = np.zeros(x.shape[-1], model.dtype)
        for k in np.ndindex(z.shape[:-1]):
            dz = np.zeros_like(z)
            dz[k] = 1
            dx = backward(dz)
            total += (dx * dx).reshape(-1, x.shape[-1]).sum(axis=0)
        return total[None]

    expected = model.corrupted_input
    norms = apply_in_chunks("jacobian_norms", squares, images, expected, threads=threads)
    return np.sqrt(norms[:, 0])
