"""Every public entrance for images, codes and labels, each with what it takes."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache, partial
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from nnscratch import evaluation, plots
from nnscratch.data import Dataset, Pairs, corruptions, dataset
from nnscratch.evaluation import baselines, metrics, probes
from nnscratch.layers import Conv2d, Dense, Flatten, ReLU, Reshape, Sequential
from nnscratch.likelihoods import Gaussian
from nnscratch.models import VAE, Autoencoder, Classifier, ConditionalVAE, Regressor
from nnscratch.models.corruption import Downsampling, GaussianNoise
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

from . import Case
from .arrays import Rng, Wants, present, samples

COLOUR, GREY, VECTOR, SQUARE = (3, 4, 6), (1, 4, 6), (20,), (1, 12, 13)


class Entrance(NamedTuple):
    """A call with an array, and with another one like it, of which nothing is wrong."""

    name: str
    wants: Wants
    call: Callable[[Any, np.ndarray], Any]
    random: bool = False
    """Whether the result depends on the dtype's stream of random numbers."""


def rng() -> Rng:
    """Return the same noise for every call."""
    return np.random.default_rng(0)


def network(shape: tuple[int, ...], code: int, out: int, extra: int = 0) -> tuple[Any, Any]:
    """Return an encoder and a decoder of samples of this shape."""
    D = int(np.prod(shape))
    dense = partial(Dense, rng=np.random.default_rng(1))
    encoder = Sequential(Flatten(), dense(D + extra * D // shape[0], code))
    return encoder, Sequential(dense(out + extra, D), Reshape(*shape))


@cache
def models() -> dict[str, Autoencoder]:
    """Return one of each kind."""
    conv = Sequential(Conv2d(3, 2, 3, padding=1, rng=rng()), ReLU(), Flatten())
    size = Dense(48, 4, rng=rng())
    small = network((3, 2, 3), 4, 4)[0]
    return {
        "convolutional": Autoencoder(
            Sequential(conv, size), network(COLOUR, 4, 4)[1], input_shape=COLOUR
        ),
        "denoiser": Autoencoder(
            *network(GREY, 4, 4), input_shape=GREY, corruption=GaussianNoise(0.0, 0.1)
        ),
        "super-resolution": Autoencoder(
            small, network(COLOUR, 4, 4)[1], input_shape=COLOUR, corruption=Downsampling(2)
        ),
        "vae": VAE(*network(COLOUR, 4, 2), 2, input_shape=COLOUR),
        "vae of vectors": VAE(*network(VECTOR, 4, 2), 2, Gaussian(0.5), input_shape=VECTOR),
        "conditional": ConditionalVAE(*network(GREY, 4, 2, 3), 2, classes=3, input_shape=GREY),
    }


def with_labels(model: Autoencoder, images: Any) -> Any:
    """Return images with labels, if the model has classes."""
    return Dataset(images, *labels(model, images)) if model.classes else images


def labels(model: Autoencoder, images: Any) -> tuple[Any, ...]:
    """Return labels for the calls that take them, as many as there seem to be images."""
    try:
        N = len(images)
    except TypeError:
        N = 6
    return (np.arange(N) % 3,) if model.classes else ()


def trainer(model: Autoencoder) -> Trainer:
    """Return a fresh one of a model that has not learned."""
    return Trainer(deepcopy(model), Adam(1e-3), seed=0, batch_size=2, replicas=1, threads=1)


def fit(model: Autoencoder, x: Any, v: Any) -> Any:
    """Train for an epoch; return the terms of training and validation."""
    history = trainer(model).fit(with_labels(model, x), validation=with_labels(model, v), epochs=1)
    return [history[-1]["train"], history[-1].get("validation")]


def evaluated(model: Autoencoder, data: Any) -> list[float]:
    """Return the terms of the loss; one that is not finite tells so by itself."""
    return [v if np.isfinite(v) else 0.0 for v in trainer(model).evaluate(data).values()]


def of_models() -> Iterator[Entrance]:
    """Yield the entrances of each model."""
    for name, m in models().items():
        unit = name != "vae of vectors"
        whole, seen = Wants(m.input_shape, unit=unit, least=2), Wants(m.corrupted_shape, unit=unit)
        yield Entrance(f"{name} fit", whole, lambda x, y, m=m: fit(m, x, y))
        yield Entrance(f"{name} fit validation", whole, lambda x, y, m=m: fit(m, y, x))
        yield Entrance(f"{name} evaluate", whole, lambda x, y, m=m: evaluated(m, with_labels(m, x)))
        yield Entrance(f"{name} encode", seen, lambda x, y, m=m: m.encode(x, *labels(m, x)))
        yield Entrance(
            f"{name} reconstruct", seen, lambda x, y, m=m: m.reconstruct(x, *labels(m, x))
        )
        same = seen._replace(least=2)
        yield Entrance(
            f"{name} interpolate", same, lambda x, y, m=m: m.interpolate(x, y, 8, *labels(m, y))
        )
        yield Entrance(
            f"{name} interpolate end", same, lambda x, y, m=m: m.interpolate(y, x, 8, *labels(m, y))
        )
        codes = Wants(m.code_shape, unit=False, bytes=None)
        yield Entrance(f"{name} decode", codes, lambda z, y, m=m: m.decode(z, *labels(m, z)))
        if not isinstance(m, VAE):
            yield Entrance(f"{name} sample", same, lambda x, y, m=m: m.sample(3, like=x, rng=rng()))
            continue
        yield Entrance(f"{name} posterior", seen, lambda x, y, m=m: m.posterior(x, *labels(m, x)))
        yield Entrance(f"{name} elbo", whole, lambda x, y, m=m: totals(m, with_labels(m, x)))
        if not unit:
            yield Entrance(
                f"{name} importance_nll",
                whole,
                lambda x, y, m=m: evaluation.importance_nll(m, x, samples=2, rng=rng()).mean,
            )


def of_supervised() -> Iterator[Entrance]:
    """Yield the entrances of a classifier, a regression, and an autoencoder of pairs."""
    images, table = Wants(COLOUR, least=2), Wants(VECTOR, unit=False, least=2)
    net = Sequential(Flatten(), Dense(int(np.prod(COLOUR)), 3, rng=rng()))
    classifier = Classifier(net, input_shape=COLOUR)
    regressor = Regressor(Dense(20, 20, rng=rng()), input_shape=VECTOR)
    ae = models()["convolutional"]
    labelled = lambda x: Dataset(x, np.arange(6) % 3)  # noqa: E731

    def fit(model: Any, data: Any) -> Any:
        return trainer(model).fit(data, epochs=1)[-1]["train"]["total"]

    yield Entrance("Classifier fit", images, lambda x, y: fit(classifier, labelled(x)))
    yield Entrance("Regressor fit", table, lambda x, y: fit(regressor, Pairs(x, y)))
    yield Entrance("Regressor fit targets", table, lambda x, y: fit(regressor, Pairs(y, x)))
    yield Entrance("pairs fit", images, lambda x, y: fit(ae, Pairs(x, y)))
    yield Entrance("pairs fit targets", images, lambda x, y: fit(ae, Pairs(y, x)))
    any_range = Wants(COLOUR, unit=False)
    yield Entrance("Classifier predict", any_range, lambda x, y: classifier.predict(x))
    yield Entrance("Regressor predict", table, lambda x, y: regressor.predict(x))


def totals(model: VAE, data: Any) -> list[float]:
    """Return the figures of its elbo."""
    bound = evaluation.elbo(model, data, draws=1, rng=rng())
    return [bound.total.mean, bound.kl.mean, bound.kl_per_dimension]


def drawn(figure: Any) -> bool:
    """Draw a picture in full."""
    figure.savefig(BytesIO(), format="png", dpi=20)
    return True


def of_images() -> Iterator[Entrance]:
    """Yield the entrances that take images of any size."""
    any_image = Wants(COLOUR, axes=False, unit=False)
    known = Wants(COLOUR, unit=False, least=2)
    fitted = baselines.PCA(3).fit(samples(rng(), 9, COLOUR))
    floats = Wants(GREY, axes=False, bytes=None)
    yield Entrance("mean_image", any_image, lambda x, y: baselines.mean_image(x))
    yield Entrance("PCA fit", any_image, lambda x, y: baselines.PCA(2).fit(x).variances)
    yield Entrance("PCA encode", known, lambda x, y: fitted.encode(x))
    yield Entrance("PCA reconstruct", known, lambda x, y: fitted.reconstruct(x))
    yield Entrance("PCA log_prob", known, lambda x, y: fitted.log_prob(x))
    yield Entrance("PCA errors", known, lambda x, y: fitted.errors(x))
    codes = Wants((3,), unit=False, bytes=None)
    yield Entrance("PCA decode", codes, lambda z, y: fitted.decode(z))
    optimum = lambda x, y: baselines.linear_vae_optimum(x, 0.1, 2).total  # noqa: E731
    yield Entrance("linear_vae_optimum", any_image, optimum)
    for name in ("sse", "mse", "bce", "psnr", "ssim"):
        measure = getattr(metrics, name)
        wants = Wants(SQUARE, unit=False, flat=name != "ssim", least=2)
        yield Entrance(f"{name} images", wants, lambda x, y, f=measure: f(x, y))
        yield Entrance(f"{name} pictures", wants, lambda x, y, f=measure: f(y, x))
    yield Entrance("bce_floor", floats._replace(bytes=True), lambda x, y: metrics.bce_floor(x))
    sets = Wants(GREY, axes=False, flat=False)
    yield Entrance("Dataset", sets, lambda x, y: columns(Dataset(x, np.arange(len(y)))))
    yield Entrance(
        "binarize",
        floats._replace(bytes=True),
        lambda x, y: dataset.binarize(x, "threshold", rng=rng()) > 0,
    )
    for name in ("gaussian_noise", "salt_and_pepper", "masking"):
        numbers = (0.0, 0.1) if name == "gaussian_noise" else (0.3,)
        spoil = partial(getattr(corruptions, name))
        noisy = lambda x, y, f=spoil, n=numbers: f(x, *n, rng=rng())  # noqa: E731
        yield Entrance(name, floats._replace(unit=name != "masking"), noisy, random=True)
    resized = floats._replace(flat=False)
    for resize in (
        corruptions.downsample,
        corruptions.upsample_nearest,
        corruptions.upsample_bilinear,
    ):
        yield Entrance(resize.__name__, resized, lambda x, y, f=resize: f(x, 2))
    pictures = Wants(SQUARE, axes=False, unit=False, flat=False)
    yield Entrance("image_rows", pictures, lambda x, y: drawn(plots.image_rows({"a": x, "b": x})))
    yield Entrance("image_grid", pictures, lambda x, y: drawn(plots.image_grid(x)))


def columns(data: Dataset) -> np.ndarray:
    """Return what a model would see of a set."""
    return dataset.columns(data.images, np.arange(len(data)), flatten=True)


def of_codes() -> Iterator[Entrance]:
    """Yield the entrances that take codes, which may be any numbers."""
    codes = Wants((2,), axes=False, unit=False, bytes=None, least=3)
    classes = np.arange(6) % 3
    for kind in (probes.SoftmaxProbe, partial(probes.NearestNeighbours, 2)):
        name = getattr(kind, "__name__", "NearestNeighbours")
        yield Entrance(f"{name} fit", codes, lambda z, y, k=kind: k().fit(z, classes).predict(y))
        yield Entrance(
            f"{name} predict",
            codes._replace(axes=True),
            lambda z, y, k=kind: k().fit(y, classes).predict(z),
        )
    yield Entrance("active_units", codes, lambda z, y: evaluation.active_units(z))
    yield Entrance("frechet_distance", codes, lambda z, y: evaluation.frechet_distance(z, y))
    factors, few = np.stack([classes, classes % 2], axis=1), {"votes": 9, "batch": 2}
    score = lambda z, y: evaluation.factor_vae_score(z, factors, **few, rng=rng())  # noqa: E731
    yield Entrance("factor_vae_score", codes, score)
    scatter = lambda z, y: drawn(plots.latent_scatter(z, classes))  # noqa: E731
    yield Entrance("latent_scatter", codes, scatter)
    rows = Wants((4,), axes=False, unit=False, bytes=None)
    yield Entrance("code_images", rows, lambda z, y: drawn(plots.code_images(z)))
    yield Entrance("histograms", rows, lambda z, y: drawn(plots.histograms({"z": z}, xlabel="z")))


@cache
def entrances() -> list[Entrance]:
    """Return all of them."""
    return [*of_models(), *of_supervised(), *of_images(), *of_codes()]


def case(generator: Rng) -> Case:
    """Return a call of some entrance with some array."""
    all_of_them = entrances()
    entrance = all_of_them[generator.integers(len(all_of_them))]
    wants = entrance.wants
    x = samples(generator, 6, wants.shape)
    shown = present(x, wants, generator)
    plain = shown.plain.astype(np.float64).astype(np.float32)
    other = samples(generator, 6, wants.shape).astype(np.float32).reshape(len(x), *plain.shape[1:])
    other = other[: len(plain)]
    if shown.value is None and entrance.name.endswith("fit validation"):
        shown = shown._replace(must=None, close=np.inf)  # there need not be any
    # Of numbers from 1e18 on float64 holds the squares and float32 does not: one may be refused.
    huge = plain.size > 0 and np.abs(plain).max() > 1e18
    free = entrance.random or shown.close == np.inf or huge
    return Case(
        f"{entrance.name}: {shown.what}",
        lambda: entrance.call(shown.value, other),
        shown.must,
        None if free else lambda: entrance.call(plain, other),
        max(shown.close, 1e-3 if "fit" in entrance.name else 0),
        shown.value,
    )
