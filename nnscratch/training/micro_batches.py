"""How a batch is cut into micro-batches unless the Trainer is told: a function of model and size.

Below 32 samples a kernel's fixed costs are felt; beyond 64 nothing more is gained, and activations
that were written in forward have left the caches long before backward reads them. In between it
does not matter for speed, but half as many samples need half the memory. So a micro-batch has about
64 samples where their activations are few, and 32 to 63 where they are many. docs/threads.md has
the measurement.
"""

from math import ceil, prod

from ..core import Layer, Shape
from ..layers.sequential import Sequential
from ..models.autoencoder import Autoencoder

FEW, SOME = 32, 64
"""Samples."""

MANY = 10 * 2**20
"""Bytes of activations."""


def size_of_micro_batch(model: Autoencoder, batch_size: int, replicas: int) -> int:
    """Return how many samples of a batch a replica takes at a time.

    Nothing about the machine or its threads enters, for how a batch is cut is part of a run's
    arithmetic. A batch of vectors is one piece a replica: products gain by every column more.
    """
    if len(model.input_shape) == 1:
        return ceil(batch_size / replicas)
    if SOME * activations(model) * model.dtype.itemsize <= MANY:
        pieces = round(batch_size / (SOME * replicas))
    else:
        pieces = batch_size // (FEW * replicas)
    return ceil(batch_size / (max(1, pieces) * replicas))


def activations(model: Autoencoder) -> int:
    """Return how many numbers the layers make of one sample."""
    encoder, decoder = model.told(model.seen_shape), model.told(model.code_shape)
    return outputs(model.encoder, encoder)[1] + outputs(model.decoder, decoder)[1]


def outputs(layer: Layer, shape: Shape) -> tuple[Shape, int]:
    """Return a layer's output shape, and how many numbers it and the layers inside make."""
    if not isinstance(layer, Sequential):
        shape = layer.output_shape(shape)
        return shape, prod(shape)
    total = 0
    for inner in layer.layers:
        shape, numbers = outputs(inner, shape)
        total += numbers
    return shape, total
