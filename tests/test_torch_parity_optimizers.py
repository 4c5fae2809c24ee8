"""Optimisers against torch.optim in float64, where PyTorch is installed: twenty steps of each."""

from typing import Any

import numpy as np
import pytest

from nnscratch.core import Parameter
from nnscratch.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

torch = pytest.importorskip("torch")
optim = torch.optim

PAIRS: list[tuple[Optimizer, Any]] = [
    (SGD(0.1), lambda p: optim.SGD(p, 0.1)),
    (SGD(0.1, momentum=0.9), lambda p: optim.SGD(p, 0.1, momentum=0.9)),
    (SGD(0.1, weight_decay=0.2), lambda p: optim.SGD(p, 0.1, weight_decay=0.2)),
    (
        SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.2),
        lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.2),
    ),
    (RMSprop(0.1), lambda p: optim.RMSprop(p, 0.1)),
    (
        RMSprop(0.1, alpha=0.5, eps=1e-2, weight_decay=0.2),
        lambda p: optim.RMSprop(p, 0.1, alpha=0.5, eps=1e-2, weight_decay=0.2),
    ),
    (Adam(0.1), lambda p: optim.Adam(p, 0.1)),
    (
        Adam(0.1, beta1=0.5, beta2=0.7, eps=1e-2, weight_decay=0.2),
        lambda p: optim.Adam(p, 0.1, betas=(0.5, 0.7), eps=1e-2, weight_decay=0.2),
    ),
    (AdamW(0.1), lambda p: optim.AdamW(p, 0.1)),
    (
        AdamW(0.1, beta1=0.5, beta2=0.7, eps=1e-2, weight_decay=0.2),
        lambda p: optim.AdamW(p, 0.1, betas=(0.5, 0.7), eps=1e-2, weight_decay=0.2),
    ),
]


@pytest.mark.parametrize(("optimizer", "make"), PAIRS)
@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_twenty_steps(
    optimizer: Optimizer, make: Any, clip_norm: float | None, rng: np.random.Generator
) -> None:
    """The gradient is that of a bowl plus noise, so that θ feeds back into it."""
    optimizer.clip_norm, optimizer.steps, optimizer.state = clip_norm, 0, {}
    ours = Parameter(rng.standard_normal(50))
    theirs = torch.nn.Parameter(torch.from_numpy(ours.value.copy()))
    other = make([theirs])
    for noise in rng.standard_normal((20, 50)):
        ours.grad[...] = ours.value + noise
        theirs.grad = theirs.detach() + torch.from_numpy(noise)
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_([theirs], clip_norm)
        optimizer.step(ours)
        other.step()
    # clip_grad_norm_ divides by ‖g‖ + 1e-6, we by ‖g‖.
    tolerance = 1e-12 if clip_norm is None else 1e-5
    np.testing.assert_allclose(ours.value, theirs.detach().numpy(), tolerance, tolerance)
