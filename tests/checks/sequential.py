"""The chain rule."""

from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Dense, Sigmoid, Tanh


def mlp(module: ModuleType, sizes: list[int], rng: np.random.Generator) -> Any:
    """Dense and Tanh in turn: smooth, so that any input may be checked."""
    pairs = [(Dense(D, M, rng=rng, dtype=np.float64), Tanh()) for D, M in pairwise(sizes)]
    return module.Sequential(*(layer for pair in pairs for layer in pair))


def check_gradient(module: ModuleType, sizes: list[int], N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradcheck(mlp(module, sizes, rng), (sizes[0], N), rng=rng).raise_if_failed()


def check_need_dx(module: ModuleType) -> None:
    """Layers before the first parameters are skipped, and θ still gets its gradient."""
    rng = np.random.default_rng(0)
    dense = Dense(3, 3, rng=rng, dtype=np.float64)
    model = module.Sequential(Tanh(), dense, Sigmoid())
    gradcheck(model, (3, 4), rng=rng).raise_if_failed()
