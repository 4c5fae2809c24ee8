"""The public calls that take such arguments, and which kinds of them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from nnscratch import (
    baselines,
    corruptions,
    evaluation,
    layers,
    likelihoods,
    optimizers,
    plots,
    probes,
    schedules,
)
from nnscratch.core import Parameter
from nnscratch.data import Dataset, dataset
from nnscratch.metrics import bce
from nnscratch.models import VAE, ConditionalVAE
from nnscratch.models.lesson import dense_vae
from nnscratch.training import Trainer

from . import Case, settings
from .arrays import Rng, samples
from .entrances import COLOUR, GREY, SQUARE, drawn, models, network
from .settings import (
    ANY,
    AT_LEAST_0,
    BELOW_1,
    COUNT,
    FLAG,
    FRACTION,
    PAD,
    PADDING,
    PAIR,
    POSITIVE,
    RNG,
    SIZE,
    Kind,
    Spec,
    between,
    optional,
    whole,
)

TIMES = SIZE._replace(work=True)


def layer(
    kind: Callable[..., Any], shape: tuple[int, ...], right: dict[str, Any], **kinds: Kind
) -> Spec:
    """Return the spec of a layer; one that is accepted has to take a batch, if it fits."""

    def use(made: Any) -> Any:
        x = np.random.default_rng(0).standard_normal((*shape, 3)).astype(np.float32)
        try:
            out = made.output_shape(shape)
        except ValueError:
            return True
        noise = {"rng": np.random.default_rng(0)} if getattr(made, "noisy", False) else {}
        y, backward = made.forward(x, **noise)
        assert y.shape == (*out, 3)
        return [y, backward(np.ones_like(y))]

    if "rng" in kinds:
        right = right | {"rng": np.random.default_rng(0)}
    return Spec(kind.__name__, kind, right, kinds, use, alone=False)


def moved(optimizer: Any) -> np.ndarray:
    """Return θ after two steps."""
    theta = Parameter(np.ones(5, np.float32))
    for _ in range(2):
        theta.grad[...] = 0.1
        optimizer.step(theta)
    return theta.value


def of_layers() -> list[Spec]:
    """Return the specs of layers."""
    image, norm = (4, 6, 6), {"eps": AT_LEAST_0}
    conv = {"kernel_size": PAIR, "stride": PAIR, "padding": PAD, "dilation": PAIR}
    conv |= {"in_channels": SIZE, "out_channels": SIZE, "groups": SIZE, "bias": FLAG, "rng": RNG}
    sizes = {"in_channels": 4, "out_channels": 4, "kernel_size": 3}
    line = conv | {"kernel_size": SIZE, "stride": SIZE, "dilation": SIZE, "padding": PAD}
    pool = {"kernel_size": PAIR, "stride": optional(PAIR), "padding": PADDING, "ceil_mode": FLAG}
    dense = {"in_features": SIZE, "out_features": SIZE, "bias": FLAG, "rng": RNG}
    turned = {k: v for k, v in conv.items() if k not in ("dilation", "groups")}
    return [
        layer(layers.Dense, (4,), {"in_features": 4, "out_features": 3}, **dense),
        layer(layers.Conv2d, image, sizes, **conv, relu=FLAG),
        layer(layers.Conv1d, (5, 4), sizes, **line, relu=FLAG),
        layer(layers.ConvTranspose2d, image, sizes, **turned, relu=FLAG),
        layer(layers.MaxPool2d, image, {"kernel_size": 2}, **pool, relu=FLAG),
        layer(layers.AvgPool2d, image, {"kernel_size": 2}, **pool),
        layer(layers.UpsampleNearest2d, image, {"scale_factor": 2}, scale_factor=PAIR),
        layer(layers.UpsampleBilinear2d, image, {"scale_factor": 2}, scale_factor=PAIR),
        layer(layers.ZeroPad2d, image, {"padding": 1}, padding=PAD),
        layer(layers.PixelShuffle, image, {"upscale_factor": 2}, upscale_factor=SIZE),
        layer(layers.Dropout, image, {}, p=BELOW_1),
        layer(layers.LeakyRelu, image, {}, negative_slope=between(0, 1, "][")),
        layer(layers.Elu, image, {}, alpha=POSITIVE),
        layer(layers.LayerNorm, (4,), {"normalized_shape": 4}, normalized_shape=PAIR, **norm),
        layer(
            layers.GroupNorm,
            image,
            {"num_groups": 2, "num_channels": 4},
            num_groups=SIZE,
            num_channels=SIZE,
            affine=FLAG,
            **norm,
        ),
        layer(
            layers.BatchNorm,
            image,
            {"num_features": 4},
            num_features=SIZE,
            momentum=FRACTION,
            affine=FLAG,
            **norm,
        ),
        Spec("Reshape", lambda size: layers.Reshape(size), {}, {"size": SIZE}),
    ]


def of_learning() -> list[Spec]:
    """Return the specs of optimisers, schedules and trainers."""
    common = {"weight_decay": AT_LEAST_0, "clip_norm": optional(POSITIVE)}
    adam = {"beta1": BELOW_1, "beta2": BELOW_1, "eps": AT_LEAST_0} | common
    rate, start, end = {"learning_rate": AT_LEAST_0}, {"start": ANY}, {"end": ANY}
    train = {"batch_size": SIZE, "micro_batch": optional(SIZE), "lanes": optional(SIZE)}
    train |= {"threads": optional(TIMES), "patience": optional(SIZE), "seed": COUNT}
    x = samples(np.random.default_rng(0), 6, COLOUR).astype(np.float32)
    sgd = {"momentum": BELOW_1, "nesterov": FLAG}
    first = {"learning_rate": 1e-3}

    def trainer(**words: Any) -> Trainer:
        return Trainer(models()["convolutional"], optimizers.Adam(), **words)

    def fit(epochs: Any) -> Any:
        return trainer(seed=0, batch_size=3).fit(x, epochs=epochs)[-1]["train"]

    def value(schedule: Any) -> float:
        return schedule(3)

    return [
        Spec("SGD", optimizers.SGD, first, rate | sgd | common, moved),
        Spec("RMSprop", optimizers.RMSprop, first, rate | {"alpha": BELOW_1} | common, moved),
        Spec("Adam", optimizers.Adam, first, rate | adam, moved),
        Spec("AdamW", optimizers.AdamW, first, rate | adam, moved),
        Spec("Constant", schedules.Constant, {"value": 1.0}, {"value": ANY}, value),
        Spec(
            "StepDecay",
            schedules.StepDecay,
            {"start": 1.0, "factor": 0.5, "every": 3},
            start | {"factor": between(0, 1, "]]"), "every": SIZE},
            value,
        ),
        Spec(
            "Exponential",
            schedules.Exponential,
            {"start": 1.0, "factor": 0.5},
            start | end | {"factor": between(0, 1, "]]")},
            value,
        ),
        Spec(
            "Linear",
            schedules.Linear,
            {"start": 0.0, "end": 1.0, "steps": 3},
            start | end | {"steps": SIZE},
            value,
        ),
        Spec(
            "Cosine", schedules.Cosine, {"start": 1.0, "steps": 3}, start | {"steps": SIZE}, value
        ),
        Spec(
            "Warmup",
            schedules.Warmup,
            {"steps": 3, "then": 1.0},
            {"steps": SIZE, "then": ANY},
            value,
        ),
        Spec(
            "Cyclical",
            schedules.Cyclical,
            {"start": 0.0, "end": 1.0, "period": 4},
            start | end | {"period": SIZE, "ramp": between(0, 1, "]]")},
            value,
        ),
        Spec("Trainer", trainer, {"seed": 0}, train),
        Spec("fit epochs", fit, {"epochs": 1}, {"epochs": TIMES}),
    ]


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

    two = Kind(lambda v: v == 2, lambda v: settings.scalar(v))
    three = Kind(lambda v: v == 3, lambda v: settings.scalar(v))
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
            "ledger",
            lambda **w: evaluation.ledger(vae, x, **w).total.mean,
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
            {"steps": TIMES, "learning_rate": AT_LEAST_0, "precision": AT_LEAST_0},
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
