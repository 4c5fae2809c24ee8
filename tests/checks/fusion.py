"""A fused ReLU against one by itself."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from nnscratch.core import Array
from nnscratch.layers import (
    Conv2d,
    ConvTranspose2d,
    MaxPool2d,
    ReLU,
    Sequential,
    fusion,
)


def one_by_one(layers: Sequence[Any], x: Array, dy: Any) -> tuple[Array, Array]:
    """y and dx of each layer after the other; dy is a function of the shape of y."""
    steps = []
    for layer in layers:
        x, step = layer.forward(x)
        steps.append(step)
    dx = dy(x.shape)
    for step in reversed(steps):
        dx = step(dx)
    return x, dx


def check_alike(layers: Sequence[Any], x: Array, dtype: Any, module: ModuleType = fusion) -> None:
    """y, dx and dw have the same bits; db is summed in another order."""
    dy = np.random.default_rng(5).standard_normal
    parameters = [p for layer in layers for p in layer.parameters().values()]
    for p in parameters:
        p.grad[...] = 0
    y, dx = one_by_one(layers, x, lambda shape: dy(shape).astype(dtype))
    grads = [p.grad.copy() for p in parameters]
    for p in parameters:
        p.grad[...] = 0
    net = Sequential(*layers)
    net.stages = module.fused(layers)
    assert len(net.stages) < len(layers)
    got, backward = net.forward(x)
    np.testing.assert_array_equal(got, y)
    dy = np.random.default_rng(5).standard_normal
    np.testing.assert_array_equal(backward(dy(y.shape).astype(dtype)), dx)
    for p, grad in zip(parameters, grads, strict=True):
        if grad.ndim > 1:
            np.testing.assert_array_equal(p.grad, grad)
        else:
            eps = 2e3 * float(np.finfo(dtype).eps)
            np.testing.assert_allclose(p.grad, grad, rtol=eps, atol=eps)


def check_fusion(module: ModuleType) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 6, 4))
    conv = Conv2d(2, 5, 3, padding=1, rng=rng, dtype=np.float64)
    turned = ConvTranspose2d(2, 3, 2, rng=rng, dtype=np.float64)
    for layers in ([conv, ReLU()], [turned, ReLU()], [ReLU(), MaxPool2d(2)]):
        check_alike(layers, x, np.float64, module)
