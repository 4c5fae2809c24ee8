"""The equations of docs/own_layer.md, with the layer as the page has it."""

from typing import Any

import numpy as np
from pages import pieces

from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array

NAMES: dict[str, Any] = {}
[BLOCK] = [
    text for text, _, block in pieces("docs/own_layer.md") if block and "class Swish" in text
]
exec(BLOCK, NAMES)


def layer(rng: np.random.Generator) -> Any:
    found = NAMES["Swish"](3, dtype=np.float64)
    found.beta.value[...] = rng.standard_normal(3)
    return found


def literal(x: Array, beta: Array) -> Array:
    """Return y entry by entry."""
    y = np.empty_like(x)
    for d, n in np.ndindex(x.shape):
        y[d, n] = x[d, n] / (1 + np.exp(-beta[d] * x[d, n]))
    return y


@equation("forward")
def test_forward(rng: np.random.Generator) -> None:
    swish, x = layer(rng), rng.standard_normal((3, 5))
    close(swish.forward(x)[0], literal(x, swish.beta.value))


@equation("dx")
def test_dx(rng: np.random.Generator) -> None:
    swish, x, dy = layer(rng), *rng.standard_normal((2, 3, 5))
    beta = swish.beta.value
    dx = swish.forward(x)[1](dy)
    s = 1 / (1 + np.exp(-beta[:, None] * x))
    close(dx, dy * (s + beta[:, None] * x * s * (1 - s)))
    close(dx, jacobian(lambda x: (dy * literal(x, beta)).sum(), x))


@equation("dbeta")
def test_dbeta(rng: np.random.Generator) -> None:
    swish, x, dy = layer(rng), *rng.standard_normal((2, 3, 5))
    beta = swish.beta.value.copy()
    swish.forward(x)[1](dy)
    s = 1 / (1 + np.exp(-beta[:, None] * x))
    close(swish.beta.grad, (dy * x**2 * s * (1 - s)).sum(axis=1))
    close(swish.beta.grad, jacobian(lambda beta: (dy * literal(x, beta)).sum(), beta))
