"""Upsampling: more pixels, no more information."""

from functools import cache

import numpy as np

from ..core import Array, Backward, Layer, Shape, check, real
from .geometry import Pair, pair, sample_of
from .sparse import Resampling, resampled, separable


class Upsample(Layer):
    """What the two kinds of upsampling have in common: SH·H × SW·W pixels from H × W."""

    def __init__(self, scale_factor: int | Pair) -> None:
        self.scale = pair(type(self).__name__, "scale_factor", scale_factor)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 3:
            raise ValueError(
                f"{type(self).__name__}: expected a sample of shape (C, H, W), got {input_shape}"
            )
        C, H, W = input_shape
        return sample_of(type(self).__name__, C, H * self.scale[0], W * self.scale[1])


class UpsampleNearest2d(Upsample):
    """Every pixel becomes a block of SH × SW equal ones.

    Shapes
        x  (C, H, W, N)      y  (C, SH·H, SW·W, N)

    Derivation
        y_chmn = x_c,⌊h/SH⌋,⌊m/SW⌋,n, so a pixel collects from its block:

            ∂L/∂x_ciln = Σ_{a < SH, b < SW} dy_c,i·SH+a,l·SW+b,n

    Keeps
        Nothing.

    Source
        Odena, Dumoulin and Olah, Deconvolution and Checkerboard Artifacts (2016).

    Raises
        ValueError if the scale is not positive, or x or dy has another shape or dtype.
    """

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("UpsampleNearest2d x", x, ("C", "H", "W", "N"), real(x))
        return resampled("UpsampleNearest2d", x, nearest(x.shape[1:3], self.scale))


class UpsampleBilinear2d(Upsample):
    """Pixels in between lie on straight lines, along the rows and along the columns.

    Shapes
        x  (C, H, W, N)      y  (C, SH·H, SW·W, N)

    Derivation
        A pixel is a square of side 1 with its value in the middle (align_corners=False in PyTorch).
        The middle of y's pixel h lies at u = (h + ½)/SH - ½ in x, held inside [0, H - 1], where

            x(u) = (1 - t) x_i + t x_i+1,      i = ⌊u⌋, t = u - i.

        These weights are row h of a matrix A (SH·H, H), those of the columns a matrix B, and

            y_chmn = Σ_il A_hi B_ml x_ciln          ∂L/∂x_ciln = Σ_hm A_hi B_ml dy_chmn

    Keeps
        Nothing.

    Source
        Odena, Dumoulin and Olah, Deconvolution and Checkerboard Artifacts (2016).

    Raises
        ValueError if the scale is not positive, or x or dy has another shape or dtype.
    """

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("UpsampleBilinear2d x", x, ("C", "H", "W", "N"), real(x))
        return resampled("UpsampleBilinear2d", x, bilinear(x.shape[1:3], self.scale))


@cache
def nearest(image: Pair, scale: Pair) -> Resampling:
    """Return the matrix that repeats pixels: A_hi = [i = ⌊h/S⌋]."""
    A, B = (np.eye(size).repeat(S, axis=0) for size, S in zip(image, scale, strict=True))
    return separable(A, B)


@cache
def bilinear(image: Pair, scale: Pair) -> Resampling:
    """Return the matrix that interpolates: A_hi = max(0, 1 - |u_h - i|), the tent around i."""

    def tents(size: int, S: int) -> Array:
        u = np.clip((np.arange(size * S) + 0.5) / S - 0.5, 0, size - 1)
        return np.maximum(0, 1 - np.abs(u[:, None] - np.arange(size)))

    A, B = (tents(size, S) for size, S in zip(image, scale, strict=True))
    return separable(A, B)
