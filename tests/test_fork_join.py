"""Fork-join: every piece is done once, by any thread, and no thread waits for one that is late."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config

from nnscratch.core import Array, IntArray
from nnscratch.kernels.machine import fork_join
from nnscratch.kernels.machine.counters import BLOCK, REGION, workers_of
from nnscratch.kernels.machine.fork_join import next_block, next_piece, parallel, spin_and_help
from nnscratch.kernels.machine.helpers import (
    GLANCE,
    SPINS,
    WORTH,
    kernel_threads,
    scratch,
    thread_count,
    workers_for,
)

pytestmark = pytest.mark.kernel

compiled = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="interpreted kernels run alone")


@parallel
def tally(counts: IntArray, who: IntArray, workers: IntArray, me: int) -> None:
    """Count how often each piece is done."""
    piece = next_piece(workers, me, counts.size)
    while piece < counts.size:
        counts[piece] += 1
        who[piece] = me
        x = 1.0
        for _ in range(5_000):
            x = x * 0.5 + 1
        if x < 0:
            who[piece] = -1
        piece = next_piece(workers, me, counts.size)


@parallel
def blocks(x: Array, start: int, stop: int, workers: IntArray, me: int) -> None:
    """x_n += 1 for start ≤ n < stop."""
    a, b = next_block(workers, me, start, stop)
    while a < stop:
        for n in range(a, b):
            x[n] += 1
        a, b = next_block(workers, me, start, stop)


@pytest.fixture(params=[1, 2, 3])
def size(request: pytest.FixtureRequest) -> Iterator[int]:
    with kernel_threads(request.param):
        yield request.param


@pytest.mark.parametrize("pieces", [0, 1, 2, 7, 100])
def test_every_piece_is_done_once(size: int, pieces: int) -> None:
    counts, who = np.zeros(pieces, np.int64), np.zeros(pieces, np.int64)
    for _ in range(100):
        tally(counts, who, workers_for(WORTH))
    np.testing.assert_array_equal(counts, np.full(pieces, 100))
    assert set(who.tolist()) <= set(range(size))


@compiled
def test_helpers_do_help() -> None:
    counts, who = np.zeros(400, np.int64), np.zeros(400, np.int64)
    helped = 0
    with kernel_threads(2):
        end = time.monotonic() + 10
        while not helped and time.monotonic() < end:  # unless the machine keeps them all along
            tally(counts, who, workers_for(WORTH))
            helped = int((who == 1).sum())
    assert helped > 0


@given(start=st.integers(0, 3 * BLOCK), length=st.integers(0, 3 * BLOCK))
def test_blocks_cover_what_lies_between(start: int, length: int) -> None:
    x = np.zeros(7 * BLOCK)
    blocks(x, start, start + length, workers_of(1))
    want = np.zeros(x.size)
    want[start : start + length] = 1
    np.testing.assert_array_equal(x, want)


def test_a_thread_that_is_done_takes_from_the_others() -> None:
    """Of three threads only one comes: it does all of the work."""
    counts, who = np.zeros(10, np.int64), np.zeros(10, np.int64)
    tally(counts, who, workers_of(3))
    np.testing.assert_array_equal(counts, np.ones(10))


@compiled
def test_small_kernels_and_other_threads_run_alone() -> None:
    with kernel_threads(2):
        ours = workers_for(WORTH)
        assert workers_for(WORTH - 1) is not ours
        theirs: list[IntArray] = []
        other = threading.Thread(target=lambda: theirs.append(workers_for(WORTH)))
        other.start()
        other.join()
        assert theirs[0] is not ours
        assert thread_count() == 2
    assert workers_for(WORTH) is not ours
    assert thread_count() == 1


@compiled
def test_helpers_end() -> None:
    before = threading.active_count()
    with kernel_threads(3):
        assert threading.active_count() == before + 2
    assert threading.active_count() == before


@compiled
def test_an_inner_number_of_threads_holds_while_it_lasts() -> None:
    with kernel_threads(2):
        outer = workers_for(WORTH)
        with kernel_threads(3):
            assert workers_for(WORTH) is not outer
            assert thread_count() == 3
        assert workers_for(WORTH) is outer


@compiled
def test_helpers_that_sleep_wake_up() -> None:
    counts, who = np.zeros(300, np.int64), np.zeros(300, np.int64)
    with kernel_threads(2):
        time.sleep(0.1)
        region = int(workers_for(WORTH)[REGION])
        tally(counts, who, workers_for(WORTH))
        assert workers_for(WORTH)[REGION] == region + 2
    np.testing.assert_array_equal(counts, np.ones(300))


@compiled
def test_an_idle_helper_looks_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    spins: list[int] = []

    def counted(workers: IntArray, me: int, count: int) -> None:
        spins.append(count)
        spin_and_help(workers, me, count)

    monkeypatch.setattr(fork_join, "spin_and_help", counted)
    with kernel_threads(2):
        end = time.monotonic() + 10
        while len(spins) < 5 and time.monotonic() < end:
            time.sleep(0.01)
    assert spins[0] == SPINS
    assert spins[4] == GLANCE


def test_scratch_memory_grows_and_is_lent_again() -> None:
    few = scratch(10, np.dtype(np.float32))
    assert few.size >= 10
    many = scratch(few.size + 1, np.dtype(np.float32))
    assert many.size > few.size
    assert scratch(5, np.dtype(np.float32)) is many
    assert scratch(5, np.dtype(np.float64)).dtype == np.float64
