"""Blocks of lanes: each row of each sample once, and with the taps and input rows of its table."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.kernels.blocks import blocks, neighbours
from nnscratch.kernels.taps import adjoint_taps, taps

pytestmark = pytest.mark.image_kernel


@given(
    of=st.sampled_from([taps, adjoint_taps]),
    K=st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.integers(0, 4),
    dilation=st.integers(1, 3),
    O=st.integers(1, 7),
    N=st.integers(1, 50),
    LANES=st.sampled_from([8, 16, 32]),
)
def test_every_lane_meets_its_pixels(
    of: Any,
    K: int,
    stride: int,
    padding: int,
    dilation: int,
    O: int,  # noqa: E741
    N: int,
    LANES: int,
) -> None:
    """What a lane meets beyond its row of the table lies outside of the image."""
    room = (O - 1) * stride + dilation * (K - 1) + 1 - 2 * padding
    image = max(1, room)
    axis = image, K, O, stride, padding, dilation
    table, cut = of(*axis), blocks(of, axis, N, LANES)
    inputs = image if of is taps else O
    met: dict[tuple[int, int], list[tuple[int, int]]] = {}
    slots: dict[int, list[tuple[int, ...]]] = {}
    for first, count, begin, end, slot, kept in cut.blocks:
        lanes = []
        for t in range(count):
            if t >= kept:
                slots[(slot + t) % K] = reached_by(cut.pieces[begin:end], t * table.step)
        for t in range(count):
            assert slots[(slot + t) % K] == reached_by(cut.pieces[begin:end], t * table.step)
        for o, i, n, a, b in cut.pieces[begin:end]:
            lanes += range(a, b)
            for lane in range(a, b):
                assert (o, n + lane - a) not in met
                reached = [(first + t, i + t * table.step) for t in range(count)]
                met[o, n + lane - a] = [(t, i) for t, i in reached if 0 <= i < inputs]
        assert lanes == list(range(len(lanes)))
        assert 0 < len(lanes) <= LANES
    assert met.keys() == {(o, n) for o in range(len(table.runs)) for n in range(N)}
    for (o, _), got in met.items():
        first, count, start = table.runs[o]
        assert got == [(first + t, start + t * table.step) for t in range(count)]


def reached_by(pieces: Any, below: int) -> list[tuple[int, ...]]:
    """Return which input row of which samples is in which lanes, so far below the first tap's."""
    return [(i + below, n, a, b) for _, i, n, a, b in pieces]


@pytest.mark.parametrize(("N", "count"), [(64, 28), (50, 22), (32, 14), (10, 5), (1, 1)])
def test_rows_share_blocks_where_that_makes_fewer(N: int, count: int) -> None:
    """14 rows of 3 taps: alone where samples fill their blocks, together where they do not."""
    cut = blocks(taps, (14, 3, 14, 1, 1, 1), N, 32)
    assert len(cut.blocks) == count
    assert {taps for _, taps, *_ in cut.blocks} == ({3} if N < 32 else {2, 3})


@given(
    of=st.sampled_from([taps, adjoint_taps]),
    K=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.integers(0, 4),
    dilation=st.integers(1, 4),
    O=st.integers(1, 7),
)
def test_what_an_output_meets_are_neighbours(
    of: Any,
    K: int,
    stride: int,
    padding: int,
    dilation: int,
    O: int,  # noqa: E741
) -> None:
    """In the new order, one run has the inputs that the table lists step by step."""
    image = max(1, (O - 1) * stride + dilation * (K - 1) + 1 - 2 * padding)
    axis, inputs = (image, K, O, stride, padding, dilation), image if of is taps else O
    order, runs = neighbours(of, axis, inputs)
    table = of(*axis)
    assert sorted(order) == list(range(inputs))
    for (first, count, place), (was_first, was_count, start) in zip(runs, table.runs, strict=True):
        assert (first, count) == (was_first, was_count)
        met = [start + t * table.step for t in range(count)]
        assert list(order[place : place + count]) == met


@pytest.mark.parametrize("of", [taps, adjoint_taps])
@pytest.mark.parametrize(("I", "K", "O", "stride"), [(14, 3, 14, 1), (14, 3, 7, 2), (14, 4, 7, 2)])
def test_a_row_is_copied_once(of: Any, I: int, K: int, O: int, stride: int) -> None:  # noqa: E741
    """Where samples fill their blocks, a row of them finds what it shares with the one before."""
    cut = blocks(of, (I, K, O, stride, 1, 1), 64, 32)
    copied = sum(count - kept for _, count, *_, kept in cut.blocks)
    assert copied == 2 * (I if of is taps else O)


def test_no_samples_no_blocks() -> None:
    assert len(blocks(taps, (14, 3, 14, 1, 1, 1), 0, 32).blocks) == 0


def test_tables_are_shared_and_nobody_may_write_to_them() -> None:
    cut = blocks(taps, (14, 3, 14, 1, 1, 1), 5, 32)
    assert cut is blocks(taps, (14, 3, 14, 1, 1, 1), 5, 32)
    with pytest.raises(ValueError, match="read-only"):
        cut.blocks[0, 0] = np.int64(1)
