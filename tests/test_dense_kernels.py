"""The kernels of the dense layer against the formulas they stand for."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array
from nnscratch.kernels import dense
from nnscratch.layers import Dense

SIZES, SEEDS = st.integers(1, 40), st.integers(0, 99)
DTYPES = st.sampled_from([np.float32, np.float64])
every_way = pytest.mark.parametrize("way", ["loops", "tiles", "BLAS"])


LIMITS = ("SMALL", "MANY_ROWS", "MANY_COLUMNS")
WAYS = {"loops": (2**62, 1, 1), "tiles": (0, 1, 1), "BLAS": (0, 2**62, 2**62)}


@contextmanager
def by(way: str) -> Iterator[None]:
    """Whatever the size, compute products this way."""
    with pytest.MonkeyPatch.context() as patch:
        for limit, value in zip(LIMITS, WAYS[way], strict=True):
            patch.setattr(dense, limit, value)
        yield


def draw(
    M: int, D: int, N: int, dtype: type, seed: int = 0
) -> tuple[Array, Array, Array, Array, Array]:
    """w, x, b, dy and a gradient that is there already."""
    rng = np.random.default_rng(seed)
    shapes = [(M, D), (D, N), (M,), (M, N), (M, D)]
    w, x, b, dy, dw = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    return w, x, b, dy, dw


def assert_close(got: Array, want: Array) -> None:
    """Equal up to a few roundings of terms of size 1."""
    assert got.dtype == want.dtype
    tolerance = 100 * np.finfo(got.dtype).eps
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@every_way
@given(M=SIZES, D=SIZES, N=SIZES, dtype=DTYPES, biased=st.booleans(), seed=SEEDS)
def test_affine_is_w_x_plus_b(
    way: str, M: int, D: int, N: int, dtype: type, biased: bool, seed: int
) -> None:
    w, x, b, _, _ = draw(M, D, N, dtype, seed)
    with by(way):
        y = dense.affine(w, x, b if biased else None)
    assert_close(y, w @ x + b[:, None] * dtype(biased))


@every_way
@given(M=SIZES, D=SIZES, N=SIZES, dtype=DTYPES, biased=st.booleans(), seed=SEEDS)
def test_add_outer_adds_dy_xT_and_the_rows_of_dy(
    way: str, M: int, D: int, N: int, dtype: type, biased: bool, seed: int
) -> None:
    _, x, b, dy, dw = draw(M, D, N, dtype, seed)
    want, db = (dw + dy @ x.T, b + dy.sum(axis=1)), b.copy()
    with by(way):
        dense.add_outer(dy, x, dw, db if biased else None)
    assert_close(dw, want[0])
    assert_close(db, want[1] if biased else b)


@every_way
@given(M=SIZES, D=SIZES, N=SIZES, dtype=DTYPES, seed=SEEDS)
def test_adjoint_is_wT_dy(way: str, M: int, D: int, N: int, dtype: type, seed: int) -> None:
    w, _, _, dy, _ = draw(M, D, N, dtype, seed)
    with by(way):
        assert_close(dense.adjoint(w, dy), w.T @ dy)


@every_way
@given(M=SIZES, D=SIZES, N=SIZES, dtype=DTYPES)
def test_neither_writes_beyond_its_matrix(way: str, M: int, D: int, N: int, dtype: type) -> None:
    _, x, _, dy, _ = draw(M, D, N, dtype)
    memory = np.zeros(M * D + 200, dtype)
    with by(way):
        dense.add_outer(dy, x, memory[100:-100].reshape(M, D), None)
    assert not memory[:100].any()
    assert not memory[-100:].any()


@every_way
def test_arrays_that_are_not_contiguous(way: str) -> None:
    w, x, b, dy, dw = draw(20, 30, 18, np.float64)
    want = dw + dy @ x.T
    with by(way):
        y = dense.affine(w, np.asfortranarray(x), np.repeat(b, 2)[::2])
        assert_close(y, w @ x + b[:, None])
        assert_close(dense.affine(np.asfortranarray(w), x, b), w @ x + b[:, None])
        assert_close(dense.adjoint(w, np.asfortranarray(dy)), w.T @ dy)
        assert_close(dense.adjoint(np.asfortranarray(w), dy), w.T @ dy)
        transposed = np.asfortranarray(dw)
        dense.add_outer(dy, x, transposed, None)
        dense.add_outer(np.asfortranarray(dy), np.repeat(x, 2, axis=1)[:, ::2], dw, None)
    assert_close(transposed, want)
    assert_close(dw, want)


@every_way
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stays_where_it_belongs(bad: float, way: str) -> None:
    w, x, b, dy, dw = draw(13, 29, 21, np.float32)
    x[3, 20] = bad
    with by(way):
        y = dense.affine(w, x, b)
        dense.add_outer(dy, x, dw, None)
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(w @ x))
    assert not np.isfinite(y[:, 20]).any()
    np.testing.assert_array_equal(np.flatnonzero(~np.isfinite(dw).all(axis=0)), [3])


@pytest.mark.parametrize("way", ["loops", "tiles"])
def test_a_sample_does_not_depend_on_its_neighbours(way: str) -> None:
    w, x, b, _, _ = draw(20, 30, 37, np.float32)
    with by(way):
        y = dense.affine(w, x, b)
        for n in (0, 15, 16, 36):
            alone = dense.affine(w, x[:, n : n + 1], b)
            np.testing.assert_array_equal(y[:, n : n + 1], alone)


@every_way
def test_complex_numbers_are_left_to_numpy(way: str) -> None:
    w, x, b, dy, dw = (a + 1j * a for a in draw(5, 4, 3, np.float64))
    want = dw + dy @ x.T
    with by(way):
        np.testing.assert_allclose(dense.affine(w, x, b), w @ x + b[:, None])
        np.testing.assert_allclose(dense.adjoint(w, dy), w.T @ dy)
        dense.add_outer(dy, x, dw, None)
    np.testing.assert_allclose(dw, want)


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_large_enough_to_use_them(bias: bool, rng: np.random.Generator) -> None:
    layer = Dense(513, 515, rng=rng, bias=bias, dtype=np.float64)
    w, dw = layer.w.value, layer.w.grad
    assert dense.compiled(w)
    _, x, _, dy, _ = draw(515, 513, 40, np.float64)
    y, backward = layer.forward(x)
    assert_close(y, w @ x)
    assert_close(backward(dy), w.T @ dy)
    assert backward(dy, need_dx=False) is None
    assert layer.w.grad is dw
    assert_close(dw, 2 * dy @ x.T)


def test_without_numba() -> None:
    """The same file under NUMBA_DISABLE_JIT=1: every load and store asserts that it may."""
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        pytest.skip("this is the inner run")
    these = ["-k", "affine_is or add_outer or adjoint or beyond or contiguous or finite"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, *these]
    inner = subprocess.run(
        command, env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True
    )
    assert inner.returncode == 0, inner.stdout
