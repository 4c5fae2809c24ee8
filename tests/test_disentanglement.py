"""MIG, DCI and the FactorVAE score: true factors, noise, sums by hand, loops that say the same."""

from collections import Counter
from itertools import product
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscratch.core import Array, IntArray
from nnscratch.data import sprites
from nnscratch.evaluation import dci, factor_vae_score, mutual_information_gap
from nnscratch.evaluation.disentanglement import BINS, DEPTH

SPRITES = sprites()
ALL = np.array(list(product(range(2), range(3), range(5))) * 10)
"""Ten times each combination of three factors, (300, 3)."""

SEEDS = st.integers(0, 2**32 - 1)


def new(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def scores(codes: Array, factors: IntArray, seed: int = 0) -> list[float]:
    """All five, the same draws for a seed."""
    found = dci(codes, factors, rng=new(seed))
    return [
        mutual_information_gap(codes, factors),
        found.disentanglement,
        found.completeness,
        found.informativeness,
        factor_vae_score(codes, factors, rng=new(seed)),
    ]


# True factors and noise


def test_all_are_one_on_the_true_factors_of_sprites() -> None:
    assert scores(SPRITES.factors.astype(float), SPRITES.factors) == pytest.approx([1] * 5)


@settings(max_examples=20)
@given(seed=SEEDS)
def test_all_are_one_on_true_factors_in_any_order_and_scale(seed: int) -> None:
    """Columns in another order, each with its own scale, sign and shift, and a constant one."""
    rng = new(seed)
    scale = rng.choice([-1, 1], 3) * 10.0 ** rng.uniform(-30, 30, 3)
    codes = (ALL + rng.normal(size=3)) * scale
    codes = np.column_stack([codes, np.full(300, 7.0)])[:, rng.permutation(4)]
    assert scores(codes, ALL, seed) == pytest.approx([1] * 5)


def test_noise_says_nothing() -> None:
    """Each with the mean and the spread that chance gives it."""
    factors, (N, L) = SPRITES.factors, (6144, 10)
    codes = new().standard_normal((N, L))
    MIG, D, C, informative, factor_vae = scores(codes, factors)
    # 2N·I is χ² of (BINS-1)(V-1) degrees of freedom, so the gap of two is a few deviations.
    V = factors.max(axis=0) + 1
    deviation = np.sqrt(2 * (BINS - 1) * (V - 1)) / (2 * N)
    assert 0 < MIG < (5 * deviation / np.log(V)).mean()
    # A tree asks of 10 numbers up to 255 questions; as if evenly at random, 1 - H is (L-1)/2·255
    # in nats. The questions do not weigh the same, for which it gets a factor of four.
    assert 0 < C < 4 * (L - 1) / (2 * 255) / log(L)
    assert 0 < D < 0.1
    # Of N/2 guesses the fraction 1/V is right.
    error = (np.sqrt(V - 1) / V / np.sqrt(N / 2) / (1 - 1 / V)).mean()
    assert abs(informative) < 5 * error
    assert abs(factor_vae - 1 / 5) < 5 * (0.2 * 0.8 / 800) ** 0.5


def test_turned_factors_are_not_disentangled() -> None:
    """All is still there, but in every number some of each factor: 9/25 of one, 4/25 of others."""
    factors = (SPRITES.factors - SPRITES.factors.mean(axis=0)) / SPRITES.factors.std(axis=0)
    MIG, D, C, informative, _ = scores(factors @ (np.eye(5) - 0.4), SPRITES.factors)
    assert max(MIG, D, C) < 0.2
    assert informative > 0.4


# By hand


def test_the_gap_by_hand() -> None:
    """z₁ is f₁; z₂ agrees with it three times of four; none says anything of f₂.

    I(z₁; f₁) = H(f₁) = log 2, and I(z₂; f₁) = log 2 - h(¼): the gaps are h(¼)/log 2 and 0.
    """
    f1, f2, flip = np.array(list(product([0, 1], [0, 1], [0, 0, 0, 1])) * 10).T
    codes = np.stack([f1, f1 ^ flip], axis=1).astype(float)
    h = -0.25 * log(0.25) - 0.75 * log(0.75)
    found = mutual_information_gap(codes, np.stack([f1, f2], axis=1))
    assert found == pytest.approx(h / log(2) / 2)


def test_importance_by_hand() -> None:
    """z₁ is f₁ and f₂ at once, z₂ is f₂ and z₃ is constant.

    For f₁ only z₁ is asked, once. For f₂ two questions to z₁ would do, or one to z₂, which is the
    first question for it lowers the impurity the most. z₁ then has all of f₁, z₂ all of f₂.
    """
    f = np.array(list(product([0, 1], [0, 1])) * 50)
    codes = np.stack([2 * f[:, 0] + f[:, 1], f[:, 1], 0 * f[:, 0]], axis=1).astype(float)
    found = dci(codes, f, rng=new())
    np.testing.assert_allclose(found.importance, [[1, 0], [0, 1], [0, 0]], atol=1e-12)
    assert (found.disentanglement, found.completeness, found.informativeness) == (1, 1, 1)


def test_one_number_for_two_factors_is_complete_and_not_disentangled() -> None:
    f = np.array(list(product([0, 1], [0, 1])) * 50)
    codes = np.stack([2 * f[:, 0] + f[:, 1], 0 * f[:, 0]], axis=1).astype(float)
    found = dci(codes, f, rng=new())
    np.testing.assert_allclose(found.importance, [[1, 1], [0, 0]], atol=1e-12)
    assert found.disentanglement == pytest.approx(0, abs=1e-12)
    assert (found.completeness, found.informativeness) == pytest.approx((1, 1))


def test_codes_that_never_change_say_nothing() -> None:
    codes = np.ones((300, 2))
    found = dci(codes, ALL, rng=new())
    assert (found.disentanglement, found.completeness) == (0, 0)
    assert mutual_information_gap(codes, ALL) == 0
    with pytest.raises(ValueError, match="expected codes of a variance above 0, got none"):
        factor_vae_score(codes, ALL, rng=new())


def test_what_has_collapsed_has_no_vote() -> None:
    """A number that hardly varies, and tells all of them, wins every vote unless left out."""
    codes = np.column_stack([ALL, 1e-3 * (ALL @ [15, 5, 1] == 0)]).astype(float)
    codes[:, 0] = new().standard_normal(300)
    some = [factor_vae_score(codes, ALL, threshold=t, rng=new()) for t in (0, 0.01)]
    assert some[1] == factor_vae_score(codes[:, :3], ALL, rng=new()) != some[0]


# Loops


def entropy(*columns: Any) -> float:
    counts = Counter(zip(*columns, strict=True))
    return -sum(n / len(columns[0]) * log(n / len(columns[0])) for n in counts.values())


def literal_gap(codes: Array, factors: IntArray) -> float:
    """I = H(z) + H(f) - H(z, f), by counting."""
    cut = [np.digitize(z, np.histogram_bin_edges(z, BINS)[1:-1]).tolist() for z in codes.T]
    gaps = []
    for f in factors.T.tolist():
        told = sorted(entropy(z) + entropy(f) - entropy(z, f) for z in cut)
        gaps.append((told[-1] - told[-2]) / entropy(f))
    return sum(gaps) / len(gaps)


def impurity(y: list[int]) -> float:
    """Σ_v p_v (1 - p_v), times how many they are."""
    return sum(n * (1 - n / len(y)) for n in Counter(y).values())


def literal_tree(rows: list[Any], level: int, removed: list[float]) -> Any:
    """Grow a tree from (z, y), adding what its questions remove; return how it answers."""
    y = [v for _, v in rows]
    questions = []
    for i, t in product(range(len(removed)), range(BINS)) if level < DEPTH else ():
        left, right = [v for z, v in rows if z[i] <= t], [v for z, v in rows if z[i] > t]
        if left and right:
            questions.append((impurity(y) - impurity(left) - impurity(right), i, t))
    gain, i, t = max(questions, key=lambda q: (round(q[0], 7), -q[1], -q[2]), default=(0, 0, 0))
    if gain < 1e-9:
        answer = min(Counter(y).items(), key=lambda item: (-item[1], item[0]))[0]
        return lambda z: answer
    removed[i] += gain
    left = literal_tree([r for r in rows if r[0][i] <= t], level + 1, removed)
    right = literal_tree([r for r in rows if r[0][i] > t], level + 1, removed)
    return lambda z: (left if z[i] <= t else right)(z)


def literal_dci(codes: Array, factors: IntArray, seed: int) -> tuple[float, float, float, Array]:
    order, half = new(seed).permutation(len(codes)), len(codes) // 2
    cut = np.stack([np.digitize(z, np.histogram_bin_edges(z, BINS)[1:-1]) for z in codes.T], 1)
    R, avoided = [], []
    for f in factors.T:
        rows, removed = [(cut[n], int(f[n])) for n in order[:half]], [0.0] * codes.shape[1]
        answer = literal_tree(rows, 0, removed)
        R.append([r / impurity([v for _, v in rows]) for r in removed])
        wrong = sum(answer(cut[n]) != f[n] for n in order[half:]) / (len(f) - half)
        avoided.append(1 - wrong / (1 - max(Counter(f.tolist()).values()) / len(f)))

    def concentrated(R: Any) -> float:
        score = 0.0
        for row in R:
            H = -sum(r / sum(row) * log(r / sum(row)) for r in row if r > 0) / log(len(row))
            score += (1 - H) * sum(row) / sum(map(sum, R))
        return score

    turned = list(zip(*R, strict=True))
    return concentrated(turned), concentrated(R), float(np.mean(avoided)), np.array(turned)


def literal_factor_vae(codes: Array, factors: IntArray, seed: int, votes: int, batch: int) -> float:
    rng, ballots = new(seed), []
    for _ in range(2 * votes):
        k = int(rng.integers(factors.shape[1]))
        value = int(rng.integers(factors[:, k].max() + 1))
        drawn = rng.choice([n for n in range(len(codes)) if factors[n, k] == value], batch)
        relative = [np.var([z[n] for n in drawn]) / np.var(z) for z in codes.T]
        ballots.append((relative.index(min(relative)), k))
    first, second = ballots[:votes], ballots[votes:]
    table = {}
    for d in range(codes.shape[1]):
        counts = Counter(k for e, k in first if e == d)
        table[d] = min(range(factors.shape[1]), key=lambda k, c=counts: (-c[k], k))
    return sum(table[d] == k for d, k in second) / votes


@settings(max_examples=8)
@given(seed=SEEDS)
def test_by_loops(seed: int) -> None:
    """Codes that are mixtures of factors and noise, so that all scores are in the middle."""
    codes = ALL @ new(seed).standard_normal((3, 4)) + 0.5 * new(seed).standard_normal((300, 4))
    assert mutual_information_gap(codes, ALL) == pytest.approx(literal_gap(codes, ALL), abs=1e-12)
    found = factor_vae_score(codes, ALL, votes=30, batch=9, rng=new(seed))
    assert found == pytest.approx(literal_factor_vae(codes, ALL, seed, 30, 9))


@settings(max_examples=2)
@given(seed=SEEDS)
def test_trees_by_recursion(seed: int) -> None:
    codes = ALL @ new(seed).standard_normal((3, 3)) + 0.5 * new(seed).standard_normal((300, 3))
    D, C, informative, R = literal_dci(codes, ALL, seed)
    found = dci(codes, ALL, rng=new(seed))
    np.testing.assert_allclose(found.importance, R, atol=1e-9)
    got = found.disentanglement, found.completeness, found.informativeness
    assert got == pytest.approx((D, C, informative), abs=1e-9)


# What they do not depend on


@settings(max_examples=15)
@given(seed=SEEDS)
def test_names_and_order_do_not_matter(seed: int) -> None:
    """Of samples and factors; and values are names, though the tree of two equals takes the first.

    Samples in another order are other halves to dci and other draws to the FactorVAE score.
    """
    rng = new(seed)
    codes = ALL @ rng.standard_normal((3, 4)) + 0.5 * rng.standard_normal((300, 4))
    want, samples = scores(codes, ALL, seed), rng.permutation(300)
    named = np.stack([rng.permutation(9)[f] for f in ALL.T], axis=1)
    assert mutual_information_gap(codes[samples], ALL[samples]) == pytest.approx(want[0])
    assert mutual_information_gap(codes, named) == pytest.approx(want[0])
    turned = codes[:, rng.permutation(4)]
    assert mutual_information_gap(turned, ALL[:, rng.permutation(3)]) == pytest.approx(want[0])
    scaled = codes * [2.0, -4.0, 0.5, -1.0]
    assert factor_vae_score(scaled, ALL, rng=new(seed)) == want[4]
    assert dci(codes, named, rng=new(seed)).importance == pytest.approx(
        dci(codes, ALL, rng=new(seed)).importance
    )


def test_the_same_seed_gives_the_same_scores() -> None:
    codes = new().standard_normal((300, 4))
    assert scores(codes, ALL, 3) == scores(codes, ALL, 3)
    assert dci(codes, ALL, rng=new(3)) == dci(codes, ALL, rng=new(3))


def test_huge_codes_do_not_overflow() -> None:
    assert scores(ALL * 1e307, ALL) == pytest.approx([1] * 5)


# Refusals

FUNCTIONS: dict[str, Any] = {
    "mutual_information_gap": mutual_information_gap,
    "dci": lambda z, f: dci(z, f, rng=new()),
    "factor_vae_score": lambda z, f: factor_vae_score(z, f, rng=new()),
}
Z = ALL.astype(float)
BAD: dict[str, tuple[Any, Any, str]] = {
    "one number": (Z[:, :1], ALL, r"codes: expected \(N, L\) of two numbers or more, got \(300, 1"),
    "axes": (Z[:, :, None], ALL, r"codes: expected \(N, L\) .*got \(300, 3, 1\)"),
    "NaN": (np.where(Z > 3, np.nan, Z), ALL, "codes: expected finite numbers, got NaN"),
    "bytes": (ALL.astype(np.uint8), ALL, "codes: expected float32 or float64, got uint8"),
    "rows": (Z[:299], ALL, r"factors: expected \(299, K\) of two .*got \(300, 3\)"),
    "one factor": (Z, ALL[:, :1], r"factors: expected \(300, K\) of two .*got \(300, 1\)"),
    "no axis": (Z, ALL[:, 0], r"factors: expected \(300, K\) of two .*got \(300,\)"),
    "floats": (Z, Z, r"factors, column 0: expected \(300,\) integers.*got \(300,\) float64"),
    "negative": (Z, ALL - 1, "factors, column 0: expected 0 …, got -1"),
    "constant": (Z, ALL * [1, 0, 1], "factors: expected factors that vary, got only 0 in column 1"),
}
FEW = {
    "mutual_information_gap": (99, "expected 100 samples or more, 20 for each value"),
    "dci": (199, "expected 200 samples or more, 40 for each value"),
    "factor_vae_score": (9, "expected two samples or more of each value of a factor, got 1"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_cannot_be_meant_is_refused(name: str, bad: str) -> None:
    codes, factors, message = BAD[bad]
    with pytest.raises(ValueError, match=f"^{name} {message}|^{name}: {message}"):
        FUNCTIONS[name](codes, factors)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_too_few_are_refused(name: str) -> None:
    N, message = FEW[name]
    some = np.column_stack([ALL[:N, 2], ALL[:N, 2] % 2])
    if name == "factor_vae_score":
        some[4::5] = 0
        some[4] = 4
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        FUNCTIONS[name](some.astype(float), some)


def test_refuses_arguments() -> None:
    for words, message in (
        ({"votes": 0}, "factor_vae_score: expected votes ≥ 1, got 0"),
        ({"batch": 1}, "factor_vae_score: expected batch ≥ 2, got 1"),
        ({"threshold": -1}, "factor_vae_score: expected threshold ≥ 0, got -1"),
        ({"rng": 0}, "factor_vae_score: expected rng, a numpy"),
        ({"threshold": 9}, "factor_vae_score: expected codes of a variance above 9, got none"),
    ):
        with pytest.raises(ValueError, match=message):
            factor_vae_score(Z, ALL, **{"rng": new()} | words)
    with pytest.raises(ValueError, match="dci: expected rng, a numpy"):
        dci(Z, ALL, rng=0)
    with pytest.raises(ValueError, match="mutual_information_gap: expected bins ≥ 2, got 1"):
        mutual_information_gap(Z, ALL, bins=1)
