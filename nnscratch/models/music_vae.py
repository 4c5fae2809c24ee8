"""MusicVAE: a variational autoencoder of sequences of tokens."""

import copy
from collections.abc import Callable
from math import inf
from typing import Any, Protocol, Self

import numpy as np

from ..checks.arguments import integer, number
from ..checks.text import listing
from ..core import Array, IntArray, Parameter, named
from ..layers.contract import check_methods
from ..layers.sampling import GaussianSample
from ..losses import categorical_nll
from .conductor import HierarchicalDecoder
from .melody_codec import MelodyCodec
from .parts import one_dtype
from .sequences import SequenceDecoder, SequenceEncoder
from .tokens import Decoder, before, columns_of, own_events, tokens_of
from .trainable import Terms
from .vae import bound


class Augmentation(Protocol):
    """Changes melodies into others that are as good to learn from, such as transposed ones."""

    def __call__(self, x: IntArray, *, rng: np.random.Generator) -> IntArray:
        """Return x (T, N) changed."""
        ...


class MusicVAE(MelodyCodec):
    """q(z|x) = N(μ(x), σ²(x)) of a sequence x; p(x|z) = Π_t p(x_t | x_<t, z), an event at a time.

        L = -Σ_t log p(x_t | x_<t, z) + β max(KL(q(z|x) ‖ N(0, I)) - free, 0),    z = μ + σ ε

    The decoder is given the true event before each step (teacher forcing), so that L is a bound on
    -log p(x), in nats a sequence, at β = 1. Such a decoder can say much of x without z, from the
    events alone, and at β = 1 the code nearly collapses. What makes it speak: a β below 1, or one
    that rises from 0 (`Trainer(anneal={"beta": …})`); `free_bits` nats of a sample's KL, summed
    over z, that are not charged; `word_dropout`, which takes away events that the decoder is given.

    sampling      probability that the decoder is given an event that it has drawn itself in place
                  of the true one: scheduled sampling, mostly annealed by an InverseSigmoid. What is
                  minimised then is no bound on -log p(x), and its optimum is not p(x): see
                  docs/teacher_forcing.md. Validation always gives the true events
    augmentation  of what is learned from; validation sees melodies as they are

    It learns from arrays (N, T) of integers 0 … classes - 1. A term "accuracy" says how often the
    likeliest event is the right one, given the true events before it.

    Shapes
        x  (T, N)     μ, log σ², z  (L, N)     logits  (T, classes, N)

    Derivation
        As that of the VAE, once ∂L/∂logits is known (categorical_nll): the decoder makes ∂L/∂z of
        it, which goes through z = μ + σ ε, and to it come the gradients of the KL.

    Source
        Roberts, Engel, Raffel, Hawthorne and Eck, A Hierarchical Latent Vector Model for Learning
        Long-Term Structure in Music (2018), and Magenta's code for what it leaves open.
        Word dropout: Bowman et al., Generating Sentences from a Continuous Space (2016), §3.1.

    Raises
        ValueError if encoder and decoder differ in classes or codes, `steps` is not what the
        decoder makes, β < 0, free_bits < 0, or a probability is not in [0, 1].
    """

    def __init__(
        self,
        encoder: SequenceEncoder,
        decoder: Decoder,
        *,
        steps: int,
        beta: float = 1.0,
        free_bits: float = 0.0,
        sampling: float = 0.0,
        word_dropout: float = 0.0,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.encoder, self.decoder, self.augmentation = encoder, decoder, augmentation
        self.steps = integer("MusicVAE", "steps", steps)
        self.beta = number("MusicVAE", "beta", beta, 0, inf, "[)")
        self.free_bits = number("MusicVAE", "free_bits", free_bits, 0, inf, "[)")
        self.sampling = number("MusicVAE", "sampling", sampling, 0, 1, "[]")
        self.word_dropout = number("MusicVAE", "word_dropout", word_dropout, 0, 1, "[]")
        if augmentation is not None:
            check_methods("MusicVAE augmentation", augmentation, "__call__")
        for name in ("classes", "latent_dim"):
            ours, theirs = getattr(encoder, name), getattr(decoder, name, None)
            if ours != theirs:
                raise ValueError(f"MusicVAE decoder: expected {name} {ours}, got {theirs}")
        self.classes, self.latent_dim = encoder.classes, encoder.latent_dim
        self.dtype = one_dtype("MusicVAE", self.parameters())
        if isinstance(decoder, HierarchicalDecoder):
            decoder.check_steps(self.steps)
        elif not isinstance(decoder, SequenceDecoder):  # one's own, which is tried
            z = np.zeros((self.latent_dim, 1), self.dtype)
            decoder.forward(z, np.zeros((self.steps, 1), np.intp))

    def loss(
        self, x: IntArray, *, rng: np.random.Generator | None = None
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ; x is (T, N)."""
        if rng is None:
            raise ValueError("MusicVAE loss: expected rng, the source of ε; got none")
        L, beta = self.latent_dim, self.beta
        if self.augmentation is not None:
            x = self.augmentation(x, rng=rng)
        h, encoder_backward = self.encoder.forward(x)
        mu, logvar = h[:L], h[L:]
        eps = rng.standard_normal(mu.shape, mu.dtype)
        z, sample_backward = GaussianSample().forward(mu, logvar, eps)
        logits, decoder_backward = self.decoder.forward(z, self.inputs(x, z, rng))
        nll, da = categorical_nll(logits, x)
        terms, (dmu_kl, dlogvar_kl) = bound(nll, mu, logvar, beta, self.free_bits)
        terms["accuracy"] = float((logits.argmax(axis=1) == x).mean())

        def backward(weight: float = 1.0) -> None:
            dz = decoder_backward(da if weight == 1 else weight * da)
            dmu, dlogvar = sample_backward(dz)
            dmu += weight * beta * dmu_kl
            dlogvar += weight * beta * dlogvar_kl
            encoder_backward(np.concatenate([dmu, dlogvar]))

        return terms, backward

    def inputs(self, x: IntArray, z: Array, rng: np.random.Generator) -> IntArray:
        """Return what the decoder is given as the event before each step of x, (T, N)."""
        inputs = before(x, self.classes)
        if self.sampling > 0:
            inputs = own_events(self.decoder, z, inputs, self.sampling, rng)
        if self.word_dropout > 0:
            inputs = np.where(rng.random(x.shape) < self.word_dropout, self.classes, inputs)
        return inputs

    def check_data(self, who: str, data: IntArray) -> IntArray:
        """Return the melodies (N, T) to learn from; ValueError if they do not fit."""
        return tokens_of(who, data, self.steps, self.classes)

    def batch(self, data: IntArray, rows: IntArray) -> tuple[IntArray]:
        """Return some melodies as `loss` takes them."""
        return (columns_of(data[rows]),)

    def inference(self) -> Self:
        """Return the model as it is used once learning is over: given true events, all of them."""
        model = copy.copy(self)
        model.sampling, model.word_dropout, model.augmentation = 0.0, 0.0, None
        return model

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        free = {"free": -self.beta} if self.free_bits > 0 else {}
        return {"reconstruction": 1.0, "kl": self.beta} | free

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        names = ("steps", "free_bits", "sampling", "word_dropout")
        augmentation = None if self.augmentation is None else repr(self.augmentation)
        return {
            "model": type(self).__name__,
            "augmentation": augmentation,
            **{name: getattr(self, name) for name in names},
        }

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        return named(encoder=self.encoder.parameters(), decoder=self.decoder.parameters())

    def __repr__(self) -> str:
        sizes = {"classes": self.classes, "latent_dim": self.latent_dim}
        others = {name: a for name, a in self.settings().items() if name != "model" and a}
        count = sum(p.value.size for p in self.parameters().values())
        return type(self).__name__ + listing(sizes | others | {"parameters": count})
