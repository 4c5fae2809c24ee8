"""The contractive penalty."""

from types import ModuleType
from typing import Any

import numpy as np
import tiny

from checks import weighted
from nnscratch.core import Array, pack
from nnscratch.gradcheck import gradcheck
from nnscratch.likelihoods import Bernoulli, Likelihood, SquaredError
from nnscratch.models import ContractiveAutoencoder
from nnscratch.models import contractive as contractive_module

LIKELIHOODS: list[Likelihood] = [Bernoulli(), SquaredError()]


def x(N: int = 5, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(7).random((tiny.D, N)).astype(dtype)


def contractive(
    strength: float = 0.5, code: int = 3, module: Any = contractive_module, **options: Any
) -> ContractiveAutoencoder:
    """With biases that are not zero, or all slopes would be those of the middle of σ."""
    rng = np.random.default_rng(1)
    options = {"dtype": np.float64} | options
    model = module.ContractiveAutoencoder(tiny.D, code, strength, rng=rng, **options)
    for p in model.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
    return model


def check_penalty_gradient(module: ModuleType, M: int, D: int, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradcheck(module.contraction, (M, N), (M, D), rng=rng).raise_if_failed()


def check_penalty_by_hand(module: ModuleType) -> None:
    """Two units, one sample: slopes ¼ and 3/16, rows of length² 5 and 16."""
    h, w = np.array([[0.5], [0.25]]), np.array([[1.0, 2.0], [4.0, 0.0]])
    value, (dh, dw) = module.contraction(h, w)
    np.testing.assert_allclose(value, 5 / 16 + 16 * 9 / 256)
    np.testing.assert_allclose(dh, [[0], [2 * 3 / 16 * 1 / 2 * 16]])
    np.testing.assert_allclose(dw, [[1 / 8, 1 / 4], [2 * 4 * 9 / 256, 0]])


def check_objective_gradient(
    module: ModuleType, likelihood: Likelihood = LIKELIHOODS[0], strength: float = 0.7
) -> None:
    """Central differences through θ, of which w acts in three places."""
    model = contractive(strength, likelihood=likelihood, module=module)
    theta = pack(model.parameters())
    assert theta.value.size == tiny.D * 3 + 3 + tiny.D
    model.loss(x())[1](1.0)
    numeric = tiny.slopes(lambda: model.loss(x())[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)


def check_weighted_backward(module: ModuleType, weight: float = 0.3) -> None:
    """As a micro-batch must, which is this part of a batch."""
    model = contractive(module=module)
    weighted.check_weighted_backward(model, lambda: model.loss(x()), weight)
