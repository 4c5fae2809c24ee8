"""The border: batch-first outside, batch-last inside, and nothing lost in between."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array
from nnscratch.models import border
from nnscratch.models.border import across, naming, to_columns, to_rows

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@given(N=st.integers(1, 5), shape=SHAPES)
def test_rows_become_columns_and_back(N: int, shape: tuple[int, ...]) -> None:
    rows = np.random.default_rng(0).random((N, *shape))
    x = to_columns("f", rows, shape, np.float64)
    assert x.shape == (*shape, N)
    assert x.flags.c_contiguous
    np.testing.assert_array_equal(x[..., N - 1], rows[N - 1])
    back = to_rows(x)
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, rows)


def test_a_sample_may_be_written_flat_or_with_its_axes() -> None:
    """28×28, 1×28×28 and 784 are one image to a model that asks for 784, or for (1, 28, 28)."""
    flat = np.arange(12.0).reshape(2, 6)
    for shape in ((6,), (2, 3), (1, 2, 3)):
        x = to_columns("f", flat.reshape(2, 3, 2), shape, np.float64)
        np.testing.assert_array_equal(x, flat.T.reshape(*shape, 2))


@DTYPES
def test_bytes_are_255ths(dtype: Any) -> None:
    """Each of the 256 is the number nearest to v/255, as a division in this dtype gives it."""
    grey = np.arange(256, dtype=np.uint8).reshape(2, 128)
    x = to_columns("f", grey, (128,), dtype)
    assert x.dtype == dtype
    np.testing.assert_array_equal(x, grey.T.astype(dtype) / dtype(255))
    np.testing.assert_array_equal(x, to_columns("f", grey / dtype(255), (128,), dtype))
    assert (x[0, 0], x[-1, -1]) == (0, 1)


@DTYPES
@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64])
def test_floats_are_taken_as_they_are_in_the_models_dtype(dtype: Any, given: Any) -> None:
    x = to_columns("f", np.array([[0.5, -3.0, 400.0]], given), (3,), dtype)
    assert x.dtype == dtype
    np.testing.assert_array_equal(x[:, 0], [0.5, -3, 400])


def test_reads_views_and_lists_and_writes_into_none() -> None:
    rows = np.arange(24.0).reshape(4, 6)
    every_other = rows[::2, ::-1]
    x = to_columns("f", every_other, (6,), np.float64)
    np.testing.assert_array_equal(x, every_other.T)
    x[...] = 0
    np.testing.assert_array_equal(rows, np.arange(24.0).reshape(4, 6))
    np.testing.assert_array_equal(to_columns("f", [[1.0, 2.0]], (2,), np.float64), [[1], [2]])


# Chunks


def spy(sizes: list[int]) -> Any:
    def f(x: Array) -> Array:
        sizes.append(x.shape[-1])
        return np.stack([x[0], x[1] ** 2, x[0] * x[1]])

    return f


@given(N=st.integers(1, 12), chunk=st.integers(1, 13))
def test_the_size_of_a_chunk_changes_nothing(N: int, chunk: int) -> None:
    rows = np.random.default_rng(N).random((N, 2))
    sizes: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(border, "CHUNK", chunk)
        y = across("f", spy(sizes), rows, (2,), np.float64)
    assert max(sizes) == min(chunk, N)
    assert sum(sizes) == N
    np.testing.assert_array_equal(y, np.stack([rows[:, 0], rows[:, 1] ** 2, rows.prod(axis=1)], 1))


# What is refused


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((2, 5)), "f: expected (N, …) with 2×3 numbers a row, got (2, 5)"),
        (np.zeros((2, 3, 3)), "f: expected (N, …) with 2×3 numbers a row, got (2, 3, 3)"),
        (np.zeros((3, 2, 6)), "f: expected (N, …) with 2×3 numbers a row, got (3, 2, 6)"),
        (np.zeros((0, 6)), "f: expected a non-empty batch (N, …), got (0, 6)"),
        (np.zeros(6), "f: expected a non-empty batch (N, …), got (6,)"),
        (np.float64(3), "f: expected a non-empty batch (N, …), got ()"),
        (np.full((2, 6), np.nan), "f: expected finite numbers, got NaN or infinity"),
        (np.full((2, 6), -np.inf), "f: expected finite numbers, got NaN or infinity"),
        (np.zeros((2, 6), np.int64), "f: expected uint8 or floats, got int64"),
        (np.zeros((2, 6), bool), "f: expected uint8 or floats, got bool"),
        (np.zeros((2, 6), complex), "f: expected uint8 or floats, got complex128"),
        (np.full((2, 6), "0"), "f: expected uint8 or floats, got <U1"),
        (np.full((2, 6), None), "f: expected uint8 or floats, got object"),
    ],
)
def test_refuses(rows: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        across("f", lambda x: x, rows, (2, 3), np.float64)


def test_one_nan_among_many_numbers_is_found() -> None:
    rows = np.zeros((700, 6), np.float32)
    rows[650, 5] = np.nan
    with pytest.raises(ValueError, match="f: expected finite numbers"):
        across("f", lambda x: x, rows, (6,), np.float32)


def test_naming_says_whose_error_it_is() -> None:
    with pytest.raises(ValueError, match=r"^VAE decoder: no$"), naming("VAE decoder"):
        raise ValueError("no")
    with pytest.raises(TypeError, match=r"^no$"), naming("VAE decoder"):
        raise TypeError("no")
