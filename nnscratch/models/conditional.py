"""The conditional VAE: what is asked for is given as a label, what is left is style."""

import numpy as np

from ..checks.arguments import integer
from ..core import Array, IntArray, Layer, Shape
from ..likelihoods import Likelihood
from .batch_first import naming
from .corruption import Corruption
from .vae import VAE


class ConditionalVAE(VAE):
    """A VAE of x given its class y: q(z|x, y) and p(x|z, y), both with the label as an input.

        log p(x|y) ≥ E_q log p(x|z, y) - KL(q(z|x, y) ‖ p(z))

    The decoder knows y, so a code that repeated it would pay its KL for nothing: z is left with
    what the class does not say, slant and weight and shape. One z with ten labels is one hand
    writing ten digits.

    It is used like a VAE, with labels: `fit(Dataset(images, labels))`, `encode(images, labels)`,
    `sample(labels=labels, rng=rng)`.

    Shapes
        x             (C, …, N)      y       (classes, N), one-hot
        encoder takes (C + classes, …), for its input has the classes as channels of constants
        (of a sequence (T, D, N) it takes (T, D + classes));
        decoder takes (latent_dim + classes,)

    Source
        Kingma et al., Semi-supervised Learning with Deep Generative Models (2014), §2.1 (M2);
        Sohn, Lee and Yan, Learning Structured Output Representation (2015).

    Raises
        ValueError as VAE; if classes < 2, or labels are not 0 … classes - 1.
    """

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        latent_dim: int,
        likelihood: Likelihood | None = None,
        beta: float = 1.0,
        *,
        classes: int,
        input_shape: Shape,
        free_bits: float = 0.0,
        corruption: Corruption | None = None,
    ) -> None:
        self.classes = integer("ConditionalVAE", "classes", classes, 2)
        super().__init__(
            encoder,
            decoder,
            latent_dim,
            likelihood,
            beta,
            input_shape=input_shape,
            free_bits=free_bits,
            corruption=corruption,
        )

    def restyle(self, images: Array, labels: IntArray, *, threads: int | None = None) -> Array:
        """Return every image written as each of the classes, by one hand: (N, classes, …)."""
        with naming("restyle"):
            codes = self.encode(images, labels, threads=threads)
        N, K = len(codes), self.classes
        written = self.decode(codes.repeat(K, axis=0), np.tile(np.arange(K), N), threads=threads)
        return written.reshape(N, K, *written.shape[1:])
