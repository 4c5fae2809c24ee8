"""Threads: who does what, in which order answers come, and that BLAS keeps still meanwhile."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from nnscratch.threads import cores, in_chunks, pool

THREADS = st.integers(1, 4)


def blas_threads() -> set[int]:
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


@pytest.fixture
def two_blas_threads() -> Iterator[None]:
    """So that being held at one is something, whatever machine this is."""
    with threadpool_limits(2, user_api="blas"):
        assert blas_threads() == {2}
        yield


@given(threads=THREADS, count=st.integers(0, 9))
def test_answers_come_in_the_order_of_the_items(threads: int, count: int) -> None:
    with pool(threads) as run:
        assert list(run(lambda i: i * i, range(count))) == [i * i for i in range(count)]


@given(threads=THREADS, count=st.integers(1, 9))
def test_item_i_goes_to_thread_i_mod_threads(threads: int, count: int) -> None:
    """The first share is the caller's own, and no two shares have one thread."""
    met = threading.Barrier(min(threads, count), timeout=10)

    def who(i: int) -> int:
        if i < threads:  # until all have begun: one fast thread might take two shares else
            met.wait()
        return threading.get_ident()

    with pool(threads) as run:
        idents = list(run(who, range(count)))
    assert idents[0] == threading.get_ident()
    assert len(set(idents)) == min(threads, count)
    assert all(ident == idents[i % threads] for i, ident in enumerate(idents))


@pytest.mark.usefixtures("two_blas_threads")
@pytest.mark.parametrize("threads", [1, 2])
def test_blas_has_one_thread_inside_and_its_own_number_after(threads: int) -> None:
    with pool(threads) as run:
        assert list(run(lambda _: blas_threads(), range(3))) == [{1}] * 3
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_blas_threads")
@pytest.mark.parametrize("threads", [1, 2])
def test_blas_gets_its_threads_back_after_an_exception(threads: int) -> None:
    with pytest.raises(ZeroDivisionError), pool(threads) as run:
        list(run(lambda i: 1 // i, range(3)))
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_blas_threads")
def test_a_pool_within_a_pool_leaves_blas_at_one() -> None:
    with pool(1):
        with pool(2):
            pass
        assert blas_threads() == {1}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("bad", [0, 1, 4])
def test_an_exception_comes_out_and_the_pool_works_on(threads: int, bad: int) -> None:
    def fail(i: int) -> int:
        if i == bad:
            raise ArithmeticError(f"item {i}")
        return i

    with pool(threads) as run:
        with pytest.raises(ArithmeticError, match=f"item {bad}"):
            list(run(fail, range(6)))
        assert list(run(lambda i: -i, range(6))) == [0, -1, -2, -3, -4, -5]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_of_several_exceptions_the_first_comes_out(threads: int) -> None:
    """Whichever thread was the fastest: an error message is a result too, and should not vary."""

    def fail(i: int) -> None:
        time.sleep(0.01 * (3 - i))
        raise ArithmeticError(f"item {i}")

    with pool(threads) as run, pytest.raises(ArithmeticError, match="item 0"):
        list(run(fail, range(3)))


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_all_is_quiet_once_an_exception_has_come_out(bad: int) -> None:
    """A lane still at work would write into gradients that the caller takes to be its own."""
    done: list[int] = []
    failed = threading.Event()

    def work(i: int) -> None:
        if i == bad:
            failed.set()
            raise ArithmeticError
        failed.wait(10)
        time.sleep(0.05 * i)
        done.append(i)

    with pool(3) as run:
        with pytest.raises(ArithmeticError):
            list(run(work, range(3)))
        assert sorted([*done, bad]) == [0, 1, 2]


@pytest.mark.parametrize("threads", [0, -1])
def test_refuses_less_than_one_thread(threads: int) -> None:
    with (
        pytest.raises(ValueError, match=f"pool: expected threads ≥ 1, got {threads}"),
        pool(threads),
    ):
        pass


def test_as_many_threads_as_cores_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnscratch.threads.cores", lambda: 3)
    met = threading.Barrier(3, timeout=10)
    with pool() as run:
        assert len(list(run(lambda _: met.wait(), range(3)))) == 3


def test_cores_are_those_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container or under taskset these are fewer than the machine has."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 64
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


@pytest.mark.parametrize(
    ("told", "count"),
    [("max 100000", 8), ("250000 100000", 3), ("50000 100000", 1), ("900000 100000", 8), ("", 8)],
)
def test_a_container_may_have_less_time_than_processors(
    told: str, count: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(told)
    monkeypatch.setattr("nnscratch.threads.CPU_MAX", file)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cores() == count
    file.unlink()
    assert cores() == 8


@given(N=st.integers(1, 20), size=st.integers(1, 25), threads=st.none() | THREADS)
def test_chunks_come_together_in_order(N: int, size: int, threads: int | None) -> None:
    rows = np.arange(2 * N).reshape(N, 2)
    sizes: list[int] = []

    def double(chunk: Any) -> Any:
        sizes.append(len(chunk))
        return 2 * chunk

    np.testing.assert_array_equal(in_chunks(double, rows, size, threads), 2 * rows)
    assert max(sizes) == min(size, N)
    assert len(sizes) == -(-N // size)
