"""A set and its parts: what is refused, that no row is lost, and what the layers get."""

import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checks.dataset import check_columns
from hypothesis import given
from hypothesis import strategies as st

import nnscratch
from nnscratch.data import Dataset, binarize, columns, minibatches, split
from nnscratch.kernels.batch import gather_columns_kernel
from nnscratch.kernels.machine.counters import workers_of

pytestmark = [pytest.mark.kernel, pytest.mark.plain, pytest.mark.oldest]

SEEDS = st.integers(0, 99)


def grey(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(0, 256, shape, np.uint8)


def some(N: int) -> Dataset:
    return Dataset(np.zeros((N, 2, 2), np.uint8), np.zeros(N, int))


def test_by_hand() -> None:
    check_columns(nnscratch.data)


# Dataset


@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 1, 28, 28), (1, 1, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_accepts_images_and_labels(shape: tuple[int, ...], dtype: str) -> None:
    white = np.full(shape, 255 if dtype == "uint8" else 1, dtype)
    assert len(Dataset(white, np.zeros(shape[0], np.uint8))) == shape[0]


def test_accepts_a_black_set() -> None:
    assert len(Dataset(np.zeros((2, 4, 4)), np.zeros(2, int))) == 2


IMAGES = "Dataset images: expected (N, H, W), (N, C, H, W) or (N, D), not empty"


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((0, 28, 28)), np.zeros(0, int), f"{IMAGES}, got (0, 28, 28)"),
        (np.zeros((2, 0, 28)), np.zeros(2, int), f"{IMAGES}, got (2, 0, 28)"),
        (np.zeros(784), np.zeros(1, int), f"{IMAGES}, got (784,)"),
        (np.zeros((2, 4, 4), int), np.zeros(2, int), "expected uint8, float32 or float64, got"),
        (
            np.zeros((2, 4, 4)),
            np.zeros(3, int),
            "Dataset labels: expected (2,) integers, one for each image, got (3,) int64",
        ),
        (np.zeros((2, 4, 4)), np.zeros((2, 1), int), "got (2, 1) int64"),
        (np.zeros((2, 4, 4)), np.zeros(2), "got (2,) float64"),
        (np.full((2, 4, 4), np.nan), np.zeros(2, int), "expected finite numbers, got NaN"),
        (np.full((2, 4, 4), np.inf), np.zeros(2, int), "expected finite numbers, got NaN or inf"),
        (
            np.full((2, 4, 4), 255.0),
            np.zeros(2, int),
            "expected numbers in [0, 1], got 255 to 255; divide by 255",
        ),
        (
            np.full((2, 4, 4), -0.5),
            np.zeros(2, int),
            "expected numbers in [0, 1], got -0.5 to -0.5",
        ),
    ],
)
def test_refuses(images: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Dataset(images, labels)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_refuses_images_that_were_divided_by_255_twice(
    dtype: str, rng: np.random.Generator
) -> None:
    once = np.maximum(grey(rng, 5, 4, 4), np.eye(4, dtype=np.uint8) * 255).astype(dtype) / 255
    Dataset(once, np.zeros(5, int))
    with pytest.raises(ValueError, match="divided by 255 twice"):
        Dataset(once / 255, np.zeros(5, int))


def test_a_negative_pixel_is_not_told_to_be_divided() -> None:
    with pytest.raises(ValueError, match=re.escape("got -1 to 2") + "$"):
        Dataset(np.array([-1.0, 2.0]).reshape(1, 1, 2), np.zeros(1, int))


def test_a_slice_is_a_view_and_rows_are_a_copy(rng: np.random.Generator) -> None:
    data = Dataset(grey(rng, 6, 2, 2), np.arange(6))
    assert np.shares_memory(data[1:3].images, data.images)
    chosen = data[np.array([4, 1])]
    np.testing.assert_array_equal(chosen.images, data.images[[4, 1]])
    np.testing.assert_array_equal(chosen.labels, [4, 1])


# split and minibatches


@given(N=st.integers(2, 50), percent=st.integers(1, 99), seed=SEEDS)
def test_every_row_is_in_one_part_of_a_split(N: int, percent: int, seed: int) -> None:
    rows = round(N * percent / 100)
    if not 0 < rows < N:
        rows, percent = 1, 100 / N
    train, test = split(some(N), percent / 100, rng=np.random.default_rng(seed))
    assert len(train) == rows
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(N))


def test_a_split_is_drawn_by_its_seed() -> None:
    a, b, c = (split(some(99), 0.5, rng=np.random.default_rng(seed)).train for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    assert (a != np.sort(a)).any()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 1.5, 0.01, 0.99])
def test_split_refuses_to_leave_a_part_empty(fraction: float, rng: np.random.Generator) -> None:
    message = f"split: expected a fraction that leaves both parts something, got {fraction} of 10"
    with pytest.raises(ValueError, match=re.escape(message)):
        split(some(10), fraction, rng=rng)


@given(N=st.integers(1, 40), data=st.data(), seed=SEEDS)
def test_every_row_comes_once_an_epoch(N: int, data: Any, seed: int) -> None:
    B = data.draw(st.integers(1, N))
    batches = list(minibatches(N, B, rng=np.random.default_rng(seed)))
    assert [len(batch) for batch in batches] == [B] * (N // B) + [N % B] * (N % B > 0)
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(N))


@given(N=st.integers(1, 40), data=st.data(), seed=SEEDS)
def test_drop_last_leaves_out_the_smaller_batch_only(N: int, data: Any, seed: int) -> None:
    B = data.draw(st.integers(1, N))
    kept = list(minibatches(N, B, rng=np.random.default_rng(seed), drop_last=True))
    every = list(minibatches(N, B, rng=np.random.default_rng(seed)))
    np.testing.assert_array_equal(kept, every[: N // B])


def test_each_epoch_is_shuffled_anew(rng: np.random.Generator) -> None:
    (first,), (second,) = minibatches(99, 99, rng=rng), minibatches(99, 99, rng=rng)
    assert (first != np.arange(99)).any()
    assert (first != second).any()


@pytest.mark.parametrize(("N", "batch_size"), [(10, 11), (10, 0), (10, -1), (0, 1), (0, 0)])
def test_minibatches_refuses(N: int, batch_size: int, rng: np.random.Generator) -> None:
    """At the call, not when the first batch is asked for."""
    message = f"minibatches: expected N ≥ 1, got {N}"
    if N > 0:
        message = f"minibatches: expected batch_size ≥ 1, got {batch_size}"
    if batch_size > N > 0:
        message = f"minibatches: expected 1 ≤ batch_size ≤ N, got {batch_size} and {N}"
    with pytest.raises(ValueError, match=re.escape(message)):
        minibatches(N, batch_size, rng=rng)


# columns


@given(
    N=st.integers(1, 11),
    lead=st.sampled_from([(), (1,), (3,)]),
    H=st.integers(1, 5),
    W=st.integers(1, 5),
    source=st.sampled_from(["uint8", "float32", "float64"]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=SEEDS,
)
def test_columns_are_the_images_in_0_to_1_with_the_batch_last(
    N: int, lead: tuple[int, ...], H: int, W: int, source: str, dtype: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    images = grey(rng, 7, *lead, H, W)
    floats = images.astype(dtype) / 255
    if source != "uint8":
        images = images.astype(source) / 255
        floats = images.astype(dtype)
    rows = rng.integers(0, 7, N)

    x = columns(images, rows, dtype)
    C = lead[0] if lead else 1
    np.testing.assert_array_equal(x, np.moveaxis(floats[rows].reshape(N, C, H, W), 0, -1))
    assert x.dtype == dtype
    assert x.flags.c_contiguous

    flat = columns(images, rows, dtype, flatten=True)
    np.testing.assert_array_equal(flat, x.reshape(C * H * W, N))
    assert flat.flags.c_contiguous


def test_a_worked_example_of_columns() -> None:
    images = np.array([[[0, 51]], [[102, 255]]], np.uint8)
    x = columns(images, np.array([1, 0, 1]), np.float64, flatten=True)
    np.testing.assert_array_equal(x, [[0.4, 0, 0.4], [1, 0.2, 1]])


def test_every_byte_is_divided_exactly() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(256, 1, 1)
    x = columns(images, np.arange(256), flatten=True)
    np.testing.assert_array_equal(x[0], np.arange(256, dtype=np.float32) / np.float32(255))


@pytest.mark.parametrize("rows_dtype", ["uint8", "int32", "int64", "uint64"])
def test_rows_may_be_any_integers(rows_dtype: str, rng: np.random.Generator) -> None:
    images = grey(rng, 4, 2, 2)
    x = columns(images, np.array([3, 1], rows_dtype))
    np.testing.assert_array_equal(x, columns(images, np.array([3, 1])))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_reads_a_set_that_is_a_strided_view(dtype: str, rng: np.random.Generator) -> None:
    view = grey(rng, 6, 4, 5).transpose(0, 2, 1)[::2]
    view = view if dtype == "uint8" else (view / 255).astype(dtype)
    rows = np.array([2, 0, 2])
    np.testing.assert_array_equal(columns(view, rows), columns(view.copy(), rows))


@pytest.mark.parametrize("view", [np.s_[:], np.s_[::2], np.s_[:, :, 4:]])
def test_a_batch_does_not_copy_the_set(view: Any) -> None:
    images = np.zeros((2000, 28, 28), np.uint8)[view]
    columns(images, np.arange(4))  # what the first call compiles and imports is not counted
    tracemalloc.start()
    columns(images, np.arange(4))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < images.nbytes / 10


@pytest.mark.parametrize(
    ("rows", "dtype", "message"),
    [
        ([0, 3], "float32", "columns rows: expected 0 to 2, got 0 to 3"),
        ([-1, 0], "float32", "columns rows: expected 0 to 2, got -1 to 0"),
        ([0.0, 1.0], "float32", "columns rows: expected (N,) integers and not empty, got (2,) f"),
        (
            [True, False],
            "float32",
            "columns rows: expected (N,) integers and not empty, got (2,) b",
        ),
        ([[0], [1]], "float32", "columns rows: expected (N,) integers and not empty, got (2, 1) i"),
        (
            np.zeros(0, int),
            "float32",
            "columns rows: expected (N,) integers and not empty, got (0,) int64",
        ),
        ([0, 1], "float16", "columns: expected float32 or float64, got float16"),
        ([0, 1], "uint8", "columns: expected float32 or float64, got uint8"),
    ],
)
def test_columns_refuses(rows: list[Any], dtype: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        columns(np.zeros((3, 2, 2), np.uint8), np.array(rows), dtype)


def test_columns_of_all_rows_need_no_numbers(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (5, 3, 2), np.uint8)
    np.testing.assert_array_equal(columns(images), columns(images, np.arange(5)))
    assert columns(images).shape == (1, 3, 2, 5)


def test_columns_of_a_table_are_vectors() -> None:
    table = np.array([[-3.0, 2, 1], [0, 5, 7]])
    for flatten in (False, True):
        x = columns(table, np.array([1, 0, 1]), np.float64, flatten=flatten)
        np.testing.assert_array_equal(x, table[[1, 0, 1]].T)


@given(N=st.integers(1, 11), D=st.integers(1, 9), seed=SEEDS)
def test_the_kernel_is_its_definition(N: int, D: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    images, rows, levels = grey(rng, 5, D), rng.integers(0, 5, N), rng.random(256)
    x = np.full((D, N), np.nan)
    gather_columns_kernel(images, rows, levels, x, workers_of(1))
    np.testing.assert_array_equal(x, levels[images[rows]].T)


# binarize


def test_grey_is_as_it_was(rng: np.random.Generator) -> None:
    images = grey(rng, 3, 4, 4)
    assert binarize(images, "grey", rng=rng) is images


def test_threshold_is_one_half(rng: np.random.Generator) -> None:
    images = np.array([0, 127, 128, 255], np.uint8)
    np.testing.assert_array_equal(binarize(images, "threshold", rng=rng), [0, 0, 255, 255])
    halves = np.array([0, 0.49, 0.5, 1])
    np.testing.assert_array_equal(binarize(halves, "threshold", rng=rng), [0, 0, 1, 1])


@pytest.mark.parametrize("how", ["static", "dynamic"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_a_pixel_is_white_with_the_probability_of_its_grey(
    how: str, dtype: str, rng: np.random.Generator
) -> None:
    """Frequencies within five standard errors of v/255, and black and white without fail."""
    n, levels = 40_000, np.array([0, 1, 64, 128, 254, 255], np.uint8)
    p = levels / 255
    images = np.tile(levels if dtype == "uint8" else p.astype(dtype), (n, 1))
    drawn = binarize(images, how, rng=rng)
    white = 255 if dtype == "uint8" else 1
    assert drawn.dtype == dtype
    np.testing.assert_array_equal(np.unique(drawn), [0, white])
    frequency = (drawn == white).mean(axis=0)
    assert (np.abs(frequency - p) <= 5 * np.sqrt(p * (1 - p) / n)).all()


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_draw_is_of_its_seed(dtype: str) -> None:
    images = np.full((9, 9), 100, np.uint8) if dtype == "uint8" else np.full((9, 9), 0.4, dtype)
    a, b, c = (binarize(images, "dynamic", rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


@pytest.mark.parametrize(
    ("images", "how", "message"),
    [
        (np.zeros(4), "Static", "expected one of grey, static, dynamic, threshold, got 'Static'"),
        (np.full(4, 255.0), "static", "binarize images: expected numbers in [0, 1], got 255"),
        (np.zeros(4, int), "static", "binarize images: expected uint8, float32 or float64, got"),
    ],
)
def test_binarize_refuses(
    images: np.ndarray, how: str, message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        binarize(images, how, rng=rng)


def test_importing_the_data_waits_for_neither_numba_nor_pooch() -> None:
    look = "import sys, nnscratch.data; print({'numba', 'pooch'} & set(sys.modules) or 'neither')"
    run = subprocess.run(
        [sys.executable, "-c", look],
        env=os.environ | {"PYTHONPATH": str(Path(nnscratch.__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert run.stdout == "neither\n"
