"""How the rows of an output fill whole vectors, whatever the number of samples.

The convolution of one row is the same for every sample, and for every row that meets the same taps.
So a lane of a vector is one row of one sample, and 50 samples of 14 rows are 700 lanes, 22 blocks
of 32, where row by row they would be 28. The sums of a lane do not depend on its neighbours.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from ..core import IntArray
from .taps import Taps, constant


class Blocks(NamedTuple):
    """Which lanes make up each block, all of which meet the same taps.

    blocks  (B, 4)  a block meets taps order[first : first + count], and consists of the pieces
                    begin … end - 1: its (first, count, begin, end)
    pieces  (P, 5)  lanes a … b - 1 of a block are samples n, n + 1, … of output row o, whose first
                    tap meets input row i, which may lie outside: its (o, i, n, a, b)
    """

    blocks: IntArray
    pieces: IntArray


@cache
def blocks(of: Callable[..., Taps], axis: tuple[int, ...], N: int, LANES: int) -> Blocks:
    """Return the blocks for N samples of the rows that of(*axis) describes.

    Rows at the end of an image meet fewer taps than the others. They have blocks of their own, or,
    where that makes less work, share the others': what lies outside of the image is then 0.
    """
    table = of(*axis)
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
    rows: list[tuple[int, int, int, int]] = []
    pieces: list[tuple[int, int, int, int, int]] = []
    for strip in chosen:
        total = N * len(strip.rows)
        for lane in range(0, total, LANES):
            begin, end = len(pieces), min(lane + LANES, total)
            at = lane
            while at < end:
                (o, i), n = strip.rows[at // N], at % N
                stop = min(at + N - n, end)
                pieces.append((o, i, n, at - lane, stop - lane))
                at = stop
            rows.append((*strip.taps, begin, len(pieces)))
    tables = np.array(rows, np.int64).reshape(-1, 4), np.array(pieces, np.int64).reshape(-1, 5)
    return Blocks(*map(constant, tables))


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
