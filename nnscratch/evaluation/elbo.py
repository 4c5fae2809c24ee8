"""What a VAE is worth: its ELBO and where the nats go, and a tighter bound on log p(x).

    bound = elbo(model, test.images, rng=rng)
    print(bound.total, "nats an image =", bound.reconstruction, "+", bound.kl)

Images are (N, …), uint8 or in [0, 1]; a model with classes takes a Dataset, and where it says
log p(x) read log p(x|y). The encoder is given them as they are, or, if it was made for fewer
pixels, what the model's corruption leaves of them. A figure is a mean over images, with its
standard error: that of the choice of images. Noise is averaged out over several draws, from streams
of each chunk's own, so a seed gives one answer on any number of threads.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from ..checks.arguments import generator, integer, number
from ..checks.arrays import floats_of
from ..core import Array, IntArray
from ..data.dataset import Dataset, Images
from ..data.pairs import Pairs
from ..kernels.machine.threads import check_threads, in_chunks
from ..likelihoods import Bernoulli, SquaredError
from ..models.batch_first import CHUNK, Input, to_columns
from ..models.labels import append_labels
from ..models.sets import check_images
from ..models.vae import VAE

ACTIVE = 0.01
"""A unit whose posterior mean varies less than this from image to image is not in use."""


@dataclass(frozen=True)
class Estimate:
    """A mean over images, and how far it may be off: the standard error."""

    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.error:.2f}"


def estimate(values: Array) -> Estimate:
    """Return the mean of values, one an image, with its standard error."""
    N = len(values)
    return Estimate(float(values.mean()), float(values.std(ddof=min(1, N - 1))) / N**0.5)


@dataclass(frozen=True)
class Elbo:
    """The negative ELBO and its parts, nats an image: total = reconstruction + KL, at β = 1.

    Whatever β the model was trained with, this is the bound on -log p(x), so models with different
    β compare. Where the likelihood is none (the cross-entropy of grey pixels, the lesson's squared
    error) this is no bound either: print `metrics.bce_floor` beside it.
    """

    total: Estimate
    reconstruction: Estimate
    kl: Estimate
    kl_per_dimension: Array
    active_units: int
    draws: int


def elbo(
    model: VAE,
    data: Images | Dataset,
    *,
    draws: int = 10,
    rng: np.random.Generator,
    threads: int | None = None,
) -> Elbo:
    """Return where the nats of the ELBO go; the KL is exact, the reconstruction a mean of draws.

    Raises
        ValueError if draws < 1, there are no images, they do not fit the model, a Bernoulli's are
        not in [0, 1], or it lacks their labels.
    """

    def entries(chunk: _Chunk) -> Array:
        mu, logvar = chunk.mu, chunk.logvar
        log_prob = np.mean([chunk.draw()[0] for _ in range(draws)], axis=0)
        return np.vstack([-log_prob, (mu * mu + np.expm1(logvar) - logvar) / 2, mu]).T

    if not model.exact_kl:
        raise ValueError(
            f"elbo: expected a KL that has a formula, got {type(model).__name__}; importance_nll "
            "with samples=1 is its bound"
        )
    images, L = _Images("elbo", model, data), model.latent_dim
    found = images.each_chunk(entries, draws, rng, threads)
    reconstruction, kl, mu = found[:, 0], found[:, 1 : 1 + L], found[:, 1 + L :]
    return Elbo(
        total=estimate(reconstruction + kl.sum(axis=1)),
        reconstruction=estimate(reconstruction),
        kl=estimate(kl.sum(axis=1)),
        kl_per_dimension=kl.mean(axis=0),
        active_units=int(active_units(mu).sum()),
        draws=draws,
    )


def active_units(codes: Array, threshold: float = ACTIVE) -> NDArray[np.bool_]:
    """Return which of the L posterior means, (N, L), differ from image to image: Var μ > threshold.

    Source
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), §5.
    """
    number("active_units", "threshold", threshold, 0, inf, "[)")
    codes = floats_of("active_units codes", codes, unit=False)
    if codes.ndim != 2:
        raise ValueError(f"active_units codes: expected (N, L), got {codes.shape}")
    return np.asarray(codes.var(axis=0, dtype=np.float64) > threshold)


@dataclass(frozen=True)
class ImportanceNLL(Estimate):
    """A bound on -log p(x), nats an image, and how far to trust it.

    log_prob   (N,)   log (1/K) Σ_k w_k of each image
    effective  (N,)   the effective sample size of its weights, (Σ w)²/Σ w² (Kish): from 1, where
                      one weight has decided everything, to K, where all agree
    """

    log_prob: Array = field(compare=False)
    effective: Array = field(compare=False)


def importance_nll(
    model: VAE,
    data: Images | Dataset,
    *,
    samples: int,
    rng: np.random.Generator,
    threads: int | None = None,
) -> ImportanceNLL:
    """Return a bound on -log p(x), nats an image, that is the tighter the more samples it takes.

        -log p(x) ≤ -E log (1/K) Σ_k w_k,    w_k = p(x|z_k) p(z_k) / q(z_k|x),    z_k ~ q(z|x)

    With K = 1 it is the negative ELBO (in expectation), in the limit it is -log p(x) itself.

    Source
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), eq. 8.

    Raises
        ValueError as elbo; or if there is no likelihood to speak of: grey images under a
        Bernoulli (binarize them), the squared error without its constant (take a Gaussian).
    """
    of = _Images("importance_nll", model, data)
    _refuse_what_is_no_likelihood(model, of.images)

    def log_sums(chunk: _Chunk) -> Array:
        one = two = np.full(chunk.N, -np.inf)
        for _ in range(samples):
            log_w = sum(chunk.draw())
            one, two = np.logaddexp(one, log_w), np.logaddexp(two, 2 * log_w)
        return np.stack([one, two], axis=1)

    one, two = of.each_chunk(log_sums, samples, rng, threads).T
    log_prob, effective = one - np.log(samples), np.exp(2 * one - two)
    mean = estimate(-log_prob)
    return ImportanceNLL(mean.mean, mean.error, log_prob, effective)


def _refuse_what_is_no_likelihood(model: VAE, images: Images) -> None:
    who = "importance_nll: expected a likelihood"
    if isinstance(model.likelihood, SquaredError):
        raise ValueError(f"{who}, got SquaredError, which has no constant: take Gaussian(0.5)")
    white = 255 if images.dtype == np.uint8 else 1
    if isinstance(model.likelihood, Bernoulli) and not np.isin(images, (0, white)).all():
        raise ValueError(f"{who}, got Bernoulli and grey images: binarize them first")


class _Chunk:
    """Some of the images, with their posterior and a stream of noise of their own."""

    def __init__(
        self, model: VAE, x: Array, labels: IntArray | None, *, rng: np.random.Generator
    ) -> None:
        self.y = model.one_hot(labels)
        self.model, self.x, self.N, self.rng = model, x, x.shape[-1], rng
        to_encode = append_labels(model.reduced(x, rng=rng), self.y)
        h, L = model.encoder.forward(to_encode)[0], model.latent_dim
        self.mu, self.logvar = h[:L], h[L:]

    def draw(self) -> tuple[Array, Array]:
        """Draw a z from q(z|x) for every x; return log p(x|z) and log p(z) - log q(z|x), (N,)."""
        eps = self.rng.standard_normal((self.model.noise_dim, self.N), self.mu.dtype)
        z, log_ratio = self.model.sampled(self.mu, self.logvar, eps)
        a = self.model.decoder.forward(append_labels(z, self.y))[0]
        return self.model.likelihood.log_prob(a, self.x).astype(np.float64), log_ratio


class _Images:
    """Images, with labels if the model has classes, that have been found to fit the model."""

    def __init__(self, who: str, model: VAE, data: Images | Dataset) -> None:
        checked = check_images(who, data, model)
        if isinstance(checked, Pairs):
            raise ValueError(f"{who}: expected images or a Dataset, got Pairs")
        self.who, self.model = who, model
        self.images: Images = checked.images if isinstance(checked, Dataset) else checked
        self.labels = checked.labels if isinstance(checked, Dataset) and model.classes else None

    def each_chunk(
        self,
        function: Callable[[_Chunk], Array],
        draws: int,
        rng: np.random.Generator,
        threads: int | None,
    ) -> Array:
        """Return function(chunk) for all images, (N,)."""
        who, images, labels = self.who, self.images, self.labels
        check_threads(who, threads)
        integer(who, "draws of each image", draws)
        generator(who, rng)
        model, seed = self.model.inference(), int(rng.integers(2**63))
        expected = Input(model.input_shape, model.dtype)

        @np.errstate(over="ignore", invalid="ignore")  # of which the result tells
        def on(chunk: range) -> Array:
            here = slice(chunk.start, chunk.stop)
            x = to_columns(who, np.asarray(images[here]), expected)
            y = None if labels is None else labels[here]
            own = np.random.default_rng([seed, chunk.start])
            return function(_Chunk(model, x, y, rng=own))

        found = np.asarray(in_chunks(on, range(len(images)), CHUNK, threads))
        if not np.isfinite(found).all():
            raise ValueError(
                f"{who}: a code or its variance leaves {model.dtype}; expected images of the scale "
                "that the model has learned from"
            )
        return found
