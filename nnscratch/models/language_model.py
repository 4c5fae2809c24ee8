"""A model of sequences that has no code: what a decoder can say from the events alone."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from ..checks.arguments import generator, integer, number
from ..checks.recorded import Recorded
from ..core import Array, IntArray, Parameter
from ..kernels.machine.threads import check_threads, in_chunks
from ..losses import categorical_nll
from .melody_codec import CHUNK
from .music_vae import Augmentation
from .parts import one_dtype
from .sequences import SequenceDecoder
from .tokens import before, columns_of, free_running, log_prob_of, tokens_of
from .trainable import Terms


class LanguageModel(Recorded):
    """p(x) = Π_t p(x_t | x_<t), an event at a time: the decoder of a MusicVAE without its z.

        L = -Σ_t log p(x_t | x_<t)

    It is what a MusicVAE has to be compared with: where the code says nothing, this is what is
    left, and log p(x) is exact here.

    Raises
        ValueError if the decoder reads a code.
    """

    def __init__(
        self, decoder: SequenceDecoder, *, steps: int, augmentation: Augmentation | None = None
    ) -> None:
        if decoder.latent_dim:
            raise ValueError(
                f"LanguageModel decoder: expected latent_dim 0, got {decoder.latent_dim}"
            )
        self.decoder, self.augmentation = decoder, augmentation
        self.steps = integer("LanguageModel", "steps", steps)
        self.classes = decoder.classes
        self.dtype = one_dtype("LanguageModel", self.parameters())

    def loss(
        self, x: IntArray, *, rng: np.random.Generator | None = None
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L, the accuracy of the likeliest event, and backward; x is (T, N)."""
        if self.augmentation is not None:
            x = self.augmentation(x, rng=generator("LanguageModel loss", rng))
        logits, decoder_backward = self.decoder.forward(None, before(x, self.classes))
        nll, da = categorical_nll(logits, x)
        accuracy = float((logits.argmax(axis=1) == x).mean())

        def backward(weight: float = 1.0) -> None:
            decoder_backward(weight * da)

        return {"total": nll, "reconstruction": nll, "accuracy": accuracy}, backward

    def check_data(self, who: str, data: IntArray) -> IntArray:
        """Return the sequences (N, T) to learn from; ValueError if they do not fit."""
        return tokens_of(who, data, self.steps, self.classes)

    def batch(self, data: IntArray, rows: IntArray) -> tuple[IntArray]:
        """Return some sequences as `loss` takes them."""
        return (columns_of(data[rows]),)

    def inference(self) -> Self:
        """Return the model as it is used once learning is over."""
        return type(self)(self.decoder, steps=self.steps)

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        return {"reconstruction": 1.0}

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        augmentation = None if self.augmentation is None else repr(self.augmentation)
        return {"model": type(self).__name__, "steps": self.steps, "augmentation": augmentation}

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        return self.decoder.parameters()

    def log_prob(self, melodies: IntArray, *, threads: int | None = None) -> Array:
        """Return log p(x) of each sequence (N, T), nats (N,)."""
        check_threads("log_prob", threads)
        rows = tokens_of("log_prob", melodies, self.steps, self.classes)

        def on(chunk: IntArray) -> Array:
            x = columns_of(chunk)
            return log_prob_of(self.decoder.forward(None, before(x, self.classes))[0], x)

        return np.asarray(in_chunks(on, rows, CHUNK, threads))

    def sample(
        self,
        count: int,
        *,
        temperature: float = 1.0,
        rng: np.random.Generator,
        threads: int | None = None,
    ) -> IntArray:
        """Return `count` sequences (count, T), each event drawn given those before it."""
        check_threads("sample", threads)
        count = integer("sample", "count", count)
        temperature = number("sample", "temperature", temperature, 0, np.inf, "[)")
        u = generator("sample", rng).random((count, self.steps))

        def on(chunk: Array) -> IntArray:
            return free_running(self.decoder, None, chunk.T, temperature).T

        return np.asarray(in_chunks(on, u, CHUNK, threads))
