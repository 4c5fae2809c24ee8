"""Normalisation of each sample by itself: subtract a mean, divide by a standard deviation.

BatchNorm, LayerNorm and GroupNorm differ in one thing, which entries share a mean and a variance:

    BatchNorm  a channel of all samples              all axes but the channels'; batch_norm.py
    LayerNorm  a sample with all its features        all axes but the last
    GroupNorm  a sample with a group of its channels

Each is `standardise` and then `Affine`, whose derivations stand in standardise.py; for samples by
themselves `normalise` (kernels/plain_images.py) is both at once. docs/normalisation.md tells the
story.
"""

from math import prod

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag
from ..core import Array, Backward, Layer, Parameter, Shape, channel_axis, check
from ..kernels.plain_images import normalise, normalise_backward
from .standardise import Affine, same_channels, validate, with_channels


class LayerNorm(Layer):
    """Standardises each sample by itself, over all of its features: y = γ x̂ + β.

    No sample meets another, so it is the same while learning and after, for any batch.

    Shapes
        x, y         (*S, N)   S is the shape of a sample, normalized_shape, of D numbers
        gamma, beta  S

    Derivation
        `standardise` with k = d, K = D, then `Affine`. Here γ varies along the mean, so dx̂ = γ dy
        must come first:

            dγ_d = Σ_n dy_dn x̂_dn       dβ_d = Σ_n dy_dn       dx̂_dn = γ_d dy_dn
            dx_dn = r_n (dx̂_dn - (1/D) Σ_j dx̂_jn - x̂_dn (1/D) Σ_j dx̂_jn x̂_jn)

    Keeps
        x, and μ and r of every sample.

    Source
        Ba, Kiros and Hinton, Layer Normalization (2016), eq. 3 and 4.

    Raises
        ValueError if D = 1 (one value has no variance), a size < 1 or eps ≤ 0, or x or dy has
        another shape or dtype.
    """

    holomorphic = True

    def __init__(
        self,
        normalized_shape: int | Shape,
        *,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        n = normalized_shape
        S = tuple(n) if isinstance(n, list | tuple) else (n,)
        validate("LayerNorm", S, eps, dtype)
        self.shape, self.eps, self.dtype = S, float(eps), np.dtype(dtype)
        learns = flag("LayerNorm", "elementwise_affine", elementwise_affine)
        self.affine = Affine(S, dtype) if learns else None

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("LayerNorm x", x.real, (*self.shape, "N"), self.dtype)
        sizes = 1, prod(self.shape), 1, x.shape[-1]
        return _normalised("LayerNorm", x, sizes, self.affine, self.eps)

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape != self.shape:
            raise ValueError(f"LayerNorm: expected a sample of {self.shape}, got {input_shape}")
        return input_shape

    def parameters(self) -> dict[str, Parameter]:
        return self.affine.parameters() if self.affine else {}


class GroupNorm(Layer):
    """Standardises each sample by itself, G groups of its channels one by one: y = γ x̂ + β.

    Shapes
        x, y         (C, N), (C, H, W, N) or (T, C, N), its C channels as (G, C/G)
        gamma, beta  (C,)

    Derivation
        `standardise` with K = C/G · P, then `Affine`: as for LayerNorm, a group at a time. P is 1,
        H·W or T.

    Keeps
        x, and μ and r of every group of every sample.

    Source
        Wu and He, Group Normalization (2018), eq. 1 and 7.

    Raises
        ValueError if G does not divide C, a group is of one number, a size < 1 or eps ≤ 0, or x or
        dy has another shape or dtype.
    """

    holomorphic = True

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        *,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        G, C = num_groups, num_channels
        validate("GroupNorm", (G, C), eps, dtype)
        if C % G:
            raise ValueError(f"GroupNorm: expected groups of equal size, got {C} channels in {G}")
        self.G, self.C, self.eps, self.dtype = G, C, float(eps), np.dtype(dtype)
        self.affine = Affine((C,), dtype) if flag("GroupNorm", "affine", affine) else None

    def forward(self, x: Array) -> tuple[Array, Backward]:
        C, sample = self.C, x.shape[:-1]
        check("GroupNorm x", x.real, (*with_channels(sample, C), "N"), self.dtype)
        sizes = self.G, C // self.G, prod(sample) // C, x.shape[-1]
        return _normalised("GroupNorm", x, sizes, self.affine, self.eps, channel_axis(sample))

    def output_shape(self, input_shape: Shape) -> Shape:
        return same_channels("GroupNorm", input_shape, self.C)

    def parameters(self) -> dict[str, Parameter]:
        return self.affine.parameters() if self.affine else {}


def _normalised(
    name: str,
    x: Array,
    sizes: tuple[int, int, int, int],
    affine: Affine | None,
    eps: float,
    axis: int = 0,
) -> tuple[Array, Backward]:
    """Normalise the groups of x and return y and the backward.

    sizes  (G, C, P, N), the shape of the groups
    axis   of the channels, which x has as its first axis once it is of that shape
    """
    G, C, P, _ = sizes
    if C * P < 2:
        raise ValueError(f"{name}: expected ≥ 2 values for a variance, got {C * P}; x is {x.shape}")
    shape, dtype, x = x.shape, x.dtype, x.swapaxes(0, axis)
    turned, x = x.shape, x.reshape(sizes)
    gamma, beta = np.ones((G, C), dtype), np.zeros((G, C), dtype)
    if affine:
        gamma, beta = (p.value.reshape(G, C) for p in (affine.gamma, affine.beta))
    y, mean, r = normalise(x, gamma, beta, eps)

    def backward(dy: Array, need_dx: bool = True) -> Array | None:
        check(f"{name} dy", dy, shape, dtype)
        dgamma, dbeta = np.zeros((2, G, C), dtype)
        if affine:
            dgamma, dbeta = (p.grad.reshape(G, C) for p in (affine.gamma, affine.beta))
        dy = dy.swapaxes(0, axis).reshape(sizes)
        dx = normalise_backward(dy, x, gamma, mean, r, dgamma, dbeta)
        return dx.reshape(turned).swapaxes(0, axis) if need_dx else None

    return y.reshape(turned).swapaxes(0, axis), backward
