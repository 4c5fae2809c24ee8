"""The loop of an LSTM over all steps, backward: a block of columns at a time.

plain_recurrent.py has the formulas, recurrent.py how the work is cut up.
"""

import numpy as np

from ..core import Array, IntArray
from .machine.exponential import MINUS_ONE, ONE, constants, tanh
from .machine.fork_join import next_piece, parallel
from .machine.helpers import aligned
from .machine.jit import kernel
from .machine.simd import (
    add,
    fma,
    load,
    load_up_to,
    prefetch,
    prefetch_to_read,
    size_of_vector,
    splat,
    store,
    store_up_to,
    where_larger,
    zero,
)
from .recurrent import (
    multiply_block,
    prepared,
    read_block,
    rows_of,
    write_block,
)

AHEAD = 4
"""Rows."""


def lstm_backward(
    dy: Array,
    dh: Array,
    dc: Array,
    u: Array,
    h: Array,
    c: Array,
    gates: Array,
    lengths: IntArray | None,
) -> tuple[Array, Array, Array]:
    """Return da, dh0 and dc0: see plain_recurrent.py."""
    da, H = aligned(gates.shape, gates.dtype), u.shape[1]
    dh, dc = np.array(dh, order="C"), np.array(dc, order="C")
    lstm_backward_kernel(
        np.ascontiguousarray(dy),
        rows_of(u.T),
        c,
        gates,
        da,
        dh,
        dc,
        constants(da.dtype),
        *prepared(da, H, H, lengths, 6 * H),
    )
    return da, dh, dc


@parallel
def lstm_backward_kernel(
    dy: Array,
    ut: Array,
    c: Array,
    gates: Array,
    da: Array,
    dh: Array,
    dc: Array,
    e: Array,
    ends: Array,
    steps: Array,
    cut: IntArray,
    memory: Array,
    workers: IntArray,
    me: int,
) -> None:
    """Run all steps back from dh_T and dc_T, in whose place dh_0 and dc_0 come.

    dy  (T, H, N)          c  (T + 1, H, N)          ut  (H, PITCH), uᵀ and perhaps more columns
    gates, da  (T, 4H, N)          dh, dc  (H, N)          e  constants of the exponential
    memory  6H blocks of one row for each thread
    """
    (T, M, N), H, PITCH = da.shape, dh.shape[0], ut.shape[1]
    WIDTH, HEIGHT = cut
    own = memory[me * 6 * H * WIDTH : (me + 1) * 6 * H * WIDTH]
    panels, of_h, of_c = own[: M * WIDTH], own[M * WIDTH : 5 * H * WIDTH], own[5 * H * WIDTH :]
    flat_dy, flat_ut, flat_c = dy.reshape(dy.size), ut.reshape(ut.size), c.reshape(c.size)
    flat_gates, flat_da = gates.reshape(gates.size), da.reshape(da.size)
    flat_dh, flat_dc, none = dh.reshape(dh.size), dc.reshape(dc.size), flat_da[:0]
    BLOCKS = (N + WIDTH - 1) // WIDTH
    block = next_piece(workers, me, BLOCKS)
    while block < BLOCKS:
        n = block * WIDTH
        columns = min(WIDTH, N - n)
        read_block(flat_dh[n:], N, H, columns, WIDTH, of_h)
        read_block(flat_dc[n:], N, H, columns, WIDTH, of_c)
        for t in range(T - 1, -1, -1):
            at, gates_at = t * H * N + n, t * M * N + n
            lstm_step_backward(
                flat_dy[at:],
                flat_c[at:],
                flat_gates[gates_at:],
                WIDTH,
                H,
                N,
                columns,
                ends[n:],
                steps[t:],
                e,
                of_h,
                of_c,
                flat_da[gates_at:],
                panels,
            )
            multiply_block(
                flat_ut, PITCH, M, panels, none, of_h, WIDTH, H, HEIGHT, of_h, WIDTH, columns
            )
        write_block(of_h, WIDTH, H, columns, flat_dh[n:], N)
        write_block(of_c, WIDTH, H, columns, flat_dc[n:], N)
        block = next_piece(workers, me, BLOCKS)


@kernel
def lstm_step_backward(
    dy: Array,
    c: Array,
    gates: Array,
    WIDTH: int,
    H: int,
    N: int,
    columns: int,
    ends: Array,
    now: Array,
    e: Array,
    of_h: Array,
    of_c: Array,
    da: Array,
    panels: Array,
) -> None:
    """Compute a block's da, which go to the panels too; dc of the step before, in of_c.

    In of_h comes what of dh goes to the step before past u: nothing, but of samples that have ended
    all of it.

    dy, c, gates, da  from this step and the first sample of the block on
    """
    V, PLANE, nothing = size_of_vector(of_h), H * N, zero(of_h)
    one, minus, ROWS = splat(e, ONE), splat(e, MINUS_ONE), 2 * V * H
    for k in range(H):
        for j in range(0, columns, V):
            q, at, left = k * WIDTH + j, k * N + j, columns - j
            place = j // (2 * V) * (4 * ROWS) + k * 2 * V + j % (2 * V)
            if k + AHEAD < H:
                soon = at + AHEAD * N
                prefetch_to_read(dy, soon)
                prefetch_to_read(c, soon)
                for gate in range(4):
                    prefetch_to_read(gates, soon + gate * PLANE)
                    prefetch(da, soon + gate * PLANE)
            i, f = load_up_to(gates, at, left), load_up_to(gates, at + PLANE, left)
            g, o = load_up_to(gates, at + 2 * PLANE, left), load_up_to(gates, at + 3 * PLANE, left)
            before, y = load_up_to(c, at, left), tanh(load_up_to(c, at + PLANE, left), e)
            dh_old, dc_old = load(of_h, q), load(of_c, q)
            dho = fma(add(dh_old, load_up_to(dy, at, left)), o, nothing)
            dc = fma(dho, fma(fma(y, minus, nothing), y, one), dc_old)
            dci, dcf = fma(dc, i, nothing), fma(dc, f, nothing)
            # The gates' own derivatives: σ' = σ (1 - σ) and tanh' = 1 - tanh².
            di = fma(fma(dci, g, nothing), fma(i, minus, one), nothing)
            df = fma(fma(dcf, before, nothing), fma(f, minus, one), nothing)
            dg = fma(dci, fma(fma(g, minus, nothing), g, one), nothing)
            do = fma(fma(dho, y, nothing), fma(o, minus, one), nothing)
            dh = nothing
            if ends.size > 0:
                end, t = load_up_to(ends, j, left), splat(now, 0)
                di, df = where_larger(end, t, di, nothing), where_larger(end, t, df, nothing)
                dg, do = where_larger(end, t, dg, nothing), where_larger(end, t, do, nothing)
                dh, dcf = where_larger(end, t, nothing, dh_old), where_larger(end, t, dcf, dc_old)
            store(of_h, q, dh)
            store(of_c, q, dcf)
            store(panels, place, di)
            store(panels, place + ROWS, df)
            store(panels, place + 2 * ROWS, dg)
            store(panels, place + 3 * ROWS, do)
            store_up_to(da, at, di, left)
            store_up_to(da, at + PLANE, df, left)
            store_up_to(da, at + 2 * PLANE, dg, left)
            store_up_to(da, at + 3 * PLANE, do, left)
