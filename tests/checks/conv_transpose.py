"""Transposed convolution against loops."""

from types import ModuleType
from typing import Any

import numpy as np
import reference
from images import Drawn, assert_close, place

from nnscratch.layers import Conv2d, ConvTranspose2d


def made(
    drawn: Drawn, rng: np.random.Generator, dtype: Any = np.float64, **more: Any
) -> tuple[Conv2d, ConvTranspose2d]:
    """A convolution and the layer that transposes it: they share w, and the sizes of all images."""
    (C, *sizes, _), o = drawn.x_shape, drawn.options
    conv = Conv2d(C, drawn.F, drawn.K, bias=False, rng=rng, dtype=dtype, **o)
    axes = zip(sizes, drawn.K, o["stride"], o["padding"], o["dilation"], strict=True)
    left_over = tuple((size + sum(p) - d * (k - 1) - 1) % s for size, k, s, p, d in axes)
    options = o | {"output_padding": left_over, "dtype": dtype} | more
    layer = ConvTranspose2d(drawn.F, C, drawn.K, rng=rng, **options)
    for p in layer.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
    layer.w.value = conv.w.value
    return conv, layer


def check_transposed(module: ModuleType) -> None:
    options = {"stride": (1, 2), "padding": ((1, 0), (2, 3)), "dilation": (2, 1), "groups": 2}
    check_reference(Drawn((4, 4, 5, 3), 6, (2, 3), options, 0), np.float64)


def check_reference(drawn: Drawn, dtype: Any) -> None:
    rng = np.random.default_rng(drawn.seed)
    conv, layer = made(drawn, rng, dtype)
    v = rng.standard_normal(drawn.x_shape)
    x = rng.standard_normal(conv.forward(v.astype(dtype))[0].shape).astype(dtype)
    y, backward = layer.forward(x)
    assert layer.b is not None
    w, x64 = layer.w.value.astype(np.float64), x.astype(np.float64)
    want, _ = reference.conv2d_gradients(v, w, x64, *place(drawn.options))
    assert_close(y, want + layer.b.value[:, None, None, None], dtype)
    dy = rng.standard_normal(y.shape).astype(dtype)
    dy64 = dy.astype(np.float64)
    assert_close(backward(dy), reference.conv2d(dy64, w, *place(drawn.options)), dtype)
    _, dw = reference.conv2d_gradients(dy64, w, x64, *place(drawn.options))
    assert_close(layer.w.grad, dw, dtype)
    assert_close(layer.b.grad, dy64.sum(axis=(1, 2, 3)), dtype)
