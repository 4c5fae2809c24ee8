"""Does each number of a code stand for one factor of variation? MIG, DCI and the FactorVAE score.

    data = sprites()
    codes = vae.encode(data.images)
    mutual_information_gap(codes, data.factors)
    dci(codes, data.factors, rng=rng).disentanglement
    factor_vae_score(codes, data.factors, rng=rng)

    codes    (N, L)  floats, of a VAE its posterior means
    factors  (N, K)  integers, what each sample was made from, which must be known: see data.sprites

All three are 1 for codes that are the factors, in any order and any scale. For codes that have
nothing to do with them the first two are about 0, and the third is about 1/K. None of them says
that a code is of use, and they may disagree (Locatello et al., Challenging Common Assumptions in
the Unsupervised Learning of Disentangled Representations, 2019).

Raises
    ValueError, from every function: if codes are no (N, L ≥ 2) of finite floats, factors no
    (N, K ≥ 2) of integers, one of the factors never changes, or N is too small to tell.
"""

from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from ..checks.arguments import generator, integer, number
from ..checks.arrays import floats_of, labels_of
from ..core import Array, IntArray
from .decision_tree import tree_of

BINS = 20
"""Into how many bins of equal width the range of each number of a code is cut."""

DEPTH = 8
"""The most questions that dci's trees ask of a code before they answer."""


def mutual_information_gap(codes: Array, factors: IntArray, *, bins: int = BINS) -> float:
    """Return the MIG: how much more one number of the code says of a factor than any other does.

        1/K Σ_k (I(z_a; f_k) - I(z_b; f_k)) / H(f_k)

    where of all numbers of the code z_a says the most of f_k and z_b the second most. The mutual
    information I and the entropy H are those of counts, in nats, with each z cut into bins of equal
    width. Counts of independent numbers have an I of about (bins - 1)(values - 1) / 2N, not 0.

    Source
        Chen, Li, Grosse and Duvenaud, Isolating Sources of Disentanglement in VAEs (2018), eq. 6;
        the bins are those of Locatello et al. (2019), appendix C.

    Raises
        ValueError as above; too few are less than bins × values of a factor.
    """
    who = "mutual_information_gap"
    z, f = _checked(who, codes, factors)
    cut = _binned(z, integer(who, "bins", bins, 2))
    _check_count(who, f, bins)
    gaps = []
    for values in f.T:
        told = np.sort([_mutual_information(column, values) for column in cut.T])
        gaps.append((told[-1] - told[-2]) / _mutual_information(values, values))
    return float(np.mean(gaps))


@dataclass(frozen=True)
class DCI:
    """Three scores from 0 to 1, of trees that predict each factor from the code.

    disentanglement  is each number of the code used for one factor only?
    completeness     is each factor predicted from one number of the code only?
    informativeness  how much of the errors of guessing is avoided, on samples not learned from; it
                     is below 0 if the trees do worse than to guess the most frequent value
    importance       (L, K)  R_lk, what part of the Gini impurity of factor k is removed by
                     questions about number l of the code
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: Array = field(compare=False)


def dci(codes: Array, factors: IntArray, *, rng: np.random.Generator) -> DCI:
    """Return disentanglement, completeness and informativeness, from the importance R (L, K).

        disentanglement  Σ_l r_l (1 + Σ_k P_lk log_K P_lk)    P_lk = R_lk / Σ_k R_lk
        completeness     Σ_k c_k (1 + Σ_l Q_lk log_L Q_lk)    Q_lk = R_lk / Σ_l R_lk

    where r_l and c_k are the parts of rows and columns in the sum of R. If no number of the code
    tells anything, R = 0, both are 0.

    R is that of one decision tree a factor (CART), learned from one half of the samples, drawn at
    random, and judged on the other. A tree asks whether number l of the code is in a bin up to t,
    with 20 bins of equal width, takes the question that lowers the Gini impurity the most, and asks
    at most 8. Of two numbers that tell the same it takes the first.

    The paper has a lasso, which sees lines only, or a forest of such trees, which draws; others
    boost trees. The scores depend on it, so compare with scores of this function only.

    Source
        Eastwood and Williams, A Framework for the Quantitative Evaluation of Disentangled
        Representations (2018), §2; weights of factors as in Locatello et al. (2019).

    Raises
        ValueError as above; too few are less than 2 × 20 × values of a factor.
    """
    z, f = _checked("dci", codes, factors)
    _check_count("dci", f, 2 * BINS)
    order, half = generator("dci", rng).permutation(len(z)), len(z) // 2
    cut = _binned(z, BINS)
    train, test = order[:half], order[half:]
    importance, avoided = [], []
    for values in f.T:
        removed, predicted = tree_of(cut[train], values[train], cut[test], bins=BINS, depth=DEPTH)
        importance.append(removed)
        guessing = 1 - np.bincount(values).max() / len(values)
        avoided.append(1 - float((predicted != values[test]).mean()) / guessing)
    R = np.transpose(importance)
    return DCI(_concentration(R), _concentration(R.T), float(np.mean(avoided)), R)


def factor_vae_score(
    codes: Array,
    factors: IntArray,
    *,
    votes: int = 800,
    batch: int = 64,
    threshold: float = 0.0,
    rng: np.random.Generator,
) -> float:
    """Return how often the number of a code that varies the least tells which factor is fixed.

    A vote: draw a factor k and a value of it, and then, with replacement, a batch of the samples
    that have this value. Divide each number of their codes by its standard deviation over all
    samples; the one of least variance in the batch votes for k. A table says for each number of the
    code the factor that most of `votes` votes were for; the score is the accuracy of the table on
    as many votes again, which has a standard error of at most ½ votes^(-½). Codes that have nothing
    to do with the factors score about 1/K.

    threshold  numbers of the code whose variance is not above it have collapsed, and are left out;
               those that are constant always are. For a VAE's means take evaluation.ACTIVE

    Source
        Kim and Mnih, Disentangling by Factorising (2018), §4 and figure 2.

    Raises
        ValueError as above, or if no number of the code is left; too few are less than two samples
        of each value of a factor.
    """
    who = "factor_vae_score"
    votes, batch = integer(who, "votes", votes), integer(who, "batch", batch, 2)
    number(who, "threshold", threshold, 0, inf, "[)")
    rng = generator(who, rng)
    z, f = _checked(who, codes, factors)
    z, most = _scaled(z)
    spread = z.std(axis=0)
    varies = (spread * most > threshold**0.5) & (z.min(axis=0) < z.max(axis=0))
    if not varies.any():
        raise ValueError(f"{who}: expected codes of a variance above {threshold:g}, got none")
    z = z[:, varies] / spread[varies]
    rows = [[np.flatnonzero(values == v) for v in range(values.max() + 1)] for values in f.T]
    fewest = min(len(those) for values in rows for those in values)
    if fewest < 2:
        raise ValueError(f"{who}: expected two samples or more of each value of a factor, got 1")
    table = np.zeros((2, z.shape[1], len(rows)), np.int64)
    for n in range(2 * votes):
        k = int(rng.integers(len(rows)))
        those = rows[k][int(rng.integers(len(rows[k])))]
        least = z[rng.choice(those, batch)].var(axis=0).argmin()
        table[n // votes, least, k] += 1
    learned, judged = table
    return float(judged[np.arange(len(judged)), learned.argmax(axis=1)].sum() / votes)


def _checked(who: str, codes: Any, factors: Any) -> tuple[Array, IntArray]:
    """Return codes (N, L) in float64, and factors (N, K) whose values are numbered from 0."""
    z = floats_of(f"{who} codes", codes, unit=False).astype(np.float64)
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(f"{who} codes: expected (N, L) of two numbers or more, got {z.shape}")
    f = np.asarray(factors)
    if f.ndim != 2 or f.shape[1] < 2 or len(f) != len(z):
        raise ValueError(
            f"{who} factors: expected ({len(z)}, K) of two factors or more, got {f.shape}"
        )
    columns = []
    for k, column in enumerate(f.T):
        labels = labels_of(f"{who} factors, column {k}", column, len(z))
        values, numbered = np.unique(labels, return_inverse=True)
        if len(values) < 2:
            raise ValueError(
                f"{who} factors: expected factors that vary, got only {values[0]} in column {k}"
            )
        columns.append(numbered)
    return z, np.stack(columns, axis=1)


def _check_count(who: str, f: IntArray, each: int) -> None:
    """Raise ValueError unless there are `each` samples for each value of every factor."""
    least = each * (int(f.max()) + 1)
    if len(f) < least:
        raise ValueError(
            f"{who}: expected {least} samples or more, {each} for each value of a factor, "
            f"got {len(f)}"
        )


def _scaled(z: Array) -> tuple[Array, Array]:
    """Return z over the largest |z| of each column, so that no sum overflows, and these (L,)."""
    most = np.abs(z).max(axis=0)
    most[most == 0] = 1
    return z / most, most


def _binned(z: Array, bins: int) -> IntArray:
    """Return in which of the bins of equal width, from 0, each entry of a column is."""
    z, _ = _scaled(z)
    low, width = z.min(axis=0), np.ptp(z, axis=0)
    place = (z - low) / np.where(width > 0, width, 1) * bins
    return np.minimum(place.astype(np.int64), bins - 1)


def _mutual_information(a: IntArray, b: IntArray) -> float:
    """Return Σ p(a, b) log p(a, b)/(p(a) p(b)) of two columns of numbers from 0, in nats."""
    A, B = int(a.max()) + 1, int(b.max()) + 1
    p = np.bincount(a * B + b, minlength=A * B).reshape(A, B) / len(a)
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0)
    there = p > 0
    return float((p[there] * np.log(p[there] / independent[there])).sum())


def _concentration(R: Array) -> float:
    """Return Σ_i r_i (1 - H(R_i)) over the rows, with H in units of the logarithm of columns."""
    rows = R.sum(axis=1, keepdims=True)
    if not rows.any():
        return 0.0
    p = R / np.where(rows > 0, rows, 1)
    minus_entropy = (p * np.log(np.where(p > 0, p, 1))).sum(axis=1) / np.log(R.shape[1])
    return float((rows[:, 0] * (1 + minus_entropy)).sum() / rows.sum())
