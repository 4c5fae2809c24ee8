"""Norms, operation by operation."""

from types import ModuleType
from typing import Any

import numpy as np

from nnscratch.core import Array, channel_axis
from nnscratch.layers.standardise import Affine, standardise


def drawn(layer: Any, rng: np.random.Generator) -> Any:
    """The layer, with γ and β no longer 1 and 0."""
    for p in layer.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
    return layer


def samples(C: int, sides: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a vector (C,), a sequence (T, C) or an image (C, H, W)."""
    return (*sides, C) if len(sides) == 1 else (C, *sides)


def plainly(layer: Any, x: Array, dy: Array) -> list[Array]:
    """y, dx, dγ and dβ of LayerNorm or GroupNorm, operation by operation."""
    G = getattr(layer, "G", 1)
    turn = channel_axis(x.shape[:-1]) if G > 1 else 0
    x, dy = x.swapaxes(0, turn), dy.swapaxes(0, turn)
    groups = x.reshape(G, len(x) // G, *x.shape[1:])
    axes = tuple(range(1, groups.ndim - 1))
    xhat, _, _, backward_xhat = standardise("x", groups, axes, layer.eps)
    affine = Affine(layer.affine.gamma.value.shape, x.dtype)
    affine.gamma.value[...] = layer.affine.gamma.value
    affine.beta.value[...] = layer.affine.beta.value
    y, backward_y = affine.forward(xhat.reshape(x.shape))
    dx = backward_xhat(backward_y(dy).reshape(groups.shape)).reshape(x.shape)
    return [y.swapaxes(0, turn), dx.swapaxes(0, turn), affine.gamma.grad, affine.beta.grad]


def check_kernels(
    module: ModuleType, name: str, N: int, sides: tuple[int, ...], dtype: Any
) -> None:
    rng = np.random.default_rng(N)
    options = {"LayerNorm": (samples(6, sides),), "GroupNorm": (3, 6)}[name]
    layer = drawn(getattr(module, name)(*options, dtype=dtype), rng)
    x, dy = (2 + 3 * rng.standard_normal((2, *samples(6, sides), N))).astype(dtype)
    y, backward = layer.forward(x)
    dx = backward(dy)
    got = [y, dx, *(p.grad.copy() for p in layer.parameters().values())]
    close = {"rtol": 1e-10, "atol": 1e-10} if dtype == np.float64 else {"rtol": 2e-4, "atol": 2e-4}
    for ours, plain in zip(got, plainly(layer, x, dy), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, plain, **close)
    backward(dy)
    for p, once in zip(layer.parameters().values(), got[2:], strict=True):
        np.testing.assert_allclose(p.grad, 2 * once, **close)
