"""How well a score tells the unusual from the usual: the area under the ROC curve, and precision.

errors = squared_errors(test.images, model.reconstruct(test.images))
auroc(errors, test.labels == 3)                  0.78 ± 0.02

scores     (N,)  floats, the larger the more unusual
anomalous  (N,)  bool, which of the samples are unusual
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks.arrays import floats_of
from ..core import Array
from .elbo import Estimate

Flags = NDArray[np.bool_]


def auroc(scores: Array, anomalous: Flags) -> Estimate:
    """Return the area under the ROC curve, with its standard error.

    It is the probability that an anomalous sample, drawn at random, scores higher than a normal one
    (a tie counts one half): ½ for a score that knows nothing, 1 for one that errs nowhere, 0 for
    one that would err nowhere with its sign turned. Its standard error is that of the choice of
    samples; what comes of the first weights of a model is on top of it.

    Derivation
        a_i is the share of normal samples below anomalous sample i, b_j the share of anomalous ones
        above normal sample j. The area is the mean of either. It is a mean over pairs, and its
        variance is, but for terms of order 1/MN, that of the two means together:

            Var a/M + Var b/N

    Source
        DeLong, DeLong and Clarke-Pearson, Comparing the Areas under Two or More Correlated ROC
        Curves (1988), eq. 4 to 6. Without a difference between the two: Mann and Whitney (1947).

    Raises
        ValueError if there are not two samples of either kind, or scores are not finite.
    """
    high, low = _of_either_kind("auroc", scores, anomalous)
    a, b = _share_below(low, high), 1 - _share_below(high, low)
    variance = a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
    return Estimate(float(a.mean()), float(variance) ** 0.5)


def average_precision(scores: Array, anomalous: Flags) -> float:
    """Return the mean precision at the anomalous samples, from the highest score to the lowest.

    The precision at a sample is the share of anomalous ones among those that score as high as it or
    higher. For a score that knows nothing it is about the share of anomalous samples in the set.
    Where these are rare it is the figure to look at, since it counts the false among the alarms.

    Source
        Davis and Goadrich, The Relationship between Precision-Recall and ROC Curves (2006).

    Raises
        ValueError as auroc.
    """
    high, low = _of_either_kind("average_precision", scores, anomalous)
    at_least, false = (len(a) - np.searchsorted(np.sort(a), high, "left") for a in (high, low))
    return float((at_least / (at_least + false)).mean())


def _share_below(a: Array, b: Array) -> Array:
    """Return, for each of b (M,), the share of a (N,) below it; of those equal to it, the half."""
    a = np.sort(a)
    return (np.searchsorted(a, b, "left") + np.searchsorted(a, b, "right")) / (2 * len(a))


def _of_either_kind(who: str, scores: Any, anomalous: Any) -> tuple[Array, Array]:
    """Return the scores of the anomalous samples, and those of the others."""
    scores, flags = floats_of(f"{who} scores", scores, unit=False), np.asarray(anomalous)
    if scores.ndim != 1 or flags.shape != scores.shape or flags.dtype != bool:
        raise ValueError(
            f"{who}: expected scores (N,) and anomalous (N,) bool, got {scores.shape} and "
            f"{flags.shape} {flags.dtype}"
        )
    high, low = scores[flags], scores[~flags]
    if min(len(high), len(low)) < 2:
        raise ValueError(
            f"{who}: expected two samples or more of either kind, got {len(high)} anomalous ones "
            f"and {len(low)} others"
        )
    return high, low
