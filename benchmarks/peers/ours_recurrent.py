"""nnscratch's recurrent layers, on as many threads as a Trainer would give them."""

from contextlib import ExitStack
from typing import Any

import numpy as np

from nnscratch.core import Array
from nnscratch.kernels.machine.helpers import kernel_threads
from nnscratch.kernels.machine.threads import pool
from nnscratch.layers import GRU, LSTM

from ..sequences import NAMES, RECURRENT, sequence_case
from .serve import Job, threads

OPEN = ExitStack()  # the threads end with the process


def recurrent(name: str, variant: str) -> Job:
    """Return forward and the gradients of x and all parameters."""
    its, (x, theta, dy) = RECURRENT[name], sequence_case(name)
    x, dy = (np.ascontiguousarray(a.transpose(0, 2, 1)) for a in (x, dy))
    kind = {"LSTM": LSTM, "GRU": GRU}[its.kind]
    layer: Any = kind(its.features, its.features, rng=np.random.default_rng(0))
    parameters = list(layer.parameters().values())
    for p, a in zip(parameters, theta, strict=True):
        p.value[...] = a
    OPEN.enter_context(pool(1))
    OPEN.enter_context(kernel_threads(threads()))

    def by_layer() -> tuple[Array, Array]:
        y, backward = layer.forward(x)
        return y, backward(dy)

    def by_cells() -> tuple[Array, Array]:
        cell = layer.cells[0]
        states = [np.zeros((its.features, its.batch), np.float32) for _ in cell.names]
        y, backwards = np.empty_like(dy), []
        for t in range(len(x)):
            out, backward = cell.forward(x[t], *states)
            states = list(out) if its.kind == "LSTM" else [out]
            y[t] = states[0]
            backwards.append(backward)
        dx, dstates = np.empty_like(x), [np.zeros_like(state) for state in states]
        for t in reversed(range(len(x))):
            dstates[0] = dstates[0] + dy[t]
            dx[t], *dstates = backwards[t](tuple(dstates) if its.kind == "LSTM" else dstates[0])
        return y, dx

    def run() -> tuple[Array, Array]:
        for p in parameters:
            p.grad[...] = 0
        return by_cells() if its.by_cells else by_layer()

    def arrays() -> dict[str, Array]:
        y, dx = (a.transpose(0, 2, 1) for a in run())
        return {"y": y, "dx": dx} | {n: p.grad for n, p in zip(NAMES, parameters, strict=True)}

    return Job(run, arrays)
