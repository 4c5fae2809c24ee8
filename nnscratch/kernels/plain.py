"""Every operation in NumPy: what it computes, in a form to be read.

Layers, losses and data call these functions. What runs in their place, unless the plain path is
chosen, are compiled kernels of the same names (paths.py); the tests hold each to its definition.
Where a formula is analytic the definition takes complex numbers as well.

The definitions for images are in plain_images.py, those of the optimisers in plain_optimizers.py.
"""

from math import erf, sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core import Array, IntArray, Parameter
from .paths import accelerated


@accelerated("matmul")
def matmul(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return a b, or a b + bias 1ᵀ.

    a  (M, K)        b  (K, N)        bias  (M,), added to every column
    """
    c: Array = a @ b
    return c if bias is None else c + bias[:, None]


@accelerated("matmul", array=1)
def add_matmul(p: Parameter, a: Array, b: Array, sums: Parameter | None = None) -> None:
    """p.grad += a b and, where they are asked for, sums.grad += a 1, the sums of a's rows.

    a  (M, K)        b  (K, N)        p  (M, N)        sums  (M,)
    """
    p.grad += a @ b
    if sums is not None:
        sums.grad += a.sum(axis=1)


def sigmoid(a: Array) -> Array:
    """Return σ(a) = 1/(1 + e⁻ᵃ), written with e^-|a| so that nothing overflows."""
    positive = a.real >= 0
    e = np.exp(np.where(positive, -a, a))
    y: Array = np.where(positive, 1, e) / (1 + e)
    return y


def softplus(a: Array) -> Array:
    """Return log(1 + eᵃ) = max(a, 0) + log(1 + e^-|a|), in which nothing overflows either."""
    positive = a.real >= 0
    y: Array = np.where(positive, a, 0) + np.log1p(np.exp(np.where(positive, -a, a)))
    return y


_erf: Any = np.vectorize(erf, otypes=[np.float64])


@accelerated("activations")
def normal_cdf(x: Array) -> Array:
    """Return Φ(x) = ½ (1 + erf(x/√2)), the distribution function of N(0, 1)."""
    return ((1 + _erf(x / sqrt(2))) / 2).astype(x.dtype)


@accelerated("activations")
def tanh_backward(dy: Array, y: Array) -> Array:
    """Return dx = dy (1 - y²)."""
    return dy * (1 - y * y)


@accelerated("rectifiers")
def relu(x: Array) -> Array:
    """Return y = max(x, 0); a NaN stays."""
    return np.maximum(x, 0)


@accelerated("rectifiers")
def relu_backward(dy: Array, y: Array) -> Array:
    """Return dx = dy [y > 0]."""
    return np.where(y > 0, dy, 0)


@accelerated("rectifiers")
def leaky_relu_backward(dy: Array, y: Array, slope: float) -> Array:
    """Return dx = dy where y > 0, slope · dy elsewhere."""
    return np.where(y > 0, dy, slope * dy)


@accelerated("losses")
def bernoulli_nll(a: Array, t: Array) -> tuple[float, Array]:
    """Return (1/N) Σ softplus(a) - t a, and its gradient (1/N) (σ(a) - t).

    a, t  (…, N)
    """
    N = a.shape[-1]
    value = (softplus(a) - t * a).sum() / N
    return value.item(), (sigmoid(a) - t) / N


@accelerated("batch")
def gather_columns(images: NDArray[np.uint8], rows: IntArray, dtype: DTypeLike) -> Array:
    """Return x[d, n] = images[rows[n], d] / 255: a batch of bytes as columns of floats in [0, 1].

    images  (M, …), D bytes each        rows  (N,)        x  (D, N)
    """
    x = images[rows].reshape(len(rows), -1).T
    return np.ascontiguousarray(x, dtype) / 255
