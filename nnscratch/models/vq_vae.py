"""The VQ-VAE: an autoencoder whose code is a grid of tokens, entries of a codebook."""

from collections.abc import Callable
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from ..checks.arguments import number
from ..core import (
    Array,
    IntArray,
    Layer,
    Parameter,
    Shape,
    backward_into_theta,
    channel_axis,
    named,
)
from ..kernels.machine.threads import in_chunks
from ..latent_losses import codebook_error
from ..likelihoods import Likelihood
from ..losses import squared_error
from .autoencoder import Autoencoder
from .batch_first import CHUNK, apply_in_chunks
from .codebook import Codebook, perplexity
from .tokens import tokens_of
from .trainable import Terms


class Stopped(NamedTuple):
    """What stands inside of the stop-gradients of one loss: constants, where gradients are taken.

    z, q    (D, P, N)  the encoder's vectors at P places, and the entries of the codebook for them
    tokens  (P, N)     the numbers of these entries
    """

    z: Array
    q: Array
    tokens: IntArray


class VQVAE(Autoencoder):
    """z = encoder(x), k = the nearest code of each z, q = e_k, a = decoder(q): a code of integers.

        L = -log p(x | a(z + sg(q - z))) + |sg(z) - e_k|² + β |z - sg(q)|²

    sg, the stop-gradient, is the identity with no derivative. The decoder is given q, as z and -z
    cancel, and what it sends back goes on to z as if q were z: the straight-through gradient. The
    second term pulls codes to the vectors for which they stand; a codebook of moving averages does
    so itself, and the term is left out. The third keeps the encoder near the codes it has chosen.

    L's gradients are those of the function above with what stands in sg(·), and k, held constant:
    `loss(x, stopped=model.stop(x))` is this function, and what the gradient checker proves. They
    are not those of the L that one computes, which is constant in z but for jumps.

    A model has no prior of its own. `tokens` makes a set to train a LanguageModel on, and
    `decode_tokens` pictures of what that samples.

    Shapes
        x, a  (*input_shape, N)     z, q  (D, H, W, N), (D, N) or (T, D, N), D the codebook's
        k     (P, N), a place's code, P = H W, 1 or T
        `encode` returns q, `decode` takes any vectors and decodes the codes nearest to them

    Derivation
        ∂L/∂z = ∂(-log p)/∂a ∂a/∂q + (2β/N) (z - q), straight into the encoder;
        ∂L/∂e is that of `codebook_error`, and nothing of the reconstruction.

    Source
        van den Oord, Vinyals and Kavukcuoglu, Neural Discrete Representation Learning (2017), eq. 3

    Raises
        ValueError as Autoencoder; if codes have another number of channels or dtype than the
        codebook, or commitment = β < 0.
    """

    networks_alone = False

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        codebook: Codebook,
        likelihood: Likelihood | None = None,
        commitment: float = 0.25,
        *,
        input_shape: Shape,
    ) -> None:
        if not isinstance(codebook, Codebook):
            got = type(codebook).__name__
            raise ValueError(f"VQVAE codebook: expected a Codebook, got {got}")
        self.codebook = codebook
        self.commitment = number("VQVAE", "commitment", commitment, 0, inf, "[)")
        super().__init__(encoder, decoder, likelihood, input_shape=input_shape)
        if codebook.dtype != self.dtype:
            raise ValueError(f"VQVAE codebook: expected {self.dtype}, got {codebook.dtype}")
        self.whole_batch = self.whole_batch or codebook.moves_with_batches

    def code_of(self, encoder_output: Shape) -> Shape:
        """Return the shape of a code, whose channels are those of the codebook."""
        D = self.codebook.features
        if encoder_output[channel_axis(encoder_output)] != D:
            raise ValueError(f"expected {D} channels, as the codebook has, got {encoder_output}")
        return encoder_output

    @property
    def places(self) -> int:
        """How many tokens a code has, P."""
        return prod(self.code_shape) // self.codebook.features

    def loss(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator | None = None,
        stopped: Stopped | None = None,
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L by name, the perplexity of the codes, and backward.

        stopped  what stands in the stop-gradients; if None, what `stop(x)` returns
        """
        codebook, beta = self.codebook, self.commitment
        if rng is None and codebook.dead > 0:
            raise ValueError("VQVAE loss: expected rng, which revives dead codes; got none")
        to_encode = self.encoder_input(x, labels, corrupted, rng=rng)
        h, encoder_backward = self.encoder.forward(to_encode, rng=rng)
        z = self._by_places(h)
        sg = self._stopped(z) if stopped is None else stopped
        a, decoder_backward = self.decoder.forward(self._as_code(z + (sg.q - sg.z)), rng=rng)
        reconstruction, da = self.likelihood.nll(a, x)
        commitment, dz_commitment = squared_error(z, sg.q)
        error, de = codebook_error(codebook.w.value, sg.tokens, sg.z)
        terms = {"total": reconstruction + beta * commitment, "reconstruction": reconstruction}
        if codebook.decay is None:
            terms["total"] += error
            terms["codebook"] = error
        terms["commitment"] = commitment
        terms["perplexity"] = perplexity(sg.tokens, codebook.codes)
        drawn = codebook.draw(sg.tokens.size, rng)

        def backward(weight: float = 1.0) -> None:
            dz = self._by_places(decoder_backward(weight * da)) + weight * beta * dz_commitment
            backward_into_theta(encoder_backward, self._as_code(dz))
            if codebook.decay is None:
                codebook.w.grad += weight * de
            codebook.learn(sg.z, sg.tokens, drawn)

        return terms, backward

    def stop(self, x: Array, *, rng: np.random.Generator | None = None) -> Stopped:
        """Return what stands in the stop-gradients of the loss of x (*input_shape, N)."""
        return self._stopped(self._by_places(self.encoder.forward(x, rng=rng)[0]))

    def _stopped(self, z: Array) -> Stopped:
        tokens = self.codebook.nearest(z)
        return Stopped(z.copy(), self.codebook.vectors(tokens), tokens)

    def _by_places(self, code: Array) -> Array:
        """(*code_shape, N) → (D, P, N)."""
        axis, N = channel_axis(self.code_shape), code.shape[-1]
        return np.ascontiguousarray(np.moveaxis(code, axis, 0)).reshape(-1, self.places, N)

    def _as_code(self, z: Array) -> Array:
        """(D, P, N) → (*code_shape, N)."""
        axis, shape = channel_axis(self.code_shape), self.code_shape
        grid = shape[:axis] + shape[axis + 1 :]
        return np.ascontiguousarray(np.moveaxis(z.reshape(len(z), *grid, -1), 0, axis))

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        codebook = {"codebook": 1.0} if self.codebook.decay is None else {}
        return {"reconstruction": 1.0} | codebook | {"commitment": self.commitment}

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        return super().settings() | {"codebook": repr(self.codebook)}

    def tokens(self, images: Array, *, threads: int | None = None) -> IntArray:
        """Return the code of each image (N, …) as integers 0 … K - 1: (N, P)."""
        return self._tokens_of(self.encoder_output("tokens", images, None, threads), threads)

    def encode(
        self, images: Array, labels: IntArray | None = None, *, threads: int | None = None
    ) -> Array:
        """Return the entries of the codebook for each image (N, …): (N, *code_shape)."""
        h = self.encoder_output("encode", images, labels, threads)
        return self._of_tokens(self._tokens_of(h, threads))

    def decode(
        self, codes: Array, labels: IntArray | None = None, *, threads: int | None = None
    ) -> Array:
        """Return the images of codes (N, *code_shape), each vector taken for the nearest entry."""
        rows = self.code_input.rows("decode", codes)
        self.code_input.labels("decode", labels, len(rows))
        return super().decode(self._of_tokens(self._tokens_of(rows, threads)), threads=threads)

    def decode_tokens(self, tokens: IntArray, *, threads: int | None = None) -> Array:
        """Return the images of tokens (N, P), such as a prior has drawn: (N, …)."""
        rows = tokens_of("decode_tokens", tokens, self.places, self.codebook.codes)
        return super().decode(self._of_tokens(rows), threads=threads)

    def log_prob(
        self,
        images: Array,
        labels: IntArray | None = None,
        *,
        rng: np.random.Generator | None = None,
        threads: int | None = None,
    ) -> Array:
        """Return log p(x | a) of each image x (N, …) given its own tokens, nats (N,)."""
        model = self.inference()

        def f(x: Array) -> Array:
            sg = model.stop(x)
            a = model.decoder.forward(model._as_code(sg.q))[0]
            return model.likelihood.log_prob(a, x)[None]

        return apply_in_chunks("log_prob", f, images, self.image_input, labels, threads)[:, 0]

    def draw_codes(self, count: int, *, rng: np.random.Generator) -> Array:
        """Say where codes are to come from: there is no prior here."""
        raise ValueError(
            "sample: VQVAE has no prior of its own; expected tokens, drawn by a LanguageModel of "
            "model.tokens(images), for decode_tokens; or images to be `like`"
        )

    def _tokens_of(self, codes: Array, threads: int | None) -> IntArray:
        """(N, *code_shape) → (N, P)."""

        def on(chunk: Array) -> IntArray:
            return self.codebook.nearest(self._by_places(np.moveaxis(chunk, 0, -1))).T

        if not np.isfinite(self.codebook.w.value).all():
            raise ValueError("VQVAE codebook: expected finite numbers, got NaN or infinity")
        return np.asarray(in_chunks(on, codes, CHUNK, threads))

    def _of_tokens(self, tokens: IntArray) -> Array:
        """(N, P) → (N, *code_shape)."""
        return np.moveaxis(self._as_code(self.codebook.vectors(tokens.T)), -1, 0)

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name: the networks' first, then the codebook, where a gradient moves it."""
        return super().parameters() | named(codebook=self.codebook.parameters())

    def buffers(self) -> dict[str, Array]:
        """Return what else belongs to the trained model."""
        return super().buffers() | named(codebook=self.codebook.buffers())
