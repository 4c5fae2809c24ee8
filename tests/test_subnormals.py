"""Subnormal numbers count as zero where a model trains or infers, and nowhere else."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir
from numba import config

from nnscratch.core import Array, IntArray, Parameter
from nnscratch.gradcheck import gradcheck
from nnscratch.kernels.machine.float_mode import FLUSH, I64, change_bits, change_bits_on
from nnscratch.kernels.machine.fork_join import next_piece, parallel
from nnscratch.kernels.machine.helpers import WORTH, kernel_threads, workers_for
from nnscratch.kernels.machine.subnormals import flushed_subnormals
from nnscratch.kernels.machine.threads import in_chunks, pool
from nnscratch.layers import Dense
from nnscratch.models import Autoencoder
from nnscratch.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from nnscratch.training import Trainer
from nnscratch.training.replicas import Replicas

compiled = pytest.mark.skipif(
    bool(config.DISABLE_JIT) or not FLUSH, reason="nothing sets the register"
)

TINY = {dtype: np.full(3, np.finfo(dtype).tiny) for dtype in (np.float32, np.float64)}
SUBNORMAL = {dtype: tiny / dtype(1000) for dtype, tiny in TINY.items()}


def flushes() -> bool:
    """Does this thread take subnormal numbers for zero: results, operands, in both precisions?"""
    zeros = [x / dtype(10) == 0 for dtype, x in TINY.items()]
    zeros += [x * dtype(1e10) == 0 for dtype, x in SUBNORMAL.items()]
    answers = {bool(zero) for each in zeros for zero in each}
    assert len(answers) == 1
    return answers.pop()


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    assert not flushes()
    yield
    assert not flushes()


class Spy:
    """A linear code that notes in which mode it is computed, forwards and backwards."""

    def __init__(self) -> None:
        self.dense = Dense(tiny.D, tiny.L, rng=np.random.default_rng(0))
        self.seen: list[tuple[int, bool]] = []

    def note(self) -> None:
        self.seen.append((threading.get_ident(), flushes()))

    def forward(self, x: Array) -> tuple[Array, Callable[..., Any]]:
        self.note()
        y, dense_backward = self.dense.forward(x)

        def backward(dy: Array, *, need_dx: bool = True) -> Any:
            self.note()
            return dense_backward(dy, need_dx=need_dx)

        return y, backward

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return self.dense.output_shape(input_shape)

    def parameters(self) -> dict[str, Parameter]:
        return self.dense.parameters()


def spied() -> tuple[Autoencoder, Spy]:
    spy = Spy()
    return Autoencoder(spy, tiny.decoder(), input_shape=(tiny.D,)), spy


# The mode itself


@compiled
def test_subnormal_numbers_are_zero_inside_and_numbers_outside() -> None:
    with flushed_subnormals():
        assert flushes()
    assert not flushes()


@compiled
def test_it_nests_and_an_exception_ends_it() -> None:
    def nested() -> None:
        with flushed_subnormals():
            with flushed_subnormals():
                assert flushes()
            assert flushes()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        nested()


@compiled
def test_the_outer_may_end_before_the_inner() -> None:
    """So it is where an interrupt comes while a block ends: the inner is left to the collector."""
    outer, inner = flushed_subnormals(), flushed_subnormals()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    inner.__exit__(None, None, None)
    assert not flushes()


@compiled
@pytest.mark.parametrize("bits", [FLUSH, FLUSH & -FLUSH])
def test_who_had_set_bits_of_it_finds_them_as_they_were(bits: int) -> None:
    """All of them, or one alone: with denormals-are-zero alone, results may still be subnormal."""
    change_bits(FLUSH, bits)
    try:
        with flushed_subnormals():
            assert change_bits(0, 0) & FLUSH == FLUSH
        assert change_bits(0, 0) & FLUSH == bits
    finally:
        change_bits(FLUSH, 0)


@compiled
def test_of_threads_at_once_each_has_its_own_mode() -> None:
    met = threading.Barrier(2, timeout=10)
    seen = []

    def other() -> None:
        change_bits(FLUSH, 0)
        met.wait()
        seen.append(flushes())
        met.wait()

    thread = threading.Thread(target=other)
    thread.start()
    with flushed_subnormals():
        met.wait()
        met.wait()
    thread.join()
    assert seen == [False]


@compiled
def test_smallest_numbers_are_told_as_ever_inside() -> None:
    """Some versions of NumPy look when they are first asked, and warn."""
    with flushed_subnormals():
        for dtype in TINY:
            np.finfo(dtype)
    assert all(np.finfo(dtype).smallest_subnormal > 0 for dtype in TINY)


def test_interpreted_kernels_have_no_register() -> None:
    assert not config.DISABLE_JIT or change_bits(0, 0) == change_bits(0, FLUSH) == 0


@pytest.mark.parametrize(
    ("machine", "triple", "words"),
    [
        ("x86_64", "x86_64-unknown-linux-gnu", ["stmxcsr", "ldmxcsr"]),
        ("arm64", "aarch64-unknown-linux-gnu", ["mrs", "bic", "orr", "msr"]),
        ("riscv64", "x86_64-unknown-linux-gnu", ["xorl", "retq"]),
    ],
)
def test_instructions(machine: str, triple: str, words: list[str]) -> None:
    """Also those of machines on which no test runs."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        target = llvm.Target.from_triple(triple).create_target_machine()
    except RuntimeError:
        pytest.skip("this LLVM does not know the machine")
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(I64, [I64, I64]), "change_bits")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(change_bits_on(machine, builder, *function.args))
    text = target.emit_assembly(llvm.parse_assembly(str(module))).split()
    places = [text.index(word) for word in words]
    assert places == sorted(places)


# Threads


@compiled
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_thread_of_a_pool_is_in_it(threads: int) -> None:
    with pool(threads) as run:
        assert list(run(lambda _: flushes(), range(5))) == [True] * 5
    assert not flushes()


@compiled
@pytest.mark.parametrize("threads", [1, 2])
def test_a_pool_that_fails_leaves_it(threads: int) -> None:
    with pytest.raises(ZeroDivisionError), pool(threads) as run:
        list(run(lambda i: 1 // i, range(3)))
    assert not flushes()


@parallel
def tenths(x: Array, y: Array, who: IntArray, workers: IntArray, me: int) -> None:
    piece = next_piece(workers, me, y.size)
    while piece < y.size:
        y[piece] = x[piece] / 10
        who[piece] = me
        s = 1.0
        for _ in range(5_000):
            s = s * 0.5 + 1
        if s < 0:
            who[piece] = -1
        piece = next_piece(workers, me, y.size)


@compiled
def test_helpers_are_in_it_as_the_thread_is_that_they_help() -> None:
    x, y, who = np.full(400, TINY[np.float64][0]), np.zeros(400), np.zeros(400, np.int64)
    with kernel_threads(2):
        assert flushes()
        end = time.monotonic() + 10
        while not who.any() and time.monotonic() < end:  # unless the machine keeps them all along
            tenths(x, y, who, workers_for(WORTH))
            np.testing.assert_array_equal(y, 0)
    assert who.any()
    tenths(x, y, who, workers_for(WORTH))
    assert (y > 0).all()


@compiled
def test_lanes_are_in_it_whether_they_have_threads_or_not() -> None:
    """So that what is evaluated after training is what was evaluated during it."""
    replicas = Replicas(tiny.autoencoder(), 2)
    assert replicas.map(lambda *_: flushes(), 4) == [True] * 4
    with replicas.running(2):
        assert flushes()
        assert replicas.map(lambda *_: flushes(), 4) == [True] * 4
    assert not flushes()


# Training and inference


@compiled
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("replicas", [1, 2])
def test_training_and_inference_are_in_it(threads: int, replicas: int) -> None:
    model, spy = spied()
    trainer = Trainer(model, Adam(), seed=0, batch_size=8, replicas=replicas, threads=threads)
    spy.seen.clear()  # a model is tried out when it is put together, and that is neither
    trainer.fit(tiny.images(16), epochs=2, validation=tiny.images(8))
    trainer.evaluate(tiny.images(8))
    model.encode(tiny.images(300))
    in_chunks(lambda x: (spy.note(), x)[1], np.ones(9), 2)
    assert len(spy.seen) > 10
    assert all(mode for _, mode in spy.seen)
    assert not flushes()


@compiled
def test_a_fit_that_is_broken_off_leaves_it() -> None:
    model, spy = spied()

    def broken() -> None:
        raise KeyboardInterrupt

    spy.note = broken  # type: ignore[method-assign]
    trainer = Trainer(model, Adam(), seed=0, batch_size=8, threads=2)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(tiny.images(16), epochs=1)
    assert not flushes()


@compiled
def test_a_layers_own_call_and_gradcheck_are_not() -> None:
    _, spy = spied()
    x = np.ones((tiny.D, 3), np.float32)
    y, backward = spy.forward(x)
    backward(y)
    spy.dense = Dense(tiny.D, tiny.L, rng=np.random.default_rng(0), dtype=np.float64)
    gradcheck(spy, x.astype(np.float64), rng=np.random.default_rng(0))
    assert len(spy.seen) > 10
    assert not any(mode for _, mode in spy.seen)


# What it does to numbers

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "SGD with momentum": lambda: SGD(0.1, momentum=0.9),
    "RMSprop": lambda: RMSprop(alpha=0.9),
    "Adam": lambda: Adam(beta2=0.9),
    "AdamW": lambda: AdamW(beta2=0.9),
}


def subnormals(optimizer: Optimizer) -> int:
    """How many numbers of its moments are subnormal?"""
    moments = optimizer.state.values()
    return sum(int(((m != 0) & (np.abs(m) < np.finfo(m.dtype).tiny)).sum()) for m in moments)


@compiled
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_moment_that_fades_becomes_zero(name: str, dtype: Any) -> None:
    """In a loop of one's own too: a step is a step."""
    optimizer, theta = OPTIMIZERS[name](), Parameter(np.ones(100, dtype))
    theta.grad[::2] = 1
    optimizer.step(theta)
    for moment in optimizer.state.values():
        moment *= 10 * np.finfo(dtype).tiny
    for _ in range(100):
        optimizer.step(theta)
        assert subnormals(optimizer) == 0
    assert not any(moment.any() for moment in optimizer.state.values())


def late(optimizer: Optimizer) -> float:
    """Return the loss after 1000 steps without the pixels that were lit in the first two."""
    images = np.random.default_rng(0).random((8, 4, 4)).astype(np.float32)
    trainer = Trainer(tiny.autoencoder(), optimizer, seed=0, batch_size=4, threads=1)
    trainer.fit(images, epochs=1)
    images[:, 1:] = 0
    trainer.fit(images, epochs=501)
    return float(trainer.history[-1]["train"]["total"])


@compiled
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_loss_is_the_same_to_seven_digits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed, kept = OPTIMIZERS[name](), OPTIMIZERS[name]()
    loss = late(flushed)
    monkeypatch.setattr("nnscratch.kernels.machine.float_mode.FLUSH", 0)
    np.testing.assert_allclose(loss, late(kept), rtol=1e-7)
    assert subnormals(flushed) == 0
    assert subnormals(kept) > 0


@given(threads=st.integers(2, 3), replicas=st.integers(1, 2))
def test_the_number_of_threads_changes_no_bit(threads: int, replicas: int) -> None:
    """Where numbers are so small that a thread in another mode would be seen."""

    def trained(threads: int) -> Array:
        model = tiny.autoencoder()
        for p in model.parameters().values():
            p.value *= np.float32(1e-19)  # the products of two are subnormal
        trainer = Trainer(
            model, SGD(1e-3, momentum=0.9), seed=0, batch_size=8, replicas=replicas, threads=threads
        )
        trainer.fit(tiny.images(16), epochs=3)
        return trainer.replicas.theta.value

    np.testing.assert_array_equal(trained(threads).view(np.uint32), trained(1).view(np.uint32))
