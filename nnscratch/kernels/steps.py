"""Products with all steps of a sequence, forward and for the gradients of the weights.

    y_t = w x_t + bias          dw = Σ_t dy_t x_tᵀ

Forward, a piece of work is a block of columns of one step (recurrent.py). For the gradient it is a
strip of rows of dw. There the sum runs over steps and samples, which are neighbours in a row of dy,
while the micro-kernel wants the features of x side by side: x is transposed into panels first. A
tile of dw stays in registers for as many steps as have some 256 samples together; all of x's panels
of these steps then stay in a core's cache while the rows of dy go by.
"""

import numpy as np

from ..core import Array, IntArray, Parameter
from .machine.fork_join import next_piece, parallel
from .machine.helpers import aligned, scratch, thread_count, workers_for
from .machine.jit import kernel
from .machine.processor import BYTES
from .machine.simd import add, load_up_to, size_of_vector, total, zero
from .machine.tile import height, multiply_rows, read_tile, write_tile
from .matmul import tiles_of_a_strip
from .product import pack
from .recurrent import block_width, multiply_block, pack_columns, prefetch_rows, rows_of

TERMS = 256
"""Terms of a sum of dw after which a tile leaves the registers."""

STRIPS = 4, 3, 2
"""Strips of dw that a thread may have."""


def matmul_steps(w: Array, x: Array, bias: Array | None = None) -> Array:
    """Return y_t = w x_t + bias for all steps: see plain_recurrent.py."""
    (T, K, N), M, threads = x.shape, len(w), thread_count()
    y = aligned((T, M, N), x.dtype)
    bias = np.zeros(M, x.dtype) if bias is None else np.ascontiguousarray(bias)
    cut: IntArray = np.array([block_width(N, x.dtype, threads), height(M)])
    memory = scratch(threads * K * int(cut[0]), x.dtype)
    workers = workers_for(T * M * K * N // 16)
    x = np.ascontiguousarray(x)
    matmul_steps_kernel(rows_of(w), x, bias.ravel(), cut, y, memory, workers)
    return y


def add_matmul_steps(p: Parameter, dy: Array, x: Array, sums: Parameter | None = None) -> None:
    """p.grad += Σ_t dy_t x_tᵀ, sums.grad += Σ_tn dy_tn: see plain_recurrent.py."""
    (T, M, N), D, NR = dy.shape, x.shape[1], 2 * BYTES // x.itemsize
    dy, x = np.ascontiguousarray(dy), np.ascontiguousarray(x)
    panels, workers = scratch(T * N * -(-D // NR) * NR, x.dtype), workers_for(T * M * D * N // 16)
    transpose_steps(x, True, panels, workers)
    rows = height(M)
    tiles = tiles_of_a_strip(-(-M // rows), thread_count(), STRIPS)
    cut: IntArray = np.array([rows * tiles, rows, max(1, TERMS // max(1, N))])
    of_rows = np.zeros(0, x.dtype) if sums is None else sums.grad
    add_matmul_steps_kernel(dy, panels, of_rows, cut, p.grad, workers)


@parallel
def matmul_steps_kernel(
    w: Array,
    x: Array,
    bias: Array,
    cut: IntArray,
    y: Array,
    memory: Array,
    workers: IntArray,
    me: int,
) -> None:
    """y_t = w x_t + bias.

    w       (M, PITCH), of which the first K columns count
    x, y    (T, K, N), (T, M, N)
    bias    flat: one for each row, or for each row and sample
    cut     columns of a block, rows of a tile
    memory  K × columns numbers for each thread
    """
    (T, K, N), M, PITCH = x.shape, y.shape[1], w.shape[1]
    WIDTH, HEIGHT = cut
    panels = memory[me * K * WIDTH : (me + 1) * K * WIDTH]
    flat_w, flat_x, flat_y = w.reshape(w.size), x.reshape(x.size), y.reshape(y.size)
    BLOCKS, no_bias = (N + WIDTH - 1) // WIDTH, bias[:0]
    piece = next_piece(workers, me, T * BLOCKS)
    while piece < T * BLOCKS:
        # A thread's share is some blocks of all steps, as in the loops: it reads what it wrote.
        n, t = piece // T * WIDTH, piece % T
        columns, out = min(WIDTH, N - n), flat_y[t * M * N + n :]
        pack_columns(flat_x[t * K * N + n :], N, K, columns, panels)
        of_rows, of_all = (bias, no_bias) if bias.size == M else (no_bias, bias[n:])
        multiply_block(flat_w, PITCH, K, panels, of_rows, of_all, N, M, HEIGHT, out, N, columns)
        piece = next_piece(workers, me, T * BLOCKS)


@parallel
def transpose_steps(x: Array, transposed: bool, panels: Array, workers: IntArray, me: int) -> None:
    """panels[t, p, n, j] = x[t, p 2V + j, n]: what a product with x_tᵀ reads.

    x           (T, D, N)
    transposed  True, for `pack`; as a constant it would be another type, and compiled once more
    panels      flat; undefined beyond the last of x's rows
    """
    (T, D, N), NR = x.shape, 2 * size_of_vector(x)
    PANELS = (D + NR - 1) // NR
    t = next_piece(workers, me, T)
    while t < T:
        for p in range(PANELS):
            at = (t * PANELS + p) * N * NR
            pack(x[t], transposed, p * NR, NR, panels[at : at + N * NR])
        t = next_piece(workers, me, T)


@kernel
def add_sums(dy: Array, at: int, STEP: int, N: int, count: int, sums: Array, m: int) -> None:
    """sums[m] += Σ_t Σ_n dy[at + t STEP + n], t < count, n < N."""
    V, v = size_of_vector(dy), zero(dy)
    for t in range(count):
        for n in range(0, N, V):
            v = add(v, load_up_to(dy, at + t * STEP + n, N - n))
    sums[m] += total(v)


@parallel
def add_matmul_steps_kernel(
    dy: Array,
    panels: Array,
    sums: Array,
    cut: IntArray,
    dw: Array,
    workers: IntArray,
    me: int,
) -> None:
    """dw += Σ_t dy_t x_tᵀ, and sums += Σ_tn dy_tn where they are asked for.

    dy      (T, M, N)          panels  x, as `transpose_steps` writes it
    dw      (M, D)             sums    (M,), or empty
    cut     rows of a strip and of a tile; steps for which a tile stays in registers
    """
    (T, M, N), D, NR = dy.shape, dw.shape[1], 2 * size_of_vector(dy)
    STRIP, HEIGHT, STEPS = cut
    PANELS, STRIPS_ = (D + NR - 1) // NR, (M + STRIP - 1) // STRIP
    flat_dy, flat_dw = dy.reshape(dy.size), dw.reshape(dw.size)
    strip = next_piece(workers, me, STRIPS_)
    while strip < STRIPS_:
        top, bottom = strip * STRIP, min((strip + 1) * STRIP, M)
        for first in range(0, T, STEPS):
            last = min(first + STEPS, T)
            for m in range(top, bottom, HEIGHT):
                rows = min(HEIGHT, bottom - m)
                for p in range(PANELS):
                    if p < last - first:
                        after = ((first + p) * M + m + HEIGHT) * N
                        prefetch_rows(flat_dy, after, N, min(HEIGHT, M - m - HEIGHT), N)
                    at, columns = m * D + p * NR, D - p * NR
                    tile = read_tile(flat_dw, at, D, rows, columns)
                    for t in range(first, last):
                        q = (t * PANELS + p) * N * NR
                        tile = multiply_rows(tile, flat_dy, (t * M + m) * N, N, panels, q, N)
                    write_tile(flat_dw, at, D, 0, columns, tile)
                if sums.size > 0:
                    for r in range(m, m + rows):
                        add_sums(flat_dy, (first * M + r) * N, M * N, N, last - first, sums, r)
        strip = next_piece(workers, me, STRIPS_)
