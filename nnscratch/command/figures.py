"""The figures of `evaluate`: those that apply to a model and to data."""

import argparse
import warnings
from typing import Any

import numpy as np

from ..data.dataset import Dataset
from ..evaluation import (
    PCA,
    LowEffectiveSampleSize,
    bce_floor,
    elbo,
    importance_nll,
    mean_image,
    ssim,
)
from ..evaluation.elbo import Estimate
from ..learned_scale import DiscretisedLogistic
from ..likelihoods import Bernoulli
from ..models import VAE
from ..optimizers import Adam
from ..training import Trainer
from .code_figures import distances, scores
from .run_files import corrupted
from .saved import Saved, in_parts, picture_shape

Figures = dict[str, dict[str, Any]]

FITTED, FEW = 1000, 2000
"""Of so many pictures principal components are found, where a picture has more than FEW numbers."""

WINDOW = 11
"""The sides of the smallest picture that SSIM takes."""


def figures(saved: Saved, data: Dataset, options: argparse.Namespace) -> tuple[Figures, list[str]]:
    """Return value, unit and standard error of each figure by its name; and why some are missing.

    Errors of reconstructions are means over all numbers of all samples, in the model's units.
    """
    model, found, notes = saved.model, Figures(), list[str]()
    unit = "nats a sample" if not repr(model.likelihood).startswith("SquaredError") else "a sample"
    terms = Trainer(model, Adam(1e-3), seed=options.seed, threads=options.threads).evaluate(data)
    for name, value in terms.items():
        add(found, f"loss, {name}", value, unit)
    if isinstance(model, VAE):
        rng = np.random.default_rng(options.seed)
        if model.exact_kl:
            bound = elbo(model, data, draws=options.draws, rng=rng, threads=options.threads)
            add(found, "negative ELBO", bound.total, unit)
            add(found, "  reconstruction (distortion)", bound.reconstruction, unit)
            add(found, "  KL (rate)", bound.kl, unit)
            add(found, "active units", bound.active_units, f"of {model.latent_dim}")
        else:
            notes.append("no ELBO: the KL of this model has no formula; the loss has its estimate")
        if options.samples:
            try:
                with warnings.catch_warnings(record=True) as told:
                    warnings.simplefilter("always", LowEffectiveSampleSize)
                    nll = importance_nll(
                        model, data, samples=options.samples, rng=rng, threads=options.threads
                    )
                notes += [str(warning.message) for warning in told]
                add(found, f"importance-weighted NLL, K = {options.samples}", nll, unit)
                if isinstance(model.likelihood, Bernoulli | DiscretisedLogistic):
                    bit = np.log(2) * np.prod(model.input_shape)
                    bits = Estimate(nll.mean / bit, nll.error / bit)
                    add(found, "  in bits a dimension", bits, "")
            except ValueError as error:
                notes.append(f"no importance-weighted NLL: {error}")
    errors(saved, data, found, notes)
    for words, figures_of in ("Fréchet distance", distances), ("scores of factors", scores):
        try:
            for name, value in figures_of(saved, data, options.seed).items():
                add(found, name, value, "")
        except ValueError as error:
            notes.append(f"no {words}: {error}")
    return found, notes


def add(found: Figures, name: str, value: Any, unit: str) -> None:
    """Enter a figure."""
    if isinstance(value, Estimate):
        found[name] = {"value": value.mean, "error": value.error, "unit": unit}
    else:
        found[name] = {"value": float(value), "unit": unit}


def errors(saved: Saved, data: Dataset, found: Figures, notes: list[str]) -> None:
    """Enter the errors of reconstructions: the model's, PCA's and those of the mean sample."""
    model, shape = saved.model, picture_shape(saved.model.input_shape)
    L = int(np.prod(model.code_shape))
    numbers = int(np.prod(data.images.shape[1:]))
    rows = {"": Sums()}
    baselines: dict[str, Any] = {}
    some = data.images[:FITTED] if numbers > FEW else data.images
    some = np.asarray(some)
    if min(numbers, len(some)) > L:
        pca, average = PCA(L).fit(some), mean_image(some)
        baselines = {f" of PCA-{L}": pca.reconstruct, " of the mean": lambda x: mean(x, average)}
        notes.append(f"PCA and the mean are of {len(some):,} of these samples themselves")
    else:
        notes.append(f"no PCA: {len(some)} samples of {numbers} numbers, codes of {L}")
    rng = np.random.default_rng(0)
    paints = saved.paints and shape is not None and min(shape[1:]) >= WINDOW
    for images, labels in in_parts(data, saved):
        if isinstance(model.likelihood, Bernoulli):
            rows[""].floor += len(images) * bce_floor(images)
        rows[""].add(images, model.reconstruct(corrupted(model, images, rng), labels), paints)
        for name, reconstruct in baselines.items():
            rows.setdefault(name, Sums()).add(images, reconstruct(images), paints)
    for name, sums in rows.items():
        mse = sums.squares / sums.count / numbers
        add(found, f"mean squared error{name}", mse, "")
        if saved.paints:
            add(found, f"PSNR{name}", -10 * np.log10(mse) if mse else np.inf, "dB")
        if paints:
            add(found, f"SSIM{name}", sums.ssim / sums.count, "")
    if rows[""].floor:
        floor = rows[""].floor / rows[""].count
        add(found, "floor: the loss of perfect grey pixels", floor, "nats a sample")


def mean(images: Any, average: Any) -> Any:
    """Return the mean sample for each of these."""
    return np.broadcast_to(average, images.shape)


class Sums:
    """Squared errors and similarities of samples, some at a time.

    floor  the sum of what samples cost that are said perfectly, for a Bernoulli
    """

    def __init__(self) -> None:
        self.count, self.squares, self.ssim, self.floor = 0, 0.0, 0.0, 0.0

    def add(self, images: Any, again: Any, paints: bool) -> None:
        """Add samples (N, …) and what a model makes of them."""
        N, scale = len(images), 255.0 if images.dtype == np.uint8 else 1.0
        y = np.asarray(again, np.float64).reshape(images.shape)
        d = (images / scale - y).ravel()
        self.count += N
        self.squares += float(d @ d)
        if paints:
            self.ssim += N * ssim(images, y.clip(0, 1))
