"""Dropout: noise that multiplies."""

import numpy as np

from ..checks.arguments import number
from ..core import Array, Backward, Layer, Shape, check, float_dtype
from .reshape import Identity


class Dropout(Layer):
    """y = x m, where each entry of m is 0 with probability p and 1/(1-p) otherwise.

    Dividing while learning ("inverted" dropout) makes E[m] = 1, so E[y] = x and the layer to use
    once learning is over is the identity. The variance it adds is Var y = x² p/(1-p).

    Shapes
        x, m, y  any

    Derivation
        Given m the layer is linear and diagonal, y_i = m_i x_i, so dx_i = m_i dy_i.

    Keeps
        Which entries survived, one byte each.

    Source
        Srivastava et al., Dropout (2014), §4 and §10.

    Raises
        ValueError if p is not in [0, 1), x is no float32 or float64, or dy differs from it in shape
        or dtype.
    """

    noisy = True
    holomorphic = True

    def __init__(self, p: float = 0.5) -> None:
        self.p = number("Dropout", "p", p, 0, 1, "[)")

    def forward(self, x: Array, *, rng: np.random.Generator) -> tuple[Array, Backward]:
        check("Dropout x", x.real, x.shape, float_dtype(x))
        shape, dtype, scale = x.shape, x.dtype, 1 / (1 - self.p)
        # In float32 whatever x is: one rng, one mask.
        kept = rng.random(shape, dtype=np.float32) >= self.p

        def backward(dy: Array) -> Array:
            check("Dropout dy", dy, shape, dtype)
            return dy * kept * scale

        return x * kept * scale, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def inference(self) -> Layer:
        return Identity()
