"""The product of two matrices, by the micro-kernel of tile.py and as many threads as there are.

    c[m, n] = bias[m] + Σ_k a[m, k] b[k, n]         or that sum added to c

It is cut up as in BLIS. The micro-kernel makes a tile of c, MR rows by NR columns, which stays in
registers while k runs. NR columns of b are copied into a packed panel, in the order in which the
micro-kernel reads them. Of `a`, a strip of rows is packed too, but only where reading it in place
would jump from row to row and many panels use the copy.

The sum runs over k in order, whoever computes it. So c has the same bits on any number of threads.

Source
    Van Zee and van de Geijn, BLIS: a framework for rapidly instantiating BLAS functionality (2015).
"""

from typing import Any

from ..core import Array, IntArray
from .machine.fork_join import next_piece, parallel
from .machine.jit import inlined, kernel
from .machine.simd import load, load_part, size_of_vector, store, transpose
from .tile import MR, begin, multiply, places, read, write


@inlined
def load_to_the_end(a: Array, i: int) -> Any:
    """Return a[i], a[i+1], …; zeros where `a` has ended."""
    left = a.size - i
    return load(a, i) if left >= size_of_vector(a) else load_part(a, i, left)


@kernel
def pack_panel(b: Array, transposed: bool, n: int, panel: Array) -> None:
    """panel[k, j] = b[k, n + j] for j < NR; `b` is given as its transpose if `transposed`.

    What a panel has beyond the last column of b is undefined: it enters no number of c.
    """
    V, flat = size_of_vector(b), b.reshape(b.size)
    NR = 2 * V
    if not transposed:
        K, N = b.shape
        for k in range(K):
            store(panel, k * NR, load_to_the_end(flat, k * N + n))
            store(panel, k * NR + V, load_to_the_end(flat, k * N + n + V))
        return
    N, K = b.shape
    COLUMNS = min(NR, N - n)
    # First whole squares of V × V numbers, which are transposed in registers; where K is no
    # multiple of V the last square overlaps the one before it.
    SQUARES = COLUMNS // V * V if K >= V else 0
    for j in range(0, SQUARES, V):
        for start in range(0, K, V):
            k = min(start, K - V)
            transpose(flat, (n + j) * K + k, K, panel, k * NR + j, NR)
    # Then the columns that are left, number by number.
    for j in range(SQUARES, COLUMNS):
        for k in range(K):
            panel[k * NR + j] = flat[(n + j) * K + k]


@kernel
def pack_rows(a: Array, M: int, m: int, WIDTH: int, rows: Array) -> None:
    """rows[k, i] = a[m + i, k] for i < WIDTH, whole vectors; `a` is given as aᵀ (K, M), flat."""
    V = size_of_vector(a)
    for k in range(a.size // M):
        for i in range(0, WIDTH, V):
            store(rows, k * WIDTH + i, load_to_the_end(a, k * M + m + i))


@kernel
def add_row_sums(a: Array, transposed: bool, start: int, stop: int, sums: Array) -> None:
    """sums[m] += Σ_k a[m, k] for start ≤ m < stop; `a` is its transpose if `transposed`."""
    for m in range(start, stop):
        row = a[:, m] if transposed else a[m]
        total = a.dtype.type(0)
        for k in range(row.size):
            total += row[k]
        sums[m] += total


@parallel
def product(
    a: Array,
    a_transposed: bool,
    b: Array,
    b_transposed: bool,
    bias: Array,
    sums: Array,
    plan: IntArray,
    c: Array,
    memory: Array,
    workers: IntArray,
    me: int,
) -> None:
    """The product above; and the sums of a's rows, added to `sums`.

    A piece of work is a strip of c, some tiles high. Each thread packs all panels for itself: to
    fetch them from another core would take longer.

        a       (M, K), contiguous, or its transpose if `a_transposed`
        b       (K, N), contiguous, or its transpose if `b_transposed`
        bias    (M,), with which the sums begin; or empty: they begin with c, and are added to it
        sums    (M,), or empty if nobody asks for them
        plan    how many tiles high a strip is; WIDTH, the rows of `a` that a strip packs, in whole
                vectors: 0 if they are read in place
        c       (M, N), contiguous
        memory  for each thread the panels, K × NR numbers each, and K × WIDTH packed rows
    """
    (M, N), K, V = c.shape, a.shape[0 if a_transposed else 1], size_of_vector(a)
    NR, HEIGHT, WIDTH = 2 * V, MR * plan[0], plan[1]
    PANELS, STRIPS, PANEL = (N + NR - 1) // NR, (M + HEIGHT - 1) // HEIGHT, K * NR
    start = me * (PANELS * PANEL + K * WIDTH)
    panels, packed = memory[start : start + PANELS * PANEL], memory[start + PANELS * PANEL :]
    flat_a, flat_c, are_packed = a.reshape(a.size), c.reshape(c.size), False
    strip = next_piece(workers, me, STRIPS)
    while strip < STRIPS:
        top = strip * HEIGHT
        last = min(HEIGHT, M - top) - 1  # row of the strip
        # Pass 1: pack b, before this thread's first strip.
        if not are_packed:
            for i in range(PANELS):
                pack_panel(b, b_transposed, i * NR, panels[i * PANEL : (i + 1) * PANEL])
            are_packed = True
        # Pass 2: sum the strip's rows of a, which the micro-kernels then find in the cache.
        if sums.size > 0:
            add_row_sums(a, a_transposed, top, top + last + 1, sums)
        # Pass 3: pack them, or say where they are: an array, the place of the strip's first number,
        # and the steps to the next row and to the next k.
        if WIDTH > 0:
            pack_rows(flat_a, M, top, WIDTH, packed)
            rows, first, ROW_STEP, K_STEP = packed, 0, 1, WIDTH
        elif a_transposed:
            rows, first, ROW_STEP, K_STEP = flat_a, top, 1, M
        else:
            rows, first, ROW_STEP, K_STEP = flat_a, top * K, K, 1
        # Pass 4: the tiles of the strip, along the rows of c where these are longer than the sums
        # (packed panels are short then, and c is better written in order), else down a panel.
        TILES = last // MR + 1
        for i in range(TILES * PANELS):
            p, t = (i % PANELS, i // PANELS) if N > K else (i // TILES, i % TILES)
            # The rows of the tile; where the strip has ended its last row again, to the same bits.
            m0 = t * MR
            m1, m2, m3 = min(m0 + 1, last), min(m0 + 2, last), min(m0 + 3, last)
            m = m0, m1, m2, m3, min(m0 + 4, last), min(m0 + 5, last)
            # Both vectors of each row of the tile: where they are in c, how many columns they have.
            q, left, right = top * N + p * NR, N - p * NR, N - p * NR - V
            at_u, at_v = places(q, N, m), places(q + V, N, m)
            if bias.size > 0:
                u = v = begin(bias, places(top, 1, m), flat_c, at_u)
            else:
                u, v = read(flat_c, at_u, left), read(flat_c, at_v, right)
            panel = panels[p * PANEL : (p + 1) * PANEL]
            u, v = multiply(rows, places(first, ROW_STEP, m), K_STEP, panel, K, u, v)
            write(flat_c, at_u, left, u)
            write(flat_c, at_v, right, v)
        strip = next_piece(workers, me, STRIPS)
