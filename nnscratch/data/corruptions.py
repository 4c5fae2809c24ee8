"""Corruptions of images: noise, missing pixels, fewer pixels.

Functions of batch-first floats, returning floats of the same dtype; [0, 1] remains [0, 1]. Noise
and masks are elementwise and so take any layout; the resizers need (N, H, W) or (N, C, H, W).
"""

from math import inf

import numpy as np

from ..checks.arguments import generator, integer, number
from ..checks.arrays import floats_of
from ..core import Array

LESSON_NOISE = {"tensorflow": (0.5, 0.5), "pytorch": (0.5, 0.3), "keras": (0.0, 0.5)}
"""(mean, sd) in three editions of one denoiser, for `gaussian_noise`.

The noise of the first two has a mean, so it also brightens the image, and their figures do not
compare with the third's.
"""


def gaussian_noise(
    x: Array, mean: float, sd: float, *, clip: bool = True, rng: np.random.Generator
) -> Array:
    """Return x + N(mean, sd²) of images, clipped to [0, 1]; with clip=False of any numbers."""
    x = floats_of("gaussian_noise x", x, unit=clip)
    mean = number("gaussian_noise", "mean", mean)
    sd = number("gaussian_noise", "sd", sd, 0, inf, "[)")
    y = x + mean + sd * generator("gaussian_noise", rng).standard_normal(x.shape, x.dtype)
    return np.clip(y, 0, 1) if clip else y


def salt_and_pepper(x: Array, fraction: float, *, rng: np.random.Generator) -> Array:
    """Replace each pixel with probability `fraction`, half of the time by 0 and half by 1."""
    x = floats_of("salt_and_pepper x", x)
    number("salt_and_pepper", "a fraction", fraction, 0, 1, "[]")
    u = generator("salt_and_pepper", rng).random(x.shape, x.dtype)
    return np.where(u < fraction / 2, 0, np.where(u < fraction, 1, x))


def masking(x: Array, fraction: float, *, rng: np.random.Generator) -> Array:
    """Set each number to 0 with probability `fraction`.

    Source
        Vincent et al., Extracting and composing robust features with denoising autoencoders (2008).
    """
    x = floats_of("masking x", x, unit=False)
    number("masking", "a fraction", fraction, 0, 1, "[]")
    u = generator("masking", rng).random(x.shape, x.dtype)
    return np.where(u < fraction, 0, x)


def downsample(x: Array, factor: int) -> Array:
    """Return the mean of each tile of factor × factor pixels."""
    x = _resizable("downsample", x, factor)
    H, W = x.shape[-2:]
    if H % factor or W % factor:
        raise ValueError(f"downsample: a factor of {factor} does not divide {H}×{W}")
    return tile_means(x, factor, x.ndim - 2)


def tile_means(x: Array, factor: int, axis: int) -> Array:
    """Return the mean of each tile of factor × factor places, on this axis and the one after it."""
    H, W = (size // factor for size in x.shape[axis : axis + 2])
    tiles = (*x.shape[:axis], H, factor, W, factor, *x.shape[axis + 2 :])
    return x.reshape(tiles).mean(axis=(axis + 1, axis + 3))


def upsample_nearest(x: Array, factor: int) -> Array:
    """Repeat each pixel factor × factor times."""
    x = _resizable("upsample_nearest", x, factor)
    return x.repeat(factor, axis=-2).repeat(factor, axis=-1)


def upsample_bilinear(x: Array, factor: int) -> Array:
    """Interpolate linearly along rows and columns, pixels being areas and not points.

    Output pixel i of `factor` times as many has its centre at (i + ½)/factor − ½ on the input's
    axis, and beyond the outermost centres the edge continues: PyTorch's align_corners=False.
    """
    x = _resizable("upsample_bilinear", x, factor)
    for axis in (-2, -1):
        L = x.shape[axis]
        centre = np.clip((np.arange(factor * L) + 0.5) / factor - 0.5, 0, L - 1)
        below = centre.astype(np.intp)
        above = np.minimum(below + 1, L - 1)
        t = (centre - below).astype(x.dtype)
        a, b = x.take(below, axis), x.take(above, axis)
        x = a + (t[:, None] if axis == -2 else t) * (b - a)
    return x


def _resizable(name: str, images: Array, factor: int) -> Array:
    """Return images (N, H, W) or (N, C, H, W) as a plain array of floats."""
    x = floats_of(f"{name} x", images)
    if x.ndim not in (3, 4):
        raise ValueError(f"{name} x: expected (N, H, W) or (N, C, H, W), got {x.shape}")
    if x.ndim == 4 and x.shape[3] in (1, 3) and x.shape[1] == x.shape[2] > 3:
        raise ValueError(
            f"{name} x: expected (N, C, H, W), got {x.shape}, which has its channels last; "
            "np.moveaxis(x, -1, 1)"
        )
    integer(name, "a factor", factor)
    return x
