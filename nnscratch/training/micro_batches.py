"""How a batch is cut into micro-batches unless the Trainer is given a size: by model and batch.

Below 32 samples a kernel's fixed costs are felt; beyond 64 nothing more is gained, and activations
that were written in forward have left the caches long before backward reads them. In between it
hardly matters for speed, but half as many samples need half the memory. So a micro-batch has about
64 samples where their activations are few, and 32 to 63 where they are many. docs/threads.md has
the measurement.
"""

from math import ceil
from typing import Any

FEW, SOME = 32, 64
"""Samples."""

MANY = 8 * 2**20
"""Bytes of activations."""


def activation_bytes(model: Any) -> int | None:
    """Return what a model's layers make of one sample, in bytes; None if its batches stay whole."""
    return getattr(model, "activation_bytes", None)


def size_of_micro_batch(model: Any, batch_size: int, replicas: int) -> int:
    """Return how many samples of a batch a replica takes at a time.

    Nothing about the machine or its threads enters, for how a batch is cut is part of a run's
    arithmetic. A batch of vectors is one piece a replica: products gain by every column more.
    """
    of_a_sample = activation_bytes(model)
    if of_a_sample is None:
        return ceil(batch_size / replicas)
    if SOME * of_a_sample <= MANY:
        pieces = round(batch_size / (SOME * replicas))
    else:
        pieces = batch_size // (FEW * replicas)
    return ceil(batch_size / (max(1, pieces) * replicas))
