"""What the loops over time share: a block of columns, its product with a matrix, the plan.

A step of a recurrent layer needs the state of the step before, of its own sample and of no other.
So a piece of work is a block of columns, samples that lie side by side, and the thread that has it
runs all T steps: threads meet once a call and not once a step. What a block needs from step to
step, its states and sums, stays in a core's cache, and so does the matrix u as far as it fits (256
kB for an LSTM of H = 128). No number of a column depends on its neighbours, or on how many there
are in a block: the bits are the same on any number of threads.

    panels   what is multiplied by the matrix: WIDTH columns, two vectors a panel, K rows each, in
             the order in which the micro-kernel reads them (machine/tile.py)
    block    a matrix of WIDTH columns, row by row

What both have beyond the last sample is undefined.

Source
    Zhang et al., DeepCPU: serving RNN-based deep learning models 10x faster (2018): the matrix
    stays in a core's cache.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..core import Array, IntArray
from .machine.helpers import scratch, thread_count, workers_for
from .machine.jit import kernel
from .machine.processor import BYTES
from .machine.simd import (
    load,
    load_up_to,
    prefetch_to_read,
    size_of_vector,
    store,
    store_up_to,
)
from .machine.tile import bias_tile, height, multiply_rows, read_tile, write_tile
from .product import pack

PANELS = 2
"""The most panels of a block. A tile's rows of the matrix are read once for all of them: with one
panel H = 256, whose matrix does not stay in the cache, took a tenth longer."""


# Kernels


@kernel
def pack_columns(a: Array, PITCH: int, K: int, columns: int, panels: Array) -> None:
    """panels[p, k, j] = a[k PITCH + p 2V + j] for the first columns."""
    V = size_of_vector(a)
    for first in range(0, columns, 2 * V):
        q = first * K
        for k in range(K):
            p, left = k * PITCH + first, columns - first
            store(panels, q, load_up_to(a, p, left))
            store(panels, q + V, load_up_to(a, p + V, left - V))
            q += 2 * V


@kernel
def read_block(a: Array, PITCH: int, K: int, columns: int, WIDTH: int, block: Array) -> None:
    """block[k, j] = a[k PITCH + j] for the first columns."""
    for k in range(K):
        for j in range(0, columns, size_of_vector(a)):
            store(block, k * WIDTH + j, load_up_to(a, k * PITCH + j, columns - j))


@kernel
def write_block(block: Array, WIDTH: int, K: int, columns: int, a: Array, PITCH: int) -> None:
    """a[k PITCH + j] = block[k, j] for the first columns."""
    for k in range(K):
        for j in range(0, columns, size_of_vector(a)):
            store_up_to(a, k * PITCH + j, load(block, k * WIDTH + j), columns - j)


@kernel
def prefetch_rows(a: Array, at: int, PITCH: int, rows: int, columns: int) -> None:
    """Ask for the first columns of some rows: they are far apart, and no processor foresees it."""
    for r in range(rows):
        for j in range(0, columns, size_of_vector(a)):
            prefetch_to_read(a, at + r * PITCH + j)


@kernel
def multiply_block(
    w: Array,
    PITCH: int,
    K: int,
    panels: Array,
    bias: Array,
    start: Array,
    S_PITCH: int,
    M: int,
    HEIGHT: int,
    out: Array,
    O_PITCH: int,
    columns: int,
) -> None:
    """out[m O_PITCH + j] = b_mj + Σ_k w[m PITCH + k] x[k, j] for m < M and j < columns.

    x       in `panels`, K rows
    b       bias[m]; if there is no bias, start[m S_PITCH + j]
    HEIGHT  rows of a tile
    """
    NR = 2 * size_of_vector(w)
    for m in range(0, M, HEIGHT):
        rows = min(HEIGHT, M - m)
        if bias.size == 0:
            prefetch_rows(
                start, (m + HEIGHT) * S_PITCH, S_PITCH, min(HEIGHT, M - m - HEIGHT), columns
            )
        for j in range(0, columns, NR):
            if bias.size > 0:
                tile = bias_tile(bias, m, rows)
            else:
                tile = read_tile(start, m * S_PITCH + j, S_PITCH, rows, columns - j)
            tile = multiply_rows(tile, w, m * PITCH, PITCH, panels, j * K, K)
            write_tile(out, m * O_PITCH + j, O_PITCH, 0, columns - j, tile)


# What Python prepares


def rows_of(w: Array) -> Array:
    """Return w, or a copy of it whose rows are contiguous, and may be longer than w's."""
    if w.flags.c_contiguous or not w.flags.f_contiguous:
        return np.ascontiguousarray(w)
    (M, K), V = w.shape, BYTES // w.itemsize
    rows = np.empty((M, -(-K // V) * V), w.dtype)
    pack(w.T, True, 0, rows.shape[1], rows.ravel())
    return rows


def block_width(N: int, dtype: "np.dtype[Any]", threads: int) -> int:
    """Return how many columns a block has, in whole panels, so that all threads have some."""
    columns = 2 * BYTES // dtype.itemsize
    return columns * max(1, min(PANELS, N // (columns * threads)))


class Plan(NamedTuple):
    """How a loop over time is cut up.

    cut      columns of a block, rows of a tile
    steps    0, 1, … T - 1 as floats, to be compared with the ends of the samples
    nothing  an array of no numbers
    """

    cut: IntArray
    steps: Array
    nothing: Array


@cache
def _plan(T: int, N: int, rows: int, dtype: "np.dtype[Any]", threads: int) -> Plan:
    cut: IntArray = np.array([block_width(N, dtype, threads), height(rows)])
    return Plan(cut, np.arange(T, dtype=dtype), np.zeros(0, dtype))


class Prepared(NamedTuple):
    """What a kernel that runs all steps is called with.

    ends   of each sample the number of its valid steps, as floats (N,); empty if all are valid
    steps  0, 1, … T - 1 as floats
    memory as many blocks of one row as were asked for, for each thread
    """

    ends: Array
    steps: Array
    cut: IntArray
    memory: Array
    workers: IntArray


def prepared(a: Array, H: int, rows: int, lengths: IntArray | None, needed: int) -> Prepared:
    """Return it for the steps of a (T, M, N), whose products have so many rows each."""
    (T, M, N), threads = a.shape, thread_count()
    cut, steps, nothing = _plan(T, N, rows, a.dtype, threads)
    memory = scratch(threads * needed * int(cut[0]), a.dtype)
    ends = nothing if lengths is None else lengths.astype(a.dtype)
    return Prepared(ends, steps, cut, memory, workers_for(T * M * H * N // 16))
