"""Activations: smooth maps of one number applied to every entry; and softmax.

For an elementwise y = f(x) the Jacobian is diagonal, so backward is dx = dy f'(x). Most f' are
cheaper from y than from x, and then y is what is kept. rectifiers.py has the maps with a kink.
"""

from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from .._moved import renamed
from ..core import Array, Backward, Layer, Shape, check, float_dtype
from ..kernels.plain import normal_cdf, sigmoid, softplus, tanh_backward


class Elementwise(Layer):
    """What these maps have in common: the shape stays, and there is no θ."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Sigmoid(Elementwise):
    """y = σ(x) = 1/(1 + e⁻ˣ).

    Shapes
        x, y  any

    Derivation
        dy/dx = e⁻ˣ/(1 + e⁻ˣ)² = y (1 - y)

    Keeps
        y.

    Source
        Goodfellow, Bengio and Courville, Deep Learning (2016), §3.10.

    Raises
        ValueError if x is no float32 or float64, or dy differs from it in shape or dtype.
    """

    holomorphic = True

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("Sigmoid x", x.real, x.shape, float_dtype(x))
        y = sigmoid(x)

        def backward(dy: Array) -> Array:
            check("Sigmoid dy", dy, y.shape, y.dtype)
            return dy * y * (1 - y)

        return y, backward


class Tanh(Elementwise):
    """y = tanh x.

    Shapes
        x, y  any

    Derivation
        dy/dx = 1 - tanh² x = 1 - y²

    Keeps
        y.

    Source
        LeCun et al., Efficient BackProp (1998), §4.4.

    Raises
        ValueError if x is no float32 or float64, or dy differs from it in shape or dtype.
    """

    holomorphic = True

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("Tanh x", x.real, x.shape, float_dtype(x))
        y = np.tanh(x)

        def backward(dy: Array) -> Array:
            check("Tanh dy", dy, y.shape, y.dtype)
            return tanh_backward(dy, y)

        return y, backward


class Softplus(Elementwise):
    """y = log(1 + eˣ) = max(x, 0) + log(1 + e^-|x|).

    Shapes
        x, y  any

    Derivation
        dy/dx = eˣ/(1 + eˣ) = σ(x)

    Keeps
        x.

    Source
        Dugas et al., Incorporating Second-Order Functional Knowledge (2001).

    Raises
        ValueError if x is no float32 or float64, or dy differs from it in shape or dtype.
    """

    holomorphic = True

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("Softplus x", x.real, x.shape, float_dtype(x))
        y = softplus(x)

        def backward(dy: Array) -> Array:
            check("Softplus dy", dy, x.shape, x.dtype)
            return dy * sigmoid(x)

        return y, backward


class GELU(Elementwise):
    """y = x Φ(x), with Φ the distribution function of N(0, 1).

    Shapes
        x, y  any

    Derivation
        Φ' = φ, the density of N(0, 1), so dy/dx = Φ(x) + x φ(x), φ(x) = e^(-x²/2)/√(2π)

    Keeps
        x and Φ(x).

    Source
        Hendrycks and Gimpel, Gaussian Error Linear Units (2016), §2; the exact form.

    Raises
        ValueError if x is no float32 or float64, or dy differs from it in shape or dtype.
    """

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("GELU x", x, x.shape, float_dtype(x))
        cdf = normal_cdf(x)

        def backward(dy: Array) -> Array:
            check("GELU dy", dy, x.shape, x.dtype)
            return dy * (cdf + x * np.exp(-x * x / 2) / sqrt(2 * pi))

        return x * cdf, backward


class Softmax(Elementwise):
    """y_kn = exp x_kn / Σ_j exp x_jn, over the features: the axis before the batch.

    Shapes
        x, y  (…, K, N)

    Derivation
        ∂y_j/∂x_k = y_j ([j = k] - y_k), so

            dx_k = Σ_j dy_j y_j ([j = k] - y_k) = y_k (dy_k - Σ_j dy_j y_j)

        It vanishes for a dy that is the same for all k: adding a constant to x changes nothing.

    Keeps
        y.

    Source
        Goodfellow, Bengio and Courville, Deep Learning (2016), §6.2.2.3.

    Raises
        ValueError if x is no float32 or float64, or dy differs from it in shape or dtype.
    """

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("Softmax x", x, (*x.shape[:-2], "K", "N"), float_dtype(x))
        y = np.exp(x - x.max(axis=-2, keepdims=True))
        y /= y.sum(axis=-2, keepdims=True)

        def backward(dy: Array) -> Array:
            check("Softmax dy", dy, y.shape, y.dtype)
            return y * (dy - (dy * y).sum(axis=-2, keepdims=True))

        return y, backward


if not TYPE_CHECKING:
    __getattr__ = renamed(__name__)
