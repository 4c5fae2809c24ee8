"""The loop of the plain recurrent layer over all steps: a block of columns at a time.

plain_recurrent.py has the formulas, recurrent.py how the work is cut up.
"""

import numpy as np

from ..core import Array, IntArray
from .machine.exponential import MINUS_ONE, ONE, constants, tanh
from .machine.fork_join import next_piece, parallel
from .machine.helpers import aligned
from .machine.simd import (
    add,
    fma,
    load,
    load_up_to,
    relu,
    size_of_vector,
    splat,
    store,
    store_up_to,
    where_larger,
    zero,
)
from .recurrent import (
    multiply_block,
    pack_columns,
    prepared,
    read_block,
    rows_of,
    write_block,
)


def rnn(a: Array, u: Array, h0: Array, lengths: IntArray | None, nonlinearity: str) -> Array:
    """Return h: see plain_recurrent.py."""
    T, H, N = a.shape
    h, e = aligned((T + 1, H, N), a.dtype), constants(a.dtype)
    h[0] = h0
    rest = prepared(a, H, H, lengths, 2 * H)
    rnn_kernel(np.ascontiguousarray(a), rows_of(u), nonlinearity == "relu", h, e, *rest)
    return h


def rnn_backward(
    dy: Array, dh: Array, u: Array, h: Array, lengths: IntArray | None, nonlinearity: str
) -> tuple[Array, Array]:
    """Return da and dh0: see plain_recurrent.py."""
    da, dh, H = aligned(dy.shape, dy.dtype), np.array(dh, order="C"), len(u)
    dy, ut, rectify = np.ascontiguousarray(dy), rows_of(u.T), nonlinearity == "relu"
    rest = prepared(da, H, H, lengths, 2 * H)
    rnn_backward_kernel(dy, ut, rectify, h, da, dh, constants(da.dtype), *rest)
    return da, dh


@parallel
def rnn_kernel(
    a: Array,
    u: Array,
    rectify: bool,
    h: Array,
    e: Array,
    ends: Array,
    steps: Array,
    cut: IntArray,
    memory: Array,
    workers: IntArray,
    me: int,
) -> None:
    """Run all steps from h_0; φ is the rectifier or tanh.

    a       (T, H, N)              u  (H, PITCH), of which the first H columns count
    h       (T + 1, H, N)          e  constants of the exponential
    memory  2H blocks of one row for each thread
    """
    (T, H, N), PITCH = a.shape, u.shape[1]
    WIDTH, HEIGHT = cut
    own = memory[me * 2 * H * WIDTH : (me + 1) * 2 * H * WIDTH]
    sums, panels = own[: H * WIDTH], own[H * WIDTH :]
    flat_a, flat_h, flat_u = a.reshape(a.size), h.reshape(h.size), u.reshape(u.size)
    nothing, BLOCKS, V = flat_a[:0], (N + WIDTH - 1) // WIDTH, size_of_vector(a)
    block = next_piece(workers, me, BLOCKS)
    while block < BLOCKS:
        n = block * WIDTH
        columns = min(WIDTH, N - n)
        pack_columns(flat_h[n:], N, H, columns, panels)
        for t in range(T):
            now, after = flat_a[t * H * N + n :], flat_h[(t + 1) * H * N + n :]
            multiply_block(
                flat_u, PITCH, H, panels, nothing, now, N, H, HEIGHT, sums, WIDTH, columns
            )
            for k in range(H):
                for j in range(0, columns, V):
                    place = j // (2 * V) * (2 * V * H) + k * 2 * V + j % (2 * V)
                    y, left = load(sums, k * WIDTH + j), columns - j
                    y = relu(y) if rectify else tanh(y, e)
                    if ends.size > 0:
                        end = load_up_to(ends, n + j, left)
                        y = where_larger(end, splat(steps, t), y, load(panels, place))
                    store(panels, place, y)
                    store_up_to(after, k * N + j, y, left)
        block = next_piece(workers, me, BLOCKS)


@parallel
def rnn_backward_kernel(
    dy: Array,
    ut: Array,
    rectify: bool,
    h: Array,
    da: Array,
    dh: Array,
    e: Array,
    ends: Array,
    steps: Array,
    cut: IntArray,
    memory: Array,
    workers: IntArray,
    me: int,
) -> None:
    """Run all steps back from dh_T, in whose place dh_0 comes.

    dy, da  (T, H, N)              h   (T + 1, H, N)     ut  (H, PITCH), uᵀ and perhaps more columns
    dh      (H, N)                 e   constants of the exponential
    memory  2H blocks of one row for each thread
    """
    (T, H, N), PITCH = da.shape, ut.shape[1]
    WIDTH, HEIGHT = cut
    own = memory[me * 2 * H * WIDTH : (me + 1) * 2 * H * WIDTH]
    panels, of_h = own[: H * WIDTH], own[H * WIDTH :]
    flat_dy, flat_ut, flat_h = dy.reshape(dy.size), ut.reshape(ut.size), h.reshape(h.size)
    flat_da, flat_dh, V = da.reshape(da.size), dh.reshape(dh.size), size_of_vector(da)
    empty, BLOCKS = flat_da[:0], (N + WIDTH - 1) // WIDTH
    nothing, one, minus = zero(flat_da), splat(e, ONE), splat(e, MINUS_ONE)
    block = next_piece(workers, me, BLOCKS)
    while block < BLOCKS:
        n = block * WIDTH
        columns = min(WIDTH, N - n)
        read_block(flat_dh[n:], N, H, columns, WIDTH, of_h)
        for t in range(T - 1, -1, -1):
            for k in range(H):
                for j in range(0, columns, V):
                    p, at, left = k * WIDTH + j, (t * H + k) * N + n + j, columns - j
                    place = j // (2 * V) * (2 * V * H) + k * 2 * V + j % (2 * V)
                    y, dh_old = load_up_to(flat_h, at + H * N, left), load(of_h, p)
                    d, before = add(dh_old, load_up_to(flat_dy, at, left)), nothing
                    if rectify:
                        d = where_larger(y, nothing, d, nothing)
                    else:
                        d = fma(d, fma(fma(y, minus, nothing), y, one), nothing)
                    if ends.size > 0:
                        end, now = load_up_to(ends, n + j, left), splat(steps, t)
                        d = where_larger(end, now, d, nothing)
                        before = where_larger(end, now, nothing, dh_old)
                    store(of_h, p, before)
                    store(panels, place, d)
                    store_up_to(flat_da, at, d, left)
            multiply_block(
                flat_ut, PITCH, H, panels, empty, of_h, WIDTH, H, HEIGHT, of_h, WIDTH, columns
            )
        write_block(of_h, WIDTH, H, columns, flat_dh[n:], N)
        block = next_piece(workers, me, BLOCKS)
