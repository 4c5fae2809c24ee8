"""ConvTranspose1d: the transpose of Conv1d; and UpsampleNearest1d."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.layers import Conv1d, ConvTranspose1d, ConvTranspose2d, UpsampleNearest1d

pytestmark = [pytest.mark.image_kernel, pytest.mark.plain]

SIZES = st.integers(1, 3)
OPTIONS = st.fixed_dictionaries(
    {
        "stride": SIZES,
        "padding": st.one_of(st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 2))),
        "dilation": st.integers(1, 2),
        "groups": st.sampled_from([1, 2]),
    }
)


def made(options: dict[str, Any], K: int, seed: int) -> tuple[Conv1d, ConvTranspose1d]:
    """Return a convolution from 4 to 2 features, and its adjoint with the same weights."""
    rng = np.random.default_rng(seed)
    conv = Conv1d(4, 2, K, bias=False, rng=rng, dtype=np.float64, **options)
    layer = ConvTranspose1d(2, 4, K, bias=False, rng=rng, dtype=np.float64, **options)
    layer.w.value[...] = conv.w.value
    return conv, layer


@settings(max_examples=50)
@given(options=OPTIONS, K=SIZES, T=st.integers(5, 9), N=st.integers(1, 17), seed=SIZES)
def test_it_is_the_adjoint_of_conv(
    options: dict[str, Any], K: int, T: int, N: int, seed: int
) -> None:
    """With output_padding where T steps are not the fewest that have so many windows."""
    rng = np.random.default_rng(seed)
    conv, layer = made(options, K, seed)
    v = rng.standard_normal((T, 4, N))
    conv_v, conv_backward = conv.forward(v)
    x = rng.standard_normal(conv_v.shape)
    missing = T - layer.output_shape(x.shape[:2])[0] if len(x) > 1 or T > 5 else 0
    if 0 < missing < max(options["stride"], options["dilation"]):
        layer.more = missing
    y, backward = layer.forward(x)
    if y.shape == v.shape:
        np.testing.assert_allclose(conv_backward(x), y, atol=1e-13)
        np.testing.assert_allclose(backward(v), conv_v, atol=1e-13)
    adjoint(layer, x.shape, rng=rng).raise_if_failed()


@settings(max_examples=30)
@given(options=OPTIONS, K=SIZES, T=st.integers(3, 4), bias=st.booleans(), seed=SIZES)
def test_gradient(options: dict[str, Any], K: int, T: int, bias: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = options | {"padding": 0, "output_padding": options["stride"] - 1, "bias": bias}
    layer = ConvTranspose1d(2, 4, K, rng=rng, dtype=np.float64, **options)
    gradcheck(layer, (T, 2, 2), rng=rng).raise_if_failed()


def test_by_hand() -> None:
    """x = [1, 2] at stride 2 lays down [1, 10, 100] and, two steps later, twice that."""
    layer = ConvTranspose1d(1, 1, 3, stride=2, rng=np.random.default_rng(0))
    layer.w.value[0, 0] = [1, 10, 100]
    y, backward = layer.forward(np.array([1, 2], np.float32).reshape(2, 1, 1))
    np.testing.assert_array_equal(y.ravel(), [1, 10, 100 + 2, 20, 200])
    dy = np.array([1, 0, 0, 0, 1], np.float32).reshape(y.shape)
    np.testing.assert_array_equal(backward(dy).ravel(), [1, 100])
    np.testing.assert_array_equal(layer.w.grad.ravel(), [1, 0, 2])
    assert layer.b is not None
    np.testing.assert_array_equal(layer.b.grad, [2])


@given(T=st.integers(1, 6), K=st.integers(1, 5), stride=st.integers(1, 4))
def test_same_is_that_of_images(T: int, K: int, stride: int) -> None:
    """T·stride steps, and the numbers of ConvTranspose2d on an image of one row."""
    rng, options = np.random.default_rng(0), {"stride": stride, "padding": "same"}
    layer = ConvTranspose1d(2, 3, K, rng=rng, dtype=np.float64, **options)
    image = ConvTranspose2d(2, 3, (1, K), rng=rng, dtype=np.float64, stride=(1, stride))
    image.w.value[...] = layer.w.value[:, :, None]
    image.padding, image.more = ((0, 0), layer.padding), (0, layer.more)
    x = rng.standard_normal((T, 2, 3))
    y, _ = layer.forward(x)
    assert len(y) == T * stride
    same, _ = image.forward(np.ascontiguousarray(x.swapaxes(0, 1))[:, None])
    np.testing.assert_allclose(y.swapaxes(0, 1), same[:, 0], atol=1e-13)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 3}, r"ConvTranspose1d: expected channels ≥ 1 that groups divide, got in 4"),
        ({"stride": 0}, r"ConvTranspose1d: expected stride ≥ 1, got 0"),
        ({"padding": (1, -1)}, r"ConvTranspose1d: expected padding ≥ 0, got \(1, -1\)"),
        ({"padding": "valid"}, r"padding 'same' without output_padding, got 'valid' and 0"),
        ({"output_padding": 1}, r"expected output_padding < stride 1 or < dilation 1, got 1"),
    ],
)
def test_refuses_to_be_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConvTranspose1d(4, 6, 3, rng=np.random.default_rng(0), **options)


def test_refusals() -> None:
    layer = ConvTranspose1d(2, 5, 3, padding=2, rng=np.random.default_rng(0))
    x = np.zeros((4, 2, 3), np.float32)
    with pytest.raises(ValueError, match=r"ConvTranspose1d x: expected \(T, 2, N\) float32, got"):
        layer.forward(x.swapaxes(1, 2))
    with pytest.raises(ValueError, match=r"ConvTranspose1d dy: expected \(2, 5, 3\) float32, got"):
        layer.forward(x)[1](np.zeros((2, 5, 1), np.float32))
    with pytest.raises(ValueError, match=r"padding \(2, 2\) leaves nothing of \(2, 2\)"):
        layer.output_shape((2, 2))
    with pytest.raises(ValueError, match=r"expected a sample of shape \(T, 2\), got \(4, 3\)"):
        layer.output_shape((4, 3))


# UpsampleNearest1d


@given(T=SIZES, D=SIZES, N=SIZES, S=SIZES, seed=st.integers(0, 9))
def test_upsampling_repeats_steps(T: int, D: int, N: int, S: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, layer = rng.standard_normal((T, D, N)), UpsampleNearest1d(S)
    y, _ = layer.forward(x)
    assert all(np.array_equal(y[t], x[t // S]) for t in range(T * S))
    assert y.shape[:-1] == layer.output_shape((T, D))
    gradcheck(layer, (T, D, N), rng=rng).raise_if_failed()
    adjoint(layer, (T, D, N), rng=rng).raise_if_failed()


def test_upsampling_by_hand_and_its_refusals() -> None:
    x = np.array([1, 2], np.float32).reshape(2, 1, 1)
    y, backward = UpsampleNearest1d(2).forward(x)
    np.testing.assert_array_equal(y.ravel(), [1, 1, 2, 2])
    dx = backward(np.array([1, 10, 100, 1000], np.float32).reshape(4, 1, 1))
    np.testing.assert_array_equal(dx.ravel(), [11, 1100])
    with pytest.raises(ValueError, match="UpsampleNearest1d: expected scale_factor ≥ 1, got 0"):
        UpsampleNearest1d(0)
    with pytest.raises(ValueError, match=r"expected a sample of shape \(T, D\), got \(1, 2, 3\)"):
        UpsampleNearest1d(2).output_shape((1, 2, 3))
    with pytest.raises(ValueError, match=r"UpsampleNearest1d x: expected \(T, D, N\) float64"):
        UpsampleNearest1d(2).forward(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"UpsampleNearest1d dy: expected \(4, 1, 1\) float32"):
        backward(np.zeros((4, 1, 2), np.float32))
