"""What a denoising model learns to undo: maps of columns (C, H, W, N) that take rng.

The elementwise ones take vectors (D, N) too. Each holds the numbers of a function in
data/corruptions.py, which does the work, and is written there for batch-first images.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Protocol

import numpy as np

from ..checks.arguments import flag, integer, number
from ..core import Array, Shape
from ..data.corruptions import gaussian_noise, masking, salt_and_pepper, tile_means


class Corruption(Protocol):
    """Spoils images, at random or not.

    It may say by an attribute `unit` what it means for the range: True, that it takes images in
    [0, 1] alone and leaves them there; False, that it may move them out of it.
    """

    def __call__(self, x: Array, *, rng: np.random.Generator) -> Array:
        """Return what is left of x (…, N)."""
        ...

    def output_shape(self, input_shape: Shape, /) -> Shape:
        """Return the shape of what is left of one sample."""
        ...


class _SameShape:
    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of what is left of one sample."""
        return input_shape


@dataclass(frozen=True)
class GaussianNoise(_SameShape):
    """x + N(mean, sd²), clipped to [0, 1]; the lesson's: GaussianNoise(*LESSON_NOISE["keras"]).

    clip  False for signals that are no images in [0, 1], such as standardised ones
    """

    mean: float
    sd: float
    clip: bool = True

    @property
    def unit(self) -> bool:
        """Are images in [0, 1] taken and returned?"""
        return self.clip

    def __post_init__(self) -> None:
        number("GaussianNoise", "mean", self.mean)
        number("GaussianNoise", "sd", self.sd, 0, inf, "[)")
        flag("GaussianNoise", "clip", self.clip)

    def __call__(self, x: Array, *, rng: np.random.Generator) -> Array:
        """Return x with fresh noise."""
        return gaussian_noise(x, self.mean, self.sd, clip=self.clip, rng=rng)


@dataclass(frozen=True)
class SaltAndPepper(_SameShape):
    """Each pixel is replaced with probability `fraction`, half of the time by 0 and half by 1."""

    unit: ClassVar[bool] = True
    fraction: float

    def __post_init__(self) -> None:
        number("SaltAndPepper", "fraction", self.fraction, 0, 1, "[]")

    def __call__(self, x: Array, *, rng: np.random.Generator) -> Array:
        """Return x with other pixels replaced each time."""
        return salt_and_pepper(x, self.fraction, rng=rng)


@dataclass(frozen=True)
class Masking(_SameShape):
    """Each number is set to 0 with probability `fraction`: the mean of a standardised signal."""

    fraction: float

    def __post_init__(self) -> None:
        number("Masking", "fraction", self.fraction, 0, 1, "[]")

    def __call__(self, x: Array, *, rng: np.random.Generator) -> Array:
        """Return x with other pixels masked each time."""
        return masking(x, self.fraction, rng=rng)


@dataclass(frozen=True)
class Downsampling:
    """The mean of each tile of factor × factor pixels: undoing it is super-resolution."""

    factor: int

    def __post_init__(self) -> None:
        integer("Downsampling", "factor", self.factor)

    def __call__(self, x: Array, *, rng: np.random.Generator | None = None) -> Array:
        """Return the small images; there is nothing random about them."""
        self.output_shape(x.shape[:-1])
        return tile_means(x, self.factor, 1)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of what is left of one sample."""
        K = self.factor
        if len(input_shape) != 3 or input_shape[1] % K or input_shape[2] % K:
            raise ValueError(f"Downsampling: a factor of {K} does not divide {input_shape}")
        C, H, W = input_shape
        return C, H // K, W // K
