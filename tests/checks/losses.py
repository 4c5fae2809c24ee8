"""Losses: gradients, limits, values."""

from functools import partial
from math import log
from types import ModuleType
from typing import Any

import numpy as np
import reference

from nnscratch.gradcheck import gradcheck, without_kinks

Arrays = tuple[list[np.ndarray], list[np.ndarray]]


def drawn(name: str, shape: tuple[int, ...], seed: int) -> Arrays:
    """What each loss takes, (inputs, constants): those that have a gradient, and the targets."""
    rng = np.random.default_rng(seed)
    one, two, three = rng.standard_normal((3, *shape))
    K = shape[-2]
    return {
        "squared_error": ([one], [two]),
        "gaussian_nll": ([one, two], [three]),
        "bernoulli_nll": ([one], [rng.random(shape)]),
        "categorical_nll": ([one], [rng.integers(0, K, (*shape[:-2], shape[-1]))]),
        "gaussian_kl": ([one, two], []),
        "l1_penalty": ([without_kinks(shape, rng=rng)], []),
    }[name]


def each(gradients: Any) -> tuple[np.ndarray, ...]:
    return gradients if isinstance(gradients, tuple) else (gradients,)


def check_gradient(module: ModuleType, name: str, shape: tuple[int, ...], seed: int) -> None:
    inputs, constants = drawn(name, shape, seed)
    report = gradcheck(
        getattr(module, name), *inputs, constants=constants, rng=np.random.default_rng(seed)
    )
    report.raise_if_failed()


def check_value(module: ModuleType, name: str, shape: tuple[int, ...], seed: int) -> None:
    inputs, constants = drawn(name, shape, seed)
    value, _ = getattr(module, name)(*inputs, *constants)
    want = getattr(reference, name)(*inputs, *constants)
    np.testing.assert_allclose(value, want, rtol=1e-12, atol=1e-14)


def check_reduction(module: ModuleType, name: str) -> None:
    """Mean over the batch: the same samples twice change no value and halve each gradient.

    Sum over features: the same features twice double the value. (For categorical_nll these are
    the steps of a sequence; its classes are not features.)
    """
    inputs, constants = drawn(name, (3, 4, 5), 0)
    loss = getattr(module, name)
    value, gradients = loss(*inputs, *constants)
    twice = partial(np.concatenate, axis=-1)
    wide, wide_gradients = loss(*(twice([a, a]) for a in (*inputs, *constants)))
    tall, _ = loss(*(np.concatenate([a, a]) for a in (*inputs, *constants)))
    np.testing.assert_allclose([wide, tall], [value, 2 * value], rtol=1e-12)
    for d, wide_d in zip(each(gradients), each(wide_gradients), strict=True):
        np.testing.assert_allclose(wide_d, twice([d, d]) / 2, rtol=1e-12, atol=1e-15)


def check_kl_by_hand(module: ModuleType) -> None:
    """μ = 3, σ² = 4: ½ (9 + 4 - 1 - log 4) = 6 - log 2; dμ = 3; dlogvar = ½ (4 - 1)."""
    value, (dmu, dlogvar) = module.gaussian_kl(np.array([[3.0]]), np.array([[log(4)]]))
    np.testing.assert_allclose(value, 6 - log(2))
    np.testing.assert_allclose(dmu, [[3]])
    np.testing.assert_allclose(dlogvar, [[1.5]])


def check_kl_by_monte_carlo(module: ModuleType) -> None:
    """KL = E_q[log q(z) - log p(z)], and a mean of 100,000 draws lies within 5 standard errors."""
    mu, sigma = 1.5, 0.5
    eps = np.random.default_rng(0).standard_normal(100_000)
    z = mu + sigma * eps
    log_ratio = -(eps**2) / 2 - log(sigma) + z**2 / 2
    value, _ = module.gaussian_kl(np.array([[mu]]), np.array([[log(sigma**2)]]))
    assert abs(log_ratio.mean() - value) < 5 * log_ratio.std() / np.sqrt(z.size)


def check_bernoulli_limits(module: ModuleType) -> None:
    """At logits of ±1e4 the loss is 0 where it is right, 1e4 where it is wrong, and never inf."""
    a, t = np.array([[1e4, -1e4, 1e4, -1e4]]), np.array([[1.0, 0.0, 0.0, 1.0]])
    value, da = module.bernoulli_nll(a, t)
    np.testing.assert_allclose(value, (0 + 0 + 1e4 + 1e4) / 4)
    np.testing.assert_allclose(da, [[0, 0, 1 / 4, -1 / 4]])


def check_bernoulli_blocks(module: ModuleType, size: int) -> None:
    """The kernel takes one log for 64 factors of at most 2, so that none overflows in float32."""
    zeros = np.zeros((size, 1), np.float32)
    np.testing.assert_allclose(module.bernoulli_nll(zeros, zeros)[0], size * log(2), rtol=1e-6)


def check_categorical_limits(module: ModuleType) -> None:
    """Two samples with logits ±1e4: one right, loss 0; one wrong by 2e4."""
    value, da = module.categorical_nll(np.array([[1e4, 1e4], [-1e4, -1e4]]), np.array([0, 1]))
    np.testing.assert_allclose(value, (0 + 2e4) / 2)
    np.testing.assert_allclose(da, [[0, 1 / 2], [0, -1 / 2]])
