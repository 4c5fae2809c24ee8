"""Threads: who does what, in which order answers come, and that BLAS keeps still meanwhile."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from nnscratch.evaluation import elbo, importance_nll
from nnscratch.kernels.machine import quotas
from nnscratch.kernels.machine.helpers import kernel_threads
from nnscratch.kernels.machine.threads import cores, in_chunks, pool
from nnscratch.layers import Dense
from nnscratch.models import AdversarialAutoencoder
from nnscratch.models.conditional import ConditionalVAE
from nnscratch.models.contractive import jacobian_norms

pytestmark = pytest.mark.oldest

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


@pytest.mark.usefixtures("two_blas_threads")
def test_pools_that_overlap_leave_blas_as_the_first_found_it() -> None:
    """The first ends in the midst of the second, which still needs BLAS at one thread."""
    first, second = pool(1), pool(1)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_blas_threads")
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 2)])
def test_a_pool_may_begin_in_one_thread_and_the_last_end_in_another(order: Any) -> None:
    """Which thread set a limit first is of no account, as threadpoolctl would have it."""
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        places = (lambda f: f(), lambda f: one.submit(f).result(), lambda f: two.submit(f).result())
        here, there = (places[i] for i in order)
        first, second = pool(1), pool(1)
        here(first.__enter__)
        assert blas_threads() == {1}
        there(second.__enter__)
        here(lambda: first.__exit__(None, None, None))
        assert blas_threads() == {1}
        there(lambda: second.__exit__(None, None, None))
        assert blas_threads() == {2}


@pytest.mark.usefixtures("two_blas_threads")
def test_a_thread_that_cannot_be_started_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where a process may have no more threads; those that were started end."""
    before, start, count = threading.active_count(), threading.Thread.start, iter(range(9))

    def only_one(self: threading.Thread) -> None:
        if next(count) > 0:
            raise RuntimeError("can't start new thread")
        start(self)

    for threads in (pool, kernel_threads):
        count = iter(range(9))
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", only_one)
            with pytest.raises(RuntimeError, match="can't start new thread"), threads(3):
                pass
        assert threading.active_count() == before
        assert blas_threads() == {2}


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
    """A replica still at work would write into gradients that the caller takes to be its own."""
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
    monkeypatch.setattr("nnscratch.kernels.machine.threads.cores", lambda: 3)
    met = threading.Barrier(3, timeout=10)
    with pool() as run:
        assert len(list(run(lambda _: met.wait(), range(3)))) == 3


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with eight cores, and the folder where its control groups are described."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(quotas, "ROOT", tmp_path)
    monkeypatch.setattr(quotas, "MEMBERSHIP", tmp_path / "self")
    return tmp_path


@pytest.mark.usefixtures("eight")
def test_cores_are_those_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container or under taskset these are fewer than the machine has."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 64
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


VARIABLES = ("NNSCRATCH_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("told", "count"),
    [
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "3,2"}, 3),
        ({"OMP_NUM_THREADS": ""}, 8),
        ({"OMP_NUM_THREADS": "99"}, 8),
        ({"NUMBA_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "3", "NNSCRATCH_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "no number", "NNSCRATCH_THREADS": "12"}, 12),
    ],
)
def test_variables_that_ask_for_fewer_threads(
    told: dict[str, str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they do for OpenMP and Numba; our own has the last word."""
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert cores() == count


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", ","])
def test_a_variable_that_is_no_number_of_threads_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name}: expected a number of threads ≥ 1, got '{value}"):
        cores()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


V1 = {"self": "4:memory:/else\n3:cpu,cpuacct:/docker/42\n0::/\n"}
V1_ROOT = {"cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}
OWN = {"self": "0::/user.slice/run.scope\n"}


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "250000 100000"}, 3),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "900000 100000"}, 8),
        ({"cpu.max": ""}, 8),
        ({"cpu.max": "0 0"}, 8),
        (OWN | {"user.slice/run.scope/cpu.max": "200000 100000", "cpu.max": "max 100000"}, 2),
        (OWN | {"user.slice/cpu.max": "200000 100000"}, 2),
        (OWN | {"user.slice/run.scope/cpu.max": "400000 100000", "cpu.max": "300000 100000"}, 3),
        (OWN | {"other.slice/cpu.max": "100000 100000"}, 8),
        ({"self": "0::/../else\n", "cpu.max": "200000 100000"}, 2),
        ({"self": "1:cpu:/\n0::/a\n", "unified/a/cpu.max": "200000 100000"}, 2),
        (V1 | V1_ROOT, 3),
        (V1 | {"cpu/docker/42/cpu.cfs_quota_us": "-1", "cpu/docker/42/cpu.cfs_period_us": "9"}, 8),
        (V1 | {"cpu/docker/cpu.cfs_quota_us": "5", "cpu/docker/cpu.cfs_period_us": "5"}, 1),
    ],
)
def test_a_container_may_have_less_time_than_processors(
    files: dict[str, str], count: int, eight: Path
) -> None:
    """Its own group's quota and that of every group above it, of either version, hold."""
    write(eight, files)
    assert cores() == count


@pytest.mark.parametrize("threads", [0, -1, 1.5])
def test_chunks_refuse_what_is_no_number_of_threads(threads: Any) -> None:
    with pytest.raises(ValueError, match=f"in_chunks: expected threads ≥ 1, got {threads}"):
        in_chunks(lambda rows: rows, np.arange(3), 9, threads)


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


IMAGES = tiny.images(300)
LABELS = np.arange(300) % 10


def cvae() -> ConditionalVAE:
    rng = np.random.default_rng(0)
    return ConditionalVAE(
        Dense(26, 4, rng=rng), Dense(12, 16, rng=rng), 2, classes=10, input_shape=(16,)
    )


def aae() -> AdversarialAutoencoder:
    judge = Dense(2, 1, rng=np.random.default_rng(0))
    return AdversarialAutoencoder(tiny.encoder(2), tiny.decoder(), judge, input_shape=(16,))


def seeded() -> np.random.Generator:
    return np.random.default_rng(0)


INFERENCE: dict[str, Callable[..., Any]] = {
    "encode": lambda **t: tiny.autoencoder().encode(IMAGES, **t),
    "decode": lambda **t: tiny.autoencoder().decode(np.ones((300, 2)), **t),
    "reconstruct": lambda **t: tiny.autoencoder().reconstruct(IMAGES, **t),
    "sample": lambda **t: tiny.autoencoder().sample(300, like=IMAGES, rng=seeded(), **t),
    "interpolate": lambda **t: tiny.autoencoder().interpolate(IMAGES, IMAGES[::-1], **t),
    "VAE posterior": lambda **t: tiny.vae().posterior(IMAGES, **t),
    "VAE encode": lambda **t: tiny.vae().encode(IMAGES, **t),
    "VAE sample": lambda **t: tiny.vae().sample(300, rng=seeded(), **t),
    "AAE sample": lambda **t: aae().sample(300, rng=seeded(), **t),
    "CVAE posterior": lambda **t: cvae().posterior(IMAGES, LABELS, **t),
    "CVAE encode": lambda **t: cvae().encode(IMAGES, LABELS, **t),
    "CVAE decode": lambda **t: cvae().decode(np.ones((300, 2)), LABELS, **t),
    "CVAE reconstruct": lambda **t: cvae().reconstruct(IMAGES, LABELS, **t),
    "CVAE sample": lambda **t: cvae().sample(labels=LABELS, rng=seeded(), **t),
    "CVAE interpolate": lambda **t: cvae().interpolate(IMAGES, IMAGES[::-1], labels=LABELS, **t),
    "CVAE restyle": lambda **t: cvae().restyle(IMAGES, LABELS, **t),
    "jacobian_norms": lambda **t: jacobian_norms(tiny.autoencoder(), IMAGES, **t),
    "elbo": lambda **t: elbo(tiny.vae(), IMAGES, rng=seeded(), **t).kl_per_dimension,
    "importance_nll": lambda **t: (
        importance_nll(
            tiny.vae(), (IMAGES > 99).astype(np.float32), samples=2, rng=seeded(), **t
        ).mean
    ),
}


@pytest.mark.parametrize("name", INFERENCE)
def test_inference_runs_on_as_many_threads_as_it_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With equal results, and without asking how many cores there are."""
    started: list[threading.Thread] = []
    start = threading.Thread.start
    monkeypatch.setattr(
        "nnscratch.kernels.machine.threads.cores", lambda: pytest.fail("asked for the cores")
    )
    monkeypatch.setattr(
        threading.Thread, "start", lambda self: (started.append(self), start(self))[1]
    )
    call = INFERENCE[name]
    one = call(threads=1)
    assert not started
    np.testing.assert_array_equal(one, call(threads=3))
    assert len(started) % 2 == 0 < len(started)
    with pytest.raises(ValueError, match="expected threads ≥ 1, got 0"):
        call(threads=0)
