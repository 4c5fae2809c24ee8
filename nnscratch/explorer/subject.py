"""What an explorer is about: a model and images, found fit for a page, and their codes."""

import base64
from dataclasses import dataclass
from functools import cached_property
from math import isqrt, prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..checks.arguments import integer
from ..checks.arrays import check_numbers
from ..core import Array, IntArray, Shape, channel_axis
from ..data.dataset import Dataset, Images
from ..data.pairs import Pairs
from ..evaluation.baselines import PCA
from ..learned_scale import DiscretisedLogistic, LearnedGaussian
from ..likelihoods import Bernoulli, Gaussian, SquaredError
from ..models.autoencoder import Autoencoder
from ..models.sets import check_images
from ..models.vae import VAE
from ..plots.codes import latent_scatter
from ..plots.page import png
from .network import entries

WHO = "explorer.write"

LIKELIHOODS: dict[type, Any] = {
    Bernoulli: lambda p: {},
    Gaussian: lambda p: {"variance": p.variance},
    SquaredError: lambda p: {},
    LearnedGaussian: lambda p: {"least": p.least_variance},
    DiscretisedLogistic: lambda p: {"least": p.least_scale},
}
"""The likelihoods that functions.mjs has, and their settings."""

FITTED = 5000
"""On so many images at the most PCA is fitted."""

PCA_MOST = 32
PCA_NUMBERS = 100_000
"""PCA has codes as long as the model's up to these lengths, of a code and of all components, which
the page holds as float32; beyond them, of two numbers."""

Model: TypeAlias = Autoencoder


class Codes(NamedTuple):
    """Mean codes (n, L), and of a VAE log-variances (n, L)."""

    means: Array
    logvars: Array | None


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, and the images of a page.

    images   (n, C, H, W) uint8, those on the page, C is 1 or 3
    labels   (n,) or None
    pca      fitted on more of them
    """

    model: Model
    images: NDArray[np.uint8]
    labels: IntArray | None
    classes: tuple[str, ...]
    nouns: tuple[str, str]
    pca: PCA

    @property
    def likelihood(self) -> dict[str, Any]:
        """The likelihood as functions.mjs takes it.

        row    how many means the decoder returns before as many scales, if it returns scales
        error  of PCA on the samples fitted on, the mean square of a number
        """
        own, shape, k = self.model.likelihood, self.model.input_shape, self.pca.k
        settings = LIKELIHOODS[type(own)](own)
        if "least" in settings:
            settings["row"] = prod(shape[channel_axis(shape) :])
            settings["error"] = float(self.pca.variances[k:].sum()) / prod(shape)
        return {"kind": type(own).__name__, "settings": settings}

    @property
    def latents(self) -> int:
        """How many numbers a code has."""
        return prod(self.model.code_shape)

    @cached_property
    def codes(self) -> Codes:
        """The codes of the model as it is."""
        return self.codes_by(self.model)

    def codes_by(self, model: Model) -> Codes:
        """Return the codes of a model with other weights."""
        rows: Any = self.images.reshape(-1, *model.input_shape)
        labels = self.labels if model.classes else None
        if isinstance(model, VAE):
            return Codes(*model.posterior(rows, labels))
        return Codes(model.encode(rows, labels).reshape(len(rows), -1), None)

    @cached_property
    def dimensions(self) -> list[dict[str, float]]:
        """The numbers of a code, those worth most first: by their KL, or by their variance."""
        mu, logvar = (None if a is None else a.astype(np.float64) for a in self.codes)
        assert mu is not None
        worth = mu.var(axis=0)
        if logvar is not None:
            worth = ((mu * mu + np.expm1(logvar) - logvar) / 2).mean(axis=0)
        edge = 0.0 if logvar is None else 3.0
        low, high = np.minimum(mu.min(axis=0), -edge), np.maximum(mu.max(axis=0), edge)
        return [
            {
                "index": int(i),
                "worth": float(worth[i]),
                "low": float(low[i]),
                "high": float(high[i]),
            }
            for i in np.argsort(-worth, kind="stable")
        ]

    @cached_property
    def picture(self) -> str:
        """The codes as a picture, for a browser that runs no script: a data URL."""
        axes = sorted(int(d["index"]) for d in self.dimensions[:2])
        labels = np.zeros(len(self.images), int) if self.labels is None else self.labels
        names = [f"$z_{{{axis + 1}}}$" for axis in axes]
        figure = latent_scatter(self.codes.means[:, axes], labels, names=names)
        figure.set_size_inches(4.6, 4.1)
        return f"data:image/png;base64,{base64.b64encode(png(figure)).decode()}"


def subject(model: Model, data: Images | Dataset, count: int) -> Subject:
    """Return what a page is about; ValueError if it can be no page, before anything is computed."""
    integer(WHO, "count", count, 2)
    if not isinstance(model, Autoencoder):
        got = type(model).__name__
        raise ValueError(f"{WHO}: expected an Autoencoder, VAE or ConditionalVAE, got {got}")
    if not model.networks_alone:
        got = type(model).__name__
        raise ValueError(f"{WHO}: expected a model of an encoder and a decoder alone, got {got}")
    if isinstance(model, VAE) and not model.exact_kl:
        raise ValueError(f"{WHO}: expected the prior N(0, I), got {type(model).__name__}")
    if model.corrupted_shape != model.input_shape:
        raise ValueError(
            f"{WHO}: expected a model that encodes images as they are, "
            f"got {model.corruption!r} in front of the encoder"
        )
    if type(model.likelihood) not in LIKELIHOODS:
        known = ", ".join(kind.__name__ for kind in LIKELIHOODS)
        got = type(model.likelihood).__name__
        raise ValueError(f"{WHO}: the explorer has the likelihoods {known}; got {got}")
    if prod(model.code_shape) < 2:
        raise ValueError(f"{WHO}: expected codes of two numbers or more, got {model.code_shape}")
    for name, (network, _) in model.parts().items():
        entries(f"{WHO} {name}", network)
    checked = check_images(WHO, data, model)
    if isinstance(checked, Pairs):
        raise ValueError(f"{WHO}: expected images or a Dataset, got Pairs")
    images = checked.images if isinstance(checked, Dataset) else checked
    if len(images) < 2:
        raise ValueError(f"{WHO}: expected two images or more, got {len(images)}")
    shape = _image_shape(images.shape[1:], model.input_shape)
    check_numbers(f"{WHO}, which shows pictures", images, unit=True)
    labels = checked.labels[:count] if isinstance(checked, Dataset) else None
    k = prod(model.code_shape)
    k = min(k if k <= PCA_MOST and k * prod(shape) <= PCA_NUMBERS else 2, prod(shape))
    return Subject(
        model,
        as_bytes(images[:count]).reshape(-1, *shape),
        labels,
        _classes(model, checked),
        checked.nouns if isinstance(checked, Dataset) else ("image", "images"),
        PCA(k).fit(as_bytes(images[:FITTED]).reshape(-1, prod(shape))),
    )


def _classes(model: Model, data: Images | Dataset) -> tuple[str, ...]:
    """Return the name of each class, also of those that a conditional model alone knows."""
    if not isinstance(data, Dataset):
        return ()
    count = max(model.classes, int(data.labels.max()) + 1, len(data.classes))
    return tuple(
        data.class_name(k) if k < len(data.classes) or not data.classes else str(k)
        for k in range(count)
    )


def _image_shape(sample: Shape, input_shape: Shape) -> Shape:
    """Return (C, H, W) of images that came with these axes, for such a model."""
    for shape in (input_shape, sample):
        if len(shape) == 3 and shape[0] in (1, 3):
            return shape
    if len(sample) == 2 and len(input_shape) == 1:
        return (1, *sample)
    side = isqrt(prod(sample))
    if len(sample) == len(input_shape) == 1 and side * side == prod(sample):
        return (1, side, side)
    raise ValueError(
        f"{WHO}: expected images of one or three channels, (N, H, W) or (N, C, H, W), "
        f"got (N, {', '.join(map(str, sample))}) for a model of {input_shape}"
    )


def as_bytes(images: Images) -> NDArray[np.uint8]:
    """Return images in grey levels 0 … 255; floats in [0, 1] are rounded to the nearest."""
    if images.dtype == np.uint8:
        return np.asarray(images)
    return np.rint(images * 255.0).astype(np.uint8)
