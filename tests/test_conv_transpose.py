"""ConvTranspose2d: the transpose of Conv2d, said in four ways."""

from typing import Any

import images
import numpy as np
import pytest
from checks.conv_transpose import check_reference, check_transposed, made
from hypothesis import given, settings
from hypothesis import strategies as st
from images import BATCHES, DTYPES, Drawn, convolutions

from nnscratch import layers
from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.layers import Conv2d, ConvTranspose2d

pytestmark = [pytest.mark.usefixtures("path"), pytest.mark.image_kernel, pytest.mark.plain]


def test_groups_stride_dilation_and_borders() -> None:
    check_transposed(layers)


@settings(max_examples=images.FEW)
@given(drawn=convolutions(most=9, batch=BATCHES), dtype=DTYPES)
def test_reference(drawn: Drawn, dtype: Any) -> None:
    check_reference(drawn, dtype)


@given(drawn=convolutions(most=4, batch=BATCHES))
def test_it_is_the_adjoint_of_conv(drawn: Drawn) -> None:
    """⟨conv(v), x⟩ = ⟨v, convᵀ(x)⟩, and each is the other's backward."""
    rng = np.random.default_rng(drawn.seed)
    conv, layer = made(drawn, rng, bias=False)
    v = rng.standard_normal(drawn.x_shape)
    conv_v, conv_backward = conv.forward(v)
    x = rng.standard_normal(conv_v.shape)
    y, backward = layer.forward(x)
    size = np.linalg.norm(conv_v) * np.linalg.norm(x)
    np.testing.assert_allclose(np.vdot(conv_v, x), np.vdot(v, y), atol=1e-13 * size)
    np.testing.assert_array_equal(conv_backward(x), y)
    np.testing.assert_array_equal(backward(v), conv_v)
    adjoint(layer, x.shape, rng=rng).raise_if_failed()


@given(drawn=convolutions(), bias=st.booleans())
def test_gradient(drawn: Drawn, bias: bool) -> None:
    rng = np.random.default_rng(drawn.seed)
    conv, layer = made(drawn, rng, bias=bias)
    _, OH, OW = conv.output_shape(drawn.x_shape[:3])
    gradcheck(layer, (drawn.F, OH, OW, drawn.x_shape[3]), rng=rng).raise_if_failed()


def test_by_hand() -> None:
    """x = [1, 2] at stride 2 lays down [1, 10, 100] and, two to the right, twice that."""
    layer = ConvTranspose2d(1, 1, (1, 3), stride=(1, 2), rng=np.random.default_rng(0))
    layer.w.value[0, 0] = [[1, 10, 100]]
    x = np.array([1, 2], np.float32).reshape(1, 1, 2, 1)
    y, backward = layer.forward(x)
    np.testing.assert_array_equal(y.ravel(), [1, 10, 100 + 2, 20, 200])
    dy = np.array([1, 0, 0, 0, 3], np.float32).reshape(1, 1, 5, 1)
    np.testing.assert_array_equal(backward(dy).ravel(), [1, 300])
    np.testing.assert_array_equal(layer.w.grad.ravel(), [1, 0, 6])


def test_output_padding_says_which_size_is_meant() -> None:
    """Conv2d takes 7 and 8 to 4 at stride 2; back from 4 it is 7, or 8 with output_padding."""
    rng = np.random.default_rng(0)
    conv = Conv2d(1, 1, 3, stride=2, padding=1, rng=rng)
    assert conv.output_shape((1, 7, 8)) == (1, 4, 4)
    layer = ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=(0, 1), rng=rng)
    assert layer.output_shape((1, 4, 4)) == (1, 7, 8)


@given(K=st.integers(1, 5), stride=st.integers(1, 4), dilation=st.integers(1, 2))
def test_same_is_the_adjoint_of_same(K: int, stride: int, dilation: int) -> None:
    """3·stride pixels to 3 and back, as Keras has it."""
    rng = np.random.default_rng(0)
    options: dict[str, Any] = {
        "stride": stride,
        "dilation": dilation,
        "padding": "same",
        "bias": False,
        "rng": rng,
        "dtype": np.float64,
    }
    conv, layer = Conv2d(2, 3, K, **options), ConvTranspose2d(3, 2, K, **options)
    layer.w.value = conv.w.value
    v = rng.standard_normal((2, 3 * stride, 3 * stride, 2))
    conv_v, backward = conv.forward(v)
    assert layer.output_shape((3, 3, 3)) == v.shape[:3]
    np.testing.assert_array_equal(layer.forward(conv_v)[0], backward(conv_v))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 3}, r"ConvTranspose2d: expected channels ≥ 1 that groups divide, got in 4"),
        ({"kernel_size": 0}, r"ConvTranspose2d: expected kernel_size ≥ 1, got 0"),
        ({"stride": (2, 0)}, r"ConvTranspose2d: expected stride ≥ 1, got \(2, 0\)"),
        ({"padding": (0, -1)}, r"ConvTranspose2d: expected padding ≥ 0, got \(0, -1\)"),
        ({"padding": "valid"}, r"expected padding 'same' without output_padding, got 'valid' and"),
        ({"output_padding": -1}, r"ConvTranspose2d: expected output_padding ≥ 0, got -1"),
        ({"stride": 2, "output_padding": 2}, r"expected output_padding < stride 2 or < dilation 1"),
    ],
)
def test_refuses_to_be_made(options: dict[str, Any], message: str) -> None:
    options = {"kernel_size": 3} | options
    with pytest.raises(ValueError, match=message):
        ConvTranspose2d(4, 6, rng=np.random.default_rng(0), **options)


def test_refusals() -> None:
    layer = ConvTranspose2d(2, 5, 3, padding=2, rng=np.random.default_rng(0))
    x = np.zeros((2, 4, 5, 3), np.float32)
    with pytest.raises(ValueError, match=r"ConvTranspose2d x: expected \(2, H, W, N\) float32, go"):
        layer.forward(x.astype(np.float64))
    with pytest.raises(ValueError, match=r"ConvTranspose2d dy: expected \(5, 2, 3, 3\) float32"):
        layer.forward(x)[1](np.zeros((5, 1, 3, 3), np.float32))
    with pytest.raises(ValueError, match=r"expected a sample of shape \(2, H, W\), got \(3, 4, 5"):
        layer.output_shape((3, 4, 5))
    with pytest.raises(ValueError, match=r"padding .* leaves nothing of \(2, 2, 5\)"):
        layer.output_shape((2, 2, 5))


@pytest.mark.parametrize(("K", "stride"), [((1, 3), (2, 1)), ((3, 1), (1, 2)), ((3, 5), (4, 1))])
def test_same_multiplies_each_side_by_its_own_stride(K: Any, stride: Any) -> None:
    rng = np.random.default_rng(0)
    layer = ConvTranspose2d(1, 1, K, stride=stride, padding="same", rng=rng)
    assert layer.output_shape((1, 3, 5)) == (1, 3 * stride[0], 5 * stride[1])
