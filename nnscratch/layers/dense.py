"""The affine layer."""

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag, integer
from ..core import Array, Backward, Layer, Parameter, Shape, check
from ..kernels.plain import add_matmul, matmul
from .initializers import Initializer, glorot_uniform, zeros


class Dense(Layer):
    """Affine map of every sample: y = w x + b.

    Shapes
        x  (D, N)   one sample a column
        w  (M, D)   weight          b  (M,)   bias
        y  (M, N)

    Derivation
        From y_mn = Σ_d w_md x_dn + b_m and the chain rule, with dy = ∂L/∂y,

            ∂L/∂x_dn = Σ_m w_md dy_mn      dx = wᵀ dy
            ∂L/∂w_md = Σ_n dy_mn x_dn      dw = dy xᵀ
            ∂L/∂b_m  = Σ_n dy_mn           db = dy 1

    Keeps
        x, D·N numbers.

    Source
        Goodfellow, Bengio and Courville, Deep Learning (2016), §6.5.4.

    Raises
        ValueError if a size is not positive, or x or dy has another shape or dtype.
    """

    holomorphic = True

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        rng: np.random.Generator,
        bias: bool = True,
        init: Initializer = glorot_uniform,
        bias_init: Initializer = zeros,
        dtype: DTypeLike = np.float32,
    ) -> None:
        D = integer("Dense", "in_features", in_features)
        M = integer("Dense", "out_features", out_features)
        self.w = Parameter(init((M, D), D, M, rng=rng, dtype=dtype))
        bias = flag("Dense", "bias", bias)
        self.b = Parameter(bias_init((M,), D, M, rng=rng, dtype=dtype)) if bias else None

    def forward(self, x: Array) -> tuple[Array, Backward]:
        w, b = self.w, self.b
        M, D = w.value.shape
        check("Dense x", x, (D, "N"), w.value.dtype)
        N = x.shape[1]
        y = matmul(w.value, x, None if b is None else b.value)

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            check("Dense dy", dy, (M, N), w.value.dtype)
            add_matmul(w, dy, x.T, b)
            return matmul(w.value.T, dy) if need_dx else None

        return y, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        M, D = self.w.value.shape
        if input_shape != (D,):
            raise ValueError(f"Dense: expected a sample of shape ({D},), got {input_shape}")
        return (M,)

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.w} if self.b is None else {"weight": self.w, "bias": self.b}
