"""The way back through an affine layer, with the weight of the way there."""

import numpy as np

from ..core import Array, Backward, Layer, Parameter, Shape, check
from ..kernels.plain import add_matmul, matmul
from .dense import Dense


class TiedDense(Layer):
    """Affine map of every sample by another layer's weight, transposed: y = wᵀ x + b.

    A decoder tied to its encoder has half the weights, and neither can grow while the other
    shrinks: what is asked of the size of codes or weights cannot be evaded by a change of scale.

    Shapes
        x  (M, N)   one sample a column
        w  (M, D)   weight, that of the Dense          b  (D,)   bias, its own
        y  (D, N)

    Derivation
        That of Dense, with wᵀ in the place of w:

            dx = w dy          dw = x dyᵀ          db = dy 1

        dw is added to the same gradient as Dense's own: a weight that acts in two places has the
        sum of both derivatives.

    Keeps
        x, M·N numbers.

    Source
        Vincent et al., Extracting and Composing Robust Features (2008), §2.2.

    Raises
        ValueError if x or dy has another shape or dtype.
    """

    holomorphic = True

    def __init__(self, dense: Dense) -> None:
        self.w = dense.w
        D, dtype = dense.w.value.shape[1], dense.w.value.dtype
        self.b = Parameter(np.zeros(D, dtype))

    def forward(self, x: Array) -> tuple[Array, Backward]:
        w, b = self.w, self.b
        M, D = w.value.shape
        check("TiedDense x", x, (M, "N"), w.value.dtype)
        N = x.shape[1]
        y = matmul(w.value.T, x, b.value)

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            check("TiedDense dy", dy, (D, N), w.value.dtype)
            add_matmul(w, x, dy.T)
            b.grad += dy.sum(axis=1)
            return matmul(w.value, dy) if need_dx else None

        return y, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        M, D = self.w.value.shape
        if input_shape != (M,):
            raise ValueError(f"TiedDense: expected a sample of shape ({M},), got {input_shape}")
        return (D,)

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.w, "bias": self.b}
