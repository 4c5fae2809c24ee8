"""Parameter, pack, replica and check: what all the rest takes for granted."""

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from checks.core import check_refusal, check_replica, check_shared_parameters, net

from nnscratch import core
from nnscratch.core import (
    Layer,
    Parameter,
    Shape,
    check,
    named,
    pack,
    set_gradient_views,
    unique,
)
from nnscratch.layers import (
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    ReLU,
    Sequential,
    Tanh,
    TiedDense,
)
from nnscratch.layers import replica as replicating
from nnscratch.layers.contract import buffers, holomorphic, inference, noisy, whole_batch
from nnscratch.layers.held import sources
from nnscratch.layers.initializers import he_normal
from nnscratch.layers.replica import replica


def test_a_gradient_starts_at_zero_and_looks_like_its_value() -> None:
    p = Parameter(np.ones((2, 3), np.float32))
    np.testing.assert_array_equal(p.grad, np.zeros((2, 3)))
    assert p.grad.dtype == np.float32


def test_a_parameter_has_no_room_for_anything_else() -> None:
    with pytest.raises(AttributeError):
        Parameter(np.ones(1)).velocity = 0  # type: ignore[attr-defined]


# pack


def test_pack_lays_parameters_out_in_order() -> None:
    w, b = Parameter(np.array([[1, 2], [3, 4]])), Parameter(np.array([5, 6]))
    theta = pack({"w": w, "b": b})
    np.testing.assert_array_equal(theta.value, [1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(w.value, [[1, 2], [3, 4]])


def test_pack_leaves_views_behind(rng: np.random.Generator) -> None:
    model = net(rng)
    theta = pack(model.parameters())
    theta.value[...] = 1
    y, backward = model.forward(np.ones((4, 1), np.float32))
    np.testing.assert_allclose(y, np.full((2, 1), 3 * np.tanh(5) + 1), rtol=1e-6)
    backward(np.ones((2, 1), np.float32))
    np.testing.assert_array_equal(theta.grad[-2:], [1, 1])
    assert theta.value.size == theta.grad.size == 4 * 3 + 3 + 3 * 2 + 2


def test_pack_takes_values_of_any_layout(rng: np.random.Generator) -> None:
    value = rng.standard_normal((3, 2)).T
    p = Parameter(value)
    theta = pack({"p": p})
    np.testing.assert_array_equal(p.value, value)
    np.testing.assert_array_equal(theta.value, value.ravel())


def test_pack_lays_a_shared_parameter_out_once() -> None:
    check_shared_parameters(core)


def test_pack_again_after_pack_changes_nothing(rng: np.random.Generator) -> None:
    model = net(rng)
    once = pack(model.parameters()).value.copy()
    np.testing.assert_array_equal(pack(model.parameters()).value, once)


def test_pack_refuses_a_mixture_and_leaves_it_as_it_was() -> None:
    a, b = Parameter(np.ones(2)), Parameter(np.ones(2, np.float32))
    values = a.value, b.value
    with pytest.raises(ValueError, match="one dtype, got float32 and float64"):
        pack({"a": a, "b": b})
    assert a.value is values[0]
    assert b.value is values[1]


def test_pack_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="pack: expected parameters of one dtype, got none"):
        pack({})


def test_lend_makes_every_gradient_a_view(rng: np.random.Generator) -> None:
    model = net(rng)
    grad = np.zeros(23, np.float32)
    set_gradient_views(model.parameters(), grad)
    model.forward(np.ones((4, 1), np.float32))[1](np.ones((2, 1), np.float32))
    np.testing.assert_array_equal(
        grad, np.concatenate([p.grad.ravel() for p in unique(model.parameters())])
    )
    assert np.abs(grad).max() > 0


# replica


def test_a_replica_shares_values_and_not_gradients() -> None:
    check_replica(replicating)


def test_a_replica_shares_what_is_shared_in_its_model(rng: np.random.Generator) -> None:
    layer = Dense(3, 3, rng=rng)
    twin = replica(Sequential(layer, Tanh(), layer), np.zeros(12, np.float32))
    assert twin.layers[0] is twin.layers[2]
    assert twin.layers[0] is not layer


def test_replicas_run_side_by_side(rng: np.random.Generator) -> None:
    """Four threads, each with its own gradient: their sum is what one model would have added."""
    model = Sequential(
        Dense(8, 16, rng=rng, dtype=np.float64), Tanh(), Dense(16, 4, rng=rng, dtype=np.float64)
    )
    theta = pack(model.parameters())
    grads = np.zeros((4, theta.value.size))
    twins = [replica(model, grad) for grad in grads]
    xs, dys = rng.standard_normal((4, 8, 10)), rng.standard_normal((4, 4, 10))

    def step(k: int) -> None:
        for _ in range(20):
            twins[k].forward(xs[k])[1](dys[k])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(step, range(4)))
    model.forward(np.concatenate(xs, axis=1))[1](np.concatenate(dys, axis=1))
    np.testing.assert_allclose(grads.sum(axis=0), 20 * theta.grad, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("grad", [np.zeros(22, np.float32), np.zeros(23)])
def test_replica_refuses_a_gradient_that_does_not_fit(
    grad: np.ndarray, rng: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match=r"replica grad: expected \(23\) float32, got"):
        replica(net(rng), grad)


# check


def test_check_lets_a_free_axis_be_anything() -> None:
    check("x", np.zeros((3, 7)), (3, "N"), np.float64)
    check("x", np.zeros((3, 0)), (3, "N"), np.float64)
    check("x", np.zeros(()), (), np.float64)


@pytest.mark.parametrize("shape", [(4, 7), (3, 7, 1), (3,), (1, 7), ()])
def test_check_refuses_another_shape(shape: tuple[int, ...]) -> None:
    check_refusal(core, np.zeros(shape))


def test_check_refuses_another_dtype() -> None:
    check_refusal(core, np.zeros((3, 7), np.float32))


# What only some layers have


class Special:
    """A layer with everything that a layer may have."""

    noisy = True
    whole_batch = True
    holomorphic = True

    def inference(self) -> str:
        return "another"

    def buffers(self) -> dict[str, np.ndarray]:
        return {"mean": np.ones(1)}


def test_a_plain_layer_has_nothing_special() -> None:
    layer = ReLU()
    assert not noisy(layer)
    assert not whole_batch(layer)
    assert not holomorphic(layer)
    assert inference(layer) is layer
    assert buffers(layer) == {}


def test_a_special_layer_is_asked_by_name() -> None:
    layer = Special()
    assert noisy(layer)
    assert whole_batch(layer)
    assert holomorphic(layer)
    assert inference(layer) == "another"  # type: ignore[arg-type]
    assert list(buffers(layer)) == ["mean"]


class Doubled(Layer):
    """The least that a class of one's own which derives from Layer has to say."""

    def forward(self, x: np.ndarray) -> Any:
        return 2 * x, lambda dy: 2 * dy

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def test_a_layer_of_ones_own_inherits_what_it_does_not_say() -> None:
    layer = Doubled()
    assert (layer.parameters(), layer.buffers(), layer.inference()) == ({}, {}, layer)
    assert (layer.noisy, layer.whole_batch, layer.holomorphic) == (False, False, False)
    assert repr(layer) == "Doubled()"


@pytest.mark.parametrize("missing", ["forward", "output_shape"])
def test_a_layer_without_its_map_or_its_shape_is_none(missing: str) -> None:
    methods = {
        k: v for k, v in vars(Doubled).items() if k in {"forward", "output_shape"} - {missing}
    }
    with pytest.raises(TypeError, match=f"abstract.*{missing}"):
        type("Half", (Layer,), methods)()


# How layers print


def test_a_layer_prints_as_the_call_that_made_it(rng: np.random.Generator) -> None:
    dense = Dense(4, 3, rng=rng, init=he_normal, dtype=np.float64)
    printed = {
        "Conv2d(1, 16, 3, padding=1)": Conv2d(1, 16, 3, padding=1, stride=1, rng=rng),
        "Conv2d(1, 6, (3, 5), padding='same')": Conv2d(1, 6, (3, 5), padding="same", rng=rng),
        "Dense(4, 3, init=he_normal, dtype=float64)": dense,
        "TiedDense(Dense(4, 3, init=he_normal, dtype=float64))": TiedDense(dense),
        "LeakyReLU(0.2)": LeakyReLU(0.2),
        "Dropout(p=0.1)": Dropout(p=0.1),
        "Flatten()": Flatten(),
        "FrozenBatchNorm(BatchNorm(3))": BatchNorm(3).inference(),
    }
    assert [repr(layer) for layer in printed.values()] == list(printed)
    assert repr(copy.deepcopy(dense)) == repr(dense)


def test_what_a_layer_prints_keeps_no_argument_alive(rng: np.random.Generator) -> None:
    class Own(Tanh):
        def __init__(self, table: np.ndarray) -> None:
            super().__init__()

    table = np.zeros((3, 4), np.float32)
    layer = Own(table)
    assert repr(layer) == "Own(<array (3, 4) float32>)"
    assert sources(Dense(2, 2, rng=rng)) == []
    assert all(a is not table for a in vars(layer).values())


def test_layers_without_settings_refuse_arguments() -> None:
    with pytest.raises(TypeError, match="positional argument"):
        Tanh(3)  # type: ignore[call-arg]


def test_named_joins_names_with_a_dot() -> None:
    assert named(a={"w": 1}, b={"w": 2, "c.d": 3}) == {"a.w": 1, "b.w": 2, "b.c.d": 3}
