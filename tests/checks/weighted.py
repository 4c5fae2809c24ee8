"""The gradient of a micro-batch, which counts as much as its part of the batch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnscratch.core import pack


def check_weighted_backward(model: Any, loss: Callable[[], Any], weight: float) -> None:
    """backward(weight) adds weight times what backward(1) adds; loss() runs model's loss."""
    theta = pack(model.parameters())
    _, backward = loss()
    backward(1.0)
    whole = theta.grad.copy()
    backward(weight)
    np.testing.assert_allclose(theta.grad, (1 + weight) * whole, rtol=1e-12, atol=1e-15)
