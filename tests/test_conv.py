"""Conv2d: against sliding windows, against its derivative, as a linear map, by hand."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import images
import numpy as np
import pytest
from checks.conv import check_convolution, check_reference, made
from hypothesis import given, settings
from hypothesis import strategies as st
from images import BATCHES, DTYPES, Drawn, convolutions

from nnscratch import layers
from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.kernels.machine.processor import BYTES
from nnscratch.kernels.paths import on_plain_path
from nnscratch.layers import Conv2d

pytestmark = [
    pytest.mark.usefixtures("path"),
    pytest.mark.image_kernel,
    pytest.mark.plain,
    pytest.mark.oldest,
]


def test_groups_stride_dilation_and_borders() -> None:
    check_convolution(layers)


# Against another formulation


@settings(max_examples=images.FEW)
@given(drawn=convolutions(most=9, batch=BATCHES), dtype=DTYPES, bias=st.booleans())
def test_reference(drawn: Drawn, dtype: Any, bias: bool) -> None:
    """Few filters and many, every remainder of a tile and of a vector."""
    check_reference(drawn, dtype, bias)


@pytest.mark.parametrize("C", [1, 3, 8, 11])
@pytest.mark.parametrize("F", [1, 3, 4, 6])
@pytest.mark.parametrize("stride", [1, 2])
def test_channels_and_filters(C: int, F: int, stride: int) -> None:
    """Every way through the kernels: narrow and wide, eights of channels, shifts of x and of dy."""
    options = {
        "stride": (stride, stride),
        "padding": ((1, 1), (1, 1)),
        "dilation": (1, 1),
        "groups": 1,
    }
    check_reference(Drawn((C, 5, 6, 17), F, (3, 3), options, C * F), np.float32, True)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_stride_and_dilation(stride: int, dilation: int) -> None:
    """With and without a common factor, which decides how taps share their pixels."""
    options = {
        "stride": (stride, 2),
        "padding": ((2, 2), (1, 3)),
        "dilation": (dilation, 2),
        "groups": 1,
    }
    for F in (2, 5):
        check_reference(Drawn((3, 5, 6, 3), F, (3, 3), options, stride), np.float64, True)
        across = {n: v if n == "groups" else v[::-1] for n, v in options.items()}
        check_reference(Drawn((3, 6, 5, 3), F, (3, 3), across, dilation), np.float64, True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("F", "stride"), [(2, 1), (2, 2), (5, 1), (5, 2)])
def test_batches_of_every_size(F: int, stride: int, dtype: Any) -> None:
    """From one sample to three vectors; rows share blocks in most of them."""
    options = {
        "stride": (stride, stride),
        "padding": ((1, 1), (1, 1)),
        "dilation": (1, 1),
        "groups": 1,
    }
    V = BYTES // np.dtype(dtype).itemsize
    for N in range(1, 3 * V + 1):
        check_reference(Drawn((3, 4, 3, N), F, (3, 3), options, N), dtype, True)


@pytest.mark.parametrize("K", [(1, 1), (1, 3), (2, 2), (3, 1), (5, 5), (4, 3)])
def test_filters_of_every_shape(K: tuple[int, int]) -> None:
    """One channel at a time where a filter has nine taps, three together where it has fewer."""
    options = {"stride": (1, 1), "padding": ((2, 2), (2, 2)), "dilation": (1, 1), "groups": 1}
    for C in (3, 4, 5):
        check_reference(Drawn((C, 4, 5, 3), 5, K, options, C), np.float64, False)


def test_padding_wider_than_the_filter(rng: np.random.Generator) -> None:
    options = {"stride": (1, 1), "padding": ((3, 2), (2, 4)), "dilation": (1, 1), "groups": 1}
    for C, F in ((2, 5), (5, 2)):
        check_reference(Drawn((C, 3, 2, 5), F, (2, 2), options, 0), np.float64, True)


# The derivative


@given(drawn=convolutions(), bias=st.booleans())
def test_gradient(drawn: Drawn, bias: bool) -> None:
    """With all that gradcheck asks: nothing mutated, any order in memory, += into the gradients."""
    rng = np.random.default_rng(drawn.seed)
    gradcheck(made(drawn, rng, bias=bias), drawn.x_shape, rng=rng).raise_if_failed()


@settings(max_examples=10)
@given(drawn=convolutions(most=5, side=4))
def test_gradient_of_many_filters(drawn: Drawn) -> None:
    rng = np.random.default_rng(drawn.seed)
    gradcheck(made(drawn, rng), drawn.x_shape, rng=rng).raise_if_failed()


@given(drawn=convolutions(most=4, batch=BATCHES))
def test_backward_is_the_transpose(drawn: Drawn) -> None:
    rng = np.random.default_rng(drawn.seed)
    adjoint(made(drawn, rng), drawn.x_shape, rng=rng).raise_if_failed()


# By hand


def test_by_hand() -> None:
    """w = [[1, 2], [3, 4]] over x = 1 … 9: y_00 = 1 + 2·2 + 3·4 + 4·5 = 37, and 10 for each step.

    dy = [[1, 0], [0, 2]]: dw is window (0, 0) and twice window (1, 1); dx is w at (0, 0), 2 w at
    (1, 1), added where they overlap.
    """
    layer = Conv2d(1, 1, 2, rng=np.random.default_rng(0))
    layer.w.value[0, 0] = [[1, 2], [3, 4]]
    x = np.arange(1, 10, dtype=np.float32).reshape(1, 3, 3, 1)
    y, backward = layer.forward(x)
    np.testing.assert_array_equal(y[0, ..., 0], [[37, 47], [67, 77]])
    dx = backward(np.array([1, 0, 0, 2], np.float32).reshape(1, 2, 2, 1))
    np.testing.assert_array_equal(dx[0, ..., 0], [[1, 2, 0], [3, 4 + 2, 4], [0, 6, 8]])
    np.testing.assert_array_equal(layer.w.grad[0, 0], [[1 + 10, 2 + 12], [4 + 16, 5 + 18]])
    assert layer.b is not None
    assert layer.b.grad.item() == 3


def test_same_pads_the_end_as_tensorflow_does() -> None:
    """4 → 2 at stride 2 with 3 taps: one zero is missing, and it stands at the end."""
    layer = Conv2d(1, 1, (1, 3), stride=(1, 2), padding="same", rng=np.random.default_rng(0))
    layer.w.value[0, 0] = [[1, 10, 100]]
    y, _ = layer.forward(np.array([1, 2, 3, 4], np.float32).reshape(1, 1, 4, 1))
    np.testing.assert_array_equal(y.ravel(), [321, 43])


@given(
    I=st.integers(1, 9), K=st.integers(1, 5), stride=st.integers(1, 4), dilation=st.integers(1, 3)
)
def test_same_has_ceil_of_h_over_stride_rows(I: int, K: int, stride: int, dilation: int) -> None:  # noqa: E741
    options = {"stride": stride, "dilation": dilation, "padding": "same"}
    layer = Conv2d(1, 1, (K, 1), rng=np.random.default_rng(0), **options)
    assert layer.output_shape((1, I, 3)) == (1, -(-I // stride), -(-3 // stride))
    assert layer.forward(np.zeros((1, I, 3, 2), np.float32))[0].shape[1] == -(-I // stride)


def test_ways_to_say_padding() -> None:
    def shape(padding: Any) -> Any:
        layer = Conv2d(1, 1, 3, padding=padding, rng=np.random.default_rng(0))
        return layer.output_shape((1, 5, 6))[1:]

    assert shape("valid") == shape(0) == (3, 4)
    assert shape(1) == shape((1, 1)) == shape(((1, 1), (1, 1))) == shape("same") == (5, 6)
    assert shape((1, 2)) == shape(((0, 2), (3, 1))) == (5, 8)


def test_depthwise_is_a_convolution_of_each_channel(rng: np.random.Generator) -> None:
    layer = Conv2d(4, 4, 3, groups=4, rng=rng, dtype=np.float64)
    x = rng.standard_normal((4, 5, 5, 3))
    y, _ = layer.forward(x)
    for c in range(4):
        alone = Conv2d(1, 1, 3, rng=rng, dtype=np.float64)
        alone.w.value[...] = layer.w.value[c]
        np.testing.assert_allclose(y[c], alone.forward(x[c : c + 1])[0][0], rtol=1e-14)


# Numbers that are not finite, and batches


@pytest.mark.parametrize("F", [1, 5])
def test_a_nan_reaches_as_far_as_the_filter(F: int, rng: np.random.Generator) -> None:
    layer = Conv2d(2, F, 3, padding=1, rng=rng)
    x = rng.standard_normal((2, 6, 7, 5)).astype(np.float32)
    x[1, 2, 3, 4] = np.nan
    y, backward = layer.forward(x, relu=True)
    seen = np.zeros(y.shape, bool)
    seen[:, 1:4, 2:5, 4] = True
    np.testing.assert_array_equal(np.isnan(y), seen)
    backward(np.ones_like(y))
    assert np.isfinite(layer.w.grad[:, 0]).all()
    assert np.isnan(layer.w.grad[:, 1]).any()


@pytest.mark.parametrize("F", [1, 6])
def test_a_sample_does_not_depend_on_its_neighbours(F: int, rng: np.random.Generator) -> None:
    """Not by a bit; but a definition leaves its sums, of 81 terms of about 1/9, to a BLAS.

    OpenBLAS for Arm adds them up in another order where there is one sample.
    """
    layer = Conv2d(9, F, 3, padding=1, rng=rng)
    x = rng.standard_normal((9, 5, 6, 37)).astype(np.float32)
    y, _ = layer.forward(x)
    rounding = 81 / 9 * np.finfo(np.float32).eps if on_plain_path() else 0
    for n in (0, 15, 16, 36):
        alone, _ = layer.forward(x[..., n : n + 1])
        np.testing.assert_allclose(alone, y[..., n : n + 1], rtol=0, atol=rounding)


def test_two_calls_do_not_mix(rng: np.random.Generator) -> None:
    layer = Conv2d(2, 5, 3, rng=rng)
    x1, x2 = rng.standard_normal((2, 2, 4, 5, 3)).astype(np.float32)
    y1, backward1 = layer.forward(x1, relu=True)
    dx = backward1(y1)
    layer.forward(x2, relu=True)
    np.testing.assert_array_equal(backward1(y1), dx)
    assert backward1(y1, need_dx=False) is None


# Refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 3}, r"Conv2d: expected channels ≥ 1 that groups divide, got in 4, out 6, gr"),
        ({"kernel_size": (3, 0)}, r"Conv2d: expected kernel_size ≥ 1, got \(3, 0\)"),
        ({"stride": 0}, r"Conv2d: expected stride ≥ 1, got 0"),
        ({"dilation": 0}, r"Conv2d: expected dilation ≥ 1, got 0"),
        ({"padding": -1}, r"Conv2d: expected padding ≥ 0, got -1"),
        ({"padding": "full"}, r"Conv2d: expected padding 'same' or 'valid', got 'full'"),
    ],
)
def test_refuses_to_be_made(options: dict[str, Any], message: str) -> None:
    options = {"kernel_size": 3} | options
    with pytest.raises(ValueError, match=message):
        Conv2d(4, 6, rng=np.random.default_rng(0), **options)


def test_refusals() -> None:
    layer = Conv2d(2, 5, 3, rng=np.random.default_rng(0))
    x = np.zeros((2, 4, 5, 3), np.float32)
    with pytest.raises(ValueError, match=r"Conv2d x: expected \(2, H, W, N\) float32, got \(3, "):
        layer.forward(np.zeros((3, 4, 5, 3), np.float32))
    with pytest.raises(ValueError, match=r"Conv2d x: expected .* float32, got .* float64"):
        layer.forward(x.astype(np.float64))
    with pytest.raises(ValueError, match=r"Conv2d dy: expected \(5, 2, 3, 3\) float32, got"):
        layer.forward(x)[1](np.zeros((5, 2, 3, 1), np.float32))
    with pytest.raises(ValueError, match=r"Conv2d: a window of 3 does not fit in 2 \+ 0 padding"):
        layer.output_shape((2, 4, 2))
    with pytest.raises(ValueError, match=r"Conv2d: expected a sample of shape \(2, H, W\), got"):
        layer.output_shape((40,))


# The proof that no load or store leaves its array


@pytest.mark.fast("kernels do not run there")
@pytest.mark.skipif(not images.JIT, reason="this is the inner run")
def test_without_numba() -> None:
    """The comparisons under NUMBA_DISABLE_JIT=1: every load and store asserts that it may.

    A lane that nobody stores computes with what memory held before, at times with an infinity or
    with numbers whose product is one.
    """
    here = Path(__file__).parent
    files = ("conv", "conv_transpose", "conv1d", "pool", "upsample", "simd")
    paths = [str(here / f"test_{name}.py") for name in files]
    names = ["reference", "channels_and", "stride_and", "every_shape", "wider", "neighbours"]
    these = ["-k", " or ".join([*names, "test_simd"])]
    these += ["-W", "ignore:invalid value:RuntimeWarning", "-W", "ignore:overflow:RuntimeWarning"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths, *these]
    inner = subprocess.run(
        command, env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True
    )
    assert inner.returncode == 0, inner.stdout
