"""How fast is a tile of so many rows of sums, held in registers while the terms go by?

    python -m benchmarks tiles                          half a minute
    python -m benchmarks tiles --workloads 288
    python -m benchmarks tiles --smoke                  a short sum, one short round

A tile of R rows × 2 vectors is added up over K terms by the words of the micro-kernel
(nnscratch/kernels/machine/tile.py), on one thread, again and again from the same memory. A term is
a row of the panel, two vectors, and R numbers of `a`: neighbours, if the rows have been packed, or
K apart where they lie. docs/kernel_ladder.md explains what the table shows.
"""

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

import numpy as np

from nnscratch.core import Array
from nnscratch.kernels.machine.jit import kernel
from nnscratch.kernels.machine.processor import BYTES, REGISTERS
from nnscratch.kernels.machine.tile import MR, multiply, multiply_rows, write_tile, zero_tile

from .machine import header, peak_gflops
from .options import parse
from .report import Table
from .timing import repeat

TERMS = {"288": 288, "1024": 1024}
"""K: 32 channels × 3×3 taps, and a dense layer's features."""

WIDTH = 2 * BYTES // 4
"""Columns of a tile: two vectors of float32."""

HEADINGS = ("terms", "panel KB", "tile", "rows of a", "min GFLOP/s", "median", "max", "% of peak")


@kernel
def packed(a: Array, b: Array, K: int, R: int, c: Array, repeats: int) -> None:
    """c (R, WIDTH) = the product of a (K, R), transposed, and b (K, WIDTH), all of them flat."""
    n = c.size // R
    for _ in range(repeats):
        write_tile(c, 0, n, 0, n, multiply(zero_tile(a, R), a, 0, R, b, 0, K))


@kernel
def where_they_lie(a: Array, b: Array, K: int, R: int, c: Array, repeats: int) -> None:
    """The same for a (R, K)."""
    n = c.size // R
    for _ in range(repeats):
        write_tile(c, 0, n, 0, n, multiply_rows(zero_tile(a, R), a, 0, K, b, 0, K))


PRODUCTS: dict[str, Callable[..., None]] = {"packed": packed, "where they lie": where_they_lie}


def case(rows: str, K: int, R: int) -> tuple[Array, Array, Array]:
    """Return `a` and b, flat, and what their product is."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((R, K), np.float32), rng.standard_normal((K, WIDTH), np.float32)
    laid_out = a.T if rows == "packed" else a
    return laid_out.flatten(), b.flatten(), (a @ b).ravel()


def main(argv: Sequence[str]) -> None:
    """Check, measure, print, write."""
    options = parse(__doc__, argv, list(TERMS), smoke=["16"], threads=1, seconds=0.1)
    peak = peak_gflops(1, 0.02 if options.smoke else 0.5)
    registers = f"{REGISTERS} vector registers of {BYTES} bytes, tiles of up to {MR} rows"
    title = f"{header(1)}\n{registers}; measured peak {peak:.0f} GFLOP/s"
    print(f"{title}\n")
    table = Table(HEADINGS)
    for terms in options.workloads:
        K = int(terms)
        for R in range(2, MR + 1, 2):
            work = 2 * R * WIDTH * K
            for rows, product in PRODUCTS.items():
                a, b, want = case(rows, K, R)
                c = np.zeros(R * WIDTH, np.float32)
                product(a, b, K, R, c, 1)
                np.testing.assert_allclose(c, want, rtol=0, atol=1e-6 * K)
                many = max(1, int(1e8 / work))  # a call from Python is none of the tile's time
                run = partial(product, a, b, K, R, c, many)
                times = [
                    repeat(run, lambda _: None, options.seconds) for _ in range(options.rounds)
                ]
                rates = sorted(work * many / t / 1e9 for t in times)
                middle = median(rates)
                shape, size = f"{R} × 2", 4 * K * WIDTH / 1024
                of_peak = 100 * middle / peak
                table.add(terms, size, shape, rows, rates[0], middle, rates[-1], of_peak)
    table.publish(options.out, "tiles", title)
