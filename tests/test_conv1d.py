"""Conv1d: Conv2d on sequences, (T, D, N)."""

from typing import Any

import images
import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from images import BATCHES, DTYPES, Drawn, assert_close, convolutions

from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.layers import Conv1d

pytestmark = [pytest.mark.usefixtures("path"), pytest.mark.image_kernel, pytest.mark.plain]


def made(drawn: Drawn, rng: np.random.Generator, dtype: Any = np.float64, **more: Any) -> Conv1d:
    """What was drawn for the columns of an image is taken for the steps of a sequence."""
    options = {name: drawn.options[name][1] for name in ("stride", "padding", "dilation")}
    options |= {"groups": drawn.options["groups"], "dtype": dtype}
    layer = Conv1d(drawn.x_shape[0], drawn.F, drawn.K[1], rng=rng, **options, **more)
    for p in layer.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
    return layer


def shape(drawn: Drawn) -> tuple[int, int, int]:
    D, _, T, N = drawn.x_shape
    return T, D, N


@settings(max_examples=images.FEW)
@given(drawn=convolutions(most=9, side=9, batch=BATCHES), dtype=DTYPES)
def test_reference(drawn: Drawn, dtype: Any) -> None:
    rng = np.random.default_rng(drawn.seed)
    layer = made(drawn, rng, dtype)
    x = rng.standard_normal(shape(drawn)).astype(dtype)
    o = drawn.options
    place = (1, o["stride"][1]), ((0, 0), o["padding"][1]), (1, o["dilation"][1]), o["groups"]
    image = x.swapaxes(0, 1)[:, None].astype(np.float64)
    w = layer.w.value[:, :, None].astype(np.float64)
    y, backward = layer.forward(x)
    assert layer.b is not None
    want = reference.conv2d(image, w, *place)[:, 0].swapaxes(0, 1)
    assert_close(y, want + layer.b.value[:, None], dtype)
    dy = rng.standard_normal(y.shape).astype(dtype)
    dy64 = dy.swapaxes(0, 1)[:, None].astype(np.float64)
    dx, dw = reference.conv2d_gradients(image, w, dy64, *place)
    assert_close(backward(dy), dx[:, 0].swapaxes(0, 1), dtype)
    assert_close(layer.w.grad, dw[:, :, 0], dtype)
    assert_close(layer.b.grad, dy64.sum(axis=(1, 2, 3)), dtype)


@given(drawn=convolutions(), bias=st.booleans())
def test_gradient(drawn: Drawn, bias: bool) -> None:
    rng = np.random.default_rng(drawn.seed)
    layer = made(drawn, rng, bias=bias)
    gradcheck(layer, shape(drawn), rng=rng).raise_if_failed()
    adjoint(layer, shape(drawn), rng=rng).raise_if_failed()


def test_by_hand() -> None:
    """[1, 2, 3] · [1, 10] step by step: 21, 32. dy = [1, 2] lays down [1, 10] and [2, 20]."""
    layer = Conv1d(1, 1, 2, rng=np.random.default_rng(0))
    layer.w.value[0, 0] = [1, 10]
    y, backward = layer.forward(np.array([1, 2, 3], np.float32).reshape(3, 1, 1))
    np.testing.assert_array_equal(y.ravel(), [21, 32])
    dx = backward(np.array([1, 2], np.float32).reshape(2, 1, 1))
    np.testing.assert_array_equal(dx.ravel(), [1, 10 + 2, 20])
    np.testing.assert_array_equal(layer.w.grad.ravel(), [1 + 2 * 2, 2 + 2 * 3])


def test_causal_sees_no_future(rng: np.random.Generator) -> None:
    layer = Conv1d(2, 3, 3, dilation=2, padding=(4, 0), rng=rng, dtype=np.float64)
    x = rng.standard_normal((8, 2, 3))
    y, _ = layer.forward(x)
    assert y.shape == (8, 3, 3)
    x[5:] = 0
    np.testing.assert_array_equal(layer.forward(x)[0][:5], y[:5])


def test_same_has_ceil_of_t_over_stride_steps(rng: np.random.Generator) -> None:
    layer = Conv1d(1, 1, 3, stride=2, padding="same", rng=rng)
    assert [layer.output_shape((T, 1))[0] for T in (1, 4, 5)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 3}, r"Conv1d: expected channels ≥ 1 that groups divide, got in 4, out 6"),
        ({"stride": 0}, r"Conv1d: expected stride ≥ 1, got 0"),
        ({"padding": (1, -1)}, r"Conv1d: expected padding ≥ 0, got \(1, -1\)"),
        ({"padding": "causal"}, r"Conv1d: expected padding 'same' or 'valid', got 'causal'"),
    ],
)
def test_refuses_to_be_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Conv1d(4, 6, 3, rng=np.random.default_rng(0), **options)


def test_refusals() -> None:
    layer = Conv1d(2, 5, 3, rng=np.random.default_rng(0))
    x = np.zeros((4, 2, 3), np.float32)
    with pytest.raises(ValueError, match=r"Conv1d x: expected \(T, 2, N\) float32, got \(4, 3, 2"):
        layer.forward(x.swapaxes(1, 2))
    with pytest.raises(ValueError, match=r"Conv1d dy: expected \(2, 5, 3\) float32, got \(2, 5, 1"):
        layer.forward(x)[1](np.zeros((2, 5, 1), np.float32))
    with pytest.raises(ValueError, match=r"Conv1d: a window of 3 does not fit in 2 \+ 0 padding"):
        layer.output_shape((2, 2))
    with pytest.raises(ValueError, match=r"Conv1d: expected a sample of shape \(T, 2\), got \(2,"):
        layer.output_shape((2, 4, 5))
    with pytest.raises(
        ValueError, match=r"Conv1d: expected a sample of shape \(T, 2\), got \(4, 3"
    ):
        layer.output_shape((4, 3))


def test_valid_pads_nothing(rng: np.random.Generator) -> None:
    """As padding=0 does: of T steps T - K + 1 are left, and the first of them sees x[:K] alone."""
    valid, zero = (Conv1d(2, 3, 3, padding=p, rng=np.random.default_rng(0)) for p in ("valid", 0))
    assert valid.output_shape((7, 2)) == (5, 3)
    x = rng.standard_normal((7, 2, 4)).astype(np.float32)
    y, backward = valid.forward(x)
    np.testing.assert_array_equal(y, zero.forward(x)[0])
    np.testing.assert_array_equal(backward(y), zero.forward(x)[1](y))
    first = np.einsum("fdk,kdn->fn", valid.w.value, x[:3])
    np.testing.assert_allclose(y[0], first, rtol=1e-5, atol=1e-6)
