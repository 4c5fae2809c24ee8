"""From two arrays that differ to the likely mistake.

A wrong gradient is rarely random: it is the right one times N, or transposed, or another formula
altogether. Each of these is computed, and the one that equals the learner's numbers is named.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, permutations
from typing import Any

import numpy as np

from ..core import Array
from ..gradcheck.numerical import place

Suspects = Mapping[str, Any]
"""Wrong answers, arrays or numbers, by the words that name the mistake."""

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
    if close(got, want, 1e-5):
        return "right but for the last digits: float32, or a small number added against log 0?"
    scale = float(np.abs(want).max(initial=0))
    for words, wrong in suspects.items():
        wrong = np.asarray(wrong)
        if wrong.shape in ((), want.shape) and np.allclose(got, wrong, 1e-6, 1e-6 * scale):
            return words
    if not got.any():
        return "it is zero everywhere"
    if got.ndim > 1 and got.shape == want.T.shape and close(got.T, want, 1e-6):
        return "it is transposed"
    ratio = float(np.vdot(got, want)) / (float(np.vdot(want, want)) or 1.0)
    if want.size and close(got, ratio * want, 1e-6) and want.any():
        return of_ratio(ratio, sizes) or (
            f"all entries are {ratio:.4g} times the right ones: one factor is wrong"
            if want.size > 1
            else ""
        )
    if want.size > 1 and close(got - want, np.full_like(want, (got - want).flat[0]), 1e-6):
        return f"it is the right one plus {(got - want).flat[0]:.4g} everywhere"
    right = np.isclose(got, want, 1e-6, 1e-6 * scale)
    if right.any():
        first = place(want, int(np.argmin(right)))
        there = ", ".join(map(str, first))
        return f"{right.sum()} of {right.size} entries are right; the first wrong one is [{there}]"
    return ""


def of_ratio(ratio: float, sizes: Mapping[str, int]) -> str:
    """Return all that a ratio that is the same for all entries may say, "" if it is none known."""
    return "; or ".join(words for value, words in _known(sizes) if np.isclose(ratio, value, 1e-6))


def _known(sizes: Mapping[str, int]) -> Iterator[tuple[float, str]]:
    """Yield ratios, and the mistakes that lead to them."""
    for letters in (*((name,) for name in sizes), *combinations(sizes, 2)):
        size, word = float(np.prod([sizes[name] for name in letters])), "·".join(letters)
        if size != 1:
            yield 1 / size, f"equal to the right one / {word}: a mean where a sum is meant"
            yield size, f"equal to the right one × {word}: a sum where a mean is meant"
            yield -1 / size, f"the sign is wrong, and it is divided by {word}"
            yield -size, f"the sign is wrong, and it is multiplied by {word}"
    for one, other in permutations(sizes, 2):
        if sizes[one] != sizes[other]:
            words = f"equal to the right one × {one} / {other}: divided by {other}, not by {one}"
            yield sizes[one] / sizes[other], words
    yield from FACTORS.items()
