"""summary: shapes, parameters and memory of a network, layer by layer."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array, Backward, Shape, pack
from nnscratch.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    ReLU,
    Reshape,
    Sequential,
    Tanh,
    TiedDense,
)
from nnscratch.layers.summary import summary

SIZES = st.integers(1, 40)


@given(D=SIZES, M=SIZES, K=SIZES, packed=st.booleans())
def test_a_dense_network_by_hand(D: int, M: int, K: int, packed: bool) -> None:
    """Dense keeps its x; ReLU keeps its y, which is the x of the next Dense: it counts once."""
    rng = np.random.default_rng(0)
    net = Sequential(Dense(D, M, rng=rng), ReLU(), Dense(M, K, rng=rng))
    if packed:
        pack(net.parameters())
    found = summary(net, (D,))
    assert [row.output_shape for row in found.rows] == [(M,), (M,), (K,)]
    assert [row.parameters for row in found.rows] == [M * D + M, 0, K * M + K]
    assert [row.kept for row in found.rows] == [4 * D, 4 * M, 0]
    assert found.parameters == M * D + M + K * M + K
    assert found.kept == 4 * (D + M)


def test_float64_keeps_twice_as_much(rng: np.random.Generator) -> None:
    net = Sequential(Dense(3, 5, rng=rng, dtype=np.float64), Tanh())
    assert [row.kept for row in summary(net, (3,)).rows] == [8 * 3, 8 * 5]


def test_tied_weights_count_once_in_the_total(rng: np.random.Generator) -> None:
    dense = Dense(6, 4, rng=rng)
    found = summary(Sequential(dense, TiedDense(dense)), (6,))
    assert [row.parameters for row in found.rows] == [24 + 4, 24 + 6]
    assert found.parameters == 24 + 4 + 6


def test_noise_and_nested_networks(rng: np.random.Generator) -> None:
    """Dropout keeps a byte an entry, which of them survived, and BatchNorm its x̂."""
    inner = Sequential(Dropout(0.1), Reshape(2, 2, 2))
    found = summary(Sequential(inner, Flatten(), BatchNorm(8)), (8,))
    names = [row.name for row in found.rows]
    assert names == ["0.0 Dropout(0.1)", "0.1 Reshape(2, 2, 2)", "1 Flatten()", "2 BatchNorm(8)"]
    assert [row.kept for row in found.rows] == [8, 0, 0, 4 * 8]


class Own:
    """A layer of one's own, whose backward is no function but a method of an object."""

    def __init__(self) -> None:
        self.y: Any = None

    def forward(self, x: Array) -> tuple[Array, Backward]:
        call = Own()
        call.y = np.sin(x)
        return call.y, call.backward

    def backward(self, dy: Array) -> Array:
        return dy * np.sqrt(1 - self.y**2)

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def parameters(self) -> dict[str, Any]:
        return {}


def test_a_layer_of_ones_own() -> None:
    [row] = summary(Own(), (7,)).rows  # type: ignore[arg-type]
    assert (row.name, row.output_shape, row.parameters, row.kept) == ("Own", (7,), 0, 28)


def test_prints_as_a_table(rng: np.random.Generator) -> None:
    net = Sequential(Dense(100, 20, rng=rng), ReLU(), Dense(20, 5, rng=rng))
    assert str(summary(net, (100,))).splitlines() == [
        "layer             output shape  parameters    bytes kept",
        "--------------------------------------------------------",
        "0 Dense(100, 20)  (20,)              2,020           400",
        "1 ReLU()          (20,)                  0            80",
        "2 Dense(20, 5)    (5,)                 105             0",
        "--------------------------------------------------------",
        "total                                2,125  480 a sample",
    ]


def test_refuses_what_does_not_fit(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=r"layer 0: Dense: expected a sample of shape \(4,\)"):
        summary(Sequential(Dense(4, 3, rng=rng)), (5,))
    with pytest.raises(ValueError, match="summary: expected forward, output_shape, parameters"):
        summary(np.tanh, (5,))  # type: ignore[arg-type]
