"""A Sequential computes a ReLU with its neighbour: the numbers of both, one after the other."""

from typing import Any

import numpy as np
import pytest
from checks.fusion import check_alike, check_fusion, one_by_one
from hypothesis import given, settings
from hypothesis import strategies as st
from images import BATCHES, DTYPES, FEW, Drawn, convolutions

from nnscratch.gradcheck import gradcheck
from nnscratch.layers import (
    AvgPool2d,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Sequential,
    fusion,
)
from nnscratch.layers.fusion import WithReLU, fused

pytestmark = pytest.mark.usefixtures("path")


def test_each_kind_of_fusion() -> None:
    check_fusion(fusion)


@settings(max_examples=FEW)
@given(drawn=convolutions(most=6, batch=BATCHES), dtype=DTYPES, bias=st.booleans())
def test_convolution_then_relu(drawn: Drawn, dtype: Any, bias: bool) -> None:
    rng = np.random.default_rng(drawn.seed)
    conv = Conv2d(
        drawn.x_shape[0], drawn.F, drawn.K, bias=bias, rng=rng, dtype=dtype, **drawn.options
    )
    x = rng.standard_normal(drawn.x_shape).astype(dtype)
    check_alike([conv, ReLU()], x, dtype)


@settings(max_examples=FEW)
@given(
    K=st.integers(2, 3), ceil_mode=st.booleans(), N=BATCHES, dtype=DTYPES, seed=st.integers(0, 99)
)
@pytest.mark.parametrize("first", [ReLU, MaxPool2d])
def test_relu_and_pool(first: Any, K: int, ceil_mode: bool, N: int, dtype: Any, seed: int) -> None:
    """With ties and zeros; many windows have no number above 0. A NaN reaches y."""
    pool = MaxPool2d(K, 2, K // 2, ceil_mode=ceil_mode)
    x = np.random.default_rng(seed).integers(-4, 2, (2, 5, 6, N)).astype(dtype)
    chain = [ReLU(), pool] if first is ReLU else [pool, ReLU()]
    check_alike(chain, x, dtype)
    x[0, 2, 3, 0] = np.nan
    y, _ = one_by_one(chain, x, lambda shape: np.ones(shape, dtype))
    np.testing.assert_array_equal(Sequential(*chain).forward(x)[0], y)
    assert np.isnan(y).any()


@pytest.mark.parametrize("N", [1, 37])
def test_every_kind_of_convolution(N: int, rng: np.random.Generator) -> None:
    image = rng.standard_normal((3, 6, 5, N))
    for conv in (
        Conv2d(3, 5, 3, padding=1, rng=rng, dtype=np.float64),
        Conv2d(3, 2, 3, stride=2, rng=rng, dtype=np.float64),
        ConvTranspose2d(3, 5, 3, stride=2, rng=rng, dtype=np.float64),
        ConvTranspose2d(3, 2, 3, bias=False, rng=rng, dtype=np.float64),
    ):
        check_alike([conv, ReLU(), MaxPool2d(2)], image, np.float64)
        check_alike([conv, ReLU(), AvgPool2d(2)], image, np.float64)
    sequence = rng.standard_normal((7, 3, N))
    conv1d = Conv1d(3, 5, 3, padding="same", rng=rng, dtype=np.float64)
    check_alike([conv1d, ReLU()], sequence, np.float64)


@settings(max_examples=10)
@given(drawn=convolutions(most=5, side=4), bias=st.booleans())
def test_gradient(drawn: Drawn, bias: bool) -> None:
    """x and w are whole numbers and a half is added: no sum is near the kink at 0."""
    rng = np.random.default_rng(drawn.seed)
    C = drawn.x_shape[0]
    conv = Conv2d(C, drawn.F, drawn.K, rng=rng, dtype=np.float64, **drawn.options)
    assert conv.b is not None
    conv.w.value[...] = rng.integers(-2, 3, conv.w.value.shape)
    conv.b.value[...] = rng.integers(-2, 3, conv.b.value.shape) + 0.5
    x = rng.integers(-2, 3, drawn.x_shape).astype(np.float64)
    gradcheck(Sequential(conv, ReLU()), x, rng=rng).raise_if_failed()


def test_which_layers_make_a_stage(rng: np.random.Generator) -> None:
    """Each layer once, in its place; a ReLU between a convolution and a pool is the pool's."""

    class Own(Conv2d):
        pass

    conv, pool, relu, own = Conv2d(1, 1, 3, rng=rng), MaxPool2d(2), ReLU(), Own(1, 1, 3, rng=rng)
    leaky = LeakyReLU(0.1)

    def stages(*layers: Any) -> list[Any]:
        return [(s.layer, relu) if isinstance(s, WithReLU) else s for s in fused(layers)]

    assert stages() == []
    assert stages(relu) == [relu]
    assert stages(conv, relu) == [(conv, relu)]
    assert stages(relu, conv) == [relu, conv]
    assert stages(conv, relu, pool) == [conv, (pool, relu)]
    assert stages(conv, relu, relu, pool) == [(conv, relu), (pool, relu)]
    assert stages(pool, relu) == [(pool, relu)]
    assert stages(relu, pool, relu) == [(pool, relu), relu]
    assert stages(conv, leaky, pool) == [conv, leaky, pool]
    assert stages(own, relu) == [own, relu]
    assert stages(conv, relu, conv, relu) == [(conv, relu), (conv, relu)]


def test_names_are_those_of_the_layers(rng: np.random.Generator) -> None:
    """A ReLU counts, as it does in PyTorch, whoever computes it."""
    conv, after = Conv2d(1, 4, 3, rng=rng), Conv2d(4, 1, 3, rng=rng)
    net = Sequential(conv, ReLU(), MaxPool2d(2), after)
    assert list(net.parameters()) == ["0.weight", "0.bias", "3.weight", "3.bias"]
    assert net.layers[1].forward(np.array([-1.0, 2.0]))[0].tolist() == [0, 2]


def test_what_nobody_asks_for_is_not_computed(rng: np.random.Generator) -> None:
    net = Sequential(Conv2d(1, 4, 3, rng=rng), ReLU(), MaxPool2d(2))
    y, backward = net.forward(np.ones((1, 6, 6, 2), np.float32))
    assert backward(y, need_dx=False) is None
    assert net.parameters()["0.weight"].grad.any() == y.any()
