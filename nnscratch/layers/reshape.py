"""Layers that move no number: Identity, Reshape, Flatten.

With the batch as last axis the sample's axes are neighbours in memory, (C, H, W, N) lies exactly as
(C·H·W, N) does, and a new shape of a contiguous array is a view: nothing is copied.
"""

from math import prod

from ..checks.arguments import integer
from ..core import Array, Backward, Layer, Shape, check


class Identity(Layer):
    """y = x.

    Shapes
        x, y  any

    Derivation
        dx = dy

    Keeps
        Nothing. y is x itself and dx is dy itself.

    Source
        None needed.

    Raises
        ValueError if dy differs from x in shape or dtype.
    """

    holomorphic = True

    def forward(self, x: Array) -> tuple[Array, Backward]:
        shape, dtype = x.shape, x.dtype

        def backward(dy: Array) -> Array:
            check("Identity dy", dy, shape, dtype)
            return dy

        return x, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Reshape(Layer):
    """The same numbers in the same order, as samples of another shape.

    Shapes
        x  (*S, N)   any S of as many numbers as sample_shape
        y  (*sample_shape, N)

    Derivation
        y is x under other names: y_jn = x_in for i and j that come at the same place in row-major
        order. The gradient takes the old names back: dx_in = dy_jn.

    Keeps
        Nothing. y and dx are views, or copies if x or dy is not contiguous.

    Source
        NumPy's row-major order, which is also that of PyTorch's flatten and view.

    Raises
        ValueError if a size is < 1, a sample has not as many numbers, or dy is not like y.
    """

    holomorphic = True

    def __init__(self, *sample_shape: int) -> None:
        self.sample_shape = tuple(integer("Reshape", "sizes", size) for size in sample_shape)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        *sample, N = x.shape
        return _reshape("Reshape", x, (*self.output_shape(tuple(sample)), N))

    def output_shape(self, input_shape: Shape) -> Shape:
        want, got = prod(self.sample_shape), prod(input_shape)
        if want != got:
            raise ValueError(
                f"Reshape to {self.sample_shape}: expected a sample of {want} numbers, "
                f"got {input_shape}, which are {got}"
            )
        return self.sample_shape


class Flatten(Layer):
    """Every sample as one column: Reshape to whatever number of features it has.

    Shapes
        x  (*S, N)          y  (D, N) with D the product of S, row-major: d = (c H + h) W + w

    Derivation
        As for Reshape: dx is dy in the shape of x.

    Keeps
        Nothing. y and dx are views, or copies if x or dy is not contiguous.

    Source
        As for Reshape.

    Raises
        ValueError if dy differs from y in shape or dtype.
    """

    holomorphic = True

    def forward(self, x: Array) -> tuple[Array, Backward]:
        *sample, N = x.shape
        return _reshape("Flatten", x, (prod(sample), N))

    def output_shape(self, input_shape: Shape) -> Shape:
        return (prod(input_shape),)


def _reshape(name: str, x: Array, y_shape: Shape) -> tuple[Array, Backward]:
    shape, dtype = x.shape, x.dtype

    def backward(dy: Array) -> Array:
        check(f"{name} dy", dy, y_shape, dtype)
        return dy.reshape(shape)

    return x.reshape(y_shape), backward
