"""Keras on TensorFlow, the lesson's own framework: layers, Adam, one tf.function for a step.

It is what `train_on_batch` of a compiled model does, without the bookkeeping around it. Images are
NHWC. "same" padding of a strided convolution adds its odd row below and to the right, PyTorch's
padding=1 above and to the left: where there are strides, the whole network is turned by 180°.
"""

import os
from itertools import cycle
from math import prod
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from keras import layers as k

from nnscratch.core import Array

from .. import networks as net
from .. import workloads as w
from .serve import Job, Jobs, threads


def is_turned(workload: net.Workload) -> bool:
    """Is the network turned by 180°, so that its padding is TensorFlow's?"""
    return any(getattr(layer, "stride", 1) > 1 for layer in workload.layers)


def keras_layer(layer: net.Layer) -> Any:
    """Return a layer of the workload, with its activation."""
    match layer:
        case net.Dense(_, M, act):
            return k.Dense(M, act)
        case net.Conv(_, M, act, K, S, P):
            return k.Conv2D(M, K, S, "same" if P else "valid", activation=act)
        case net.ConvTranspose(_, M, act, K, S):
            return k.Conv2DTranspose(M, K, S, "same", activation=act)
        case net.Pool():
            return k.MaxPooling2D(2, padding="same")
        case net.Up():
            return k.UpSampling2D(2)
        case net.Reshape(shape):
            return k.Reshape(shape if len(shape) == 1 else (*shape[1:], shape[0]))


def half(layers: tuple[net.Layer, ...], shape: tuple[int, ...]) -> Any:
    """Return an encoder or a decoder of samples of this shape, channels first."""
    nhwc = shape if len(shape) == 1 else (*shape[1:], shape[0])
    return keras.Sequential([k.Input(nhwc), *map(keras_layer, layers)])


def nhwc_order(shape: tuple[int, ...], turned: bool) -> Array:
    """Return where the numbers of a flat NHWC image stand in a flat image of this CHW shape."""
    at = np.arange(prod(shape)).reshape(shape).transpose(1, 2, 0)
    return (at[::-1, ::-1] if turned else at).ravel()


def to_keras(workload: net.Workload, pairs: list[tuple[Array, Array]]) -> list[Array]:
    """Return weights and biases of PyTorch's shapes as Keras has them."""
    turned, kept, pairs_left = is_turned(workload), [], iter(pairs)
    edges = [(None, None), *((layer, x) for layer, x, _ in workload.shapes()), (None, None)]
    for (before, x), (layer, _), (after, _) in zip(edges, edges[1:], edges[2:], strict=False):
        if not isinstance(layer, net.Affine):
            continue
        a, b = next(pairs_left)
        if not isinstance(layer, net.Dense):
            a = a.transpose(2, 3, 1, 0)
            a = a[::-1, ::-1] if turned else a
        else:
            if isinstance(before, net.Reshape):  # it takes an image that was made flat
                a = a[:, nhwc_order(x, turned)]
            if isinstance(after, net.Reshape):  # it makes an image
                order = nhwc_order(after.to, turned)
                a, b = a[order], b[order]
            a = a.T
        kept += [a, b]
    return kept


def from_keras(workload: net.Workload, kept: list[Array]) -> list[Array]:
    """Return weights and biases in PyTorch's shapes again."""
    first = [a for pair in net.first_weights(workload) for a in pair]
    number = [np.arange(a.size).reshape(a.shape) for a in first]
    moved = to_keras(workload, [(number[i], number[i + 1]) for i in range(0, len(number), 2)])
    back = [np.empty(a.size, np.float32) for a in first]
    for place, where, a in zip(back, moved, kept, strict=True):
        place[where.ravel()] = a.ravel()
    return [a.reshape(like.shape) for a, like in zip(back, first, strict=True)]


def training(name: str, variant: str) -> Job:
    """Return a training step; variant "xla" has it compiled by XLA."""
    tf.config.threading.set_intra_op_parallelism_threads(threads())
    tf.config.threading.set_inter_op_parallelism_threads(1)
    workload = w.WORKLOADS[name]
    latent, turned = workload.latent, is_turned(workload)
    code = list(workload.shapes())[len(workload.encoder) - 1][2]
    encoder = half(workload.encoder, workload.input_shape)
    decoder = half(workload.decoder, (latent,) if latent else code)
    variables = encoder.trainable_variables + decoder.trainable_variables
    for variable, a in zip(variables, to_keras(workload, net.first_weights(workload)), strict=True):
        variable.assign(a)
    adam = keras.optimizers.Adam(w.LEARNING_RATE, w.BETA1, w.BETA2, w.EPS)
    adam.build(variables)

    def loss_of(x: Any, eps: Any) -> Any:
        z, kl = encoder(x, training=True), 0.0
        if latent:
            mu, logvar = tf.split(z, 2, axis=1)
            z = mu + tf.exp(0.5 * logvar) * eps
            kl = 0.5 * tf.reduce_sum(mu * mu + tf.exp(logvar) - 1 - logvar)
        logits = decoder(z, training=True)
        bce = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(x, logits))
        return (bce + kl) / len(x)

    @tf.function(jit_compile=variant == "xla")
    def step(x: Any, eps: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(x, eps)
        adam.apply(tape.gradient(loss, variables), variables)
        return loss

    xs = w.batches(workload)
    if xs[0].ndim == 4:
        xs = [x.transpose(0, 2, 3, 1) for x in xs]
        xs = [np.ascontiguousarray(x[:, ::-1, ::-1] if turned else x) for x in xs]
    batches = cycle(zip(map(tf.constant, xs), map(tf.constant, w.noise(workload)), strict=True))

    def arrays() -> dict[str, Array]:
        theta = from_keras(workload, [variable.numpy() for variable in variables])
        return {f"theta.{i}": a for i, a in enumerate(theta)}

    return Job(lambda: step(*next(batches)), arrays, float)


JOBS: Jobs = {"training": training}
