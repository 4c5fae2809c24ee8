"""A border of zeros."""

import numpy as np

from ..core import Array, Backward, Layer, Pair, Shape, check, float_dtype
from .geometry import paddings, sample_of


class ZeroPad2d(Layer):
    """x in a frame of zeros.

    Shapes
        x  (C, H, W, N)      y  (C, top + H + bottom, left + W + right, N)

        padding is a number, (rows, columns) or ((top, bottom), (left, right)).

    Derivation
        y_chmn = x_c,h-top,m-left,n inside of the frame, 0 on it: dx is dy without the frame.

    Keeps
        Nothing.

    Source
        None needed.

    Raises
        ValueError if the padding is negative or no memory holds y, or x or dy has another shape or
        dtype.
    """

    holomorphic = True

    def __init__(self, padding: int | Pair | tuple[Pair, Pair]) -> None:
        self.padding = paddings("ZeroPad2d", padding)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("ZeroPad2d x", x.real, ("C", "H", "W", "N"), float_dtype(x))
        (_, H, W, N), dtype, ((top, _), (left, _)) = x.shape, x.dtype, self.padding
        y = np.zeros((*self.output_shape(x.shape[:3]), N), dtype)
        y_shape, inside = y.shape, np.s_[:, top : top + H, left : left + W]
        y[inside] = x

        def backward(dy: Array) -> Array:
            check("ZeroPad2d dy", dy, y_shape, dtype)
            return dy[inside].copy()

        return y, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 3:
            raise ValueError(f"ZeroPad2d: expected a sample of shape (C, H, W), got {input_shape}")
        C, H, W = input_shape
        OH, OW = H + sum(self.padding[0]), W + sum(self.padding[1])
        return sample_of("ZeroPad2d", C, OH, OW)
