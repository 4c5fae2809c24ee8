"""The loop of a GRU over all steps, forward: a block of columns at a time.

plain_recurrent.py has the formulas, recurrent.py how the work is cut up.
"""

import numpy as np

from ..core import Array, IntArray
from .machine.exponential import MINUS_ONE, constants, sigmoid, tanh
from .machine.fork_join import next_piece, parallel
from .machine.helpers import aligned
from .machine.jit import kernel
from .machine.simd import (
    add,
    fma,
    load,
    load_up_to,
    size_of_vector,
    splat,
    store,
    store_up_to,
    where_larger,
    zero,
)
from .recurrent import multiply_block, pack_columns, prepared, rows_of


def gru(
    a: Array, u: Array, bias_hh: Array | None, h0: Array, lengths: IntArray | None
) -> tuple[Array, Array, Array]:
    """Return h, the gates, these in the memory of a, and q_n: see plain_recurrent.py."""
    (T, M, N), H = a.shape, u.shape[1]
    h, un = aligned((T + 1, H, N), a.dtype), aligned((T, H, N), a.dtype)
    h[0] = h0
    bias = np.zeros(M, a.dtype) if bias_hh is None else bias_hh
    gru_kernel(a, rows_of(u), bias, h, un, constants(a.dtype), *prepared(a, H, M, lengths, 4 * H))
    return h, a, un


@parallel
def gru_kernel(
    a: Array,
    u: Array,
    bias: Array,
    h: Array,
    un: Array,
    e: Array,
    ends: Array,
    steps: Array,
    cut: IntArray,
    memory: Array,
    workers: IntArray,
    me: int,
) -> None:
    """Run all steps from h_0; the gates take the place of a.

    a     (T, 3H, N)            u   (3H, PITCH), of which the first H columns count
    h     (T + 1, H, N)         un  (T, H, N)          bias  (3H,)
    e     constants of the exponential
    memory  4H blocks of one row for each thread
    """
    (T, M, N), H, PITCH = a.shape, h.shape[1], u.shape[1]
    WIDTH, HEIGHT = cut
    own = memory[me * 4 * H * WIDTH : (me + 1) * 4 * H * WIDTH]
    sums, panels = own[: M * WIDTH], own[M * WIDTH :]
    flat_a, flat_h, flat_un = a.reshape(a.size), h.reshape(h.size), un.reshape(un.size)
    flat_u, nothing, BLOCKS = u.reshape(u.size), flat_a[:0], (N + WIDTH - 1) // WIDTH
    block = next_piece(workers, me, BLOCKS)
    while block < BLOCKS:
        n = block * WIDTH
        columns = min(WIDTH, N - n)
        pack_columns(flat_h[n:], N, H, columns, panels)
        for t in range(T):
            now, at = flat_a[t * M * N + n :], t * H * N + n
            multiply_block(
                flat_u, PITCH, H, panels, bias, nothing, N, M, HEIGHT, sums, WIDTH, columns
            )
            h_now, un_now = flat_h[at:], flat_un[at:]
            gru_step(sums, WIDTH, H, N, columns, ends[n:], steps[t:], e, now, h_now, un_now, panels)
        block = next_piece(workers, me, BLOCKS)


@kernel
def gru_step(
    q: Array,
    WIDTH: int,
    H: int,
    N: int,
    columns: int,
    ends: Array,
    now: Array,
    e: Array,
    gates: Array,
    h: Array,
    un: Array,
    panels: Array,
) -> None:
    """Compute gates and states of a block from q = u h + b; the new h goes to the panels too.

    gates, h, un  from this step and the first sample of the block on; gates hold a before
    """
    V, PLANE, nothing, minus = size_of_vector(q), H * N, zero(q), splat(e, MINUS_ONE)
    for k in range(H):
        for j in range(0, columns, V):
            p, at, left = k * WIDTH + j, k * N + j, columns - j
            place = j // (2 * V) * (2 * V * H) + k * 2 * V + j % (2 * V)
            r = sigmoid(add(load(q, p), load_up_to(gates, at, left)), e)
            z = sigmoid(add(load(q, p + H * WIDTH), load_up_to(gates, at + PLANE, left)), e)
            qn = load(q, p + 2 * H * WIDTH)
            n = tanh(fma(r, qn, load_up_to(gates, at + 2 * PLANE, left)), e)
            before = load(panels, place)
            y = fma(z, fma(n, minus, before), n)
            if ends.size > 0:
                end, t = load_up_to(ends, j, left), splat(now, 0)
                r, z = where_larger(end, t, r, nothing), where_larger(end, t, z, nothing)
                n, qn = where_larger(end, t, n, nothing), where_larger(end, t, qn, nothing)
                y = where_larger(end, t, y, before)
            store_up_to(gates, at, r, left)
            store_up_to(gates, at + PLANE, z, left)
            store_up_to(gates, at + 2 * PLANE, n, left)
            store_up_to(un, at, qn, left)
            store_up_to(h, at + PLANE, y, left)
            store(panels, place, y)
