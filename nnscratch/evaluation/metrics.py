"""How like a picture is to an image: squared error, cross-entropy, PSNR, SSIM.

    images    (N, …)  what there was: uint8 in 0 … 255, or floats in [0, 1]
    pictures  (N, …)  what came out: samples of the same shape (or flat), in the same unit

A picture may leave [0, 1] a little, as PCA's do; beyond -1 and 2 it is in another unit. `sse` and
`mse` take floats of any unit.

Every figure says whether it is an image's or a pixel's: multiply by the number of pixels to go from
the second to the first. All of them are means over the images.
"""

from typing import Any

import numpy as np

from ..checks.arguments import number
from ..checks.arrays import check_about_unit, check_numbers, images_of, samples_of
from ..core import Array
from ..data.dataset import Images
from ..losses import binary_entropy

CLIP = 1e-3
"""A picture that is no probability (PCA's, the mean image) has pixels at 0 and 1, or beyond. Its
cross-entropy is that of the same picture clipped to [CLIP, 1 - CLIP], and depends on CLIP."""

WINDOW, WIDTH = 11, 1.5
"""SSIM's Gaussian window: its side and its standard deviation, in pixels."""


def as_floats(who: str, images: Images) -> Array:
    """Return images (N, …) as float64: bytes divided by 255, floats as they are.

    Raises
        ValueError as arrays.py says: if they are no batch, hold NaN or infinity, …
    """
    images = images_of(who, images)
    check_numbers(who, images)
    return images.astype(np.float64) / (255 if images.dtype == np.uint8 else 1)


def _pair(who: str, images: Images, pictures: Images, *, strict: bool) -> tuple[Array, Array]:
    """Return both as float64 of one shape; `strict` says that images must be in [0, 1]."""
    images = images_of(f"{who} images", images)
    pictures = samples_of(f"{who} pictures", pictures, images.shape[1:])
    if len(images) != len(pictures):
        raise ValueError(
            f"{who}: expected pictures like images, got {pictures.shape} for {images.shape}"
        )
    check_numbers(f"{who} images", images, unit=strict)
    x, y = as_floats(f"{who} images", images), as_floats(f"{who} pictures", pictures)
    if strict or np.uint8 in (images.dtype, pictures.dtype):
        check_about_unit(f"{who} images", x)
        check_about_unit(f"{who} pictures", y)
    return x, y.reshape(x.shape)


def sse(images: Images, pictures: Images) -> float:
    """Return Σ (x - y)² an image."""
    return _squares("sse", images, pictures, strict=False)[0]


def squared_errors(images: Images, pictures: Images) -> Array:
    """Return Σ (x - y)² of every image, (N,): a score of how unusual it is to who painted y."""
    x, y = _pair("squared_errors", images, pictures, strict=False)
    return np.asarray(((x - y) ** 2).reshape(len(x), -1).sum(axis=1))


def mse(images: Images, pictures: Images) -> float:
    """Return the mean of (x - y)² over the pixels."""
    total, D = _squares("mse", images, pictures, strict=False)
    return total / D


def bce(images: Images, pictures: Images, *, clip: float = CLIP) -> float:
    """Return -Σ x log y + (1-x) log(1-y), nats an image, with y clipped to [clip, 1 - clip]."""
    number("bce", "clip", clip, 0, 0.5)
    x, y = _pair("bce", images, pictures, strict=True)
    y = y.clip(clip, 1 - clip)
    return float(-(x * np.log(y) + (1 - x) * np.log1p(-y)).sum()) / len(x)


def bce_floor(images: Images) -> float:
    """Return the cross-entropy of pictures that are perfect, nats an image: 0 only without grey."""
    x = images_of("bce_floor", images)
    check_numbers("bce_floor", x, unit=True)
    return binary_entropy(np.moveaxis(as_floats("bce_floor", x), 0, -1))


def psnr(images: Images, pictures: Images) -> float:
    """Return 10 log₁₀(1/MSE), decibels: of the mean MSE, not the mean over images of each PSNR."""
    total, D = _squares("psnr", images, pictures, strict=True)
    with np.errstate(divide="ignore"):  # a perfect picture has an infinite PSNR
        return float(-10 * np.log10(total / D))


def ssim(images: Images, pictures: Images) -> float:
    """Return the structural similarity of images (N, …, H, W), in [-1, 1]; 1 if they are equal.

    In every 11 × 11 window, weighted by a Gaussian, compare means, variances and covariance:

        (2 μ_x μ_y + c₁)(2 σ_xy + c₂) / ((μ_x² + μ_y² + c₁)(σ_x² + σ_y² + c₂))

    and take the mean over the windows that lie inside, c₁ = 0.01² and c₂ = 0.03² for a range of 1.

    Source
        Wang, Bovik, Sheikh and Simoncelli, Image Quality Assessment (2004), eq. 13 and §III.C.

    Raises
        ValueError if an image is smaller than the window.
    """
    x, y = _pair("ssim", images, pictures, strict=True)
    if x.ndim < 3 or min(x.shape[-2:]) < WINDOW:
        raise ValueError(f"ssim: expected (N, …, H, W) from 11 × 11 up, got {x.shape}")
    c1, c2 = 0.01**2, 0.03**2
    mu_x, mu_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mu_x**2, _blur(y * y) - mu_y**2
    cov = _blur(x * y) - mu_x * mu_y
    luminance = (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1)
    structure = (2 * cov + c2) / (var_x + var_y + c2)
    return float((luminance * structure).mean())


def _squares(who: str, images: Images, pictures: Images, *, strict: bool) -> tuple[float, int]:
    """Return Σ (x - y)² an image, and how many numbers an image has."""
    x, y = _pair(who, images, pictures, strict=strict)
    d = (x - y).ravel()
    return float(d @ d) / len(x), x[0].size


def _blur(x: Array) -> Array:
    """The Gaussian mean of every window, rows first and then columns: the window is separable."""
    taps = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * WIDTH**2))
    taps /= taps.sum()
    windows: Any = np.lib.stride_tricks.sliding_window_view
    return windows(windows(x, WINDOW, axis=-2) @ taps, WINDOW, axis=-1) @ taps
