"""MusicVAE in JAX: lax.scan over cells, tokens as gathers, z's product once, Adam, under jit."""

from functools import partial
from itertools import cycle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from nnscratch.core import Array

from .. import melodies as m
from .jax_recurrent import UNROLLED, lstm_step
from .serve import Job

CLASSES, HIDDEN = 90, 128


def lstm(theta: Any, end: str, a: Any, states: Any, unroll: int) -> Any:
    """Return the outputs of a layer, from a_t = W x_t + b_ih of all steps."""
    cell = {"u": theta[f"weight_hh_{end}"].T, "b_hh": theta[f"bias_hh_{end}"]}
    return lax.scan(partial(lstm_step, cell), states, a, unroll=unroll)[1]


def part(theta: Any, prefix: str) -> Any:
    """Return the parameters of a part."""
    return {k.removeprefix(prefix): a for k, a in theta.items() if k.startswith(prefix)}


def dense(theta: Any, prefix: str, x: Any) -> Any:
    """Return the affine map of this name."""
    return x @ theta[f"{prefix}.weight"].T + theta[f"{prefix}.bias"]


def loss_of(unroll: int, theta: Any, x: Any, eps: Any) -> Any:
    """Return cross-entropy and KL, summed over a melody, mean over the batch; x is (T, N)."""
    N = x.shape[1]
    zeros = (jnp.zeros((N, HIDDEN), jnp.float32),) * 2
    encoder, ends = part(theta, "encoder.lstm."), []
    for end, tokens in (("l0", x), ("l0_reverse", x[::-1])):
        a = encoder[f"weight_ih_{end}"].T[tokens] + encoder[f"bias_ih_{end}"]
        ends.append(lstm(encoder, end, a, zeros, unroll)[-1])
    mu, logvar = jnp.split(dense(theta, "encoder.output", jnp.concatenate(ends, 1)), 2, axis=1)
    z = mu + jnp.exp(0.5 * logvar) * eps
    kl = 0.5 * (mu * mu + jnp.exp(logvar) - 1 - logvar).sum()
    states = jnp.tanh(dense(theta, "decoder.initial", z)).reshape(N, 2, 2, HIDDEN)
    states = states.transpose(1, 2, 0, 3)
    decoder = part(theta, "decoder.lstm.")
    before = jnp.concatenate([jnp.full_like(x[:1], CLASSES), x[:-1]])
    w_x, w_z = jnp.split(decoder["weight_ih_l0"], [CLASSES + 1], axis=1)
    a = w_x.T[before] + (z @ w_z.T + decoder["bias_ih_l0"])
    y = lstm(decoder, "l0", a, (states[0, 0], states[1, 0]), unroll)
    a = y @ decoder["weight_ih_l1"].T + decoder["bias_ih_l1"]
    y = lstm(decoder, "l1", a, (states[0, 1], states[1, 1]), unroll)
    logits = dense(theta, "decoder.output", y)
    log_p = jax.nn.log_softmax(logits, axis=2)
    nll = -jnp.take_along_axis(log_p, x[..., None], axis=2).sum()
    return (nll + kl) / N


def music(name: str, variant: str) -> Job:
    """Return a training step."""
    from .jax import adam_state, adam_step  # which imports this module

    unroll = UNROLLED if variant == "unrolled" else 1
    state = adam_state({n: jnp.asarray(p.value) for n, p in m.first_model().parameters().items()})
    tokens = m.windows().reshape(m.BATCHES, m.BATCH, -1).astype(np.int32)
    pairs = [(jnp.asarray(x.T), jnp.asarray(e)) for x, e in zip(tokens, m.noise(), strict=True)]
    batches = cycle(pairs)

    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, x: Any, eps: Any) -> Any:
        value, grads = jax.value_and_grad(partial(loss_of, unroll))(state["theta"], x, eps)
        return adam_step(state, grads), value

    def run() -> Any:
        nonlocal state
        state, loss = step(state, *next(batches))
        return loss

    def arrays() -> dict[str, Array]:
        return {n: np.asarray(a) for n, a in state["theta"].items()}

    return Job(run, arrays, float)
