"""The conditional VAE: what is asked for is told, what is left is style."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import integer
from ..checks.arrays import labels_of
from ..core import Array, IntArray, channel_axis
from ..kernels.machine.threads import check_threads, in_chunks
from ..layers.sequential import Sequential
from .autoencoder import Terms
from .batch_first import CHUNK, Input, naming, to_columns, to_rows
from .interpolation import path
from .vae import VAE


def one_hot(labels: IntArray, classes: int, dtype: DTypeLike) -> Array:
    """Return y_kn = [k = label_n], (K, N).

    Raises
        ValueError unless labels are (N,) integers from 0 to classes - 1.
    """
    y = labels_of("labels", labels, classes=classes)
    return np.equal.outer(np.arange(classes), y).astype(dtype)


def beside(x: Array, y: Array) -> Array:
    """Append y (K, N) to the channels of x, such as (C, H, W, N): K more, each constant."""
    K, N = y.shape
    if x.shape[-1] != N:
        raise ValueError(f"labels: expected one for each of {x.shape[-1]} images, got {N}")
    axis = channel_axis(x.shape[:-1])
    places = x.swapaxes(0, axis).shape[1:]
    planes = np.broadcast_to(y.reshape(K, *(1,) * (x.ndim - 2), N), (K, *places))
    return np.concatenate([x, planes.swapaxes(0, axis)], axis)


class ConditionalVAE(VAE):
    """A VAE of x given its class: q(z|x, y), p(x|z, y), both told y as a one-hot vector.

        log p(x|y) ≥ E_q log p(x|z, y) - KL(q(z|x, y) ‖ p(z))

    The decoder knows y, so a code that repeated it would pay its KL for nothing: z is left with
    what the class does not say, slant and weight and shape. One z with ten labels is one hand
    writing ten digits.

    Shapes
        x             (C, …, N)      y       (classes, N)
        encoder takes (C + classes, …), for its input has the classes as channels of constants
        (of a sequence (T, D, N) it takes (T, D + classes));
        decoder takes (latent_dim + classes,)

    Source
        Kingma et al., Semi-supervised Learning with Deep Generative Models (2014), §2.1 (M2);
        Sohn, Lee and Yan, Learning Structured Output Representation (2015).

    Constructed as VAE, with the number of classes besides.

    Raises
        ValueError as VAE; if classes < 2, or labels are not 0 … classes - 1.
    """

    def __init__(self, *vae: Any, classes: int, **options: Any) -> None:
        self.classes = integer("ConditionalVAE", "classes", classes, 2)
        super().__init__(*vae, **options)

    def loss(  # type: ignore[override]  # which is always told the class
        self, x: Array, labels: IntArray, *, rng: np.random.Generator | None = None
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ."""
        if rng is None:
            raise ValueError("ConditionalVAE loss: expected rng, the source of ε; got none")
        y = one_hot(labels, self.classes, self.dtype)
        return self.bound(x, beside(self.seen(x, rng=rng), y), y, rng=rng)

    def posterior(  # type: ignore[override]
        self, images: Array, labels: IntArray, *, threads: int | None = None
    ) -> tuple[Array, Array]:
        """Return mu and logvar of q(z|x, y) for images (N, …) and labels (N,), both (N, L)."""
        h = self._told_encoder("posterior", images, labels, threads)
        return h[:, : self.latent_dim], h[:, self.latent_dim :]

    def encode(  # type: ignore[override]
        self, images: Array, labels: IntArray, *, threads: int | None = None
    ) -> Array:
        """Return the mean codes μ of images (N, …) of these classes: (N, L)."""
        return self._told_encoder("encode", images, labels, threads)[:, : self.latent_dim]

    def decode(  # type: ignore[override]
        self, codes: Array, labels: IntArray, *, threads: int | None = None
    ) -> Array:
        """Return the images (N, …) that codes (N, L) stand for in these classes."""
        decoder = self.decoder.inference()
        a = self._across("decode", decoder, codes, self.code_input, labels, threads)
        return self.likelihood.mean(a)

    def reconstruct(  # type: ignore[override]
        self, images: Array, labels: IntArray, *, threads: int | None = None
    ) -> Array:
        """Return decode(encode(images, labels), labels)."""
        with naming("reconstruct"):
            codes = self.encode(images, labels, threads=threads)
            return self.decode(codes, labels, threads=threads)

    def log_prob(  # type: ignore[override]
        self,
        images: Array,
        labels: IntArray,
        *,
        rng: np.random.Generator,
        threads: int | None = None,
    ) -> Array:
        """Return the ELBO of each image (N, …) given its label, nats (N,): it bounds log p(x|y)."""
        rows = self.image_input.rows("log_prob", images)
        labels = labels_of("log_prob labels", labels, len(rows), self.classes)
        y = one_hot(labels, self.classes, self.dtype)
        return self._elbo(rows, lambda x, rows: beside(x, y[:, rows]), rng, threads)

    def sample(  # type: ignore[override]
        self, labels: IntArray, *, rng: np.random.Generator, threads: int | None = None
    ) -> Array:
        """Return an image of each of these classes: N draws from the prior, decoded."""
        labels = labels_of("sample labels", labels, classes=self.classes)
        draws = rng.standard_normal((len(labels), self.latent_dim), self.dtype)
        return self.decode(draws, labels, threads=threads)

    def interpolate(  # type: ignore[override]
        self,
        start: Array,
        end: Array,
        labels: IntArray,
        steps: int = 8,
        *,
        spherical: bool = False,
        threads: int | None = None,
    ) -> Array:
        """Return the images on the way from `start` to `end`, of one class each: (N, steps, …)."""
        labels = labels_of("interpolate labels", labels, classes=self.classes)
        with naming("interpolate start"):
            a = self.encode(start, labels, threads=threads)
        with naming("interpolate end"):
            b = self.encode(end, labels, threads=threads)
        codes = path(a, b, steps, spherical=spherical)
        codes, each = codes.reshape(-1, self.latent_dim), np.repeat(labels, steps)
        images = self.decode(codes, each, threads=threads)
        return images.reshape(len(a), steps, *images.shape[1:])

    def restyle(self, images: Array, labels: IntArray, *, threads: int | None = None) -> Array:
        """Return every image written as each of the classes, by one hand: (N, classes, …)."""
        with naming("restyle"):
            codes = self.encode(images, labels, threads=threads)
        N, K = len(codes), self.classes
        written = self.decode(codes.repeat(K, axis=0), np.tile(np.arange(K), N), threads=threads)
        return written.reshape(N, K, *written.shape[1:])

    def _told_encoder(
        self, who: str, images: Array, labels: IntArray, threads: int | None
    ) -> Array:
        """Return mu and logvar side by side, (N, 2 L)."""
        encoder = self.encoder.inference()
        return self._across(who, encoder, images, self.seen_input, labels, threads)

    def _across(
        self,
        who: str,
        part: Sequential,
        rows: Array,
        expected: Input,
        labels: IntArray,
        threads: int | None,
    ) -> Array:
        """Return what a part makes of rows (N, …) of a user, and of their labels."""
        check_threads(who, threads)
        rows = expected.rows(who, rows)
        labels = labels_of(f"{who} labels", labels, len(rows), self.classes)

        def on(some: IntArray) -> Array:
            x = to_columns(who, rows[some], expected)
            told = beside(x, one_hot(labels[some], self.classes, self.dtype))
            return to_rows(part.forward(told)[0])

        return np.asarray(in_chunks(on, np.arange(len(rows)), CHUNK, threads))
