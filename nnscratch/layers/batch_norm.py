"""Normalisation over the batch, and what takes its place once learning is over."""

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag, number
from ..core import Array, Backward, Layer, Parameter, Shape, channel_axis, check
from .initializers import possible
from .reshape import Identity
from .standardise import Affine, axes_from, same_channels, standardise, validate, with_channels


class BatchNorm(Layer):
    """Standardises each channel with the mean and variance of its batch: y = γ x̂ + β.

    Forward is pure, like every forward; a step learns by its backward, so the backward is also what
    moves the running averages, which `inference()` uses in place of μ and σ²:

        running ← (1 - momentum) running + momentum · (μ, σ² M/(M-1))

    Here M/(M-1) makes the variance of the sample an unbiased estimate of the population's.

    Shapes
        x, y         (C, N), (C, H, W, N) or (T, C, N)   C channels of M numbers
        gamma, beta  (C,)        and so are running_mean and running_var

    Derivation
        `standardise` with k = m, K = M, then `Affine`. In one:

            dγ_c = Σ_m dy_cm x̂_cm       dβ_c = Σ_m dy_cm
            dx_cm = γ_c r_c (dy_cm - dβ_c/M - x̂_cm dγ_c/M)

        m runs over the samples, and over all places of an image or all steps of a sequence.

    Keeps
        x̂, C·M numbers.

    Source
        Ioffe and Szegedy, Batch Normalization (2015), algorithms 1 and 2.

    Raises
        ValueError if M < 2 (one value has no variance), C < 1, eps ≤ 0 or momentum is not in
        [0, 1], or x or dy has another shape or dtype.
    """

    holomorphic = True
    whole_batch = True

    def __init__(
        self,
        num_features: int,
        *,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        C = num_features
        validate("BatchNorm", (C,), eps, dtype)
        self.eps = float(eps)
        self.momentum = number("BatchNorm", "momentum", momentum, 0, 1, "[]")
        self.affine = Affine((C,), dtype) if flag("BatchNorm", "affine", affine) else Identity()
        self.running_mean = np.zeros(possible((C,)), dtype)
        self.running_var = np.ones(possible((C,)), dtype)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        C, shape, dtype = len(self.running_mean), x.shape, x.dtype
        axis, want = channel_axis(shape[:-1]), with_channels(shape[:-1], C)
        check("BatchNorm x", x.real, (*want, "N"), self.running_mean.dtype)
        x = x.swapaxes(0, axis)
        xhat, mean, var, backward_xhat = standardise("BatchNorm", x, axes_from(1, x), self.eps)
        y, backward_y = self.affine.forward(xhat)

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            check("BatchNorm dy", dy, shape, dtype)
            M = xhat.size // C
            self.running_mean += self.momentum * (mean.ravel() - self.running_mean)
            self.running_var += self.momentum * (var.ravel() * M / (M - 1) - self.running_var)
            dxhat = backward_y(dy.swapaxes(0, axis))
            return backward_xhat(dxhat).swapaxes(0, axis) if need_dx else None

        return y.swapaxes(0, axis), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        return same_channels("BatchNorm", input_shape, len(self.running_mean))

    def parameters(self) -> dict[str, Parameter]:
        return self.affine.parameters()

    def buffers(self) -> dict[str, Array]:
        return {"running_mean": self.running_mean, "running_var": self.running_var}

    def inference(self) -> Layer:
        return FrozenBatchNorm(self)


class FrozenBatchNorm(Layer):
    """BatchNorm with its running mean m and variance v as constants: y = γ r (x - m) + β.

    It reads γ, β, m and v from the BatchNorm when it is called, so it never falls behind. Samples
    do not meet: one alone is welcome.

    Shapes
        x, y  (C, N), (C, H, W, N) or (T, C, N)

    Derivation
        m and r = (v + ε)^-½ do not depend on x: dx = r dx̂, after `Affine`.

    Keeps
        x̂, C·M numbers.

    Source
        Ioffe and Szegedy, Batch Normalization (2015), algorithm 2, step 11.

    Raises
        ValueError if x or dy has another shape or dtype.
    """

    holomorphic = True

    def __init__(self, norm: BatchNorm) -> None:
        self.norm = norm

    def forward(self, x: Array) -> tuple[Array, Backward]:
        m, v = self.norm.running_mean, self.norm.running_var
        shape, dtype = x.shape, x.dtype
        axis, want = channel_axis(shape[:-1]), with_channels(shape[:-1], len(m))
        check("FrozenBatchNorm x", x.real, (*want, "N"), m.dtype)
        x = x.swapaxes(0, axis)
        r = np.expand_dims(1 / np.sqrt(v + self.norm.eps), axes_from(1, x))
        xhat = (x - np.expand_dims(m, axes_from(1, x))) * r
        y, backward_y = self.norm.affine.forward(xhat)

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            check("FrozenBatchNorm dy", dy, shape, dtype)
            dxhat = backward_y(dy.swapaxes(0, axis))
            return (r * dxhat).swapaxes(0, axis) if need_dx else None

        return y.swapaxes(0, axis), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.norm.output_shape(input_shape)

    def parameters(self) -> dict[str, Parameter]:
        return self.norm.parameters()

    def buffers(self) -> dict[str, Array]:
        return self.norm.buffers()
