"""From images to codes and back: what one does with a model that has learned."""

import copy
from typing import Any, Self

import numpy as np

from ..checks.arguments import generator, integer
from ..core import Array, IntArray, Shape
from ..layers.sequential import Sequential
from ..likelihoods import Likelihood
from .batch_first import Input, apply_in_chunks, naming
from .corruption import Corruption
from .described import Described
from .interpolation import draws_like, path
from .labels import shape_with_labels


class Codec(Described):
    """An encoder and a decoder, used; the Autoencoder adds how they learn.

    All arrays are batch-first here.
        images   (N, *input_shape), uint8 or in [0, 1] if the likelihood asks for it
        codes    (N, *code_shape)
        labels   (N,) integers, for a model with classes, such as ConditionalVAE; others refuse them
        threads  how many work on it, all cores if None; this changes no result
    """

    encoder: Sequential
    decoder: Sequential
    likelihood: Likelihood
    corruption: Corruption | None
    input_shape: Shape
    corrupted_shape: Shape
    code_shape: Shape
    dtype: np.dtype[Any]

    networks_alone = True
    """Is there nothing between an image and its reconstruction but the encoder and the decoder?"""

    classes = 0
    """Of how many classes encoder and decoder take a label beside x and z."""

    @property
    def unit(self) -> bool:
        """Must images lie in [0, 1]? Likelihood or corruption say so, for all that comes in."""
        return any(getattr(part, "unit", False) for part in (self.likelihood, self.corruption))

    @property
    def image_input(self) -> Input:
        """What `log_prob` takes, and a loss as columns."""
        return Input(self.input_shape, self.dtype, self.unit, classes=self.classes)

    @property
    def corrupted_input(self) -> Input:
        """What `encode` takes."""
        within = getattr(self.corruption, "unit", True)  # else it may leave [0, 1]
        unit = self.unit and within
        return Input(self.corrupted_shape, self.dtype, unit, classes=self.classes)

    @property
    def code_input(self) -> Input:
        """What `decode` takes."""
        return Input(self.code_shape, self.dtype, codes=True, classes=self.classes)

    def parts(self) -> dict[str, tuple[Sequential, Shape]]:
        """Return the networks of the model by name, each with the shape of a sample it takes."""
        images, codes = (
            shape_with_labels(shape, self.classes)
            for shape in (self.corrupted_shape, self.code_shape)
        )
        return {"encoder": (self.encoder, images), "decoder": (self.decoder, codes)}

    def inference(self) -> Self:
        """Return the model as it is used once learning is over: without noise, statistics fixed."""
        model = copy.copy(self)
        model.encoder, model.decoder = self.encoder.inference(), self.decoder.inference()
        return model

    def encode(
        self, images: Array, labels: IntArray | None = None, *, threads: int | None = None
    ) -> Array:
        """Return the codes of images."""
        return self.encoder_output("encode", images, labels, threads)

    def encoder_output(
        self, who: str, images: Array, labels: IntArray | None, threads: int | None
    ) -> Array:
        """Return what the encoder makes of images."""
        forward, expected = self.encoder.inference().forward, self.corrupted_input
        return apply_in_chunks(who, lambda x: forward(x)[0], images, expected, labels, threads)

    def decode(
        self, codes: Array, labels: IntArray | None = None, *, threads: int | None = None
    ) -> Array:
        """Return the images that codes stand for: the mean of p(x | a)."""
        forward, mean = self.decoder.inference().forward, self.likelihood.mean
        expected = self.code_input
        return apply_in_chunks(
            "decode", lambda z: mean(forward(z)[0]), codes, expected, labels, threads
        )

    def reconstruct(
        self, images: Array, labels: IntArray | None = None, *, threads: int | None = None
    ) -> Array:
        """Return decode(encode(images))."""
        with naming("reconstruct"):
            codes = self.encode(images, labels, threads=threads)
            return self.decode(codes, labels, threads=threads)

    def sample(
        self,
        count: int | None = None,
        labels: IntArray | None = None,
        *,
        rng: np.random.Generator,
        like: Array | None = None,
        threads: int | None = None,
    ) -> Array:
        """Return `count` images of codes drawn from the prior; with labels, one of each label.

        like  images: codes are drawn from the Gaussian that fits the codes of these instead. A
              plain autoencoder has no prior, so it needs them. This is the simplest stand-in, and
              shows how much of code space decodes to nothing.

        Raises
            ValueError if count < 1, it is not the number of labels, or there is nothing to draw
            from.
        """
        labels = self.code_input.labels("sample", labels, count)
        count = integer("sample", "count", count if labels is None else len(labels))
        generator("sample", rng)
        if like is None:
            codes = self.draw_codes(count, rng=rng)
        else:
            with naming("sample like"):
                codes = draws_like(self.encode(like, threads=threads), count, rng=rng)
        return self.decode(codes, labels, threads=threads)

    def draw_codes(self, count: int, *, rng: np.random.Generator) -> Array:
        """Return codes drawn from the prior, in a model that has one."""
        who = type(self).__name__
        raise ValueError(f"sample: {who} has no prior; expected images to be `like`, got none")

    def interpolate(
        self,
        start: Array,
        end: Array,
        steps: int = 8,
        labels: IntArray | None = None,
        *,
        spherical: bool = False,
        threads: int | None = None,
    ) -> Array:
        """Return the images on the way from `start` to `end`, of one label: (N, steps, …)."""
        integer("interpolate", "steps", steps, 2)
        with naming("interpolate start"):
            a = self.encode(start, labels, threads=threads)
        with naming("interpolate end"):
            b = self.encode(end, labels, threads=threads)
        N = len(a)
        codes = path(a.reshape(N, -1), b.reshape(len(b), -1), steps, spherical=spherical)
        labels = self.code_input.labels("interpolate", labels, N)
        each = None if labels is None else labels.repeat(steps)
        images = self.decode(codes.reshape(N * steps, *a.shape[1:]), each, threads=threads)
        return images.reshape(N, steps, *images.shape[1:])
