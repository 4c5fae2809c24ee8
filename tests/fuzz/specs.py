"""Models, what is asked of them, and what else takes a number; with all other specs."""

from functools import cache
from typing import Any

import numpy as np

from nnscratch import evaluation, likelihoods, plots
from nnscratch.data import Dataset, dataset
from nnscratch.evaluation import baselines, probes
from nnscratch.evaluation.metrics import bce
from nnscratch.models import VAE, ConditionalVAE
from nnscratch.models import corruption as corruptions
from nnscratch.models.lesson import dense_vae

from . import Case, settings
from .arrays import Rng, samples
from .entrances import COLOUR, GREY, SQUARE, drawn, models, network
from .layer_specs import of_layers
from .learning_specs import of_learning
from .settings import (
    ANY,
    AT_LEAST_0,
    FLAG,
    FRACTION,
    MODEST,
    POSITIVE,
    RNG,
    SIZE,
    TIMES,
    Kind,
    Spec,
    between,
    optional,
    whole,
)


def of_models() -> list[Spec]:
    """Return the specs of models, of what is asked of them, and of what else takes numbers."""
    vae, ae, noise = models()["vae"], models()["convolutional"], np.random.default_rng(0)
    x = samples(noise, 6, COLOUR).astype(np.float32)
    grey = samples(noise, 6, GREY).astype(np.float32)
    square = samples(noise, 6, SQUARE)
    z, y = noise.standard_normal((6, 2)), np.arange(6) % 3
    data = Dataset(grey, y)
    gaussian = VAE(*network(COLOUR, 4, 2), 2, likelihoods.Gaussian(), input_shape=COLOUR)
    flag = {"spherical": FLAG}

    def variational(**words: Any) -> Any:
        return VAE(*network(COLOUR, 4, 2), **{"latent_dim": 2, "input_shape": COLOUR} | words)

    def conditional(classes: Any) -> Any:
        return ConditionalVAE(*network(GREY, 4, 2, 3), 2, classes=classes, input_shape=GREY)

    two = Kind(lambda v: settings.integer(v) and v == 2, lambda v: settings.scalar(v))
    three = Kind(lambda v: settings.integer(v) and v == 3, lambda v: settings.scalar(v))
    measured = {"draws": 1, "rng": noise}
    return [
        Spec(
            "VAE",
            variational,
            {},
            {"latent_dim": two, "beta": AT_LEAST_0, "free_bits": AT_LEAST_0},
            lambda m: m.encode(x),
        ),
        Spec("ConditionalVAE", conditional, {}, {"classes": three}),
        Spec("sample", vae.sample, {"count": 2, "rng": noise}, {"count": TIMES, "rng": RNG}),
        Spec(
            "sample like",
            ae.sample,
            {"count": 2, "like": x, "rng": noise},
            {"count": TIMES, "rng": RNG},
        ),
        Spec(
            "encode threads",
            lambda threads: vae.encode(x, threads=threads),
            {},
            {"threads": optional(TIMES)},
        ),
        Spec(
            "interpolate",
            lambda **w: ae.interpolate(x, x[::-1], **w),
            {},
            flag | {"steps": whole(2)._replace(work=True)},
        ),
        Spec(
            "elbo",
            lambda **w: evaluation.elbo(vae, x, **w).total.mean,
            measured,
            {"draws": TIMES, "rng": RNG},
        ),
        Spec(
            "importance_nll",
            lambda **w: evaluation.importance_nll(gaussian, x, **w).mean,
            {"samples": 1, "rng": noise},
            {"samples": TIMES, "rng": RNG},
        ),
        Spec(
            "dense_vae",
            lambda **w: dense_vae((3,), **{"rng": noise} | w),
            {},
            {"latent_dim": SIZE, "rng": RNG},
        ),
        Spec("Gaussian", likelihoods.Gaussian, {}, {"variance": POSITIVE}),
        Spec(
            "GaussianNoise",
            corruptions.GaussianNoise,
            {"mean": 0.0, "sd": 0.5},
            {"mean": ANY, "sd": AT_LEAST_0},
            lambda c: c(x, rng=noise),
        ),
        Spec(
            "SaltAndPepper",
            corruptions.SaltAndPepper,
            {"fraction": 0.1},
            {"fraction": FRACTION},
            lambda c: c(x, rng=noise),
        ),
        Spec(
            "Masking",
            corruptions.Masking,
            {"fraction": 0.1},
            {"fraction": FRACTION},
            lambda c: c(x, rng=noise),
        ),
        Spec(
            "Downsampling",
            corruptions.Downsampling,
            {"factor": 2},
            {"factor": SIZE},
            lambda c: c.output_shape((3, 4, 6)),
            alone=False,
        ),
        Spec("PCA", lambda k: baselines.PCA(k).fit(x).encode(x), {"k": 2}, {"k": TIMES}),
        Spec(
            "linear_vae_optimum",
            lambda **w: baselines.linear_vae_optimum(x, **w).total,
            {"variance": 0.1, "k": 2},
            {"variance": POSITIVE, "k": TIMES},
        ),
        Spec(
            "NearestNeighbours",
            lambda k: probes.NearestNeighbours(k).fit(z, y).predict(z),
            {},
            {"k": whole(1)},
            alone=False,
        ),
        Spec(
            "SoftmaxProbe",
            lambda **w: probes.SoftmaxProbe(**{"steps": 2} | w).fit(z, y).predict(z),
            {},
            {"steps": TIMES, "learning_rate": MODEST, "precision": MODEST},
        ),
        Spec(
            "bce", lambda clip: bce(square, square, clip=clip), {}, {"clip": between(0, 0.5, "][")}
        ),
        Spec(
            "split",
            lambda **w: dataset.split(data, **{"fraction": 0.5, "rng": noise} | w),
            {},
            {"fraction": between(0.1, 0.9), "rng": RNG},
        ),
        Spec(
            "minibatches",
            lambda **w: list(dataset.minibatches(**{"N": 10, "batch_size": 2, "rng": noise} | w)),
            {},
            {"N": SIZE, "batch_size": SIZE, "drop_last": FLAG, "rng": RNG},
            alone=False,
        ),
        Spec(
            "active_units",
            lambda threshold: evaluation.active_units(z, threshold),
            {},
            {"threshold": AT_LEAST_0},
        ),
        Spec(
            "factor_vae_score",
            lambda **w: evaluation.factor_vae_score(
                z, np.stack([y, y % 2], axis=1), **{"votes": 9, "rng": noise} | w
            ),
            {},
            {"votes": TIMES, "batch": whole(2), "threshold": AT_LEAST_0, "rng": RNG},
            alone=False,
        ),
        Spec(
            "image_grid",
            lambda columns: drawn(plots.image_grid(square, columns=columns)),
            {},
            {"columns": TIMES},
        ),
        Spec(
            "latent_scatter",
            lambda prior: drawn(plots.latent_scatter(z, y, prior=prior)),
            {},
            {"prior": FLAG},
        ),
        Spec(
            "manifold",
            lambda side: drawn(plots.manifold(lambda z: np.zeros((len(z), 4, 4)), side=side)),
            {},
            {"side": TIMES},
        ),
    ]


@cache
def specs() -> list[Spec]:
    """Return all of them."""
    return [*of_layers(), *of_learning(), *of_models()]


def case(generator: Rng) -> Case:
    """Return a call of one of them."""
    return settings.case(generator, specs())
