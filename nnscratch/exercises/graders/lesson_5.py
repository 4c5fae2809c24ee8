"""The lesson's task 5: a convolutional VAE."""

from typing import Any

import numpy as np

from ...data import digits
from ...evaluation import elbo
from ...evaluation.baselines import PCA
from ...evaluation.metrics import bce
from ...layers import Conv2d
from ...models import VAE
from ..trained import in_band, trained
from ..trial import Refuted, Trial

LATENTS = 16


def measured(model: Any) -> dict[str, float]:
    """Return the negative ELBO of the held-out digits, its KL, and the cost of reconstructions."""
    images = digits().test.images
    bound = elbo(model, images, rng=np.random.default_rng(0))
    cost = bce(images, model.reconstruct(images))
    return {"negative ELBO": bound.total.mean, "KL": bound.kl.mean, "reconstruction": cost}


def grade(trial: Trial) -> None:
    """What it is made of; the ELBO against our own runs, the reconstruction against PCA, the KL."""
    model = trained(trial)
    if model is None:
        return
    with trial.claim("it is a VAE with convolutions and 16 latents"):
        if not isinstance(model, VAE):
            raise Refuted(f"`model` returns a {type(model).__name__}; expected nn.VAE")
        if not any(isinstance(layer, Conv2d) for layer in model.encoder.layers):
            raise Refuted("the encoder has no nn.Conv2d")
        shape = np.shape(model.encode(digits().test.images[:8]))
        if shape != (8, LATENTS):
            raise Refuted(f"8 images have codes of the shape {shape}; expected (8, {LATENTS})")
    if not trial.ok:
        return
    ours, images = measured(model), digits().test.images
    with trial.claim("negative ELBO on held-out digits like that of our own runs, or better"):
        in_band(trial, "lesson_5", "negative ELBO", ours["negative ELBO"])
    with trial.claim("reconstructions cost less than those of PCA with 16 numbers"):
        pca = PCA(LATENTS).fit(digits().train.images)
        cost, linear = ours["reconstruction"], bce(images, pca.reconstruct(images))
        trial.evidence = f"{cost:.1f} nats, PCA {linear:.1f}"
        if not cost < linear:
            raise Refuted(f"they cost {cost:.1f} nats an image, and PCA's {linear:.1f}")
    with trial.claim("the code says something: the KL is more than 10 nats"):
        trial.evidence = f"{ours['KL']:.1f} nats"
        if not ours["KL"] > 10:
            raise Refuted(
                f"the KL is {ours['KL']:.2f} nats",
                "the posterior has collapsed onto the prior: did training go on for long enough? "
                "a weight of the KL above 1?",
            )
