"""What an explorer is about: a model and images, found fit for a page, and their codes."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..checks.arguments import integer
from ..checks.arrays import check_numbers
from ..core import Array, IntArray, channel_axis, unique
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
from .form import WHO, Form, as_numbers, as_shown, form_of
from .network import entries

LIKELIHOODS: dict[type, Any] = {
    Bernoulli: lambda p: {},
    Gaussian: lambda p: {"variance": p.variance},
    SquaredError: lambda p: {},
    LearnedGaussian: lambda p: {"least": p.least_variance},
    DiscretisedLogistic: lambda p: {"least": p.least_scale},
}
"""The likelihoods that functions.mjs has, and their settings."""

FITTED, FITTED_LARGE, LARGE = 5000, 1000, 1024
FITTED_NUMBERS, FITTED_LEAST = 12_500_000, 64
"""On so many samples at the most PCA is fitted; of more numbers than LARGE on FITTED_LARGE, or so
many that they are FITTED_NUMBERS in all: a picture of 256×256 in colour has 196,608."""

PCA_MOST = 32
PCA_NUMBERS = 100_000
"""PCA has codes as long as the model's up to these lengths, of a code and of all components; beyond
them, of two numbers. On the page components take room from the bits of the model's weights."""

Model: TypeAlias = Autoencoder


class Codes(NamedTuple):
    """Mean codes (n, L), and of a VAE log-variances (n, L)."""

    means: Array
    logvars: Array | None


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, and the samples of a page.

    shown    (n, *form.shape), those on the page: uint8 of pictures, otherwise float32
    labels   (n,) or None
    total    how many there were to choose from
    pca      fitted on more of them
    """

    model: Model
    form: Form
    shown: NDArray[Any]
    labels: IntArray | None
    classes: tuple[str, ...]
    nouns: tuple[str, str]
    total: int
    pca: PCA

    @property
    def likelihood(self) -> dict[str, Any]:
        """The likelihood as functions.mjs takes it.

        row    how many means the decoder returns before as many scales, if it returns scales
        error  of PCA on the samples fitted on, the mean square of a number
        """
        own, shape = self.model.likelihood, self.model.input_shape
        settings = LIKELIHOODS[type(own)](own)
        if "least" in settings:
            settings["row"] = prod(shape[channel_axis(shape) :])
            settings["error"] = float(self.pca.variances[self.pca.k :].sum()) / self.pca.mean.size
        return {"kind": type(own).__name__, "settings": settings}

    @property
    def weights(self) -> int:
        """How many numbers the model has learned."""
        return sum(p.value.size for p in unique(self.model.parameters()))

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
        rows: Any = self.shown.reshape(-1, *model.input_shape)
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
        labels = np.zeros(len(self.shown), int) if self.labels is None else self.labels
        names, codes = [f"$z_{{{axis + 1}}}$" for axis in axes], self.codes.means[:, axes]
        if len(axes) == 1:
            names, codes = [*names, "class"], np.column_stack([codes, labels.astype(codes.dtype)])
        figure = latent_scatter(codes, labels, names=names)
        figure.set_size_inches(4.6, 4.1)
        return f"data:image/png;base64,{base64.b64encode(png(figure)).decode()}"

    def first(self, count: int) -> "Subject":
        """Return the same with fewer samples on the page."""
        labels = None if self.labels is None else self.labels[:count]
        return replace(self, shown=self.shown[:count], labels=labels)


def subject(model: Model, data: Images | Dataset, count: int, columns: Sequence[str]) -> Subject:
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
            f"{WHO}: expected a model that encodes samples as they are, "
            f"got {model.corruption!r} in front of the encoder"
        )
    if type(model.likelihood) not in LIKELIHOODS:
        known = ", ".join(kind.__name__ for kind in LIKELIHOODS)
        got = type(model.likelihood).__name__
        raise ValueError(f"{WHO}: the explorer has the likelihoods {known}; got {got}")
    for name, (network, _) in model.parts().items():
        entries(f"{WHO} {name}", network)
    checked = check_images(WHO, data, model)
    if isinstance(checked, Pairs):
        raise ValueError(f"{WHO}: expected images or a Dataset, got Pairs")
    images = checked.images if isinstance(checked, Dataset) else checked
    if len(images) < 2:
        raise ValueError(f"{WHO}: expected two samples or more, got {len(images)}")
    form = form_of(images, model, columns)
    if form.kind == "image":
        check_numbers(f"{WHO}, which shows pictures", images, unit=True)
    D = prod(form.shape)
    fitted = as_shown(images[: _fitted(D)], form)
    classes = _classes(model, checked)
    return Subject(
        model,
        form,
        fitted[:count] if count <= len(fitted) else as_shown(images[:count], form),
        checked.labels[:count] if isinstance(checked, Dataset) and classes else None,
        classes,
        _nouns(checked, form),
        len(images),
        PCA(_numbers(prod(model.code_shape), len(fitted), D)).fit(as_numbers(fitted)),
    )


def _fitted(D: int) -> int:
    """Return on how many samples of D numbers PCA is fitted."""
    if D <= LARGE:
        return FITTED
    return max(FITTED_LEAST, min(FITTED_LARGE, FITTED_NUMBERS // D))


def _numbers(latents: int, fitted: int, D: int) -> int:
    """Return how many numbers PCA's code has."""
    k = latents if latents <= PCA_MOST and latents * D <= PCA_NUMBERS else 2
    return min(k, fitted, D)


def _nouns(data: Images | Dataset, form: Form) -> tuple[str, str]:
    """Return what one sample is called, and many are."""
    nouns = data.nouns if isinstance(data, Dataset) else Dataset.nouns
    return form.nouns if nouns == Dataset.nouns else nouns


def _classes(model: Model, data: Images | Dataset) -> tuple[str, ...]:
    """Return the name of each class, also of those that a conditional model alone knows.

    One class is none.
    """
    if not isinstance(data, Dataset):
        return ()
    count = max(model.classes, int(data.labels.max()) + 1, len(data.classes))
    if count == 1:
        return ()
    return tuple(
        data.class_name(k) if k < len(data.classes) or not data.classes else str(k)
        for k in range(count)
    )
