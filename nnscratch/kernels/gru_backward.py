"""The loop of a GRU over all steps, backward: a block of columns at a time.

plain_recurrent.py has the formulas, recurrent.py how the work is cut up.
"""

import numpy as np

from ..core import Array, IntArray
from .machine.exponential import MINUS_ONE, ONE, constants
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
from .recurrent import multiply_block, prepared, read_block, rows_of, write_block


def gru_backward(
    dy: Array,
    dh: Array,
    u: Array,
    h: Array,
    gates: Array,
    un: Array,
    lengths: IntArray | None,
) -> tuple[Array, Array, Array]:
    """Return da, dq and dh0: see plain_recurrent.py."""
    (da, dq), H = aligned((2, *gates.shape), gates.dtype), u.shape[1]
    dh, dy, ut = np.array(dh, order="C"), np.ascontiguousarray(dy), rows_of(u.T)
    e, rest = constants(da.dtype), prepared(da, H, H, lengths, 4 * H)
    gru_backward_kernel(dy, ut, h, gates, un, da, dq, dh, e, *rest)
    return da, dq, dh


@parallel
def gru_backward_kernel(
    dy: Array,
    ut: Array,
    h: Array,
    gates: Array,
    un: Array,
    da: Array,
    dq: Array,
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

    dy, un  (T, H, N)              h   (T + 1, H, N)     ut  (H, PITCH), uᵀ and perhaps more columns
    gates, da, dq  (T, 3H, N)      dh  (H, N)            e   constants of the exponential
    memory  4H blocks of one row for each thread
    """
    (T, M, N), H, PITCH = da.shape, dh.shape[0], ut.shape[1]
    WIDTH, HEIGHT = cut
    own = memory[me * 4 * H * WIDTH : (me + 1) * 4 * H * WIDTH]
    panels, of_h = own[: M * WIDTH], own[M * WIDTH :]
    flat_dy, flat_ut, flat_h = dy.reshape(dy.size), ut.reshape(ut.size), h.reshape(h.size)
    flat_gates, flat_un, flat_da = gates.reshape(da.size), un.reshape(un.size), da.reshape(da.size)
    flat_dq, flat_dh, none = dq.reshape(dq.size), dh.reshape(dh.size), flat_da[:0]
    BLOCKS = (N + WIDTH - 1) // WIDTH
    block = next_piece(workers, me, BLOCKS)
    while block < BLOCKS:
        n = block * WIDTH
        columns = min(WIDTH, N - n)
        read_block(flat_dh[n:], N, H, columns, WIDTH, of_h)
        for t in range(T - 1, -1, -1):
            at, gates_at = t * H * N + n, t * M * N + n
            gru_step_backward(
                flat_dy[at:],
                flat_h[at:],
                flat_gates[gates_at:],
                flat_un[at:],
                WIDTH,
                H,
                N,
                columns,
                ends[n:],
                steps[t:],
                e,
                of_h,
                flat_da[gates_at:],
                flat_dq[gates_at:],
                panels,
            )
            multiply_block(
                flat_ut, PITCH, M, panels, none, of_h, WIDTH, H, HEIGHT, of_h, WIDTH, columns
            )
        write_block(of_h, WIDTH, H, columns, flat_dh[n:], N)
        block = next_piece(workers, me, BLOCKS)


@kernel
def gru_step_backward(
    dy: Array,
    h: Array,
    gates: Array,
    un: Array,
    WIDTH: int,
    H: int,
    N: int,
    columns: int,
    ends: Array,
    now: Array,
    e: Array,
    of_h: Array,
    da: Array,
    dq: Array,
    panels: Array,
) -> None:
    """Compute a block's da and dq, and what of dh goes to the step before past u, in of_h.

    That is z dh; of samples that have ended all of dh. dq goes to the panels too.

    dy, h, gates, un, da, dq  from this step and the first sample of the block on
    """
    V, PLANE, nothing = size_of_vector(of_h), H * N, zero(of_h)
    one, minus, ROWS = splat(e, ONE), splat(e, MINUS_ONE), 2 * V * H
    for k in range(H):
        for j in range(0, columns, V):
            p, at, left = k * WIDTH + j, k * N + j, columns - j
            place = j // (2 * V) * (3 * ROWS) + k * 2 * V + j % (2 * V)
            r, z = load_up_to(gates, at, left), load_up_to(gates, at + PLANE, left)
            n, qn = load_up_to(gates, at + 2 * PLANE, left), load_up_to(un, at, left)
            dh_old = load(of_h, p)
            d = add(dh_old, load_up_to(dy, at, left))
            d_less, dh = fma(d, fma(z, minus, one), nothing), fma(d, z, nothing)
            # The gates' own derivatives: σ' = σ (1 - σ) and tanh' = 1 - tanh².
            dn = fma(d_less, fma(fma(n, minus, nothing), n, one), nothing)
            change = fma(n, minus, load_up_to(h, at, left))
            dz = fma(fma(d_less, change, nothing), z, nothing)
            dqn = fma(dn, r, nothing)
            dr = fma(fma(dqn, qn, nothing), fma(r, minus, one), nothing)
            if ends.size > 0:
                end, t = load_up_to(ends, j, left), splat(now, 0)
                dr, dz = where_larger(end, t, dr, nothing), where_larger(end, t, dz, nothing)
                dn, dqn = where_larger(end, t, dn, nothing), where_larger(end, t, dqn, nothing)
                dh = where_larger(end, t, dh, dh_old)
            store(of_h, p, dh)
            store(panels, place, dr)
            store(panels, place + ROWS, dz)
            store(panels, place + 2 * ROWS, dqn)
            store_up_to(da, at, dr, left)
            store_up_to(da, at + PLANE, dz, left)
            store_up_to(da, at + 2 * PLANE, dn, left)
            store_up_to(dq, at, dr, left)
            store_up_to(dq, at + PLANE, dz, left)
            store_up_to(dq, at + 2 * PLANE, dqn, left)
