"""A border of zeros, and a border taken away: each is the other's adjoint."""

import numpy as np

from ..core import Array, Backward, Layer, Pair, Shape, check, float_dtype
from .geometry import paddings, pair, sample_of

Sides = tuple[Pair, ...]
"""(before, after) of each axis of a sample."""


def padded(x: Array, sides: Sides) -> Array:
    """Return a batch whose samples have so many zeros before and after, along each axis."""
    return np.pad(x, (*sides, (0, 0)))


def cropped(x: Array, sides: Sides) -> Array:
    """Return a batch whose samples lack so many entries before and after, along each axis."""
    inside = tuple(slice(a, n - b) for n, (a, b) in zip(x.shape, sides, strict=False))
    return x[inside].copy()


class Border(Layer):
    """What padding and cropping have in common: y is one of x, and dx the other of dy."""

    holomorphic = True

    axes: tuple[str, ...]
    sides: Sides
    grows: bool

    def forward(self, x: Array) -> tuple[Array, Backward]:
        name, sides = type(self).__name__, self.sides
        check(f"{name} x", x.real, (*self.axes, "N"), float_dtype(x))
        y_shape, dtype = (*self.output_shape(x.shape[:-1]), x.shape[-1]), x.dtype
        y = padded(x, sides) if self.grows else cropped(x, sides)

        def backward(dy: Array) -> Array:
            check(f"{name} dy", dy, y_shape, dtype)
            return cropped(dy, sides) if self.grows else padded(dy, sides)

        return y, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        name, sign = type(self).__name__, 1 if self.grows else -1
        if len(input_shape) != len(self.axes):
            want = ", ".join(self.axes)
            raise ValueError(f"{name}: expected a sample of shape ({want}), got {input_shape}")
        sizes = zip(input_shape, self.sides, strict=True)
        shape = tuple(n + sign * (a + b) for n, (a, b) in sizes)
        if min(shape) < 1:
            raise ValueError(f"{name}: nothing is left of {input_shape} without {self.sides}")
        sample_of(name, 1, shape[0], shape[1] * shape[-1] if len(shape) == 3 else shape[1])
        return shape


class ZeroPad2d(Border):
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

    axes = ("C", "H", "W")
    grows = True

    def __init__(self, padding: int | Pair | tuple[Pair, Pair]) -> None:
        self.sides = ((0, 0), *paddings("ZeroPad2d", padding))


class Crop2d(Border):
    """x without its outermost rows and columns: ZeroPad2d's adjoint.

    Shapes
        x  (C, H, W, N)      y  (C, H - top - bottom, W - left - right, N)

        cropping is a number, (rows, columns) or ((top, bottom), (left, right)).

    Derivation
        y_chmn = x_c,h+top,m+left,n. A pixel that was taken away does not act on L: dx is dy in a
        frame of zeros.

    Keeps
        Nothing.

    Source
        None needed.

    Raises
        ValueError if the cropping is negative or leaves nothing, or x or dy has another shape or
        dtype.
    """

    axes = ("C", "H", "W")
    grows = False

    def __init__(self, cropping: int | Pair | tuple[Pair, Pair]) -> None:
        self.sides = ((0, 0), *paddings("Crop2d", cropping, "cropping"))


class ZeroPad1d(Border):
    """A sequence with steps of zeros before and after it.

    Shapes
        x  (T, D, N)      y  (before + T + after, D, N)      padding is a number, or (before, after)

    Derivation
        y_tdn = x_t-before,d,n inside, 0 elsewhere: dx is dy without the steps that were added.

    Keeps
        Nothing.

    Source
        None needed.

    Raises
        ValueError if the padding is negative or no memory holds y, or x or dy has another shape or
        dtype.
    """

    axes = ("T", "D")
    grows = True

    def __init__(self, padding: int | Pair) -> None:
        self.sides = (pair("ZeroPad1d", "padding", padding, 0), (0, 0))


class Crop1d(Border):
    """A sequence without its first and last steps: ZeroPad1d's adjoint.

    Shapes
        x  (T, D, N)      y  (T - before - after, D, N)      cropping is a number, (before, after)

    Derivation
        y_tdn = x_t+before,d,n: dx is dy between steps of zeros.

    Keeps
        Nothing.

    Source
        None needed.

    Raises
        ValueError if the cropping is negative or leaves nothing, or x or dy has another shape or
        dtype.
    """

    axes = ("T", "D")
    grows = False

    def __init__(self, cropping: int | Pair) -> None:
        self.sides = (pair("Crop1d", "cropping", cropping, 0), (0, 0))
