"""A team: every piece once, by whoever comes; and nobody waits for who does not."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config

from nnscratch.core import Array, IntArray
from nnscratch.kernels.machine.fork_join import BLOCK, TURN, claim, claim_block, shared, team_of
from nnscratch.kernels.machine.helpers import WORTH, helpers, scratch, team, threads
from nnscratch.kernels.machine.jit import kernel

compiled = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="interpreted kernels run alone")


@shared
def _tally(counts: IntArray, who: IntArray, team: IntArray, me: int) -> None:
    """Count how often each piece is done."""
    piece = claim(team, me, counts.size)
    while piece < counts.size:
        counts[piece] += 1
        who[piece] = me
        x = 1.0
        for _ in range(5_000):
            x = x * 0.5 + 1
        if x < 0:
            who[piece] = -1
        piece = claim(team, me, counts.size)


@kernel
def tally(*args: Any) -> None:
    _tally(*args)


@shared
def _blocks(x: Array, start: int, stop: int, team: IntArray, me: int) -> None:
    """x_n += 1 for start ≤ n < stop."""
    a, b = claim_block(team, me, start, stop)
    while a < stop:
        x[a:b] += 1
        a, b = claim_block(team, me, start, stop)


@kernel
def blocks(*args: Any) -> None:
    _blocks(*args)


@pytest.fixture(params=[1, 2, 3])
def size(request: pytest.FixtureRequest) -> Iterator[int]:
    with team(request.param):
        yield request.param


@pytest.mark.parametrize("pieces", [0, 1, 2, 7, 100])
def test_every_piece_is_done_once(size: int, pieces: int) -> None:
    counts, who = np.zeros(pieces, np.int64), np.zeros(pieces, np.int64)
    for _ in range(100):
        tally(counts, who, helpers(WORTH))
    np.testing.assert_array_equal(counts, np.full(pieces, 100))
    assert set(who.tolist()) <= set(range(size))


@compiled
def test_helpers_do_help() -> None:
    counts, who = np.zeros(400, np.int64), np.zeros(400, np.int64)
    helped = 0
    with team(2):
        end = time.monotonic() + 10
        while not helped and time.monotonic() < end:  # unless the machine keeps them all along
            tally(counts, who, helpers(WORTH))
            helped = int((who == 1).sum())
    assert helped > 0


@given(start=st.integers(0, 3 * BLOCK), length=st.integers(0, 3 * BLOCK))
def test_blocks_cover_what_lies_between(start: int, length: int) -> None:
    x = np.zeros(7 * BLOCK)
    blocks(x, start, start + length, team_of(1))
    want = np.zeros(x.size)
    want[start : start + length] = 1
    np.testing.assert_array_equal(x, want)


def test_who_is_done_takes_from_the_others() -> None:
    """Of three threads only one comes: it does all of the work."""
    counts, who = np.zeros(10, np.int64), np.zeros(10, np.int64)
    tally(counts, who, team_of(3))
    np.testing.assert_array_equal(counts, np.ones(10))


@compiled
def test_small_kernels_and_other_threads_run_alone() -> None:
    with team(2):
        ours = helpers(WORTH)
        assert helpers(WORTH - 1) is not ours
        theirs: list[IntArray] = []
        other = threading.Thread(target=lambda: theirs.append(helpers(WORTH)))
        other.start()
        other.join()
        assert theirs[0] is not ours
        assert threads() == 2
    assert helpers(WORTH) is not ours
    assert threads() == 1


@compiled
def test_helpers_go_home() -> None:
    before = threading.active_count()
    with team(3):
        assert threading.active_count() == before + 2
    assert threading.active_count() == before


@compiled
def test_a_team_within_a_team_leads_while_it_lasts() -> None:
    with team(2):
        outer = helpers(WORTH)
        with team(3):
            assert helpers(WORTH) is not outer
            assert threads() == 3
        assert helpers(WORTH) is outer


@compiled
def test_helpers_that_have_lain_down_come_back() -> None:
    counts, who = np.zeros(300, np.int64), np.zeros(300, np.int64)
    with team(2):
        time.sleep(0.1)
        turn = int(helpers(WORTH)[TURN])
        tally(counts, who, helpers(WORTH))
        assert helpers(WORTH)[TURN] == turn + 2
    np.testing.assert_array_equal(counts, np.ones(300))


def test_scratch_memory_grows_and_is_lent_again() -> None:
    few = scratch(10, np.dtype(np.float32))
    assert few.size >= 10
    many = scratch(few.size + 1, np.dtype(np.float32))
    assert many.size > few.size
    assert scratch(5, np.dtype(np.float32)) is many
    assert scratch(5, np.dtype(np.float64)).dtype == np.float64
