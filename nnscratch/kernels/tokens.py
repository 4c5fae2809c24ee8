"""Products with one-hot columns: a column of the matrix for each token, and what is added to it.

    y_tmn = w[m, tokens_tn] + bias_m          dw[m, tokens_tn] += dy_tmn

A row of w has as many numbers as there are classes, and stays in a core's first cache while all
tokens look into it. The way back adds to a few places again and again (of a melody more than half
of the tokens are the same), and each addition would wait for the one before. So V rows of dw are
done at a time: their numbers of one class are one vector, and V tokens' gradients are transposed in
registers.
"""

import numpy as np

from ..core import Array, IntArray, Parameter
from .machine.fork_join import next_piece, parallel
from .machine.helpers import aligned, scratch, thread_count, workers_for
from .machine.processor import BYTES
from .machine.simd import add, load, size_of_vector, store, transpose


def gather_steps(w: Array, tokens: IntArray, bias: Array | None = None) -> Array:
    """Return y_tmn = w[m, tokens_tn] + bias_m: see plain_recurrent.py."""
    (T, N), M = tokens.shape, len(w)
    y = aligned((T, M, N), w.dtype)
    bias = np.zeros(M, w.dtype) if bias is None else bias
    tokens, bias = np.ascontiguousarray(tokens, np.int64), bias.reshape(M, -1)
    workers = workers_for(2 * y.size)
    gather_steps_kernel(np.ascontiguousarray(w), tokens, np.ascontiguousarray(bias), y, workers)
    return y


def add_gather_steps(
    p: Parameter, dy: Array, tokens: IntArray, sums: Parameter | None = None
) -> None:
    """p.grad[m, tokens_tn] += dy_tmn, sums.grad += Σ_tn dy_tn: see plain_recurrent.py."""
    V, D = BYTES // dy.itemsize, p.grad.shape[1]
    dy, tokens = np.ascontiguousarray(dy), np.ascontiguousarray(tokens, np.int64)
    of_rows = np.zeros(0, dy.dtype) if sums is None else sums.grad
    memory, workers = scratch(thread_count() * (D + V) * V, dy.dtype), workers_for(2 * dy.size)
    add_gather_steps_kernel(dy, tokens, of_rows, p.grad, memory, workers)


@parallel
def gather_steps_kernel(
    w: Array, tokens: IntArray, bias: Array, y: Array, workers: IntArray, me: int
) -> None:
    """y_tmn = w[m, tokens_tn] + bias_m, or bias_mn.

    w     (M, D)          tokens  (T, N)          y  (T, M, N)
    bias  (M, 1) or (M, N)
    """
    T, M, N = y.shape
    t = next_piece(workers, me, T)
    while t < T:
        these = tokens[t]
        for m in range(M):
            row, out = w[m], y[t, m]
            if bias.shape[1] == 1:
                b = bias[m, 0]
                for n in range(N):
                    out[n] = row[these[n]] + b
            else:
                for n in range(N):
                    out[n] = row[these[n]] + bias[m, n]
        t = next_piece(workers, me, T)


@parallel
def add_gather_steps_kernel(
    dy: Array,
    tokens: IntArray,
    sums: Array,
    dw: Array,
    memory: Array,
    workers: IntArray,
    me: int,
) -> None:
    """dw[m, tokens_tn] += dy_tmn, and sums += Σ_tn dy_tn where they are asked for.

    A piece of work is V rows, or those that are left.

    dy      (T, M, N)          tokens  (T, N)          dw  (M, D)          sums  (M,) or empty
    memory  (D + V) V numbers for each thread
    """
    (T, M, N), D, V = dy.shape, dw.shape[1], size_of_vector(dy)
    own = memory[me * (D + V) * V : (me + 1) * (D + V) * V]
    classes, square = own[: D * V], own[D * V :]
    flat_dy, PIECES = dy.reshape(dy.size), (M + V - 1) // V
    piece = next_piece(workers, me, PIECES)
    while piece < PIECES:
        top = piece * V
        rows = min(V, M - top)
        WHOLE = N // V * V if rows == V else 0
        classes[:] = 0
        for t in range(T):
            these = tokens[t]
            for n in range(0, WHOLE, V):
                transpose(flat_dy, (t * M + top) * N + n, N, square, 0, V)
                for k in range(V):
                    q = these[n + k] * V
                    store(classes, q, add(load(classes, q), load(square, k * V)))
            # Then the samples that are left, number by number.
            for n in range(WHOLE, N):
                for r in range(rows):
                    classes[these[n] * V + r] += dy[t, top + r, n]
        for r in range(rows):
            for d in range(D):
                dw[top + r, d] += classes[d * V + r]
            if sums.size > 0:
                total = dy.dtype.type(0)
                for d in range(D):
                    total += classes[d * V + r]
                sums[top + r] += total
        piece = next_piece(workers, me, PIECES)
