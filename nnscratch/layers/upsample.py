"""Upsampling: more pixels, no more information."""

from collections.abc import Callable
from functools import cache

import numpy as np

from ..checks.arguments import integer
from ..core import Array, Backward, Layer, Pair, Shape, check, float_dtype
from ..kernels.plain_images import Resampling, resample
from .geometry import pair, sample_of


@cache
def nearest(image: Pair, scale: Pair) -> Resampling:
    """Return the matrices that repeat pixels: A_hi = [i = ⌊h/S⌋]."""
    A, B = (np.eye(size).repeat(S, axis=0) for size, S in zip(image, scale, strict=True))
    return Resampling(A, B)


@cache
def bilinear(image: Pair, scale: Pair) -> Resampling:
    """Return the matrices that interpolate: A_hi = max(0, 1 - |u_h - i|), the tent around i."""

    def tents(size: int, S: int) -> Array:
        u = np.clip((np.arange(size * S) + 0.5) / S - 0.5, 0, size - 1)
        return np.maximum(0, 1 - np.abs(u[:, None] - np.arange(size)))

    A, B = (tents(size, S) for size, S in zip(image, scale, strict=True))
    return Resampling(A, B)


class Upsample(Layer):
    """What the two kinds of upsampling have in common: SH·H × SW·W pixels from H × W.

    Each has its own A and B in y_chmn = Σ_il A_hi B_ml x_ciln; dx_ciln = Σ_hm A_hi B_ml dy_chmn.
    """

    holomorphic = True

    matrices: Callable[[Pair, Pair], Resampling]
    """(H, W) and the scale ↦ A and B."""

    def __init__(self, scale_factor: int | Pair) -> None:
        self.name = type(self).__name__
        self.scale = pair(self.name, "scale_factor", scale_factor)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        name = self.name
        check(f"{name} x", x.real, ("C", "H", "W", "N"), float_dtype(x))
        y_shape, dtype = (*self.output_shape(x.shape[:3]), x.shape[3]), x.dtype
        M = type(self).matrices(x.shape[1:3], self.scale)

        def backward(dy: Array) -> Array:
            check(f"{name} dy", dy, y_shape, dtype)
            return resample(dy, M.T)

        return resample(x, M), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 3:
            raise ValueError(
                f"{self.name}: expected a sample of shape (C, H, W), got {input_shape}"
            )
        C, H, W = input_shape
        return sample_of(self.name, C, H * self.scale[0], W * self.scale[1])


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

    matrices = staticmethod(nearest)


class UpsampleNearest1d(Layer):
    """Every step of a sequence becomes S equal ones.

    Shapes
        x  (T, D, N)      y  (S·T, D, N)

    Derivation
        y_tdn = x_⌊t/S⌋,d,n, so a step collects from its copies: ∂L/∂x_idn = Σ_{a < S} dy_iS+a,d,n

    Keeps
        Nothing.

    Source
        As for UpsampleNearest2d.

    Raises
        ValueError if the scale is not positive, or x or dy has another shape or dtype.
    """

    holomorphic = True

    def __init__(self, scale_factor: int) -> None:
        self.scale = integer("UpsampleNearest1d", "scale_factor", scale_factor)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("UpsampleNearest1d x", x.real, ("T", "D", "N"), float_dtype(x))
        (T, D, N), dtype, S = x.shape, x.dtype, self.scale
        y_shape = (*self.output_shape((T, D)), N)

        def backward(dy: Array) -> Array:
            check("UpsampleNearest1d dy", dy, y_shape, dtype)
            return dy.reshape(T, S, D, N).sum(axis=1)

        return x.repeat(S, axis=0), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2:
            raise ValueError(
                f"UpsampleNearest1d: expected a sample of shape (T, D), got {input_shape}"
            )
        T, D = input_shape
        return sample_of("UpsampleNearest1d", 1, self.scale * T, D)[1:]


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

    matrices = staticmethod(bilinear)
