"""Tied weights."""

from types import ModuleType

import numpy as np

from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Dense, Sequential, Tanh, TiedDense
from nnscratch.layers import tied as tied_module


def pair(
    D: int, M: int, seed: int = 0, module: ModuleType = tied_module
) -> tuple[Dense, TiedDense]:
    """A Dense D → M and the way back, whose bias is not zero."""
    rng = np.random.default_rng(seed)
    dense = Dense(D, M, rng=rng, dtype=np.float64)
    tied = module.TiedDense(dense)
    tied.b.value[...] = rng.standard_normal(D)
    return dense, tied


def check_gradient(module: ModuleType, D: int, M: int, N: int, seed: int) -> None:
    tied = pair(D, M, seed, module)[1]
    report = gradcheck(tied, (M, N), rng=np.random.default_rng(seed))
    report.raise_if_failed()
    assert not report.notes


def check_gradient_there_and_back(module: ModuleType, D: int, M: int, N: int, seed: int) -> None:
    """dw is the sum of what both places say, and w is one parameter under two names."""
    dense, tied = pair(D, M, seed, module)
    net = Sequential(dense, Tanh(), tied)
    report = gradcheck(net, (D, N), rng=np.random.default_rng(seed))
    report.raise_if_failed()
    assert {row.array for row in report.rows} == {"x", "0.weight", "0.bias", "2.bias"}
