"""How the rows of an output fill whole vectors, whatever the number of samples.

The convolution of one row is the same for every sample, and for every row that meets the same taps.
So a lane of a vector is one row of one sample, and 50 samples of 14 rows are 700 lanes, 22 blocks
of 32, where row by row they would be 28. The sums of a lane do not depend on its neighbours.
A kernel copies the input rows that a block meets into slots of memory. Neighbouring rows of the
same samples have most of them in common: each is copied once.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from ..core import IntArray
from .taps import Taps, constant


class Blocks(NamedTuple):
    """Which lanes make up each block, all of which meet the same taps.

    blocks  (B, 6)  a block meets taps order[first : first + count], and consists of the pieces
                    begin … end - 1. The input row of its tap first + k is in slot (slot + k) mod K
                    of K slots, and for k < kept it is there already, from the blocks before: its
                    (first, count, begin, end, slot, kept)
    pieces  (P, 5)  lanes a … b - 1 of a block are samples n, n + 1, … of output row o, whose first
                    tap meets input row i, which may lie outside: its (o, i, n, a, b)
    """

    blocks: IntArray
    pieces: IntArray


@cache
def blocks(of: Callable[..., Taps], axis: tuple[int, ...], N: int, LANES: int) -> Blocks:
    """Return the blocks for N samples of the rows that of(*axis) describes.

    As many samples as fill whole blocks are taken LANES at a time, row after row, so that a row
    finds in its slots what it shares with the one before. The rows of the other samples share
    blocks.
    """
    table, slots = of(*axis), axis[1]
    rows: list[tuple[int, ...]] = []
    pieces: list[tuple[int, ...]] = []
    rest = N % LANES
    for n in range(0, N - rest, LANES):
        slot, top, held = 0, 0, 0  # slot, …, slot + held - 1 have the rows top, top + step, …
        for o, (first, count, i) in enumerate(table.runs):
            further, between = divmod(i - top, table.step)
            if between or not 0 <= further < held:
                held = further = 0
            kept = min(held - further, count)
            slot, top, held = (slot + further) % slots, i, count
            rows.append((first, count, len(pieces), len(pieces) + 1, slot, kept))
            pieces.append((o, i, n, 0, LANES))
    for strip in shared(table, rest, LANES):
        total = rest * len(strip.rows)
        for lane in range(0, total, LANES):
            begin, at, end = len(pieces), lane, min(lane + LANES, total)
            while at < end:
                (o, i), n = strip.rows[at // rest], at % rest
                stop = min(at + rest - n, end)
                pieces.append((o, i, N - rest + n, at - lane, stop - lane))
                at = stop
            rows.append((*strip.taps, begin, len(pieces), 0, 0))
    tables = np.array(rows, np.int64).reshape(-1, 6), np.array(pieces, np.int64).reshape(-1, 5)
    return Blocks(*map(constant, tables))


def shared(table: Taps, N: int, LANES: int) -> list["Strip"]:
    """Return strips of rows that share blocks, for N < LANES samples.

    Rows at the end of an image meet fewer taps than the others. They have blocks of their own, or,
    where that makes less work, share the others': what lies outside of the image is then 0.
    """
    alone: dict[int, list[Strip]] = {}
    for o, (first, count, i) in enumerate(table.runs):
        phase = int(table.phases[first]) if count else -1
        strips = alone.setdefault(phase, [])
        if not strips or strips[-1].taps != (first, count):
            strips.append(Strip((first, count), []))
        strips[-1].rows.append((o, i))
    chosen = []
    for strips in alone.values():
        together = [joined(strips, table.step)]
        chosen += min((strips, together), key=lambda way: sum(s.work(N, LANES) for s in way))
    return chosen


class Strip(NamedTuple):
    """Output rows that meet the same taps, (first, count), each with its first input row."""

    taps: tuple[int, int]
    rows: list[tuple[int, int]]

    def work(self, N: int, LANES: int) -> int:
        """Return the multiplications of a lane, over all blocks."""
        return self.taps[1] * -(-N * len(self.rows) // LANES)


def joined(strips: list[Strip], step: int) -> Strip:
    """Return all rows of one phase as one strip, which meets all of their taps."""
    first = min(strip.taps[0] for strip in strips)
    last = max(sum(strip.taps) for strip in strips)
    rows = [(o, i - (s.taps[0] - first) * step) for s in strips for o, i in s.rows]
    return Strip((first, last - first), rows)


@cache
def neighbours(of: Callable[..., Taps], axis: tuple[int, ...], I: int) -> tuple[IntArray, IntArray]:  # noqa: E741
    """Return an order of I inputs in which those that an output meets are neighbours.

    With them come the `runs` of the table of(*axis), whose starts are places in that order.
    """
    table = of(*axis)
    order = np.argsort(np.arange(I) % table.step, kind="stable")
    runs = table.runs.copy()
    runs[:, 2] = np.argsort(order)[runs[:, 2]]
    return constant(order), constant(runs)
