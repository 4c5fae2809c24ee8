"""The networks in JAX: functions of θ, and their losses."""

from math import log
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from nnscratch.core import Array

from .. import networks as net
from .blocks import strided, transposed

ACTIVATIONS = {None: lambda x: x, "relu": jax.nn.relu, "tanh": jnp.tanh}
LAYOUT = ("NHWC", "HWIO", "NHWC")


def apply(layer: net.Layer, theta: Any, x: Any, blocks: bool = False) -> Any:
    """Return a layer of the workload, and its activation, of x; theta is (weight, bias) or ().

    blocks  whether strided convolutions take the form of blocks.py
    """
    match layer:
        case net.Conv(act=act, stride=S) if blocks and S > 1:
            return ACTIVATIONS[act](strided(x, theta[0], S, layer.padding) + theta[1])
        case net.ConvTranspose(act=act, stride=S) if blocks and S > 1:
            return ACTIVATIONS[act](transposed(x, theta[0], S, layer.padding) + theta[1])
        case net.Dense(act=act):
            return ACTIVATIONS[act](x @ theta[0] + theta[1])
        case net.Conv(act=act, stride=S, padding=P):
            pads = ((P, P), (P, P))
            y = lax.conv_general_dilated(x, theta[0], (S, S), pads, dimension_numbers=LAYOUT)
            return ACTIVATIONS[act](y + theta[1])
        case net.ConvTranspose(act=act, kernel=K, stride=S):
            before = K - 1 - layer.padding
            pads = ((before, before + S - 1),) * 2
            y = lax.conv_general_dilated(
                x, theta[0], (1, 1), pads, lhs_dilation=(S, S), dimension_numbers=LAYOUT
            )
            return ACTIVATIONS[act](y + theta[1])
        case net.Pool():
            window = (1, 2, 2, 1)
            return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "SAME")
        case net.Up():
            return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
        case net.Reshape(shape):  # numbered as everywhere: channels first
            x = from_nhwc(x).reshape(len(x), *shape)
            return to_nhwc(x)


def to_nhwc(x: Any) -> Any:
    """(N, C, H, W) → (N, H, W, C); a flat x stays."""
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x


def from_nhwc(x: Any) -> Any:
    """(N, H, W, C) → (N, C, H, W); a flat x stays."""
    return x.transpose(0, 3, 1, 2) if x.ndim == 4 else x


def to_jax(layer: net.Affine, a: Array) -> Array:
    """Return a weight of PyTorch's shape in the layout that `apply` takes."""
    match layer:
        case net.Dense():
            return a.T
        case net.Conv():
            return a.transpose(2, 3, 1, 0)
        case net.ConvTranspose():
            return a.transpose(2, 3, 0, 1)[::-1, ::-1]


def from_jax(layer: net.Affine, a: Array) -> Array:
    """Return a weight in PyTorch's shape again."""
    match layer:
        case net.Dense():
            return a.T
        case net.Conv():
            return a.transpose(3, 2, 0, 1)
        case net.ConvTranspose():
            return a[::-1, ::-1].transpose(2, 3, 0, 1)


def stack(layers: tuple[net.Layer, ...], theta: list[Any], x: Any, blocks: bool = False) -> Any:
    """Return the layers' output, one after the other."""
    for layer, its in zip(layers, theta, strict=True):
        x = apply(layer, its, x, blocks)
    return x


def loss_of(workload: net.Workload, blocks: bool, theta: list[Any], x: Any, eps: Any) -> Any:
    """Return the loss of workloads.py, a mean over the batch; eps is as there."""
    first = len(workload.encoder)
    if workload.samples:
        mu, logvar = jnp.split(stack(workload.encoder, theta[:first], x), 2, axis=1)
        log_w = log_weights(workload, theta, mu, logvar, x, eps)
        return (log(workload.samples) - jax.nn.logsumexp(log_w, axis=0)).mean()
    z, kl = stack(workload.encoder, theta[:first], x, blocks), 0.0
    if workload.latent:
        mu, logvar = jnp.split(z, 2, axis=1)
        z = mu + jnp.exp(0.5 * logvar) * eps
        kl = 0.5 * (mu * mu + jnp.exp(logvar) - 1 - logvar).sum()
    a = stack(workload.decoder, theta[first:], z, blocks)
    return (kl - log_prob(a, x).sum()) / len(x)


def log_prob(a: Any, x: Any) -> Any:
    """Return log p(x|a) of every sample, for logits a."""
    each = a * x - jnp.maximum(a, 0) - jnp.log1p(jnp.exp(-jnp.abs(a)))
    return each.sum(axis=tuple(range(-x.ndim + 1, 0)))


def log_weights(workload: net.Workload, theta: list[Any], *its: Any) -> Any:
    """Return log p(x|z) p(z)/q(z|x) of z = μ + σ ε: (K, N), for eps (K, N, latent)."""
    mu, logvar, x, eps = its
    z = mu + jnp.exp(0.5 * logvar) * eps
    a = stack(workload.decoder, theta[len(workload.encoder) :], z)
    return log_prob(a, x) + 0.5 * (eps * eps + logvar - z * z).sum(axis=-1)


def first_theta(workload: net.Workload) -> list[Any]:
    """Return (weight, bias) of every layer that has them, () of the others."""
    pairs = iter(net.first_weights(workload))
    theta: list[Any] = []
    for layer in workload.layers:
        if isinstance(layer, net.Affine):
            weight, bias = next(pairs)
            theta.append((jnp.asarray(to_jax(layer, weight)), jnp.asarray(bias)))
        else:
            theta.append(())
    return theta
