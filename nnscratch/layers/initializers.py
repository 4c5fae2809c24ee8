"""How θ starts: random weights whose scale keeps signals of the same size from layer to layer.

With independent weights of variance v, Var y_m = D v E[x²]: the forward signal keeps its size if
v = 1/fan_in (LeCun), the backward one if v = 1/fan_out, and Glorot takes the harmonic mean
2/(fan_in + fan_out). A ReLU silences half of its inputs, so He doubles LeCun's variance. A uniform
draw from (-a, a) has variance a²/3.

Every initializer has one signature and returns a new array:

    glorot_uniform(shape, fan_in, fan_out, *, rng, dtype)

where dtype is float32 or float64, fan_in counts the inputs that one output sums over, and fan_out
the outputs that one input reaches. A layer knows its own fans.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import LARGEST, generator
from ..core import Array, Shape


class Initializer(Protocol):
    """Draws the first value of a parameter."""

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
    ) -> Array:
        """Return a new array of this shape and dtype."""
        ...


def floating(dtype: DTypeLike) -> DTypeLike:
    """Return the dtype; ValueError unless parameters can be of it."""
    try:
        known = np.dtype(dtype) in (np.float32, np.float64)
    except TypeError:
        known = False
    if not known or dtype is None:
        raise ValueError(f"parameters: expected float32 or float64, got {dtype!r}")
    return dtype


_room: ContextVar[list[int] | None] = ContextVar("_room", default=None)
"""In `blank`, how many numbers layers may still be made with; None elsewhere."""


@contextmanager
def blank(numbers: int) -> Iterator[None]:
    """Let layers start with zeros, as those do whose weights are about to be read from a file.

    Layers that have more than so many numbers between them are refused before they take memory.
    """
    token = _room.set([numbers])
    try:
        yield
    finally:
        _room.reset(token)


def possible(shape: Shape) -> Shape:
    """Return the shape of a new parameter.

    Raises
        ValueError if it has more numbers than any memory holds, or than `blank` allows.
    """
    size, room = prod(shape), _room.get()
    if size > LARGEST:
        raise ValueError(f"parameters: expected a shape of at most 2⁴⁸ numbers, got {shape}")
    if room is not None:
        if size > room[0]:
            raise ValueError(
                f"parameters: expected a shape of at most {room[0]} numbers, got {shape}"
            )
        room[0] -= size
    return shape


def _uniform(shape: Shape, variance: float, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    if _room.get():
        return np.zeros(possible(shape), floating(dtype))
    a = np.sqrt(3 * variance)
    return generator("parameters", rng).uniform(-a, a, size=possible(shape)).astype(floating(dtype))


def _normal(shape: Shape, variance: float, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    if _room.get():
        return np.zeros(possible(shape), floating(dtype))
    x = generator("parameters", rng).standard_normal(possible(shape))
    return (np.sqrt(variance) * x).astype(floating(dtype))


def zeros(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """Return zeros: the usual start of a bias."""
    return np.zeros(possible(shape), floating(dtype))


def unit_normal(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """N(0, 1): the vectors of PyTorch's Embedding."""
    return _normal(shape, 1, rng, dtype)


def glorot_uniform(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """Variance 2/(fan_in + fan_out), uniform: Glorot and Bengio (2010), eq. 16. Keras's default."""
    return _uniform(shape, 2 / (fan_in + fan_out), rng, dtype)


def glorot_normal(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """Variance 2/(fan_in + fan_out), normal: Glorot and Bengio (2010), eq. 12."""
    return _normal(shape, 2 / (fan_in + fan_out), rng, dtype)


def he_uniform(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """Variance 2/fan_in, uniform, for ReLU: He et al. (2015), eq. 10."""
    return _uniform(shape, 2 / fan_in, rng, dtype)


def he_normal(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """Variance 2/fan_in, normal, for ReLU: He et al. (2015), eq. 10."""
    return _normal(shape, 2 / fan_in, rng, dtype)


def lecun_uniform(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """Variance 1/fan_in, uniform: LeCun et al., Efficient BackProp (1998), §4.6."""
    return _uniform(shape, 1 / fan_in, rng, dtype)


def lecun_normal(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """Variance 1/fan_in, normal: LeCun et al., Efficient BackProp (1998), §4.6."""
    return _normal(shape, 1 / fan_in, rng, dtype)


def torch_default(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """U(-1/√fan_in, 1/√fan_in), for weight and bias alike: PyTorch's Linear and Conv2d."""
    return _uniform(shape, 1 / (3 * fan_in), rng, dtype)


def orthogonal(
    shape: Shape, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """Orthonormal rows or columns of the (shape[0], rest) matrix: Saxe et al. (2014), §3.

    The Q of a Gaussian matrix is uniform over orthogonal matrices once the signs of R's diagonal
    are moved into it (Mezzadri 2007).
    """
    if _room.get():
        return np.zeros(possible(shape), floating(dtype))
    M, D = shape[0], prod(possible(shape)[1:])
    q, r = np.linalg.qr(generator("parameters", rng).standard_normal((max(M, D), min(M, D))))
    q *= np.sign(np.diag(r))
    return (q if M >= D else q.T).reshape(shape).astype(floating(dtype))
