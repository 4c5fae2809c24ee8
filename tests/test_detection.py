"""The area under the ROC curve and the average precision, against sums over all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch.core import Array
from nnscratch.evaluation import auroc, average_precision

SCORES = st.lists(st.integers(-3, 3), min_size=2, max_size=12)
"""Few numbers, so that there are ties."""


def joined(high: list[int], low: list[int]) -> tuple[Array, Array]:
    scores = np.array([*high, *low], float)
    return scores, np.arange(len(scores)) < len(high)


def win(a: float, b: float) -> float:
    return 1.0 if a > b else 0.5 if a == b else 0.0


@given(SCORES, SCORES)
def test_auroc_is_the_share_of_pairs_in_the_right_order(high: list[int], low: list[int]) -> None:
    """The error by DeLong's sums: S₁₀/M + S₀₁/N, from the wins of each sample."""
    found = auroc(*joined(high, low))
    wins = [[win(a, b) for b in low] for a in high]
    of_high = [sum(row) / len(low) for row in wins]
    of_low = [sum(column) / len(high) for column in zip(*wins, strict=True)]
    area = sum(of_high) / len(high)
    s10 = sum((v - area) ** 2 for v in of_high) / (len(high) - 1)
    s01 = sum((v - area) ** 2 for v in of_low) / (len(low) - 1)
    assert found.mean == pytest.approx(area, abs=1e-12)
    assert found.error == pytest.approx((s10 / len(high) + s01 / len(low)) ** 0.5, abs=1e-9)


@given(SCORES, SCORES)
def test_auroc_of_the_scores_turned_around_is_one_less_it(high: list[int], low: list[int]) -> None:
    scores, anomalous = joined(high, low)
    found, turned, swapped = (
        auroc(scores, anomalous),
        auroc(-scores, anomalous),
        auroc(scores, ~anomalous),
    )
    for other in (turned, swapped):
        assert other.mean == pytest.approx(1 - found.mean, abs=1e-12)
        assert other.error == pytest.approx(found.error, abs=1e-9)


@given(SCORES, SCORES, st.randoms())
def test_only_the_order_of_the_scores_counts(high: list[int], low: list[int], random) -> None:
    scores, anomalous = joined(high, low)
    order = random.sample(range(len(scores)), len(scores))
    moved, flags = np.exp(scores / 2)[order], anomalous[order]
    found, again = auroc(scores, anomalous), auroc(moved, flags)
    assert (again.mean, again.error) == pytest.approx((found.mean, found.error), abs=1e-9)
    precision = average_precision(scores, anomalous)
    assert average_precision(moved, flags) == pytest.approx(precision, abs=1e-12)


def test_a_score_that_errs_nowhere() -> None:
    scores, anomalous = joined([5, 6], [1, 2, 3])
    assert auroc(scores, anomalous) == nn.evaluation.Estimate(1.0, 0.0)
    assert auroc(np.ones(5), anomalous).mean == 0.5
    assert average_precision(scores, anomalous) == 1
    assert average_precision(np.ones(5), anomalous) == 2 / 5


@given(SCORES, SCORES)
def test_average_precision_is_the_area_below_the_steps(high: list[int], low: list[int]) -> None:
    """Σ (recall_k - recall_{k-1}) precision_k over the thresholds, from the highest down."""
    area = recall = 0.0
    for threshold in sorted({*high}, reverse=True):
        right, false = (sum(s >= threshold for s in of) for of in (high, low))
        area += (right / len(high) - recall) * right / (right + false)
        recall = right / len(high)
    assert average_precision(*joined(high, low)) == pytest.approx(area, abs=1e-12)


def test_the_standard_error_is_the_spread_over_draws(rng: np.random.Generator) -> None:
    """Of N(1, 1) above N(0, 1): the mean of the errors and the deviation of 2,000 areas."""
    anomalous = np.arange(150) < 40
    draws = [auroc(rng.standard_normal(150) + anomalous, anomalous) for _ in range(2000)]
    spread = np.std([each.mean for each in draws])
    assert np.mean([each.error for each in draws]) == pytest.approx(spread, rel=0.06)


@pytest.mark.parametrize("measure", [auroc, average_precision])
@pytest.mark.parametrize(
    ("scores", "anomalous", "message"),
    [
        ([1.0, 2, 3], [True, False, False], "two samples or more of either kind, got 1 anomalous"),
        ([1.0, 2, 3], [True, True, True], "got 3 anomalous ones and 0 others"),
        ([1.0, 2, 3], [1, 0, 0], r"anomalous \(N,\) bool, got \(3,\) and \(3,\) int64"),
        ([1.0, 2, 3], [True, False], r"got \(3,\) and \(2,\) bool"),
        ([[1.0, 2]], [[True, False]], r"scores \(N,\)"),
        ([1.0, np.nan, 3, 4], [True, True, False, False], "finite"),
    ],
)
def test_what_is_no_score_is_refused(measure, scores, anomalous, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{measure.__name__}.*{message}"):
        measure(np.array(scores), np.array(anomalous))
