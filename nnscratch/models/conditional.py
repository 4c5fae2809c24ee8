"""The conditional VAE: what is asked for is told, what is left is style."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..core import Array, IntArray, Shape, channel_axis
from ..layers.sequential import Sequential
from .autoencoder import Terms
from .border import across, check_count, to_columns, to_rows
from .latent import path
from .vae import VAE


def one_hot(labels: IntArray, classes: int, dtype: DTypeLike) -> Array:
    """Return y_kn = [k = label_n], (K, N).

    Raises
        ValueError unless labels are (N,) integers from 0 to classes - 1.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(f"labels: expected (N,) integers, got {labels.shape} {labels.dtype}")
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels: expected 0 … {classes - 1}, got {labels.min()} … {labels.max()}")
    return np.equal.outer(np.arange(classes), labels).astype(dtype)


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
        if classes < 2:
            raise ValueError(f"ConditionalVAE: expected classes ≥ 2, got {classes}")
        self.classes = classes
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
        encoder, L = self.encoder.inference(), self.latent_dim
        h = self._across("encode", encoder, images, self.seen_shape, labels, threads)
        return h[:, :L], h[:, L:]

    def encode(  # type: ignore[override]
        self, images: Array, labels: IntArray, *, threads: int | None = None
    ) -> Array:
        """Return the mean codes μ of images (N, …) of these classes: (N, L)."""
        return self.posterior(images, labels, threads=threads)[0]

    def decode(  # type: ignore[override]
        self, codes: Array, labels: IntArray, *, threads: int | None = None
    ) -> Array:
        """Return the images (N, …) that codes (N, L) stand for in these classes."""
        decoder = self.decoder.inference()
        a = self._across("decode", decoder, codes, self.code_shape, labels, threads)
        return self.likelihood.mean(a)

    def reconstruct(  # type: ignore[override]
        self, images: Array, labels: IntArray, *, threads: int | None = None
    ) -> Array:
        """Return decode(encode(images, labels), labels)."""
        return self.decode(self.encode(images, labels, threads=threads), labels, threads=threads)

    def sample(  # type: ignore[override]
        self, labels: IntArray, *, rng: np.random.Generator, threads: int | None = None
    ) -> Array:
        """Return an image of each of these classes: N draws from the prior, decoded."""
        count = one_hot(labels, self.classes, self.dtype).shape[1]
        check_count(count)
        draws = rng.standard_normal((count, self.latent_dim), self.dtype)
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
        a, b = (self.encode(images, labels, threads=threads) for images in (start, end))
        codes = path(a, b, steps, spherical=spherical)
        codes, each = codes.reshape(-1, self.latent_dim), np.repeat(labels, steps)
        images = self.decode(codes, each, threads=threads)
        return images.reshape(len(a), steps, *images.shape[1:])

    def restyle(self, images: Array, labels: IntArray, *, threads: int | None = None) -> Array:
        """Return every image written as each of the classes, by one hand: (N, classes, …)."""
        codes, K = self.encode(images, labels, threads=threads), self.classes
        N = len(codes)
        written = self.decode(codes.repeat(K, axis=0), np.tile(np.arange(K), N), threads=threads)
        return written.reshape(N, K, *written.shape[1:])

    def _across(
        self,
        who: str,
        part: Sequential,
        rows: Array,
        shape: Shape,
        labels: IntArray,
        threads: int | None,
    ) -> Array:
        """Return what a part makes of rows (N, …) of samples of this shape, and of their labels."""
        x = to_columns(who, rows, shape, self.dtype)
        told = beside(x, one_hot(labels, self.classes, self.dtype))
        f, shape = lambda x: part.forward(x)[0], self.told(shape)
        return across(who, f, to_rows(told), shape, self.dtype, threads)
