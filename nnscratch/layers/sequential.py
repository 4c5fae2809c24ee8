"""Composition."""

from collections.abc import Iterator
from typing import SupportsIndex

import numpy as np

from ..checks.text import listing
from ..core import Array, Backward, Layer, Parameter, Shape, backward_into_theta, named
from .contract import buffers, check_layer, holomorphic, inference, noisy, whole_batch
from .fusion import fused


class Sequential(Layer):
    """f_k ∘ … ∘ f_1, whose backward is backward_1 ∘ … ∘ backward_k: the chain rule.

    Shapes
        Each layer's output shape must be the next one's input shape; with `input_shape` (that of
        one sample) this is verified at once, without data.

    It computes a ReLU together with the layer next to it, where that saves a pass over memory and
    changes no number: `layers` is the chain as it was given, `stages` as it is run (fusion.py).

    Keeps
        What its layers keep.

    Raises
        ValueError naming the layer that is none, that does not fit, or lacks its source of noise.
    """

    def __init__(self, *layers: Layer, input_shape: Shape | None = None) -> None:
        for i, layer in enumerate(layers):
            check_layer(f"Sequential, layer {i}", layer)
        self.layers, self.stages = layers, fused(layers)
        self.noisy = any(map(noisy, layers))
        self.whole_batch = any(map(whole_batch, layers))
        self.holomorphic = all(map(holomorphic, layers))
        # Below the first layer that has parameters (or running averages) there is nothing to learn.
        learns = (i for i, f in enumerate(self.stages) if f.parameters() or buffers(f))
        self.first = next(learns, len(self.stages))
        if input_shape is not None:
            self.output_shape(input_shape)

    def forward(
        self, x: Array, *, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        if self.noisy and rng is None:
            raise ValueError("Sequential: expected rng, since a layer is noisy; got none")
        steps: list[Backward] = []
        for stage in self.stages:
            takes_rng = self.noisy and noisy(stage)
            x, step = stage.forward(x, rng=rng) if takes_rng else stage.forward(x)
            steps.append(step)
        first = self.first

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            for step in reversed(steps[first + 1 :]):
                dy = step(dy)
            if not need_dx:
                if first < len(steps):
                    backward_into_theta(steps[first], dy)
                return None
            for step in reversed(steps[: first + 1]):
                dy = step(dy)
            return dy

        return x, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        for i, layer in enumerate(self.layers):
            try:
                output_shape = layer.output_shape(input_shape)
            except ValueError as error:
                raise ValueError(f"Sequential, layer {i}: {error}") from None
            if not isinstance(output_shape, tuple):
                kind = type(layer).__name__
                raise ValueError(
                    f"Sequential, layer {i}, {kind} output_shape: expected a tuple, "
                    f"got {output_shape!r}"
                )
            input_shape = output_shape
        return input_shape

    def parameters(self) -> dict[str, Parameter]:
        return named(**{str(i): f.parameters() for i, f in enumerate(self.layers)})

    def buffers(self) -> dict[str, Array]:
        return named(**{str(i): buffers(f) for i, f in enumerate(self.layers)})

    def inference(self) -> "Sequential":
        return Sequential(*map(inference, self.layers))

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __getitem__(self, place: SupportsIndex) -> Layer:
        return self.layers[place]

    def __repr__(self) -> str:
        return "Sequential" + listing({str(i): layer for i, layer in enumerate(self.layers)})


def as_sequential(layer: Layer) -> Sequential:
    """Return the layer itself if it is a Sequential, else a Sequential of it alone."""
    return layer if isinstance(layer, Sequential) else Sequential(layer)
