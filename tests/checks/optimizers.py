"""Optimisers against their formulas."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from nnscratch.core import Array, Parameter
from nnscratch.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

STEPS = 6
Trajectory = Iterator[Array]


def decayed_sum(terms: list[Array], decay: float) -> Array:
    return sum(decay**age * g for age, g in enumerate(reversed(terms)))


def decayed_mean(terms: list[Array], decay: float) -> Array:
    return np.average(terms, axis=0, weights=decay ** np.arange(len(terms))[::-1])


def sgd(x: Array, g: Array, rate: float, mu: float, nesterov: bool, l2: float) -> Trajectory:
    """Sutskever et al. (2013), with u = -v/η; Nesterov's as Bengio et al. (2013), eq. 7, put it."""
    seen: list[Array] = []
    for gt in g:
        seen.append(gt + l2 * x)
        u = decayed_sum(seen, mu)
        x = x - rate * (seen[-1] + mu * u if nesterov else u)
        yield x


def rmsprop(x: Array, g: Array, rate: float, alpha: float, eps: float, l2: float) -> Trajectory:
    """Hinton (2012), lecture 6e."""
    seen: list[Array] = []
    for gt in g:
        seen.append(gt + l2 * x)
        v = (1 - alpha) * decayed_sum([d**2 for d in seen], alpha)
        x = x - rate * seen[-1] / (np.sqrt(v) + eps)
        yield x


def adam(
    x: Array, g: Array, rate: float, b1: float, b2: float, eps: float, l2: float, decoupled: float
) -> Trajectory:
    """Kingma and Ba (2015), §3; `decoupled` is the λ of Loshchilov and Hutter (2019), line 12."""
    seen: list[Array] = []
    for gt in g:
        seen.append(gt + l2 * x)
        m, v = decayed_mean(seen, b1), decayed_mean([d**2 for d in seen], b2)
        x = x - rate * (m / (np.sqrt(v) + eps) + decoupled * x)
        yield x


def adam_of_burda(x: Array, g: Array) -> Trajectory:
    """β₁ = .99, ε = 0.3 beside √v, and v that starts at 2 though it is corrected as if at 0."""
    rate, b1, b2, m, v = 0.1, 0.99, 0.8, np.zeros_like(x), np.full_like(x, 2.0)
    for t, gt in enumerate(g, 1):
        m, v = b1 * m + (1 - b1) * gt, b2 * v + (1 - b2) * gt**2
        x = x + -rate * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + 0.3)
        yield x


CASES: dict[str, tuple[Callable[[], Optimizer], Callable[[Array, Array], Trajectory]]] = {
    "SGD": (lambda: SGD(0.1), lambda x, g: sgd(x, g, 0.1, 0, False, 0)),
    "SGD decay": (lambda: SGD(0.1, weight_decay=0.2), lambda x, g: sgd(x, g, 0.1, 0, False, 0.2)),
    "momentum": (
        lambda: SGD(0.1, momentum=0.9, weight_decay=0.2),
        lambda x, g: sgd(x, g, 0.1, 0.9, False, 0.2),
    ),
    "Nesterov": (
        lambda: SGD(0.1, momentum=0.7, nesterov=True, weight_decay=0.2),
        lambda x, g: sgd(x, g, 0.1, 0.7, True, 0.2),
    ),
    "RMSprop": (lambda: RMSprop(), lambda x, g: rmsprop(x, g, 1e-3, 0.99, 1e-8, 0)),
    "RMSprop decay": (
        lambda: RMSprop(0.1, alpha=0.6, eps=0.3, weight_decay=0.2),
        lambda x, g: rmsprop(x, g, 0.1, 0.6, 0.3, 0.2),
    ),
    "Adam": (lambda: Adam(), lambda x, g: adam(x, g, 1e-3, 0.9, 0.999, 1e-8, 0, 0)),
    "Adam decay": (
        lambda: Adam(0.1, beta1=0.6, beta2=0.8, eps=0.3, weight_decay=0.2),
        lambda x, g: adam(x, g, 0.1, 0.6, 0.8, 0.3, 0.2, 0),
    ),
    "Adam of Burda et al.": (
        lambda: Adam(0.1, beta1=0.99, beta2=0.8, eps=0.3, second_moment=2.0, eps_hat=True),
        adam_of_burda,
    ),
    "AdamW": (lambda: AdamW(), lambda x, g: adam(x, g, 1e-3, 0.9, 0.999, 1e-8, 0, 0.01)),
    "AdamW decay": (
        lambda: AdamW(0.1, beta1=0.6, beta2=0.8, eps=0.3, weight_decay=0.2),
        lambda x, g: adam(x, g, 0.1, 0.6, 0.8, 0.3, 0, 0.2),
    ),
}


def drawn(P: int, replicas: int = 1, dtype: Any = np.float64, seed: int = 0) -> tuple[Array, Array]:
    """θ (P,), and gradients (STEPS, replicas, P)."""
    rng = np.random.default_rng(seed)
    x, g = rng.standard_normal(P), rng.standard_normal((STEPS, replicas, P))
    return x.astype(dtype), g.astype(dtype)


def travelled(optimizer: Optimizer, x: Array, g: Array, **options: Any) -> Array:
    """Every θ on the way, (STEPS, P)."""
    theta = Parameter(x.copy())
    way = []
    for grads in g:
        optimizer.step(theta, grads.copy(), **options)
        way.append(theta.value.copy())
    return np.array(way)


def check_formula(module: ModuleType, name: str) -> None:
    """Some steps, with gradients of two replicas, by the formula."""
    x, g = drawn(9, replicas=2)
    make, formula = CASES[name]
    np.testing.assert_allclose(travelled(make(), x, g), list(formula(x, g.sum(axis=1))), rtol=1e-10)


def check_cleared(module: ModuleType) -> None:
    """A step leaves zeros in the gradients of all replicas, where θ has moved and only there."""
    grads = np.ones((3, 5))
    SGD(1.0).step(Parameter(np.ones(5)), grads, within=(1, 4))
    np.testing.assert_array_equal(grads, [[1, 0, 0, 0, 1]] * 3)


def check_clipped(module: ModuleType) -> None:
    """The replicas sum to (3, 4), of norm 5; clipped at 1 it is (0.6, 0.8)."""
    theta = Parameter(np.zeros(2))
    SGD(1.0, clip_norm=1.0).step(theta, np.array([[1.0, 6.0], [2.0, -2.0]]))
    np.testing.assert_allclose(theta.value, [-0.6, -0.8], rtol=1e-15)
