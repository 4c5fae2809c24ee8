"""The lesson's task 1: an autoencoder with a code of two numbers."""

import numpy as np

from ...data import digits
from ...evaluation.baselines import PCA
from ..trained import classes_right, in_band, squared_error, trained
from ..trial import Refuted, Trial

NAMES = ("squared error", "neighbours of one class")


def measured(model: object) -> dict[str, float]:
    """Return what a model, or PCA, achieves on the held-out digits."""
    return dict(zip(NAMES, (squared_error(model), classes_right(model)), strict=True))


def grade(trial: Trial) -> None:
    """The code's size; the squared error and the classes, against PCA and our own runs."""
    model = trained(trial)
    if model is None:
        return
    with trial.claim("a code has 2 numbers"):
        shape = np.shape(model.encode(digits().test.images[:8]))
        if shape != (8, 2):
            raise Refuted(f"8 images have codes of the shape {shape}; expected (8, 2)")
    if not trial.ok:
        return
    ours, pca = measured(model), measured(PCA(2).fit(digits().train.images))
    with trial.claim("squared error on held-out digits 2 % or more below PCA's with 2 numbers"):
        error, linear = ours["squared error"], pca["squared error"]
        trial.evidence = f"{error:.2f}, PCA {linear:.2f}"
        if not error < 0.98 * linear:
            raise Refuted(
                f"it is {error:.2f}, and PCA's is {linear:.2f}",
                "no better than a linear map: is there a ReLU in both halves, and was it trained?",
            )
    with trial.claim("squared error like that of our own runs, or better"):
        in_band(trial, "lesson_1", "squared error", ours["squared error"])
    with trial.claim("of the ten nearest codes more are of the same digit than of PCA's codes"):
        right, linear = ours[NAMES[1]], pca[NAMES[1]]
        trial.evidence = f"{right:.0%}, PCA {linear:.0%}"
        if not right > linear:
            raise Refuted(f"{right:.0%}, and {linear:.0%} of PCA's")
