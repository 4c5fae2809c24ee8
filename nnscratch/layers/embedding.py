"""A vector for each of some classes."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..checks.arguments import integer
from ..core import Array, Backward, Layer, Parameter, Shape, check
from ..kernels.plain_recurrent import add_gather_steps, gather_steps
from .initializers import Initializer, unit_normal
from .tokens import check_tokens


class Embedding(Layer):
    """Each token of a sequence becomes a vector, the same for the same token.

    Shapes
        x  (T, N) integers from 0 to K - 1, a token for each step of each sample
        w  (K, F)   weight, a row for each class
        y  (T, F, N)

    Derivation
        y_tfn = w[x_tn, f] = Σ_k [x_tn = k] w_kf is linear in w, so

            ∂L/∂w_kf = Σ_tn [x_tn = k] dy_tfn

        Tokens are no numbers that could be moved a little: x has no gradient, and backward returns
        None.

    Keeps
        x.

    Source
        Bengio et al., A Neural Probabilistic Language Model (2003), §2.

    Raises
        ValueError if a size is not positive, a token is none of the classes, or x or dy has another
        shape or dtype.
    """

    holomorphic = True
    takes_tokens = True

    def __init__(
        self,
        classes: int,
        features: int,
        *,
        rng: np.random.Generator,
        init: Initializer = unit_normal,
        dtype: DTypeLike = np.float32,
    ) -> None:
        K = integer("Embedding", "classes", classes)
        F = integer("Embedding", "features", features)
        self.w = Parameter(init((K, F), K, F, rng=rng, dtype=dtype))

    def forward(self, x: NDArray[Any]) -> tuple[Array, Backward]:
        w = self.w
        K, F = w.value.shape
        check_tokens("Embedding x", x, ("T", "N"), K)
        T, N = x.shape
        y = gather_steps(w.value.T, x)

        def backward(dy: Array) -> None:
            check("Embedding dy", dy, (T, F, N), w.value.dtype)
            dw = Parameter(np.zeros_like(w.value.T))
            add_gather_steps(dw, dy, x)
            w.grad += dw.grad.T

        return y, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ValueError(f"Embedding: expected a sample of shape (T,), got {input_shape}")
        return (*input_shape, self.w.value.shape[1])

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.w}
