"""The product of two matrices, tile by tile (tile.py), by as many threads as there are.

    c[m, n] = bias[m] + Σ_k a[m, k] b[k, n]         or that sum added to c

Of b, two vectors' columns are copied into a panel, in the order in which they are read. Of a,
nothing is copied if its rows are contiguous, or if few panels would use the copy.

The sum runs over k in order, whoever computes it and whatever else; or it is that of two halves,
each in order. So c has the same bits on any number of threads.
"""

from typing import Any

from ..core import Array, IntArray
from .machine.fork_join import next_block, next_piece, parallel
from .machine.jit import inlined, kernel
from .machine.simd import half, load, load_part, size_of_vector, store, transpose, zero
from .tile import ROWS, begin, likes, multiply, places, read, write


@inlined
def load_on(a: Array, i: int) -> Any:
    """Return a[i], a[i+1], …, as far as `a` goes."""
    left = a.size - i
    return load(a, i) if left >= size_of_vector(a) else load_part(a, i, left)


@kernel
def pack_columns(b: Array, down: bool, k0: int, k1: int, n: int, panel: Array) -> None:
    """panel[k, j] = b[k0 + k, n + j], k < k1 - k0, two vectors wide; `b` is bᵀ if `down`."""
    V, K, flat = size_of_vector(b), k1 - k0, b.reshape(b.size)
    if not down:
        N = b.shape[1]
        for k in range(K):  # also where this reaches into the next row: nobody looks at that
            p = (k0 + k) * N + n
            store(panel, k * 2 * V, load_on(flat, p))
            store(panel, k * 2 * V + V, load_on(flat, p + V))
        return
    N, STEP = b.shape
    COLUMNS = min(2 * V, N - n)
    SQUARES = COLUMNS // V * V if K >= V else 0
    for j in range(0, SQUARES, V):
        for start in range(0, K, V):
            k = min(start, K - V)  # the last square overlaps the one before it
            transpose(flat, (n + j) * STEP + k0 + k, STEP, panel, k * 2 * V + j, 2 * V)
    for j in range(SQUARES, COLUMNS):
        for k in range(K):
            panel[k * 2 * V + j] = flat[(n + j) * STEP + k0 + k]


@kernel
def pack_rows(a: Array, M: int, k0: int, k1: int, m: int, WIDTH: int, rows: Array) -> None:
    """rows[k, i] = a[m + i, k0 + k], k < k1 - k0, i < WIDTH, whole vectors; aᵀ is given, flat."""
    V = size_of_vector(a)
    for k in range(k1 - k0):
        for i in range(0, WIDTH, V):
            store(rows, k * WIDTH + i, load_on(a, (k0 + k) * M + m + i))


@kernel
def add_row_sums(a: Array, across: bool, start: int, stop: int, sums: Array) -> None:
    """sums[m] += Σ_k a[m, k] for start ≤ m < stop; `a` is its transpose if `across`."""
    for m in range(start, stop):
        row = a[:, m] if across else a[m]
        total = a.dtype.type(0)
        for k in range(row.size):
            total += row[k]
        sums[m] += total


@inlined
def multiply_strip(
    second: Any,
    start: int,
    stop: int,
    panels: Array,
    rows: tuple[Array, int, int, int],
    K: int,
    PANEL: int,
    bias: Array,
    add: bool,
    c: Array,
    N: int,
    top: int,
    height: int,
) -> None:
    """Rows top … top + height - 1 of c, their columns in panels start … stop - 1.

    second  a vector as long as the second of a tile
    rows    an array; where in it the strip's first row begins; steps to the next row, the next k
    """
    V, tiles, count = size_of_vector(c), (height + ROWS - 1) // ROWS, stop - start
    a, first, ROW, STEP = rows
    for i in range(tiles * count):
        # Along the rows of c where they are long, down a panel where that is what is large.
        x, y = (i % count, i // count) if N > K else (i // tiles, i % tiles)
        n, t, last = (start + x) * 2 * V, y * ROWS, height - 1
        t0, t1, t2 = t, min(t + 1, last), min(t + 2, last)
        t3, t4, t5 = min(t + 3, last), min(t + 4, last), min(t + 5, last)
        six = t0, t1, t2, t3, t4, t5
        q, m = places(top * N + n, N, six), places(top, 1, six)
        left, right = N - n, N - n - V
        if add:
            u, v = read(c, q, 0, left), read(c, q, V, right)
        else:
            u, v = begin(bias, m, c, q, 0), begin(bias, m, c, q, min(V, left - 1))
        panel = panels[(start + x) * PANEL : (start + x + 1) * PANEL]
        p = places(first, ROW, six)
        u_sum, v_sum = multiply(a, p, STEP, panel, K, u, likes(second, v))
        write(c, q, 0, left, u_sum)
        write(c, q, V, right, v_sum)


@parallel
def _product(
    a: Array,
    across: bool,
    b: Array,
    down: bool,
    bias: Array,
    add: bool,
    sums: Array,
    TILES: int,
    WIDTH: int,
    HALVES: int,
    c: Array,
    memory: Array,
    OWN: int,
    workers: IntArray,
    me: int,
) -> None:
    """The product above, added to c if `add`; and the sums of a's rows, added to `sums`.

    A piece of work is a strip of c, TILES tiles high, and one half of the sum if there are two. Who
    has one fills all panels for itself: to fetch them from another core would take longer.

        a       (M, K), contiguous, or its transpose if `across`
        b       (K, N), contiguous, or its transpose if `down`
        bias    (M,)
        sums    (M,), or empty if nobody asks
        WIDTH   rows of a that a strip copies, whole vectors; 0 if they are read where they lie
        HALVES  2 if the sum over k is taken in halves: c is the first, `memory` holds the second
        c       (M, N), contiguous
        memory  K·2V numbers a panel and K·WIDTH for each thread; from OWN on, the second half
    """
    (M, N), K, V, HIGH = c.shape, a.shape[0 if across else 1], size_of_vector(a), ROWS * TILES
    PANELS, STRIPS, MOST = -(-N // (2 * V)), -(-M // HIGH), -(-K // HALVES)
    PANEL = MOST * 2 * V
    FULL = (N + V // 2 - 1) // (2 * V)  # panels of which more than a vector and a half is needed
    mine, end = me * (PANELS * PANEL + MOST * WIDTH), PANELS * PANEL
    panels, copied = memory[mine : mine + end], memory[mine + end : mine + end + MOST * WIDTH]
    flat_a, flat_c, second = a.reshape(a.size), c.reshape(c.size), memory[OWN:]
    vector, there = zero(bias), -1  # -1: no half's panels are there
    piece = next_piece(workers, me, HALVES * STRIPS)
    while piece < HALVES * STRIPS:
        side, top = piece // STRIPS, piece % STRIPS * HIGH
        k0, k1, height = K * side // HALVES, K * (side + 1) // HALVES, min(HIGH, M - top)
        for i in range(PANELS if side != there else 0):
            pack_columns(b, down, k0, k1, 2 * V * i, panels[i * PANEL : (i + 1) * PANEL])
        there = side
        if sums.size > 0:
            add_row_sums(a, across, top, top + height, sums)
        if WIDTH > 0:
            pack_rows(flat_a, M, k0, k1, top, WIDTH, copied)
            rows = copied, 0, 1, WIDTH
        elif across:
            rows = flat_a, k0 * M + top, 1, M
        else:
            rows = flat_a, top * K + k0, K, 1
        target = flat_c if side == 0 else second
        here = rows, k1 - k0, PANEL, bias, add, target, N, top, height
        multiply_strip(vector, 0, FULL, panels, *here)
        multiply_strip(half(vector), FULL, PANELS, panels, *here)
        piece = next_piece(workers, me, HALVES * STRIPS)


@parallel
def _join(c: Array, memory: Array, OWN: int, workers: IntArray, me: int) -> None:
    """Add the second half of the sums to the first."""
    x, y = c.reshape(c.size), memory[OWN : OWN + c.size]
    start, stop = next_block(workers, me, 0, x.size)
    while start < x.size:
        for n in range(start, stop):
            x[n] += y[n]
        start, stop = next_block(workers, me, 0, x.size)


@kernel
def product(*args: Any) -> None:
    """Run _product(*args), shared by its threads; then join the halves, if there are two."""
    _product(*args)
    HALVES = args[-5]
    if HALVES == 2:
        _join(*args[-4:])
