"""The layer that the README shows."""

from typing import Any

import numpy as np

from nnscratch.core import Array, Backward, Parameter, Shape


class Readme:
    """The README's dense layer: no need_dx, no check of anything."""

    def __init__(self, D: int, M: int, seed: int = 0, dtype: Any = np.float32) -> None:
        w = np.random.default_rng(seed).standard_normal((M, D)) / 4
        self.w, self.b = Parameter(w.astype(dtype)), Parameter(np.zeros(M, dtype))

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.w, "bias": self.b}

    def output_shape(self, shape: Shape) -> Shape:
        return (len(self.w.value),)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        w, b = self.w.value, self.b.value
        y = w @ x + b[:, None]

        def backward(dy: Array) -> Array:
            self.w.grad += dy @ x.T
            self.b.grad += dy.sum(axis=1)
            return w.T @ dy

        return y, backward
