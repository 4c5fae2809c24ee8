"""From two arrays that differ to the likely mistake.

A wrong gradient is rarely random: it is the right one times N, or transposed, or another formula
altogether. Each of these is computed, and the one that equals the learner's numbers is named.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from ..core import Array
from ..gradcheck.numerical import place

Suspects = Mapping[str, "Array | float"]
"""Wrong answers by the words that name the mistake."""

FACTORS = {
    -1.0: "the sign is wrong",
    2.0: "a factor of 2 too much",
    0.5: "half of what it should be: a factor of 2 is missing, or a ½ is too much",
    -2.0: "the sign is wrong, and there is a factor of 2 too much",
    -0.5: "the sign is wrong, and a factor of 2 is missing",
    4.0: "a factor of 4 too much: a 2 or a ½ was taken the wrong way",
    0.25: "a quarter of what it should be: a 2 or a ½ was taken the wrong way",
}


def close(a: Array, b: Array, rtol: float) -> bool:
    """Is every entry the same, to within rtol of the largest or of itself?"""
    if a.shape != b.shape:
        return False
    largest = float(np.abs(b[np.isfinite(b)]).max(initial=0))
    return bool(np.allclose(a, b, rtol, rtol * largest))


def of_shape(name: str, got: Array, want: Array) -> str:
    """Return what is wrong with an array of another shape than expected."""
    words = f"{name} has the shape {got.shape}, and {want.shape} is expected"
    if got.shape == want.shape[::-1] and close(got.T, want, 1e-6):
        return f"{words}: it is transposed"
    if got.size == want.size and close(got.reshape(want.shape), want, 1e-6):
        return f"{words}: the numbers are right, an axis of length 1 is too much or missing"
    for axis in range(got.ndim if got.ndim == want.ndim + 1 else 0):
        if close(got.sum(axis=axis), want, 1e-6):
            what = "the batch" if axis == got.ndim - 1 else f"axis {axis}"
            return f"{words}: the sum over {what} is missing"
    if got.ndim == 0 and close(got, want.sum(), 1e-6):
        return f"{words}: it is summed over everything"
    if got.ndim == want.ndim - 1 and close(got, want.sum(axis=-1), 1e-6):
        return f"{words}: it is summed over the batch, and each sample has its own"
    return words


def likely(got: Array, want: Array, suspects: Suspects, sizes: Mapping[str, int]) -> str:
    """Return the mistake that turns `want` into `got`, in words; "" if none fits.

    sizes  the sizes that a mean or a sum might have brought in, by letter
    """
    if not np.isfinite(got).all():
        return "NaN or infinity: an overflow, 0/0 or log 0 on the way"
    for words, wrong in suspects.items():
        if close(got, np.broadcast_to(np.asarray(wrong), want.shape), 1e-6):
            return words
    if not got.any():
        return "it is zero everywhere"
    if got.ndim > 1 and got.shape == want.T.shape and close(got.T, want, 1e-6):
        return "it is transposed"
    ratio = float(np.vdot(got, want)) / (float(np.vdot(want, want)) or 1.0)
    if want.size and close(got, ratio * want, 1e-6) and want.any():
        return of_ratio(ratio, sizes)
    if want.size > 1 and close(got - want, np.full_like(want, (got - want).flat[0]), 1e-6):
        return f"it is the right one plus {(got - want).flat[0]:.4g} everywhere"
    right = np.isclose(got, want, 1e-6, 1e-6 * float(np.abs(want).max(initial=0)))
    if right.any():
        first = place(want, int(np.argmin(right)))
        there = ", ".join(map(str, first))
        return f"{right.sum()} of {right.size} entries are right; the first wrong one is [{there}]"
    return ""


def of_ratio(ratio: float, sizes: Mapping[str, int]) -> str:
    """Return what a ratio that is the same for all entries says."""
    for pair in (*((name,) for name in sizes), *combinations(sizes, 2)):
        size = float(np.prod([sizes[name] for name in pair]))
        word = "·".join(pair)
        if size == 1:
            continue
        if np.isclose(ratio, 1 / size, 1e-6):
            return f"equal to the right one / {word}: a mean where a sum is meant"
        if np.isclose(ratio, size, 1e-6):
            return f"equal to the right one × {word}: a sum where a mean is meant"
        if np.isclose(ratio, -1 / size, 1e-6) or np.isclose(ratio, -size, 1e-6):
            return f"the sign is wrong, and a factor of {word} with it"
    for factor, words in FACTORS.items():
        if np.isclose(ratio, factor, 1e-6):
            return words
    return f"all entries have the same ratio, {ratio:.4g}, to the right ones: one factor is wrong"
