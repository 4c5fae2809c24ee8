"""The loop of an LSTM over all steps, forward: a block of columns at a time.

plain_recurrent.py has the formulas, recurrent.py how the work is cut up.
"""

from ..core import Array, IntArray
from .machine.exponential import constants, sigmoid, tanh
from .machine.fork_join import next_piece, parallel
from .machine.helpers import aligned
from .machine.jit import kernel
from .machine.simd import (
    fma,
    load,
    load_up_to,
    prefetch,
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
    rows_of,
)

AHEAD = 4
"""Rows."""


def lstm(
    a: Array, u: Array, h0: Array, c0: Array, lengths: IntArray | None
) -> tuple[Array, Array, Array]:
    """Return h, c and the gates, these in the memory of a: see plain_recurrent.py."""
    (T, M, N), H = a.shape, u.shape[1]
    h, c = aligned((2, T + 1, H, N), a.dtype)
    h[0], c[0] = h0, c0
    lstm_kernel(a, rows_of(u), h, c, constants(a.dtype), *prepared(a, H, M, lengths, 5 * H))
    return h, c, a


@parallel
def lstm_kernel(
    a: Array,
    u: Array,
    h: Array,
    c: Array,
    e: Array,
    ends: Array,
    steps: Array,
    cut: IntArray,
    memory: Array,
    workers: IntArray,
    me: int,
) -> None:
    """Run all steps from h_0 and c_0; the gates take the place of a.

    a     (T, 4H, N)            u  (4H, PITCH), of which the first H columns count
    h, c  (T + 1, H, N)         e  constants of the exponential
    memory  5H blocks of one row for each thread
    """
    (T, M, N), H, PITCH = a.shape, h.shape[1], u.shape[1]
    WIDTH, HEIGHT = cut
    own = memory[me * 5 * H * WIDTH : (me + 1) * 5 * H * WIDTH]
    sums, panels = own[: M * WIDTH], own[M * WIDTH :]
    flat_a, flat_h, flat_c = a.reshape(a.size), h.reshape(h.size), c.reshape(c.size)
    flat_u, nothing, BLOCKS = u.reshape(u.size), flat_a[:0], (N + WIDTH - 1) // WIDTH
    block = next_piece(workers, me, BLOCKS)
    while block < BLOCKS:
        n = block * WIDTH
        columns = min(WIDTH, N - n)
        pack_columns(flat_h[n:], N, H, columns, panels)
        for t in range(T):
            now = flat_a[t * M * N + n :]
            multiply_block(
                flat_u, PITCH, H, panels, nothing, now, N, M, HEIGHT, sums, WIDTH, columns
            )
            at = t * H * N + n
            lstm_step(
                sums,
                WIDTH,
                H,
                N,
                columns,
                ends[n:],
                steps[t:],
                e,
                now,
                flat_h[at:],
                flat_c[at:],
                panels,
            )
        block = next_piece(workers, me, BLOCKS)


@kernel
def lstm_step(
    sums: Array,
    WIDTH: int,
    H: int,
    N: int,
    columns: int,
    ends: Array,
    now: Array,
    e: Array,
    gates: Array,
    h: Array,
    c: Array,
    panels: Array,
) -> None:
    """Compute gates and states of a block from its sums a + u h; the new h goes to the panels too.

    gates, h, c  from this step and the first sample of the block on
    """
    V, PLANE, nothing = size_of_vector(sums), H * N, zero(sums)
    for k in range(H):
        for j in range(0, columns, V):
            q, at, left = k * WIDTH + j, k * N + j, columns - j
            place = j // (2 * V) * (2 * V * H) + k * 2 * V + j % (2 * V)
            if k + AHEAD < H:
                soon = at + AHEAD * N
                prefetch(h, soon + PLANE)
                prefetch(c, soon + PLANE)
                for gate in range(4):
                    prefetch(gates, soon + gate * PLANE)
            i = sigmoid(load(sums, q), e)
            f = sigmoid(load(sums, q + H * WIDTH), e)
            g = tanh(load(sums, q + 2 * H * WIDTH), e)
            o = sigmoid(load(sums, q + 3 * H * WIDTH), e)
            before = load_up_to(c, at, left)
            after = fma(f, before, fma(i, g, nothing))
            y = fma(o, tanh(after, e), nothing)
            if ends.size > 0:
                end, t = load_up_to(ends, j, left), splat(now, 0)
                i, f = where_larger(end, t, i, nothing), where_larger(end, t, f, nothing)
                g, o = where_larger(end, t, g, nothing), where_larger(end, t, o, nothing)
                after = where_larger(end, t, after, before)
                y = where_larger(end, t, y, load(panels, place))
            store_up_to(gates, at, i, left)
            store_up_to(gates, at + PLANE, f, left)
            store_up_to(gates, at + 2 * PLANE, g, left)
            store_up_to(gates, at + 3 * PLANE, o, left)
            store_up_to(c, at + PLANE, after, left)
            store_up_to(h, at + PLANE, y, left)
            store(panels, place, y)
