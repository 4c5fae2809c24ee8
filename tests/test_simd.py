"""The intrinsics of simd.py: compiled, each does what its definition says; at a border, none."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config

from nnscratch.core import Array
from nnscratch.kernels.machine.jit import kernel
from nnscratch.kernels.machine.processor import BYTES
from nnscratch.kernels.machine.simd import (
    add,
    fma,
    larger,
    load,
    load_part,
    load_up_to,
    relu,
    size_of_vector,
    smaller,
    splat,
    store,
    store_between,
    store_part,
    store_up_to,
    total,
    transpose,
    where_equal,
    where_larger,
    zero,
)

pytestmark = [pytest.mark.kernel, pytest.mark.oldest]

DTYPES = st.sampled_from([np.float32, np.float64])
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-40])


@kernel
def arithmetic(a: Array, i: int, out: Array) -> None:
    """Each word once, from i on."""
    V = BYTES // a.itemsize
    v, u = load(a, i), splat(a, i)
    store(out, 0, v)
    store(out, V, u)
    store(out, 2 * V, add(v, u))
    store(out, 3 * V, fma(v, u, v))
    store(out, 4 * V, relu(v))
    store(out, 5 * V, zero(a))
    out[6 * V] = total(v)


@kernel
def selections(a: Array, b: Array, v: Array, out: Array) -> None:
    """Each choice once, at 0."""
    V = BYTES // a.itemsize
    a0, b0, v0 = load(a, 0), load(b, 0), load(v, 0)
    store(out, 0, where_equal(a0, b0, v0))
    store(out, V, where_larger(a0, b0, v0, zero(v)))
    store(out, 2 * V, larger(a0, b0))
    store(out, 3 * V, smaller(a0, b0))


@kernel
def load_at(a: Array, i: int) -> Any:
    """Read one vector."""
    return total(load(a, i))


@kernel
def splat_at(a: Array, i: int) -> Any:
    """Read one number."""
    return total(splat(a, i))


@kernel
def store_at(a: Array, i: int) -> None:
    """Write one vector."""
    store(a, i, zero(a))


@kernel
def some_lanes(a: Array, i: int, n: int, out: Array) -> None:
    """Parts of a vector, from i on."""
    V = BYTES // a.itemsize
    store(out, 0, load_part(a, i, n))
    store_part(out, V, load(a, 0), n)


@kernel
def copy_up_to(a: Array, i: int, n: int, out: Array) -> None:
    """Read and write n lanes, from i on."""
    store_up_to(out, i, load_up_to(a, i, n), n)


@kernel
def size_of(a: Array) -> int:
    """The size of a vector."""
    return size_of_vector(a)


@kernel
def copy_between(a: Array, i: int, first: int, last: int, out: Array) -> None:
    """Write some lanes in the middle of a vector."""
    store_between(out, i, load(a, 0), first, last)


@kernel
def transpose_at(a: Array, i: int, STEP: int, b: Array, j: int, WIDTH: int) -> None:
    """Turn one square."""
    transpose(a, i, STEP, b, j, WIDTH)


@given(dtype=DTYPES, i=st.integers(0, 5), seed=st.integers(0, 99))
def test_arithmetic(dtype: Any, i: int, seed: int) -> None:
    V = BYTES // np.dtype(dtype).itemsize
    a = np.random.default_rng(seed).standard_normal(V + 5).astype(dtype)
    out = np.full(6 * V + 1, np.nan, dtype)
    arithmetic(a, i, out)
    v, u = a[i : i + V].astype(np.float64), float(a[i])
    want = [v, np.full(V, u), v + u, v + v * u, np.maximum(v, 0), np.zeros(V), [v.sum()]]
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(out, np.concatenate(want), rtol=8 * eps, atol=8 * eps)


@given(dtype=DTYPES, n=st.integers(-2, 20), seed=st.integers(0, 99))
def test_parts_of_a_vector(dtype: Any, n: int, seed: int) -> None:
    """A part ends where its array does, and what lies beyond is not touched."""
    V = BYTES // np.dtype(dtype).itemsize
    a = np.random.default_rng(seed).standard_normal(V + 2).astype(dtype)
    out, m = np.full(2 * V, 7, dtype), min(max(n, 0), V)
    some_lanes(a, a.size - m, n, out)
    want = np.full((2, V), 7, dtype)
    want[0] = 0
    want[0, :m], want[1, :m] = a[a.size - m :], a[:m]
    np.testing.assert_array_equal(out.reshape(2, V), want)


@given(dtype=DTYPES, i=st.integers(0, 5), n=st.integers(-2, 40))
def test_as_many_lanes_as_there_are(dtype: Any, i: int, n: int) -> None:
    V = BYTES // np.dtype(dtype).itemsize
    m = min(max(n, 0), V)
    a, out = np.arange(1, i + m + 1, dtype=dtype), np.zeros(i + m, dtype)
    copy_up_to(a, i, n, out)
    np.testing.assert_array_equal(out, np.where(np.arange(i + m) < i, 0, a))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_vector_is_as_wide_as_a_register(dtype: Any) -> None:
    assert size_of(np.zeros(1, dtype)) == BYTES // np.dtype(dtype).itemsize


@given(dtype=DTYPES, i=st.integers(-18, 22), first=st.integers(-20, 20), last=st.integers(-20, 20))
def test_lanes_in_between(dtype: Any, i: int, first: int, last: int) -> None:
    """A vector may begin before its array, if the lanes that are written do not."""
    V = BYTES // np.dtype(dtype).itemsize
    a, out = np.arange(1, V + 1, dtype=dtype), np.zeros(22, dtype)
    first, last = max(first, -i), min(last, out.size - i)
    copy_between(a, i, first, last, out)
    want = np.zeros(22, dtype)
    for lane in range(max(first, 0), min(last, V)):
        want[i + lane] = a[lane]
    np.testing.assert_array_equal(out, want)


@given(dtype=DTYPES, step=st.integers(0, 3), width=st.integers(0, 3), i=st.integers(0, 3))
def test_a_square_is_turned(dtype: Any, step: int, width: int, i: int) -> None:
    V = BYTES // np.dtype(dtype).itemsize
    a = np.random.default_rng(i).standard_normal((V, V + step)).astype(dtype)
    flat, b = np.append(np.zeros(i, dtype), a), np.full((V, V + width), 7, dtype)
    transpose_at(flat, i, V + step, b.reshape(-1), 0, V + width)
    np.testing.assert_array_equal(b[:, :V], a[:, :V].T)
    np.testing.assert_array_equal(b[:, V:], np.full((V, width), 7))


@given(dtype=DTYPES, seed=st.integers(0, 99))
def test_selections_and_what_they_do_with_a_nan(dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    V = BYTES // np.dtype(dtype).itemsize
    a, b = rng.choice(SPECIAL, (2, V)).astype(dtype)
    v = rng.standard_normal(V).astype(dtype)
    out = np.full(4 * V, np.nan, dtype)
    selections(a, b, v, out)
    above = [v[n] if a[n] > b[n] or np.isnan(a[n]) else 0 for n in range(V)]
    extremes = np.where(a > b, a, b), np.where(a < b, a, b)
    want = [np.where(a == b, v, 0), above, *extremes]
    np.testing.assert_array_equal(out, np.concatenate(want))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu_keeps_a_nan(dtype: Any) -> None:
    V = BYTES // np.dtype(dtype).itemsize
    out = np.zeros(6 * V + 1, dtype)
    arithmetic(np.full(V, np.nan, dtype), 0, out)
    assert np.isnan(out[4 * V : 5 * V]).all()


def test_a_vector_ends_with_its_array() -> None:
    V = BYTES // 8
    a = np.arange(6.0 + V)
    assert load_at(a, 6) == a[6:].sum()
    assert splat_at(a, V + 5) == V * (V + 5)
    store_at(a, 6)
    np.testing.assert_array_equal(a, [0, 1, 2, 3, 4, 5, *[0] * V])


@pytest.mark.skipif(
    not (config.DISABLE_JIT or config.BOUNDSCHECK), reason="compiled code checks only if told to"
)
@pytest.mark.parametrize(
    ("word", "i"), [(load_at, 7), (load_at, -1), (splat_at, 14), (splat_at, -1), (store_at, 7)]
)
def test_refuses_to_leave_the_array(word: Any, i: int) -> None:
    with pytest.raises((AssertionError, IndexError)):
        word(np.zeros(6 + BYTES // 8), i)


@pytest.mark.skipif(
    not (config.DISABLE_JIT or config.BOUNDSCHECK), reason="compiled code checks only if told to"
)
def test_parts_and_squares_refuse_to_leave_the_array() -> None:
    V, out = BYTES // 8, np.zeros(2 * BYTES // 8)
    a = np.zeros(V * V)
    some_lanes(a, a.size, 0, out)
    some_lanes(a, a.size - 1, 1, out)
    transpose_at(a, 0, V, np.zeros(V * V), 0, V)
    with pytest.raises((AssertionError, IndexError)):
        some_lanes(a, a.size - 1, 2, out)
    with pytest.raises((AssertionError, IndexError)):
        transpose_at(a, 1, V, np.zeros(V * V), 0, V)
    with pytest.raises((AssertionError, IndexError)):
        transpose_at(a, 0, V, np.zeros(V * V), 1, V)


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="the definitions take any array")
def test_refuses_what_is_not_flat_and_contiguous() -> None:
    for a in (np.zeros((3, 8)), np.zeros(20)[::2], np.zeros(20, int)):
        with pytest.raises(Exception, match=r"load"):
            load_at(a, 0)
