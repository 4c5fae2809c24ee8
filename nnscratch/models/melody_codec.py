"""From melodies to codes and back: what one does with a MusicVAE that has learned."""

from typing import Any

import numpy as np

from ..checks.arguments import generator, integer, number
from ..checks.recorded import Recorded
from ..core import Array, IntArray
from ..kernels.machine.threads import check_threads, in_chunks
from ..losses import gaussian_kl_per_sample
from .batch_first import Input, naming, to_columns, to_rows
from .interpolation import path
from .sequences import SequenceEncoder
from .tokens import Decoder, before, columns_of, free_running, log_prob_of, tokens_of

CHUNK = 128
"""Sequences a chunk of inference."""


class MelodyCodec(Recorded):
    """An encoder and a decoder of sequences, used; MusicVAE adds how they learn.

    All arrays are batch-first here.
        melodies     (N, T) integers 0 … classes - 1
        codes        (N, L)
        temperature  at which a decoder draws each event, given those that it has drawn before: 1 is
                     p(x|z) itself, less is more careful, 0 takes the likeliest event and needs no
                     rng
        threads      how many work on it, all cores if None; this changes no result
    """

    encoder: SequenceEncoder
    decoder: Decoder
    steps: int
    classes: int
    latent_dim: int
    dtype: np.dtype[Any]

    def posterior(self, melodies: IntArray, *, threads: int | None = None) -> tuple[Array, Array]:
        """Return μ and log σ² of q(z|x) for melodies (N, T), both (N, L)."""
        h = self._encoder_output("posterior", melodies, threads)
        return h[:, : self.latent_dim], h[:, self.latent_dim :]

    def encode(self, melodies: IntArray, *, threads: int | None = None) -> Array:
        """Return the mean codes μ of melodies (N, T): (N, L)."""
        return self._encoder_output("encode", melodies, threads)[:, : self.latent_dim]

    def _encoder_output(self, who: str, melodies: IntArray, threads: int | None) -> Array:
        check_threads(who, threads)
        rows = tokens_of(who, melodies, self.steps, self.classes)

        def on(chunk: IntArray) -> Array:
            return to_rows(self.encoder.forward(columns_of(chunk))[0])

        return np.asarray(in_chunks(on, rows, CHUNK, threads))

    def decode(
        self,
        codes: Array,
        *,
        temperature: float = 0.0,
        rng: np.random.Generator | None = None,
        threads: int | None = None,
    ) -> IntArray:
        """Return a melody for each of the codes (N, L): (N, T).

        Raises
            ValueError if these are no codes of this model, temperature < 0, or rng is missing where
            the temperature is not 0.
        """
        check_threads("decode", threads)
        temperature = number("decode", "temperature", temperature, 0, np.inf, "[)")
        expected = Input((self.latent_dim,), self.dtype, codes=True)
        z = to_columns("decode", expected.rows("decode", codes), expected)
        u = np.zeros((z.shape[1], self.steps))
        if temperature > 0:
            u = generator("decode", rng).random(u.shape)

        def on(chunk: range) -> IntArray:
            here = slice(chunk.start, chunk.stop)
            of_chunk = np.ascontiguousarray(z[:, here])
            return free_running(self.decoder, of_chunk, u[here].T, temperature).T

        return np.asarray(in_chunks(on, range(len(u)), CHUNK, threads))

    def reconstruct(
        self,
        melodies: IntArray,
        *,
        temperature: float = 0.0,
        rng: np.random.Generator | None = None,
        threads: int | None = None,
    ) -> IntArray:
        """Return decode(encode(melodies)): what the decoder makes of the mean codes alone."""
        with naming("reconstruct"):
            codes = self.encode(melodies, threads=threads)
            return self.decode(codes, temperature=temperature, rng=rng, threads=threads)

    def sample(
        self,
        count: int,
        *,
        temperature: float = 1.0,
        rng: np.random.Generator,
        threads: int | None = None,
    ) -> IntArray:
        """Return `count` melodies of codes drawn from the prior: (count, T)."""
        count = integer("sample", "count", count)
        shape = (count, self.latent_dim)
        codes = generator("sample", rng).standard_normal(shape, self.dtype)
        with naming("sample"):
            return self.decode(codes, temperature=temperature, rng=rng, threads=threads)

    def interpolate(
        self,
        start: IntArray,
        end: IntArray,
        steps: int = 8,
        *,
        spherical: bool = True,
        temperature: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> IntArray:
        """Return the melodies on the way from `start` to `end`, both (N, T): (N, steps, T).

        The way is an arc between the mean codes, as in the paper, or with spherical=False a
        straight line; where two codes are parallel the arc is the line.
        """
        integer("interpolate", "steps", steps, 2)
        with naming("interpolate start"):
            a = self.encode(start)
        with naming("interpolate end"):
            b = self.encode(end)
        codes = path(a, b, steps, spherical=spherical).reshape(-1, self.latent_dim)
        with naming("interpolate"):
            melodies = self.decode(codes, temperature=temperature, rng=rng)
        return melodies.reshape(len(a), steps, self.steps)

    def log_prob(
        self,
        melodies: IntArray,
        *,
        rng: np.random.Generator | None = None,
        threads: int | None = None,
    ) -> Array:
        """Return the ELBO of each melody (N, T), from one draw of its code, nats (N,).

        The decoder is given the true events before each step: with events of its own this would be
        no bound on log p(x).
        """
        check_threads("log_prob", threads)
        rows = tokens_of("log_prob", melodies, self.steps, self.classes)
        shape, L = (len(rows), self.latent_dim), self.latent_dim
        eps = generator("log_prob", rng).standard_normal(shape, self.dtype)

        def on(chunk: range) -> Array:
            here = slice(chunk.start, chunk.stop)
            x = columns_of(rows[here])
            h = self.encoder.forward(x)[0]
            mu, logvar = h[:L], h[L:]
            z = mu + np.exp(logvar / 2) * eps[here].T
            logits = self.decoder.forward(z, before(x, self.classes))[0]
            return log_prob_of(logits, x) - gaussian_kl_per_sample(mu, logvar)

        return np.asarray(in_chunks(on, range(len(rows)), CHUNK, threads))
