"""Rectifiers: activations that let the positive half through and bend the other, with a kink at 0.

At a kink the derivative from the left is taken, as everywhere in the field: relu'(0) = 0.
"""

from typing import TYPE_CHECKING

import numpy as np

from .._moved import renamed
from ..checks.arguments import number
from ..core import Array, Backward, check, float_dtype
from ..kernels.plain import leaky_relu_backward, relu, relu_backward
from .activations import Elementwise


class ReLU(Elementwise):
    """y = max(x, 0).

    Shapes
        x, y  any

    Derivation
        dy/dx = [x > 0] = [y > 0]

    Keeps
        y.

    Source
        Glorot, Bordes and Bengio, Deep Sparse Rectifier Neural Networks (2011).

    Raises
        ValueError if x is no float32 or float64, or dy differs from it in shape or dtype.
    """

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("ReLU x", x, x.shape, float_dtype(x))
        y = relu(x)

        def backward(dy: Array) -> Array:
            check("ReLU dy", dy, y.shape, y.dtype)
            return relu_backward(dy, y)

        return y, backward


class LeakyReLU(Elementwise):
    """y = x where x > 0, slope · x elsewhere.

    Shapes
        x, y  any

    Derivation
        dy/dx = 1 where x > 0, slope elsewhere. As slope > 0, x and y are of one sign: y will do.

    Keeps
        y.

    Source
        Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models (2013).

    Raises
        ValueError if the slope is not in (0, 1), x is no float32 or float64, or dy differs from it
        in shape or dtype.
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.slope = number("LeakyReLU", "negative_slope", negative_slope, 0, 1)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("LeakyReLU x", x, x.shape, float_dtype(x))
        y = np.maximum(x, self.slope * x)

        def backward(dy: Array) -> Array:
            check("LeakyReLU dy", dy, y.shape, y.dtype)
            return leaky_relu_backward(dy, y, self.slope)

        return y, backward


class ELU(Elementwise):
    """y = x where x > 0, α (eˣ - 1) elsewhere.

    Shapes
        x, y  any

    Derivation
        dy/dx = 1 where x > 0, α eˣ = y + α elsewhere

    Keeps
        y.

    Source
        Clevert, Unterthiner and Hochreiter, Exponential Linear Units (2016), eq. 16.

    Raises
        ValueError if α is not positive, x is no float32 or float64, or dy differs from it in shape
        or dtype.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number("ELU", "alpha", alpha, 0)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("ELU x", x, x.shape, float_dtype(x))
        y = np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

        def backward(dy: Array) -> Array:
            check("ELU dy", dy, y.shape, y.dtype)
            return np.where(y > 0, dy, dy * (y + self.alpha))

        return y, backward


if not TYPE_CHECKING:
    __getattr__ = renamed(__name__)
