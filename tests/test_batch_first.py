"""The border: what is converted, what is refused, and nothing lost between rows and columns."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.checks.arrays import check_numbers, check_set, labels_of, plain, samples_of
from nnscratch.core import Array
from nnscratch.models import batch_first
from nnscratch.models.batch_first import Input, apply_in_chunks, naming, to_columns, to_rows

pytestmark = pytest.mark.plain

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# Axes


@given(N=st.integers(1, 5), shape=SHAPES)
def test_rows_become_columns_and_back(N: int, shape: tuple[int, ...]) -> None:
    rows = np.random.default_rng(0).random((N, *shape))
    x = to_columns("f", rows, Input(shape, np.float64))
    assert x.shape == (*shape, N)
    assert x.flags.c_contiguous
    np.testing.assert_array_equal(x[..., N - 1], rows[N - 1])
    back = to_rows(x)
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, rows)


@given(N=st.integers(1, 5), shape=SHAPES)
def test_a_sample_is_written_as_it_is_or_flat(N: int, shape: tuple[int, ...]) -> None:
    rows = np.zeros((N, *shape))
    for same in (rows, rows.reshape(N, -1)):
        assert samples_of("f", same, shape) is same


@given(N=st.integers(1, 5), shape=SHAPES, order=st.permutations(range(3)))
def test_other_axes_are_refused_wherever_they_differ(
    N: int, shape: tuple[int, ...], order: list[int]
) -> None:
    """Of all shapes with as many numbers only the same one passes, a channel of one aside."""
    axes = [i for i in order if i < len(shape)]
    turned = tuple(shape[i] for i in axes)
    rows = np.zeros((N, *turned))
    if turned == shape or (len(shape) == 3 and 1 in (shape[0], turned[0])):
        return
    with pytest.raises(ValueError, match=r"f: expected \(N, .*got .*(in order|another order)"):
        samples_of("f", rows, shape)


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ((28, 28), (784,)),
        ((1, 28, 28), (784,)),
        ((1, 13), (13,)),
        ((30, 20), (1, 30, 20)),
        ((1, 30, 20), (30, 20)),
    ],
)
def test_an_image_of_one_channel_may_lack_the_axis(row: Any, shape: Any) -> None:
    samples_of("f", np.zeros((2, *row)), shape)


@pytest.mark.parametrize(
    ("given", "shape", "advice"),
    [
        ((2, 8, 8, 3), (3, 8, 8), "np.moveaxis(x, -1, 1) has the axes in order"),
        ((2, 8, 3, 8), (3, 8, 8), "the axes are in another order"),
        ((2, 20, 30), (1, 30, 20), "the axes are in another order"),
        ((3, 8, 8), (3, 8, 8), "x[None] is a batch of one"),
        ((28, 28), (784,), "x[None] is a batch of one"),
        ((13,), (13,), "x[None] is a batch of one"),
        ((2, 3, 8, 8), (192,), "flatten each sample, always in the same order"),
        ((2, 8, 8, 3), (192,), "flatten each sample, always in the same order"),
        ((0, 192), (192,), "a batch holds at least one"),
        ((2, 5), (6,), "got (2, 5)"),
        ((3, 2, 6), (2, 3), "got (3, 2, 6)"),
        ((), (6,), "got ()"),
    ],
)
def test_other_axes_are_refused_with_advice(given: Any, shape: Any, advice: str) -> None:
    want = ", ".join(map(str, ("N", *shape)))
    with pytest.raises(ValueError, match=f"^{re.escape(f'f: expected ({want}), got')}") as error:
        samples_of("f", np.zeros(given), shape)
    assert advice in str(error.value)


# Numbers


@DTYPES
def test_bytes_are_255ths(dtype: Any) -> None:
    """Each of the 256 is the number nearest to v/255, as a division in this dtype gives it."""
    grey = np.arange(256, dtype=np.uint8).reshape(2, 128)
    x = to_columns("f", grey, Input((128,), dtype))
    assert x.dtype == dtype
    np.testing.assert_array_equal(x, grey.T.astype(dtype) / dtype(255))
    np.testing.assert_array_equal(x, to_columns("f", grey / dtype(255), Input((128,), dtype)))
    assert (x[0, 0], x[-1, -1]) == (0, 1)


@DTYPES
@pytest.mark.parametrize("given", [np.float32, np.float64])
def test_floats_are_taken_as_they_are_in_the_models_dtype(dtype: Any, given: Any) -> None:
    x = to_columns("f", np.array([[0.5, -3.0, 400.0]], given), Input((3,), dtype))
    assert x.dtype == dtype
    np.testing.assert_array_equal(x[:, 0], [0.5, -3, 400])


def test_views_are_read_and_not_written_into() -> None:
    rows = np.arange(24.0).reshape(4, 6)
    every_other = rows[::2, ::-1]
    x = to_columns("f", every_other, Input((6,), np.float64))
    np.testing.assert_array_equal(x, every_other.T)
    x[...] = 0
    np.testing.assert_array_equal(rows, np.arange(24.0).reshape(4, 6))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@given(N=st.integers(1, 300), D=st.integers(1, 5), data=st.data())
def test_one_number_that_is_not_finite_is_found(bad: float, N: int, D: int, data: Any) -> None:
    x = np.zeros((N, D), np.float32)
    x[data.draw(st.integers(0, N - 1)), data.draw(st.integers(0, D - 1))] = bad
    with pytest.raises(ValueError, match="f: expected finite numbers, got NaN or infinity"):
        apply_in_chunks("f", lambda x: x, x, Input((D,), np.float32))


def test_a_number_too_large_for_the_model_is_not_finite() -> None:
    check_numbers("f", np.array([1e300]))
    with pytest.raises(ValueError, match=r"f: expected finite numbers in float32, got 1e\+300 to"):
        check_numbers("f", np.array([1e300]), dtype=np.float32)


@pytest.mark.parametrize("numbers", [[0, 255], [-1e-6, 1], [0, 1.0000001], [-3, 3]])
def test_numbers_in_0_to_1_are_just_these(numbers: list[float]) -> None:
    check_numbers("f", np.array(numbers))
    with pytest.raises(ValueError, match=r"f: expected numbers in \[0, 1\], got"):
        check_numbers("f", np.array(numbers), unit=True)


def test_a_set_of_one_grey_level_was_scaled_twice() -> None:
    """Also as bytes; a single row of a set may be as dark as that."""
    with pytest.raises(ValueError, match=r"f: the brightest pixel is 0\.003922, .* 255 twice\?"):
        check_set("f", np.array([[0, 1 / 255]]), unit=True)
    check_set("f", np.array([[0, 2 / 255]]), unit=True)
    check_set("f", np.array([[0, 1 / 255]]), unit=False)
    dark = np.array([[0, 0], [0, 0], [0, 1]], np.uint8)
    with pytest.raises(ValueError, match=r"f: expected grey .* up to 1, .* multiply by 255, or"):
        samples_of("f", dark, (2,))
    for fine in (dark[2:], 0 * dark, 2 * dark, 255 * dark):
        samples_of("f", fine, (2,))


# Containers


def test_a_plain_array_is_not_copied() -> None:
    for dtype in (np.uint8, np.float32, np.float64):
        x = np.zeros((2, 3), dtype)
        assert plain("f", x) is x


@pytest.mark.parametrize("dtype", [np.float16, ">f2", ">f4", ">f8", "<f8", bool])
def test_what_loses_nothing_is_converted(dtype: Any) -> None:
    x = np.array([[0, 1], [1, 0]], dtype)
    y = plain("f", x)
    assert y.dtype == (np.float64 if x.dtype.itemsize == 8 else np.float32)
    assert y.dtype.isnative
    np.testing.assert_array_equal(y, x.astype(float))


# Labels


@given(N=st.integers(1, 5), classes=st.integers(1, 5), data=st.data())
def test_labels_of_any_integers_are_the_same_labels(N: int, classes: int, data: Any) -> None:
    want = data.draw(st.lists(st.integers(0, classes - 1), min_size=N, max_size=N))
    for kind in ("int8", "uint8", ">i4", "int64", "uint64", "object"):
        y = labels_of("f", np.array(want, kind), N, classes)
        assert y.dtype.isnative
        assert np.can_cast(y.dtype, np.intp)
        np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(labels_of("f", tuple(want)), want)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b"], "np.unique(labels, return_inverse=True)[1] numbers them"),
        (np.array(["a", "b"], object), "np.unique(labels, return_inverse=True)[1] numbers them"),
        ([0.0, 1.0], ".astype(int) if these are whole numbers"),
        ([0, None], "f: expected (2,) integers, one for each image, got (2,) object"),
        (np.eye(2), ".argmax(axis=1) if rows are one-hot"),
        ([[0], [1]], "got (2, 1) int64; .ravel()"),
        ([0, 1, 2], "f: expected (2,) integers, one for each image, got (3,) int64"),
        ([0, -1], "f: expected 0 … 3, got -1 … 0"),
        ([0, 4], "f: expected 0 … 3, got 0 … 4"),
        (np.array([0, 2**64 - 1], np.uint64), "f: expected 0 … 3, got 0 … 18446744073709551615"),
        (np.array([0, 1], "M8[s]"), "f: expected (2,) integers, one for each image, got (2,) dat"),
        (np.ma.array([0, 1], mask=[0, 1]), "f: expected an array without gaps, got a masked one"),
        (1, "got () int64"),
    ],
)
def test_labels_refuse(labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        labels_of("f", labels, 2, 4)


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
        patch.setattr(batch_first, "CHUNK", chunk)
        y = apply_in_chunks("f", spy(sizes), rows, Input((2,), np.float64))
    assert max(sizes) == min(chunk, N)
    assert sum(sizes) == N
    np.testing.assert_array_equal(y, np.stack([rows[:, 0], rows[:, 1] ** 2, rows.prod(axis=1)], 1))


def test_naming_says_whose_error_it_is() -> None:
    with pytest.raises(ValueError, match=r"^VAE decoder: no$"), naming("VAE decoder"):
        raise ValueError("no")
    with pytest.raises(TypeError, match=r"^no$"), naming("VAE decoder"):
        raise TypeError("no")
