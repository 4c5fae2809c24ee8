"""Convolution against loops."""

from types import ModuleType
from typing import Any

import numpy as np
import reference
from images import Drawn, assert_close, place

from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Conv2d


def made(drawn: Drawn, rng: np.random.Generator, dtype: Any = np.float64, **more: Any) -> Conv2d:
    """The layer, with biases that are not zero."""
    options = drawn.options | {"dtype": dtype} | more
    layer = Conv2d(drawn.x_shape[0], drawn.F, drawn.K, rng=rng, **options)
    for p in layer.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
    return layer


def check_convolution(module: ModuleType) -> None:
    """Groups, stride and dilation that differ, borders of four widths."""
    options = {"stride": (1, 2), "padding": ((1, 0), (2, 3)), "dilation": (2, 1), "groups": 2}
    drawn = Drawn((4, 4, 5, 3), 6, (2, 3), options, 0)
    check_reference(drawn, np.float64, True)
    rng = np.random.default_rng(0)
    gradcheck(made(drawn, rng), drawn.x_shape, entries=30, rng=rng).raise_if_failed()


def check_reference(drawn: Drawn, dtype: Any, bias: bool) -> None:
    rng = np.random.default_rng(drawn.seed)
    layer = made(drawn, rng, dtype, bias=bias)
    x = rng.standard_normal(drawn.x_shape).astype(dtype)
    y, backward = layer.forward(x)
    w = layer.w.value.astype(np.float64)
    want = reference.conv2d(x.astype(np.float64), w, *place(drawn.options))
    b = layer.b.value if layer.b else np.zeros(len(y))
    assert_close(y, want + b[:, None, None, None], dtype)
    dy = rng.standard_normal(y.shape).astype(dtype)
    x64, dy64 = x.astype(np.float64), dy.astype(np.float64)
    dx, dw = reference.conv2d_gradients(x64, w, dy64, *place(drawn.options))
    assert_close(backward(dy), dx, dtype)
    assert_close(layer.w.grad, dw, dtype)
    if layer.b:
        assert_close(layer.b.grad, dy64.sum(axis=(1, 2, 3)), dtype)
