"""The product of two matrices, by the micro-kernel and as many threads as there are.

    c[m, n] = bias[m] + Σ_k a[m, k] b[k, n]         or that sum added to c

It is cut up as in BLIS. The micro-kernel makes a tile of c, up to MR rows by NR columns, which
stays in registers while k runs. NR columns of b are copied into a packed panel, in the order in
which the micro-kernel (machine/tile.py) reads them. Of `a`, a strip of rows is packed too if their
numbers lie far apart and many panels use the copy (matmul.py).

The sum runs over k in order, whoever computes it. So c has the same bits on any number of threads.

Source
    Van Zee and van de Geijn, BLIS: a framework for rapidly instantiating BLAS functionality (2015).
"""

from typing import Any

from ..core import Array, IntArray
from .machine.fork_join import next_piece, parallel
from .machine.jit import inlined, kernel
from .machine.simd import load, load_part, size_of_vector, store, transpose
from .machine.tile import bias_tile, multiply, multiply_rows, read_tile, write_tile


@inlined
def load_to_the_end(a: Array, i: int) -> Any:
    """Return a[i], a[i+1], …; zeros where `a` has ended."""
    left = a.size - i
    return load(a, i) if left >= size_of_vector(a) else load_part(a, i, left)


@kernel
def pack(b: Array, transposed: bool, first: int, WIDTH: int, packed: Array) -> None:
    """packed[k, j] = b[k, first + j] for j < WIDTH; b is given as its transpose if `transposed`.

    WIDTH is a number of whole vectors. Beyond b's last column a row of `packed` is undefined.
    """
    V, flat = size_of_vector(b), b.reshape(b.size)
    K, N = (b.shape[1], b.shape[0]) if transposed else b.shape
    COLUMNS = min(WIDTH, N - first)
    if not transposed:
        for k in range(K):
            for j in range(0, COLUMNS, V):
                store(packed, k * WIDTH + j, load_to_the_end(flat, k * N + first + j))
        return
    # First whole squares of V × V numbers, which are transposed in registers; where K is no
    # multiple of V the last square overlaps the one before it.
    SQUARES = COLUMNS // V * V if K >= V else 0
    for j in range(0, SQUARES, V):
        for start in range(0, K, V):
            k = min(start, K - V)
            transpose(flat, (first + j) * K + k, K, packed, k * WIDTH + j, WIDTH)
    # Then the columns that are left, number by number.
    for j in range(SQUARES, COLUMNS):
        for k in range(K):
            packed[k * WIDTH + j] = flat[(first + j) * K + k]


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

    A piece of work is a strip of c, in as many of its columns as have panels that stay in a core's
    cache while all strips go by. Each thread packs these panels for itself: to fetch them from
    another core would take longer.

        a       (M, K), contiguous, or its transpose if `a_transposed`
        b       (K, N), contiguous, or its transpose if `b_transposed`
        bias    (M,), with which the sums begin; or empty: they begin with c, and are added to it
        sums    (M,), or empty if nobody asks for them
        plan    the rows of a strip; those of a tile; WIDTH, how many rows of a transposed `a` a
                strip packs, in whole vectors: 0 if they are read in place; the panels of a block
        c       (M, N), contiguous
        memory  for each thread a block's panels, K × NR numbers each, and K × WIDTH packed rows
    """
    (M, N), K, NR = c.shape, a.shape[0 if a_transposed else 1], 2 * size_of_vector(a)
    STRIP, HEIGHT, WIDTH, MOST = plan
    STRIPS, PANEL, BLOCK = (M + STRIP - 1) // STRIP, K * NR, MOST * NR
    PIECES = STRIPS * ((N + BLOCK - 1) // BLOCK)
    start = me * (MOST * PANEL + K * WIDTH)
    panels, packed = memory[start : start + MOST * PANEL], memory[start + MOST * PANEL :]
    flat_a, flat_c, packed_from = a.reshape(a.size), c.reshape(c.size), -1
    piece = next_piece(workers, me, PIECES)
    while piece < PIECES:
        left, top = piece // STRIPS * BLOCK, piece % STRIPS * STRIP
        COLUMNS, ROWS = min(BLOCK, N - left), min(STRIP, M - top)
        PANELS = (COLUMNS + NR - 1) // NR
        # Pass 1: pack b, before this thread's first strip of a block.
        if packed_from != left:
            for p in range(PANELS):
                pack(b, b_transposed, left + p * NR, NR, panels[p * PANEL : (p + 1) * PANEL])
            packed_from = left
        # Pass 2: sum the strip's rows of a, which are then in the cache; pack them.
        if sums.size > 0 and left == 0:
            add_row_sums(a, a_transposed, top, top + ROWS, sums)
        if WIDTH > 0:
            pack(a, False, top, WIDTH, packed)
        # Pass 3: the tiles of the strip, along the rows of c where these are longer than the sums
        # (packed panels are short then, and c is better written in order), else down a panel.
        TILES = (ROWS + HEIGHT - 1) // HEIGHT
        for i in range(TILES * PANELS):
            p, t = (i % PANELS, i // PANELS) if N > K else (i // TILES, i % TILES)
            m, n = t * HEIGHT, p * NR
            rows, at = min(HEIGHT, ROWS - m), (top + m) * N + left + n
            if bias.size > 0:
                tile = bias_tile(bias, top + m, rows)
            else:
                tile = read_tile(flat_c, at, N, rows, COLUMNS - n)
            if not a_transposed:
                tile = multiply_rows(tile, flat_a, (top + m) * K, K, panels, p * PANEL, K)
            elif WIDTH == 0:
                tile = multiply(tile, flat_a, top + m, M, panels, p * PANEL, K)
            else:
                tile = multiply(tile, packed, m, WIDTH, panels, p * PANEL, K)
            write_tile(flat_c, at, N, 0, COLUMNS - n, tile)
        piece = next_piece(workers, me, PIECES)
