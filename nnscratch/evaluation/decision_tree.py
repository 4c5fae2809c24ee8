"""A decision tree (CART) of codes that are cut into bins: what it asks, and what it predicts."""

import numpy as np

from ..core import Array, IntArray

LEAST = 1e-9
"""What a question must be worth, or more than another: rounding makes less of it out of nothing."""


def tree_of(
    z: IntArray, y: IntArray, other: IntArray, *, bins: int, depth: int
) -> tuple[Array, IntArray]:
    """Return what part of the impurity of y each column of z removes, and y predicted of `other`.

        z        (N, L)  from 0 to bins - 1; a question is whether z_l is at most t
        y        (N,)    values from 0
        other    (M, L)  like z
        removed  (L,)    what questions about z_l remove, as a part of all that there is
        answers  (M,)    the most frequent value where each of `other` ends, after `depth` questions

    All nodes of a level are split at once. Node n has the children 2n, up to t, and 2n + 1; one
    that no question improves sends all to 2n. The Gini impurity of a node, Σ_v p_v (1 - p_v), times
    its size is its size less Σ_v count_v² / size: a question is worth what it adds to these sums.

    Source
        Breiman, Friedman, Olshen and Stone, Classification and Regression Trees (1984), ch. 4.
    """
    V, L = int(y.max()) + 1, z.shape[1]
    node, of_other = np.zeros(len(z), np.int64), np.zeros(len(other), np.int64)
    removed = np.zeros(L)
    for level in range(depth):
        M = 2**level
        best, split, column = np.full(M, LEAST), np.full(M, bins), np.zeros(M, np.int64)
        for i in range(L):
            cells = np.bincount((node * bins + z[:, i]) * V + y, minlength=M * bins * V)
            left = cells.reshape(M, bins, V).cumsum(axis=1)
            whole = left[:, -1:]
            gain = _purity(left) + _purity(whole - left) - _purity(whole)
            t = gain.argmax(axis=1)
            better = gain[np.arange(M), t] > best + LEAST
            best[better], split[better], column[better] = gain.max(axis=1)[better], t[better], i
        np.add.at(removed, column, np.where(split < bins, best, 0))
        node = 2 * node + (z[np.arange(len(z)), column[node]] > split[node])
        right = other[np.arange(len(other)), column[of_other]] > split[of_other]
        of_other = 2 * of_other + right
    answers = np.bincount(node * V + y, minlength=2**depth * V).reshape(-1, V).argmax(axis=1)
    impurity = len(y) - float(_purity(np.bincount(y)))
    return removed / (impurity or 1), answers[of_other]


def _purity(counts: IntArray) -> Array:
    """Return Σ_v count_v² / Σ_v count_v over the last axis, 0 where nothing was counted."""
    size = counts.sum(axis=-1)
    return np.asarray((counts * counts).sum(axis=-1) / np.maximum(size, 1))
