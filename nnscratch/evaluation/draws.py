"""Images that a VAE has encoded once, and as many draws of their codes as an evaluation asks for.

Threads share the images by chunks, and where there are many draws, the draws of a chunk by parts.
Each part of each chunk has a stream of noise of its own, so that a seed gives the same bits on any
number of threads.
"""

from collections.abc import Callable, Iterator
from typing import Self

import numpy as np

from ..checks.arguments import generator
from ..core import Array
from ..data.dataset import Dataset, Images
from ..data.pairs import Pairs
from ..kernels.machine.threads import check_threads, on_threads
from ..models.batch_first import CHUNK, Input, to_columns
from ..models.labels import append_labels
from ..models.sets import check_images
from ..models.vae import VAE

COLUMNS = 512
"""Columns, images times draws, that pass through a decoder of vectors at a time. A decoder of
pictures is given CHUNK of them."""


class Chunk:
    """Some of the images with their posteriors, and a stream of noise.

    x (*input_shape, N)    y (classes, N), or None    h (2 L, N), μ and log σ² stacked
    """

    def __init__(
        self, model: VAE, x: Array, y: Array | None, h: Array, rng: np.random.Generator
    ) -> None:
        self.model, self.x, self.y, self.h, self.rng = model, x, y, h, rng
        self.mu, self.logvar = h[: model.latent_dim], h[model.latent_dim :]

    def draws(self, count: int) -> Iterator[tuple[Array, Array]]:
        """Yield log p(x|z) and log p(z) - log q(z|x) of `count` draws z ~ q(z|x) for every x.

        They come in blocks of K draws, both (K, N) and float64. K N is no larger than the columns
        that may pass at a time, or K is 1.
        """
        N = self.x.shape[-1]
        columns = COLUMNS if len(self.model.input_shape) == 1 else CHUNK
        most, repeated = max(1, columns // N), self
        while count:
            K = min(count, most)
            if repeated.h.shape[1] != K * N:
                repeated = self._repeated(K)
            eps = self.rng.standard_normal((K, self.model.noise_dim, N), self.h.dtype)
            eps = eps.swapaxes(0, 1).reshape(self.model.noise_dim, K * N)
            log_p, log_ratio = repeated.log_probs(eps)
            yield log_p.reshape(K, N), log_ratio.reshape(K, N)
            count -= K

    def _repeated(self, K: int) -> Self:
        """Return the images K times, one after the other: column k N + n is image n."""
        x, h = np.tile(self.x, K), np.tile(self.h, K)
        y = None if self.y is None else np.tile(self.y, K)
        return type(self)(self.model, x, y, h, self.rng)

    def log_probs(self, eps: Array) -> tuple[Array, Array]:
        """Return log p(x|z) and log p(z) - log q(z|x) of z = μ + σ ε, (N,), for eps (L, N)."""
        z, log_ratio = self.model.sampled(self.mu, self.logvar, eps)
        a = self.model.decoder.forward(append_labels(z, self.y))[0]
        return self.model.likelihood.log_prob(a, self.x).astype(np.float64), log_ratio


class Encoded:
    """Images, with labels if the model has classes, that fit the model and that it encodes once.

    The encoder is given the images as they are, or, if it was made for fewer pixels, what the
    model's corruption leaves of them.
    """

    def __init__(
        self,
        who: str,
        model: VAE,
        data: Images | Dataset,
        rng: np.random.Generator,
        threads: int | None,
    ) -> None:
        checked = check_images(who, data, model)
        if isinstance(checked, Pairs):
            raise ValueError(f"{who}: expected images or a Dataset, got Pairs")
        check_threads(who, threads)
        generator(who, rng)
        self.who, self.model, self.threads = who, model.inference(), threads
        self.images: Images = checked.images if isinstance(checked, Dataset) else checked
        self.labels = checked.labels if isinstance(checked, Dataset) and model.classes else None
        self.seed = int(rng.integers(2**63))
        self.starts = range(0, len(self.images), CHUNK)

    def each_chunk(self, function: Callable[[Chunk], Array]) -> Array:
        """Return function(chunk), one row an image, for all of them: (N, …)."""
        return self.each_part(lambda chunk, _: function(chunk), 1)[0]

    def each_part(self, function: Callable[[Chunk, int], Array], parts: int) -> Array:
        """Return function(chunk, part) for all images and `parts` streams of noise: (parts, N, …).

        If there are several parts all images are encoded before, as the parts share their codes.

        Raises
            ValueError if a number is not finite.
        """
        codes: dict[int, Array] = {}
        if parts > 1:
            each = on_threads(
                lambda start: self._encode(start, *self._columns(start)), self.starts, self.threads
            )
            codes.update(zip(self.starts, each, strict=True))

        @np.errstate(over="ignore", invalid="ignore")  # of which the result tells
        def on(task: tuple[int, int]) -> Array:
            start, part = task
            x, y = self._columns(start)
            h = codes[start] if parts > 1 else self._encode(start, x, y)
            rng = np.random.default_rng([self.seed, start, part])
            return function(Chunk(self.model, x, y, h, rng), part)

        tasks = [(start, part) for start in self.starts for part in range(parts)]
        each = on_threads(on, tasks, self.threads)
        found = np.stack([np.concatenate(each[part::parts]) for part in range(parts)])
        if not np.isfinite(found).all():
            raise ValueError(
                f"{self.who}: a code or its variance leaves {self.model.dtype}; expected images of "
                "the scale that the model has learned from"
            )
        return found

    @np.errstate(over="ignore", invalid="ignore")
    def _encode(self, start: int, x: Array, y: Array | None) -> Array:
        """Return μ and log σ² of the images of a chunk, stacked, (2 L, N)."""
        rng = np.random.default_rng([self.seed, start, 0, 1])  # no part's
        reduced = self.model.reduced(x, rng=rng)
        return self.model.encoder.forward(append_labels(reduced, y))[0]

    def _columns(self, start: int) -> tuple[Array, Array | None]:
        """Return the images of a chunk, (*input_shape, N), and their labels as (classes, N)."""
        here, model = slice(start, start + CHUNK), self.model
        rows = np.asarray(self.images[here])
        x = to_columns(self.who, rows, Input(model.input_shape, model.dtype))
        return x, model.one_hot(None if self.labels is None else self.labels[here])
