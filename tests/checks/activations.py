"""Activations: values, limits, definitions."""

from types import ModuleType
from typing import Any

import numpy as np
import reference

from nnscratch.gradcheck import gradcheck, without_kinks

OPTIONS = {"ELU": {"alpha": reference.ALPHA}, "LeakyReLU": {"negative_slope": reference.SLOPE}}


def make(module: ModuleType, name: str) -> Any:
    return getattr(module, name)(**OPTIONS.get(name, {}))


def check_gradient(module: ModuleType, name: str, shape: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = without_kinks(shape, rng=rng)
    gradcheck(make(module, name), x, rng=rng).raise_if_failed()


def check_definition(module: ModuleType, name: str) -> None:
    x = np.linspace(-8, 8, 160).reshape(2, 4, 20)
    y, _ = make(module, name).forward(x)
    np.testing.assert_allclose(y, reference.elementwise(name, x), rtol=1e-11, atol=1e-14)


def check_limits(
    module: ModuleType, name: str, y: tuple[float, float], slopes: tuple[float, float]
) -> None:
    """At ±1e4, far beyond where exp under- and overflows."""
    got, backward = make(module, name).forward(np.array([[-1e4, 1e4]]))
    np.testing.assert_allclose(got, [y], rtol=1e-12)
    np.testing.assert_allclose(backward(np.ones((1, 2))), [slopes], rtol=1e-12)


def check_by_hand(module: ModuleType, name: str, x: float, y: float, slope: float) -> None:
    got, backward = make(module, name).forward(np.array([[x]]))
    np.testing.assert_allclose(got, [[y]], rtol=1e-12)
    np.testing.assert_allclose(backward(np.array([[2.0]])), [[2 * slope]], rtol=1e-12)
