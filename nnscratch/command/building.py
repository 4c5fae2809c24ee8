"""The model and the optimiser of a run, and the defaults that depend on the data."""

from collections.abc import Mapping
from math import ceil, log2
from typing import TYPE_CHECKING, Any

from .sources import READING, Source

if TYPE_CHECKING:
    from ..models import Autoencoder
    from ..optimizers import Optimizer

STEPS = 1500
"""Steps that a run takes by default, in whole epochs: from 3 to 50 of them."""

WIDTHS = (32, 64, 128)
"""Channels of the convolutions; the last is repeated in a deeper network."""


def resolved(said: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """Return all settings of a run on these data: what was said, and defaults."""
    shape, N = sample_shape(source), len(source.data)
    pictures, rows = source.kind == "pictures", source.kind == "rows"
    model = said.get("model", "table_vae" if rows else "conv_vae")
    validation = said.get("validation", 0.1 if N >= 10 else 0)
    learned = N - held_out(N, validation)
    batch = said.get("batch-size", min(64, learned))
    epochs = min(50, max(3, ceil(STEPS / ceil(learned / batch))))
    options = READING[source.reading["format"]]
    reading = {k: v for k, v in source.reading.items() if k in options and v is not None}
    network = model.partition("_")[0]
    sizes = {"conv": {"channels": channels(shape)}, "dense": {"hidden": [512]}}
    defaults = {
        **reading,
        "model": model,
        "latent-dim": max(2, min(32, shape[0] // 4)) if rows else 32,
        **sizes.get(network, {"hidden": [64]}),
        "likelihood": "bernoulli" if pictures else likelihood_of(model),
        **({} if model.endswith("autoencoder") else {"beta": 1.0, "free-bits": 0.0}),
        "dtype": "float32",
        "epochs": epochs,
        "batch-size": batch,
        "learning-rate": 1e-3,
        "optimizer": "adam",
        "validation": validation,
        "seed": 0,
    }
    return defaults | dict(said)


def likelihood_of(model: str) -> str:
    """Return the likelihood of numbers that are not held in [0, 1]."""
    return "squared-error" if model.endswith("autoencoder") else "learned-gaussian=0.001"


def held_out(N: int, share: float) -> int:
    """Return how many of N samples are held out."""
    return N - round(N * (1 - share)) if share else 0


def sample_shape(source: Source) -> tuple[int, ...]:
    """Return the shape of a sample as a model takes it: of pictures (C, H, W)."""
    shape = tuple(source.data.images.shape[1:])
    return (1, *shape) if source.kind == "pictures" and len(shape) == 2 else shape


def channels(shape: tuple[int, ...]) -> list[int]:
    """Return as many channels as it takes to halve the sides to about 4."""
    side = min(shape[1:]) if len(shape) == 3 else shape[0]
    depth = max(1, min(5, round(log2(side / 4)))) if side > 4 else 1
    return [*WIDTHS[:depth], *WIDTHS[-1:] * (depth - len(WIDTHS))]


def build_model(settings: Mapping[str, Any], source: Source) -> "Autoencoder":
    """Return the untrained model of a run."""
    import numpy as np

    from ..models import build

    name: str = settings["model"]
    options: dict[str, Any] = {"dtype": np.dtype(settings["dtype"]).type}
    for option in ("hidden", "channels"):
        if option in settings:
            options[option] = tuple(settings[option])
    for option, key in (("beta", "beta"), ("free-bits", "free_bits")):
        if option in settings:
            options[key] = settings[option]
    options["likelihood"] = likelihood(settings["likelihood"])
    if "corruption" in settings:
        options["corruption"] = corruption(settings["corruption"], source.kind)
    if name.endswith("conditional_vae"):
        options["classes"] = max(len(source.data.classes), int(source.data.labels.max()) + 1)
    rng = np.random.default_rng([settings["seed"], 0])
    return build(name, sample_shape(source), settings["latent-dim"], rng=rng, **options)


def likelihood(words: str) -> Any:
    """Return the likelihood of a name, or of NAME=NUMBER."""
    from .. import learned_scale, likelihoods

    name, value = named_number("--likelihood", words)
    makers: dict[str, Any] = {
        "bernoulli": likelihoods.Bernoulli,
        "gaussian": likelihoods.Gaussian,
        "squared-error": likelihoods.SquaredError,
        "learned-gaussian": learned_scale.LearnedGaussian,
        "discretised-logistic": learned_scale.DiscretisedLogistic,
    }
    if name not in makers or (value is not None and name in ("bernoulli", "squared-error")):
        raise ValueError(f"--likelihood: expected one of {', '.join(makers)}, got {words!r}")
    return makers[name]() if value is None else makers[name](value)


def corruption(words: str, kind: str) -> Any:
    """Return the corruption of NAME=NUMBER."""
    from .. import models

    name, value = named_number("--corruption", words)
    makers: dict[str, Any] = {
        "gaussian": lambda sd: models.GaussianNoise(0.0, sd, clip=kind == "pictures"),
        "salt-and-pepper": models.SaltAndPepper,
        "masking": models.Masking,
        "downsampling": lambda factor: models.Downsampling(int(factor)),
    }
    if name not in makers or value is None:
        known = ", ".join(f"{name}=X" for name in makers)
        raise ValueError(f"--corruption: expected one of {known}, got {words!r}")
    return makers[name](value)


def named_number(option: str, words: str) -> tuple[str, float | None]:
    """Return the parts of NAME=NUMBER, or the name alone."""
    name, equals, value = words.partition("=")
    try:
        return name, float(value) if equals else None
    except ValueError:
        raise ValueError(f"{option}: expected a number behind {name}=, got {value!r}") from None


def optimizer(settings: Mapping[str, Any]) -> "Optimizer":
    """Return the optimiser of a run."""
    from .. import optimizers

    names = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}
    made: Optimizer = getattr(optimizers, names[settings["optimizer"]])(settings["learning-rate"])
    return made


def augment(settings: Mapping[str, Any]) -> Any:
    """Return what is done to the pictures of a batch, if anything."""
    from ..data import Augment

    flip, shift = settings.get("flip", False), settings.get("shift", 0)
    return Augment(flip=flip, shift=shift) if flip or shift else None
