"""Which filter taps meet which pixels, along one axis of a convolution: tables, not loops.

Output o and tap k of a convolution meet input i = o·stride - padding + k·dilation. Read from left
to right this is the table of the convolution; read from right to left, which outputs does input i
take part in, it is that of its adjoint, o = (i + padding - k·dilation)/stride where that is whole.
A kernel that follows a table does not know which of the two it computes, and never sees padding.
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import gcd
from typing import NamedTuple

import numpy as np

from ..core import IntArray


class Taps(NamedTuple):
    """One axis of a correlation, from the view of an output and from that of a tap.

    order   (K,)    the taps, sorted so that those that meet one output stand side by side
    phases  (K,)    taps of one phase meet the same outputs, but where an image ends
    runs    (O, 3)  output o meets taps order[first : first + count] at inputs start, start + step,
                    …: its (first, count, start)
    step            the same for all
    meets   (K, 5)  tap order[a] meets outputs o, o + out_step, … at inputs i, i + in_step, …: its
                    (o, i, count, out_step, in_step)
    """

    order: IntArray
    phases: IntArray
    runs: IntArray
    step: int
    meets: IntArray


@cache
def taps(I: int, K: int, O: int, stride: int, padding: int, dilation: int) -> Taps:  # noqa: E741
    """Return the table of a convolution from I inputs to O outputs."""

    def meet(o: int, k: int) -> int | None:
        i = o * stride - padding + k * dilation
        return i if 0 <= i < I else None

    return _table(range(K), np.zeros(K, np.int64), meet, dilation, O)


@cache
def adjoint_taps(I: int, K: int, O: int, stride: int, padding: int, dilation: int) -> Taps:  # noqa: E741
    """Return the table of its adjoint, from its O outputs to its I inputs."""

    def meet(i: int, k: int) -> int | None:
        o, rest = divmod(i + padding - k * dilation, stride)
        return o if rest == 0 and 0 <= o < O else None

    # Taps of one phase modulo the stride meet the same inputs. A larger k meets an earlier o.
    order = sorted(range(K), key=lambda k: (k * dilation % stride, -k))
    phases = np.array(order) * dilation % stride
    return _table(order, phases, meet, dilation // gcd(stride, dilation), I)


def _table(
    order: Sequence[int],
    phases: IntArray,
    meet: Callable[[int, int], int | None],
    step: int,
    outputs: int,
) -> Taps:
    runs = np.zeros((outputs, 3), np.int64)
    met: list[list[tuple[int, int]]] = [[] for _ in order]
    for o in range(outputs):
        pairs = [(a, i) for a, k in enumerate(order) if (i := meet(o, k)) is not None]
        if pairs:
            runs[o] = pairs[0][0], len(pairs), pairs[0][1]
        for a, i in pairs:
            met[a].append((o, i))
    meets = np.zeros((len(order), 5), np.int64)
    for a, pairs in enumerate(met):
        if pairs:
            (o, i), (o1, i1) = pairs[0], pairs[min(1, len(pairs) - 1)]
            meets[a] = o, i, len(pairs), o1 - o, i1 - i
    taps = constant(np.array(order)), constant(phases), constant(runs)
    return Taps(*taps, step, constant(meets))


def constant(array: IntArray) -> IntArray:
    """Return it, which nobody may write to from now on."""
    array.setflags(write=False)
    return array
