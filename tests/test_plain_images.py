"""The operations on images: kernels compute what their definitions say."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import BATCHES, DTYPES, FEW, Drawn, assert_close, convolutions

from nnscratch.core import Array
from nnscratch.kernels import plain_images as ops
from nnscratch.kernels.plain_images import Resampling, Windows

pytestmark = pytest.mark.plain

SEEDS = st.integers(0, 99)
SHORT = st.integers(1, 6)


def geometry(drawn: Drawn) -> tuple[Windows, tuple[int, int, int, int], int]:
    """The windows of a convolution, the shape of its output, and its number of groups."""
    o = drawn.options
    (top, _), (left, _) = o["padding"]
    axes = zip(drawn.x_shape[1:3], drawn.K, o["stride"], o["padding"], o["dilation"], strict=True)
    OH, OW = ((size + sum(p) - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in axes)
    windows = Windows(drawn.K, o["stride"], (top, left), o["dilation"])
    return windows, (drawn.F, OH, OW, drawn.x_shape[3]), o["groups"]


def numbers(shape: Any, dtype: Any, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@settings(max_examples=FEW)
@given(drawn=convolutions(most=9, batch=BATCHES), dtype=DTYPES, relu=st.booleans())
def test_convolve(drawn: Drawn, dtype: Any, relu: bool) -> None:
    windows, y_shape, G = geometry(drawn)
    x = numbers(drawn.x_shape, dtype, drawn.seed)
    w = numbers((drawn.F, len(x) // G, *drawn.K), dtype, 1)
    for b in (None, numbers(drawn.F, dtype, 2)):
        want = ops.convolve.definition(x, w, b, windows, y_shape, relu)
        assert_close(ops.convolve.fast()(x, w, b, windows, y_shape, relu), want, dtype)
        assert want.dtype == dtype


@settings(max_examples=FEW)
@given(drawn=convolutions(most=9, batch=BATCHES), dtype=DTYPES, relu=st.booleans())
def test_convolve_adjoint(drawn: Drawn, dtype: Any, relu: bool) -> None:
    windows, y_shape, G = geometry(drawn)
    y, C = numbers(y_shape, dtype, drawn.seed), drawn.x_shape[0]
    w = numbers((drawn.F, C // G, *drawn.K), dtype, 1)
    for b in (None, numbers(C, dtype, 2)):
        want = ops.convolve_adjoint.definition(y, w, b, windows, drawn.x_shape, relu)
        got = ops.convolve_adjoint.fast()(y, w, b, windows, drawn.x_shape, relu)
        assert_close(got, want, dtype)
        assert want.dtype == dtype


@settings(max_examples=FEW)
@given(drawn=convolutions(most=9, batch=BATCHES), dtype=DTYPES)
def test_add_filter_gradient(drawn: Drawn, dtype: Any) -> None:
    windows, y_shape, G = geometry(drawn)
    x, dy = numbers(drawn.x_shape, dtype, drawn.seed), numbers(y_shape, dtype, 1)
    want = numbers((drawn.F, len(x) // G, *drawn.K), dtype, 2)
    got = want.copy()
    ops.add_filter_gradient.definition(x, dy, windows, want)
    ops.add_filter_gradient.fast()(x, dy, windows, got)
    assert_close(got, want, dtype)


@pytest.mark.parametrize("F", [1, 3, 4, 6])
@pytest.mark.parametrize("stride", [1, 2])
def test_sides_of_many_rows(F: int, stride: int, rng: np.random.Generator) -> None:
    """More rows than a block has, more channels than eight, a batch of more than two vectors."""
    windows = Windows((3, 3), (stride, stride), (1, 1))
    x, w = rng.standard_normal((11, 14, 13, 37)), rng.standard_normal((F, 11, 3, 3))
    y_shape = (F, -(-14 // stride), -(-13 // stride), 37)
    y = ops.convolve.definition(x, w, None, windows, y_shape)
    assert_close(ops.convolve.fast()(x, w, None, windows, y_shape), y, np.float64)
    x_got = ops.convolve_adjoint.fast()(y, w, None, windows, x.shape)
    x_want = ops.convolve_adjoint.definition(y, w, None, windows, x.shape)
    np.testing.assert_allclose(x_got, x_want, rtol=1e-12, atol=1e-10)
    got, want = np.zeros_like(w), np.zeros_like(w)
    ops.add_filter_gradient.definition(x, y, windows, want)
    ops.add_filter_gradient.fast()(x, y, windows, got)
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-9)


@settings(max_examples=FEW)
@given(F=SHORT, H=SHORT, W=SHORT, N=BATCHES, dtype=DTYPES, seed=SEEDS)
def test_bias(F: int, H: int, W: int, N: int, dtype: Any, seed: int) -> None:
    dy, y = numbers((2, F, H, W, N), dtype, seed)
    y[0, 0, 0] = 0
    for k in range(2):
        want, got = (numbers(F, dtype, 2) for _ in range(2))
        if k == 0:
            ops.add_bias_gradient.definition(dy, want)
            ops.add_bias_gradient.fast()(dy, got)
        else:
            da = ops.relu_and_bias_gradient.definition(dy, y, want)
            assert da.dtype == dtype
            np.testing.assert_array_equal(ops.relu_and_bias_gradient.fast()(dy, y, got), da)
        assert_close(got, want, dtype)


@settings(max_examples=FEW)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    sides=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    N=BATCHES,
    dtype=DTYPES,
    relu=st.booleans(),
    seed=SEEDS,
)
def test_max_pool(
    size: Any, stride: Any, sides: Any, N: int, dtype: Any, relu: bool, seed: int
) -> None:
    """Whole numbers, so that there are ties and sums are exact; NaN and infinities."""
    rng = np.random.default_rng(seed)
    padding = tuple(k // 2 for k in size)
    axes = zip(sides, size, stride, padding, strict=True)
    OH, OW = ((side + 2 * p - k) // s + 1 for side, k, s, p in axes)
    windows = Windows(size, stride, padding)
    x = rng.integers(-3, 3, (2, *sides, N)).astype(dtype)
    x[rng.random(x.shape) < 0.1] = np.nan
    x[rng.random(x.shape) < 0.1] = -np.inf
    y, winner = ops.max_pool.definition(x, windows, (OH, OW), relu)
    got, got_winner = ops.max_pool.fast()(x, windows, (OH, OW), relu)
    assert got.dtype == y.dtype == dtype
    np.testing.assert_array_equal(got, y)
    np.testing.assert_array_equal(got_winner, winner)
    dy = rng.integers(-3, 4, y.shape).astype(dtype)
    dx = ops.max_pool_backward.definition(dy, winner, windows, sides)
    assert dx.dtype == dtype
    np.testing.assert_array_equal(ops.max_pool_backward.fast()(dy, got_winner, windows, sides), dx)


@settings(max_examples=FEW)
@given(H=SHORT, W=SHORT, OH=SHORT, OW=SHORT, N=BATCHES, dtype=DTYPES, seed=SEEDS)
def test_resample(H: int, W: int, OH: int, OW: int, N: int, dtype: Any, seed: int) -> None:
    """Matrices half of zeros, with rows and columns that have nothing else."""
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((OH, H)), rng.standard_normal((OW, W))
    A[rng.random(A.shape) < 0.5] = 0
    B[rng.random(B.shape) < 0.5] = 0
    M, x = Resampling(A, B), numbers((2, H, W, N), dtype, seed)
    y = ops.resample.definition(x, M)
    assert y.shape == (2, OH, OW, N)
    assert_close(ops.resample.fast()(x, M), y, dtype)
    assert_close(ops.resample.fast()(y, M.T), ops.resample.definition(y, M.T), dtype)
    assert M.T is M.T


@settings(max_examples=FEW)
@given(G=SHORT, C=SHORT, P=st.integers(2, 9), N=BATCHES, dtype=DTYPES, seed=SEEDS)
def test_normalise(G: int, C: int, P: int, N: int, dtype: Any, seed: int) -> None:
    x, dy = 2 + 3 * numbers((2, G, C, P, N), dtype, seed)
    gamma, beta, *grads = numbers((4, G, C), dtype, seed)
    want = ops.normalise.definition(x, gamma, beta, 0.1)
    got = ops.normalise.fast()(x, gamma, beta, 0.1)
    close = {"rtol": 1e-9, "atol": 1e-9} if dtype == np.float64 else {"rtol": 2e-4, "atol": 2e-4}
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, **close)
    results = []
    for backward in (ops.normalise_backward.definition, ops.normalise_backward.fast()):
        dgamma, dbeta = (a.copy() for a in grads)
        results.append((backward(dy, x, gamma, *want[1:], dgamma, dbeta), dgamma, dbeta))
    for a, b in zip(*results, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=close["rtol"], atol=10 * close["atol"])


# Complex numbers, for the complex step: a linear map is that of both parts


@given(drawn=convolutions(), seed=SEEDS)
def test_a_convolution_of_complex_numbers(drawn: Drawn, seed: int) -> None:
    windows, y_shape, G = geometry(drawn)
    a, b = np.random.default_rng(seed).standard_normal((2, *drawn.x_shape))
    w = numbers((drawn.F, len(a) // G, *drawn.K), np.float64, 1)

    def convolve(x: Array) -> Array:
        return ops.convolve(x, w.astype(x.dtype), None, windows, y_shape)

    y = convolve(a + 1j * b)
    np.testing.assert_allclose(y, convolve(a) + 1j * convolve(b), atol=1e-13)


def test_by_hand() -> None:
    """Taps 1, 10 at stride 2 over 0, 1, 2, 3, a zero at either end: 0, 1 + 20, 3; b is a half."""
    windows = Windows((1, 2), (1, 2), (0, 1))
    x = np.arange(4.0).reshape(1, 1, 4, 1)
    w = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    for path in (ops.convolve.definition, ops.convolve.fast()):
        y = path(x, w, np.array([0.5]), windows, (1, 1, 3, 1))
        np.testing.assert_array_equal(y.ravel(), [0.5, 1 + 20 + 0.5, 3 + 0.5])
