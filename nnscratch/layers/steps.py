"""What turns vectors into sequences, and layers on vectors into layers on sequences."""

import numpy as np

from ..checks.arguments import integer
from ..core import (
    Array,
    Backward,
    Layer,
    Parameter,
    Shape,
    backward_into_theta,
    check,
    float_dtype,
)
from .contract import buffers, check_layer, holomorphic, inference, noisy, whole_batch


class RepeatVector(Layer):
    """The same vector at every step: what a decoder reads that is told nothing else.

    Shapes
        x  (D, N)
        y  (T, D, N)

    Derivation
        y_tdn = x_dn, so dx_dn = Σ_t dy_tdn.

    Keeps
        Nothing.

    Source
        Cho et al., Learning Phrase Representations (2014), §2.2; Keras has the name.

    Raises
        ValueError if steps is not positive, x is no float32 or float64, or x or dy has another
        shape or dtype.
    """

    holomorphic = True

    def __init__(self, steps: int) -> None:
        self.T = integer("RepeatVector", "steps", steps)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        T, dtype = self.T, float_dtype(x)
        check("RepeatVector x", x.real, ("D", "N"), dtype)
        y = np.repeat(x[None], T, axis=0)

        def backward(dy: Array) -> Array:
            check("RepeatVector dy", dy, y_shape, dtype)
            dx: Array = dy.sum(axis=0)
            return dx

        y_shape = y.shape
        return y, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ValueError(f"RepeatVector: expected a sample of shape (D,), got {input_shape}")
        return (self.T, *input_shape)


class ReverseSteps(Layer):
    """The steps in the reverse order: what a decoder has to say first an encoder then hears last.

    Shapes
        x, y  (T, …, N)

    Derivation
        y_t = x_T+1-t. It moves numbers and is its own inverse, so dx_t = dy_T+1-t.

    Keeps
        Nothing.

    Source
        Sutskever, Vinyals and Le, Sequence to Sequence Learning with Neural Networks (2014), §3.3.

    Raises
        ValueError if x is no sequence of float32 or float64, or dy has another shape or dtype.
    """

    holomorphic = True

    def forward(self, x: Array) -> tuple[Array, Backward]:
        dtype = float_dtype(x)
        if x.ndim < 2:
            raise ValueError(f"ReverseSteps x: expected (T, …, N), got {x.shape}")

        def backward(dy: Array) -> Array:
            check("ReverseSteps dy", dy, x_shape, dtype)
            return np.ascontiguousarray(dy[::-1])

        x_shape = x.shape
        return np.ascontiguousarray(x[::-1]), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ValueError("ReverseSteps: expected a sample of shape (T, …), got ()")
        return input_shape


class TimeDistributed(Layer):
    """A layer that is applied to every step by itself, with the same parameters.

    Shapes
        x  (T, *S, N)     where the layer takes samples of shape S
        y  (T, *S', N)    and makes samples of shape S' of them

    Derivation
        The steps of all samples are one batch of T·N for the layer, so that a Dense is one product;
        its backward adds up the gradients of θ of all steps. Moving an axis moves no number.

    Keeps
        What the layer keeps for T·N samples, and a copy of x if it keeps x.

    Source
        Keras has the name; PyTorch's Linear does this by itself.

    Raises
        ValueError if this is no layer, or x or dy does not fit.
    """

    def __init__(self, layer: Layer) -> None:
        check_layer("TimeDistributed", layer)
        self.layer = layer
        self.noisy, self.whole_batch = noisy(layer), whole_batch(layer)
        self.holomorphic = holomorphic(layer)

    def forward(
        self, x: Array, *, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        if getattr(x, "ndim", 0) < 2:
            raise ValueError(f"TimeDistributed x: expected (T, …, N), got {np.shape(x)}")
        T, N = x.shape[0], x.shape[-1]
        noise = {"rng": rng} if self.noisy else {}
        y, step = self.layer.forward(_batch(x), **noise)
        y_shape, dtype = (T, *y.shape[:-1], N), y.dtype

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            check("TimeDistributed dy", dy, y_shape, dtype)
            if not need_dx:
                backward_into_theta(step, _batch(dy))
                return None
            return _sequence(step(_batch(dy)), T, N)

        return _sequence(y, T, N), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) < 2:
            raise ValueError(
                f"TimeDistributed: expected a sample of shape (T, …), got {input_shape}"
            )
        return (input_shape[0], *self.layer.output_shape(input_shape[1:]))

    def parameters(self) -> dict[str, Parameter]:
        return self.layer.parameters()

    def buffers(self) -> dict[str, Array]:
        return buffers(self.layer)

    def inference(self) -> "TimeDistributed":
        return TimeDistributed(inference(self.layer))


def _batch(x: Array) -> Array:
    """(T, *S, N) ↦ (*S, T N): the samples of the first step, then those of the second."""
    x = np.ascontiguousarray(np.moveaxis(x, 0, -2))
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


def _sequence(x: Array, T: int, N: int) -> Array:
    """(*S, T N) ↦ (T, *S, N), the inverse, which is also the adjoint."""
    return np.ascontiguousarray(np.moveaxis(x.reshape(*x.shape[:-1], T, N), -2, 0))
