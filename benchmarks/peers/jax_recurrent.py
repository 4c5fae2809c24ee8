"""Recurrent layers in JAX: lax.scan, whose body is a cell, under jit."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from nnscratch.core import Array

from ..sequences import NAMES, RECURRENT, sequence_case
from .serve import Job

UNROLLED = 8
"""Steps that XLA sees at a time in the unrolled variant."""


def lstm_step(theta: Any, states: Any, a: Any) -> Any:
    """Return the states after a step, and its output; a = W x + b."""
    h, c = states
    i, f, g, o = jnp.split(a + h @ theta["u"] + theta["b_hh"], 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def gru_step(theta: Any, states: Any, a: Any) -> Any:
    """Return the state after a step, and its output."""
    (h,) = states
    (a_r, a_z, a_n), q = jnp.split(a, 3, axis=1), h @ theta["u"] + theta["b_hh"]
    q_r, q_z, q_n = jnp.split(q, 3, axis=1)
    r, z = jax.nn.sigmoid(a_r + q_r), jax.nn.sigmoid(a_z + q_z)
    n = jnp.tanh(a_n + r * q_n)
    h = (1 - z) * n + z * h
    return (h,), h


def recurrent(name: str, variant: str) -> Job:
    """Return forward and the gradients of x and all parameters.

    The product with the input is taken for all steps at once, but for cells, step by step.
    """
    its, (x, (w, u, b_ih, b_hh), dy) = RECURRENT[name], sequence_case(name)
    x, dy = jnp.asarray(x), jnp.asarray(dy)
    arrays_of = {"w": w.T.copy(), "u": u.T.copy(), "b_ih": b_ih, "b_hh": b_hh}
    theta = {key: jnp.asarray(a) for key, a in arrays_of.items()}
    step, count = {"LSTM": (lstm_step, 2), "GRU": (gru_step, 1)}[its.kind]
    unroll = UNROLLED if variant == "unrolled" else 1

    def forward(theta: Any, x: Any) -> Any:
        states = (jnp.zeros((its.batch, its.features), jnp.float32),) * count

        def of_input(x: Any) -> Any:
            return x @ theta["w"] + theta["b_ih"]

        if its.by_cells:
            body = lambda states, x: step(theta, states, of_input(x))  # noqa: E731
            return lax.scan(body, states, x, unroll=unroll)[1]
        return lax.scan(partial(step, theta), states, of_input(x), unroll=unroll)[1]

    @jax.jit
    def run(theta: Any, x: Any, dy: Any) -> Any:
        y, backward = jax.vjp(forward, theta, x)
        return y, *backward(dy)

    def arrays() -> dict[str, Array]:
        y, d, dx = run(theta, x, dy)
        grads = d["w"].T, d["u"].T, d["b_ih"], d["b_hh"]
        found = {"y": y, "dx": dx} | dict(zip(NAMES, grads, strict=True))
        return {key: np.asarray(a) for key, a in found.items()}

    def complete(result: Any) -> float:
        jax.block_until_ready(result)
        return 0.0

    return Job(partial(run, theta, x, dy), arrays, complete)
