"""PyTorch's recurrent layers and cells, with autograd."""

import torch
from torch import Tensor, nn

from nnscratch.core import Array

from ..sequences import NAMES, RECURRENT, sequence_case
from .serve import Job


def recurrent(name: str, variant: str) -> Job:
    """Return forward and the gradients of x and all parameters."""
    torch.set_flush_denormal(True)
    its, (x, theta, dy) = RECURRENT[name], sequence_case(name)
    H, given, dys = its.features, torch.from_numpy(x), torch.from_numpy(dy)
    given.requires_grad_()
    modules = {"LSTM": (nn.LSTM, nn.LSTMCell), "GRU": (nn.GRU, nn.GRUCell)}
    module = modules[its.kind][its.by_cells](H, H)
    parameters = list(module.parameters())
    for p, a in zip(parameters, theta, strict=True):
        p.data = torch.from_numpy(a)

    def by_layer(x: Tensor) -> Tensor:
        return module(x)[0]

    def by_cells(x: Tensor) -> Tensor:
        state, y = None, []
        for step in x:
            state = module(step, state)
            y.append(state[0] if its.kind == "LSTM" else state)
        return torch.stack(y)

    forward = by_cells if its.by_cells else by_layer
    if variant == "compile":
        forward = torch.compile(forward)

    def run() -> Tensor:
        for a in (given, *parameters):
            a.grad = None
        y = forward(given)
        y.backward(dys)
        return y

    def arrays() -> dict[str, Array]:
        y = run()
        found = {"y": y.detach(), "dx": given.grad}
        found |= {n: p.grad for n, p in zip(NAMES, parameters, strict=True)}
        return {n: a.numpy() for n, a in found.items()}

    run()  # so that what has to be compiled is
    return Job(run, arrays)
