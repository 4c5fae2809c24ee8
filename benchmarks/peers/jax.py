"""JAX: one jitted function for loss, gradients and Adam, its state donated, images as NHWC.

Tuned, it uses the widest registers that XLA can be told to use, and strided convolutions in the
faster of two forms.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np

from nnscratch.core import Array

from .. import networks as net
from .. import workloads as w
from ..timing import repeat
from .jax_music import music
from .jax_network import (
    apply,
    first_theta,
    from_jax,
    from_nhwc,
    log_weights,
    loss_of,
    stack,
    to_jax,
    to_nhwc,
)
from .jax_recurrent import recurrent
from .serve import Job, Jobs, fastest

CHUNK = 1000
"""Images a call of inference."""

DRAWS_AT_ONCE = (10, 25, 125, 500)
"""Draws of each code that pass through the decoder at a time: one of these is the fastest."""


def adam_step(state: Any, grads: Any) -> Any:
    """Return the state after one step of Adam."""
    t = state["t"] + 1
    b1, b2 = w.BETA1, w.BETA2
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state["m"], grads)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state["v"], grads)
    c1, c2 = 1 / (1 - b1**t), 1 / (1 - b2**t)
    theta = jax.tree.map(
        lambda p, m, v: p - w.LEARNING_RATE * c1 * m / (jnp.sqrt(c2 * v) + w.EPS),
        *(state["theta"], m, v),
    )
    return {"theta": theta, "m": m, "v": v, "t": t}


def adam_state(theta: Any) -> Any:
    """Return the state before the first step."""
    m, v = jax.tree.map(jnp.zeros_like, theta), jax.tree.map(jnp.zeros_like, theta)
    return {"theta": theta, "m": m, "v": v, "t": jnp.zeros((), jnp.float32)}


FLAG = "--xla_cpu_prefer_vector_width=512"
"""XLA takes vectors of 256 bits otherwise, also where the machine has longer ones."""


def use_wide_vectors() -> str:
    """Set FLAG for this process if this XLA knows it, which aborts if not; say what came of it."""
    env = os.environ | {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {FLAG}"}
    probe = [sys.executable, "-c", "import jax; jax.devices()"]
    if subprocess.run(probe, env=env, capture_output=True).returncode:
        return "has vectors of XLA's own length"
    os.environ["XLA_FLAGS"] = env["XLA_FLAGS"]
    return "has vectors of 512 bits"


def faster(layers: tuple[net.Layer, ...], job: Callable[[bool], Job]) -> Job:
    """Return the job with or without blocks, whichever is faster here."""
    if not any(getattr(layer, "stride", 1) > 1 for layer in layers):
        return job(False)
    seconds = {form: repeat((trial := job(form)).run, trial.wait, 0.5) for form in (False, True)}
    return job(seconds[True] < seconds[False])


def training(name: str, variant: str) -> Job:
    """Return a training step."""
    if variant != "tuned":
        return training_in_form(name, False)
    width = use_wide_vectors()
    job = faster(w.WORKLOADS[name].layers, partial(training_in_form, name))
    return replace(job, note=f"{width}{job.note}")


def training_in_form(name: str, blocks: bool) -> Job:
    """Return a training step, its strided convolutions by blocks or as they are."""
    workload = w.WORKLOADS[name]
    state = adam_state(first_theta(workload))
    xs = [jnp.asarray(to_nhwc(x)) for x in w.batches(workload)]
    batches = cycle(zip(xs, map(jnp.asarray, w.noise(workload)), strict=True))

    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, x: Any, eps: Any) -> Any:
        loss = partial(loss_of, workload, blocks)
        value, grads = jax.value_and_grad(loss)(state["theta"], x, eps)
        return adam_step(state, grads), value

    def run() -> Any:
        nonlocal state
        state, loss = step(state, *next(batches))
        return loss

    def arrays() -> dict[str, Array]:
        pairs = zip(workload.layers, state["theta"], strict=True)
        flat = [a for layer, its in pairs if its for a in (from_jax(layer, its[0]), its[1])]
        return {f"theta.{i}": np.asarray(a) for i, a in enumerate(flat)}

    return Job(run, arrays, float, BY_BLOCKS * blocks)


BY_BLOCKS = ", strided convolutions by blocks"


def inference(what: str, variant: str) -> Job:
    """Return 10,000 images to codes, or codes to images."""
    if variant != "tuned":
        return inference_in_form(what, False)
    width = use_wide_vectors()
    job = faster(w.WORKLOADS[w.INFERENCE].layers, partial(inference_in_form, what))
    return replace(job, note=f"{width}{job.note}")


def inference_in_form(what: str, blocks: bool) -> Job:
    """Return the same, strided convolutions by blocks or as they are."""
    workload = w.WORKLOADS[w.INFERENCE]
    theta, first = first_theta(workload), len(workload.encoder)
    rows = w.inference_input(what)
    if what == "encode":
        rows = rows[..., None].astype(np.float32) / 255
    chunks = [jnp.asarray(rows[i : i + CHUNK]) for i in range(0, len(rows), CHUNK)]

    @jax.jit
    def half(x: Any) -> Any:
        if what == "encode":
            return stack(workload.encoder, theta[:first], x, blocks)[:, : workload.latent]
        return jax.nn.sigmoid(stack(workload.decoder, theta[first:], x, blocks))

    def run() -> Any:
        return jnp.concatenate([half(x) for x in chunks])

    return Job(run, lambda: {"y": np.asarray(from_nhwc(run()))}, complete, BY_BLOCKS * blocks)


def nll(name: str, variant: str) -> Job:
    """Return the bound on -log p(x) from DRAWS draws of each code."""
    width = use_wide_vectors() + ", " if variant == "tuned" else ""
    job = fastest(map(nll_in_chunks, DRAWS_AT_ONCE))
    return replace(job, note=f"{width}{job.note}")


def nll_in_chunks(size: int) -> Job:
    """Return the same, so many draws of each code at a time."""
    workload = w.WORKLOADS[w.NLL]
    theta, x = first_theta(workload), jnp.asarray(w.nll_images(), jnp.float32) / 255

    @jax.jit
    def posterior() -> Any:
        return jnp.split(stack(workload.encoder, theta[: len(workload.encoder)], x), 2, axis=1)

    @jax.jit
    def log_sum(mu: Any, logvar: Any, eps: Any) -> Any:
        return jax.nn.logsumexp(log_weights(workload, theta, mu, logvar, x, eps), axis=0)

    @jax.jit
    def of_draws(mu: Any, logvar: Any, key: Any) -> Any:
        return log_sum(mu, logvar, jax.random.normal(key, (size, *mu.shape)))

    @jax.jit
    def bound(draws: Any, sums: Any) -> Any:
        return jnp.log(draws) - jax.nn.logsumexp(jnp.stack(sums), axis=0)

    key = jax.random.key(0)

    def run() -> Any:
        nonlocal key
        key, *keys = jax.random.split(key, 1 + w.DRAWS // size)
        mu, logvar = posterior()
        return bound(w.DRAWS, [of_draws(mu, logvar, key) for key in keys]).mean()

    def arrays() -> dict[str, Array]:
        sums = [log_sum(*posterior(), jnp.asarray(w.nll_noise()))]
        return {"nll": np.asarray(bound(w.HANDED, sums))}

    return Job(run, arrays, float, f"takes {size} draws at a time")


def layer(name: str, variant: str) -> Job:
    """Return one layer's forward, dx or dw; dw is of weight and bias."""
    case, what = name.rsplit(" ", 1)
    kind, x, theta, dy = w.layer_case(case)
    x, dy = jnp.asarray(to_nhwc(x)), jnp.asarray(to_nhwc(dy))
    if theta:
        theta = [jnp.asarray(to_jax(kind, theta[0])), jnp.asarray(theta[1])]
    f = partial(apply, kind)
    tasks = {
        "forward": lambda theta, x, dy: f(theta, x),
        "dx": lambda theta, x, dy: jax.vjp(lambda x: f(theta, x), x)[1](dy)[0],
        "dw": lambda theta, x, dy: jax.vjp(lambda theta: f(theta, x), theta)[1](dy)[0],
    }
    run = partial(jax.jit(tasks[what]), theta, x, dy)

    def arrays() -> dict[str, Array]:
        result = run()
        if what == "dw":
            return {"0": np.asarray(from_jax(kind, result[0])), "1": np.asarray(result[1])}
        return {"0": np.asarray(from_nhwc(result))}

    return Job(run, arrays, complete)


def adam(name: str, variant: str) -> Job:
    """Return one step of Adam, with a gradient that stays."""
    value, grad = map(jnp.asarray, w.adam_case())
    state, step = adam_state(value), jax.jit(adam_step, donate_argnums=0)

    def run() -> Any:
        nonlocal state
        state = step(state, grad)
        return state

    return Job(run, lambda: {"theta": np.asarray(run()["theta"])}, complete)


def complete(result: Any) -> float:
    """Wait for it."""
    jax.block_until_ready(result)
    return 0.0


JOBS: Jobs = {
    "training": training,
    "inference": inference,
    "nll": nll,
    "layer": layer,
    "adam": adam,
    "recurrent": recurrent,
    "music": music,
}
