"""Replicas: one θ, many gradients, and a sum that no number of threads can change."""

import threading
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscratch.core import Array, Parameter, pack
from nnscratch.layers import BatchNorm, Dense, Dropout, Sequential
from nnscratch.layers.contract import buffers
from nnscratch.layers.replica import replica
from nnscratch.models import Autoencoder
from nnscratch.optimizers import SGD
from nnscratch.training import Trainer
from nnscratch.training.replicas import Replicas

pytestmark = pytest.mark.plain


def batch(N: int) -> Array:
    return np.random.default_rng(3).random((tiny.D, N))


def gradient(model: Autoencoder, x: Array) -> Array:
    """∂L/∂θ of the whole batch at once, by the model alone."""
    theta = pack(model.parameters())
    model.loss(x)[1](1.0)
    return theta.grad


def in_lanes(replicas: Replicas[Autoencoder], x: Array, micro_batch: int) -> list[float]:
    """Add the gradient of x to the replicas, piece by piece, and return the loss of every piece."""
    N = x.shape[-1]
    pieces = [x[:, i : i + micro_batch] for i in range(0, N, micro_batch)]

    def task(model: Autoencoder, i: int) -> float:
        terms, backward = model.loss(pieces[i], rng=np.random.default_rng(i))
        backward(pieces[i].shape[-1] / N)
        return terms["total"]

    return replicas.map(task, len(pieces))


# A replica


def test_a_replica_shares_values_and_owns_its_gradients(rng: np.random.Generator) -> None:
    model = tiny.autoencoder(dtype=np.float64)
    theta = pack(model.parameters())
    grad = np.zeros_like(theta.value)
    twin = replica(model, grad)
    ours, theirs = model.parameters(), twin.parameters()
    assert ours.keys() == theirs.keys()
    assert all(theirs[name].value is ours[name].value for name in ours)
    assert not any(np.shares_memory(theirs[name].grad, theta.grad) for name in ours)
    assert all(np.shares_memory(theirs[name].grad, grad) for name in ours)

    theta.value[...] = rng.standard_normal(theta.value.size)
    x = batch(4)
    terms, backward = twin.loss(x)
    assert terms == model.loss(x)[0]
    backward(1.0)
    np.testing.assert_array_equal(theta.grad, 0)
    np.testing.assert_array_equal(grad, gradient(model, x))


def test_tied_weights_stay_tied_in_a_replica() -> None:
    """Encoder and decoder share one w: its gradient is one stretch of the vector, and a sum."""
    rng = np.random.default_rng(0)
    up, down = Dense(3, 3, rng=rng, dtype=np.float64), Dense(3, 3, rng=rng, dtype=np.float64)
    up.w = down.w
    model = Autoencoder(up, down, input_shape=(3,))
    theta = pack(model.parameters())
    grad = np.zeros_like(theta.value)
    twin = replica(model, grad)
    assert theta.value.size == 9 + 3 + 3
    assert twin.parameters()["encoder.0.weight"] is twin.parameters()["decoder.0.weight"]
    x = np.random.default_rng(1).random((3, 4))
    twin.loss(x)[1](1.0)
    model.loss(x)[1](1.0)
    np.testing.assert_array_equal(grad, theta.grad)
    assert np.abs(grad).min() > 0


def test_a_replica_has_buffers_of_its_own() -> None:
    """Two replicas that moved one running mean would race; equal they start all the same."""
    norm = BatchNorm(3, dtype=np.float64)
    norm.running_mean[...] = [1, 2, 3]
    model = Sequential(norm)
    twin = replica(model, np.zeros(6))
    ours, theirs = buffers(model), buffers(twin)
    assert ours.keys() == theirs.keys() == {"0.running_mean", "0.running_var"}
    np.testing.assert_array_equal(theirs["0.running_mean"], [1, 2, 3])
    twin.forward(batch(5)[:3])[1](np.ones((3, 5)))
    assert not np.array_equal(theirs["0.running_mean"], [1, 2, 3])
    np.testing.assert_array_equal(ours["0.running_mean"], [1, 2, 3])


@pytest.mark.parametrize(("size", "dtype"), [(5, "float64"), (7, "float64"), (6, "float32")])
def test_a_replica_refuses_a_gradient_of_another_size(size: int, dtype: str) -> None:
    message = rf"replica grad: expected \(6\) float64, got \({size}\) {dtype}"
    with pytest.raises(ValueError, match=message):
        replica(BatchNorm(3, dtype=np.float64), np.zeros(size, dtype))


# The sum of the replicas


@given(N=st.integers(1, 12), micro_batch=st.integers(1, 12), count=st.integers(1, 5))
def test_the_lanes_sum_to_the_gradient_of_the_whole_batch(
    N: int, micro_batch: int, count: int
) -> None:
    """Also where the last micro-batch is smaller, and where there are fewer than replicas."""
    x = batch(N)
    replicas = Replicas(tiny.autoencoder(dtype=np.float64), count)
    in_lanes(replicas, x, micro_batch)
    whole = gradient(tiny.autoencoder(dtype=np.float64), x)
    np.testing.assert_allclose(replicas.grads.sum(axis=0), whole, rtol=1e-12, atol=1e-12)


def test_lanes_without_a_micro_batch_stay_at_zero() -> None:
    replicas = Replicas(tiny.autoencoder(dtype=np.float64), 5)
    in_lanes(replicas, batch(6), micro_batch=3)
    assert [bool(grad.any()) for grad in replicas.grads] == [True, True, False, False, False]


@pytest.mark.parametrize("threads", [None, 1, 2, 3, 9])
def test_the_number_of_threads_changes_no_bit(threads: int | None) -> None:
    """With dropout, so that a micro-batch in a wrong place or with a wrong stream would show."""
    x = batch(20).astype(np.float32)

    def run(threads: int | None) -> tuple[Array, list[float]]:
        replicas = Replicas(tiny.autoencoder(Dropout(0.3)), 3)
        with replicas.running(threads):
            losses = in_lanes(replicas, x, micro_batch=3)
        return replicas.grads, losses

    grads, losses = run(threads)
    without_threads = Replicas(tiny.autoencoder(Dropout(0.3)), 3)
    assert in_lanes(without_threads, x, micro_batch=3) == losses
    np.testing.assert_array_equal(without_threads.grads, grads)


def test_another_number_of_lanes_is_another_rounding() -> None:
    """Which is why replicas belong to a run's settings and threads do not."""
    one, two = (Replicas(tiny.autoencoder(), count) for count in (1, 2))
    x = batch(20).astype(np.float32)
    in_lanes(one, x, micro_batch=3)
    in_lanes(two, x, micro_batch=3)
    assert not np.array_equal(one.grads.sum(axis=0), two.grads.sum(axis=0))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_micro_batch_i_belongs_to_lane_i_mod_lanes(threads: int) -> None:
    replicas = Replicas(tiny.autoencoder(), 3)
    with replicas.running(threads):
        owners = replicas.map(lambda model, i: (replicas.models.index(model), i), 8)
    assert owners == [(i % 3, i) for i in range(8)]


# No gradient is lost


def places(replicas: Replicas[Autoencoder]) -> dict[str, Array]:
    """Arrays by which a gradient can be reached."""
    w = replicas.models[0].parameters()["encoder.0.weight"]
    return {
        "the packed vector": replicas.theta.grad,
        "a view of it": replicas.theta.grad[3:40:2],
        "a parameter": w.grad,
        "a view of a parameter": w.grad[1:].T,
        "a parameter of a replica": replicas.models[1].parameters()["decoder.2.bias"].grad,
        "all gradients": replicas.grads,
    }


ACTS = ["clear", "backward", "step", *places(Replicas(tiny.autoencoder(), 2))]


@settings(max_examples=200)
@given(acts=st.lists(st.sampled_from(ACTS), min_size=3, max_size=8), early=st.booleans())
def test_what_somebody_adds_to_a_gradient_is_never_lost(acts: list[str], early: bool) -> None:
    """In any order, by references from before the first act or by new ones."""
    replicas, x = Replicas(tiny.autoencoder(dtype=np.float64), 2), batch(20)
    kept, want = places(replicas), np.zeros_like(replicas.grads)
    for act in acts:
        if act == "backward":
            in_lanes(replicas, x, micro_batch=10)
            for grad, piece in zip(want, (x[:, :10], x[:, 10:]), strict=True):
                replica(replicas.models[0], grad).loss(piece)[1](0.5)
        elif act in kept:
            (kept if early else places(replicas))[act][...] += 1
            assert not np.array_equal(replicas.grads, want)
            want[...] = replicas.grads
        else:
            replicas.clear() if act == "clear" else SGD(0.1).step(replicas.theta, replicas.grads)
            want[...] = 0
        np.testing.assert_array_equal(replicas.grads, want)


def test_a_step_takes_what_was_there_before_it() -> None:
    images, rows = tiny.images(16), np.arange(16)
    plain, more = (Trainer(tiny.autoencoder(), SGD(1.0), seed=0, batch_size=16) for _ in range(2))
    more.replicas.clear()
    more.replicas.theta.grad += 1
    for trainer in (plain, more):
        trainer.train_step(images, rows)
    apart = plain.replicas.theta.value - more.replicas.theta.value
    np.testing.assert_allclose(apart, 1, rtol=1e-5)


# What belongs to it


def test_theta_is_the_models_and_its_gradient_the_first_lane() -> None:
    model = tiny.autoencoder()
    replicas = Replicas(model, 2)
    assert replicas.models[0] is model
    assert np.shares_memory(replicas.theta.grad, replicas.grads[0])
    for p in model.parameters().values():
        assert np.shares_memory(p.value, replicas.theta.value)
        assert np.shares_memory(p.grad, replicas.grads[0])


@pytest.mark.parametrize("count", [0, -2])
def test_refuses_less_than_one_lane(count: int) -> None:
    with pytest.raises(ValueError, match=f"Replicas: expected replicas ≥ 1, got {count}"):
        Replicas(tiny.autoencoder(), count)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bad", [0, 1, 3])
def test_an_exception_in_a_lane_comes_out_and_the_lanes_work_on(threads: int, bad: int) -> None:
    def fail(_: Any, i: int) -> int:
        if i == bad:
            raise ArithmeticError(f"micro-batch {i}")
        return i

    replicas = Replicas(tiny.autoencoder(), 2)
    with replicas.running(threads):
        with pytest.raises(ArithmeticError, match=f"micro-batch {bad}"):
            replicas.map(fail, 5)
        assert replicas.map(lambda _, i: i, 5) == [0, 1, 2, 3, 4]


def test_there_are_no_threads_any_more_once_running_ends() -> None:
    replicas = Replicas(tiny.autoencoder(), 2)

    def outside() -> None:
        with replicas.running(2):
            assert len(set(replicas.map(lambda *_: threading.get_ident(), 2))) == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        outside()
    assert set(replicas.map(lambda *_: threading.get_ident(), 2)) == {threading.get_ident()}


@pytest.mark.parametrize("threads", [1, 2])
def test_overflow_in_a_lane_is_no_warning(threads: int) -> None:
    """The loss tells of it, in words; and warnings are errors here."""
    replicas = Replicas(tiny.autoencoder(), 2)
    with replicas.running(threads):
        values = replicas.map(lambda *_: np.exp(np.float32(1e3)) * np.float32(0), 2)
    assert np.isnan(values).all()


def test_values_are_seen_by_every_replica_as_soon_as_they_are_written() -> None:
    replicas = Replicas(tiny.autoencoder(), 3)
    replicas.theta.value[...] = 7
    values = replicas.map(lambda model, _: model.parameters()["decoder.0.bias"].value[0], 3)
    assert values == [7, 7, 7]
    assert isinstance(replicas.theta, Parameter)
