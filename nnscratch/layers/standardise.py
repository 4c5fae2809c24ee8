"""What all normalisations are made of: standardise, then scale and shift."""

from math import prod

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import integer, number
from ..core import Array, Backward, Parameter, Shape, channel_axis
from .initializers import floating, possible


def standardise(
    name: str, x: Array, axes: Shape, eps: float
) -> tuple[Array, Array, Array, Backward]:
    """Return x̂ = (x - μ)/√(σ² + ε), the μ and σ² of x over `axes`, and the backward.

    Let k = 1 … K number the entries that share a mean. Then, since Σ_k (x_k - μ) = 0,

        μ = (1/K) Σ_k x_k               ∂μ/∂x_j   = 1/K
        σ² = (1/K) Σ_k (x_k - μ)²       ∂σ²/∂x_j  = (2/K) (x_j - μ)
        r = (σ² + ε)^-½                 ∂r/∂x_j   = -½ r³ ∂σ²/∂x_j = -(1/K) r² x̂_j
        x̂_k = r (x_k - μ)               ∂x̂_k/∂x_j = r ([j = k] - 1/K) + (x_k - μ) ∂r/∂x_j
                                                  = r ([j = k] - 1/K - x̂_k x̂_j/K)

        dx_j = Σ_k dx̂_k ∂x̂_k/∂x_j = r (dx̂_j - (1/K) Σ_k dx̂_k - x̂_j (1/K) Σ_k dx̂_k x̂_k)

    Keeps x̂ and r.
    """
    K = prod(x.shape[axis] for axis in axes)
    if K < 2:
        raise ValueError(f"{name}: expected ≥ 2 values for a variance, got {K}; x is {x.shape}")
    mean = x.mean(axis=axes, keepdims=True)
    xhat = x - mean
    var = (xhat * xhat).mean(axis=axes, keepdims=True)
    r = 1 / np.sqrt(var + eps)
    xhat *= r

    def backward(dxhat: Array) -> Array:
        dx = dxhat - dxhat.mean(axis=axes, keepdims=True)
        dx -= xhat * (dxhat * xhat).mean(axis=axes, keepdims=True)
        dx *= r
        return dx

    return xhat, mean, var, backward


class Affine:
    """y = γ x + β, where γ and β have the first axes of x and are constant along the others.

    Let s run over their axes and m over the others: y_sm = γ_s x_sm + β_s, so

        dγ_s = Σ_m dy_sm x_sm          dβ_s = Σ_m dy_sm          dx_sm = γ_s dy_sm

    Keeps x.
    """

    def __init__(self, shape: Shape, dtype: DTypeLike) -> None:
        self.gamma = Parameter(np.ones(possible(shape), dtype))
        self.beta = Parameter(np.zeros(possible(shape), dtype))

    def forward(self, x: Array) -> tuple[Array, Backward]:
        gamma, beta = self.gamma, self.beta
        rest = axes_from(gamma.value.ndim, x)
        y = np.expand_dims(gamma.value, rest) * x
        y += np.expand_dims(beta.value, rest)

        def backward(dy: Array) -> Array:
            gamma.grad += (dy * x).sum(axis=rest)
            beta.grad += dy.sum(axis=rest)
            return np.expand_dims(gamma.value, rest) * dy

        return y, backward

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.gamma, "bias": self.beta}


def axes_from(axis: int, x: Array) -> Shape:
    """Return all axes of x from this one on."""
    return tuple(range(axis, x.ndim))


def validate(name: str, sizes: Shape, eps: float, dtype: DTypeLike) -> None:
    """Raise ValueError unless all sizes and eps are positive, and the dtype is a float's."""
    floating(dtype)
    if not sizes:
        raise ValueError(f"{name}: expected sizes ≥ 1, got ()")
    for size in sizes:
        integer(name, "sizes", size)
    number(name, "eps", eps, 0)


def same_channels(name: str, input_shape: Shape, C: int) -> Shape:
    """Return the shape of a sample; ValueError unless it has C channels."""
    want = with_channels(input_shape, C)
    if input_shape != want:
        raise ValueError(f"{name}: expected a sample of {C} channels, {want}, got {input_shape}")
    return input_shape


def with_channels(sample_shape: Shape, C: int) -> Shape:
    """Return the shape of such a sample with C channels."""
    axis = channel_axis(sample_shape)
    return *sample_shape[:axis], C, *sample_shape[axis + 1 :]
