"""Parameter, pack, replica and check."""

import re
from types import ModuleType

import numpy as np
import pytest

from nnscratch.core import (
    pack,
)
from nnscratch.layers import (
    Dense,
    Sequential,
    Tanh,
)


def net(rng: np.random.Generator) -> Sequential:
    return Sequential(Dense(4, 3, rng=rng), Tanh(), Dense(3, 2, rng=rng))


def check_refusal(module: ModuleType, array: np.ndarray) -> None:
    """It says who, what was expected and what came."""
    got = f"({', '.join(map(str, array.shape))}) {array.dtype}"
    message = re.escape(f"Dense x: expected (3, N) float64, got {got}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        module.check("Dense x", array, (3, "N"), np.float64)


def check_shared_parameters(module: ModuleType) -> None:
    """Tied weights: one layer twice in a chain has one θ, and its gradient is the sum of both."""
    layer = Dense(3, 3, rng=np.random.default_rng(0))
    model = Sequential(layer, Tanh(), layer)
    assert len(model.parameters()) == 4
    theta = module.pack(model.parameters())
    assert theta.value.size == 3 * 3 + 3
    assert theta.parts == (9, 3)
    dy = np.ones((3, 1), np.float32)
    model.forward(dy)[1](dy)
    np.testing.assert_array_equal(theta.grad[9:], layer.b.grad)
    assert (layer.b.grad != 1).any()


def check_replica(module: ModuleType) -> None:
    """θ is one, gradients are two."""
    model = net(np.random.default_rng(0))
    theta = pack(model.parameters())
    grad = np.zeros_like(theta.grad)
    twin = module.replica(model, grad)
    x, dy = np.ones((4, 3), np.float32), np.ones((2, 3), np.float32)
    theta.value *= 2
    y, backward = twin.forward(x)
    np.testing.assert_array_equal(y, model.forward(x)[0])
    backward(dy)
    np.testing.assert_array_equal(theta.grad, np.zeros_like(theta.grad))
    model.forward(x)[1](dy)
    np.testing.assert_array_equal(grad, theta.grad)
