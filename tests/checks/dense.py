"""The gradient of Dense."""

from types import ModuleType

import numpy as np

from nnscratch.gradcheck import gradcheck


def check_gradient(module: ModuleType, D: int, M: int, N: int, bias: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = module.Dense(D, M, bias=bias, rng=rng, dtype=np.float64)
    report = gradcheck(layer, (D, N), rng=rng)
    report.raise_if_failed()
    assert not report.notes
