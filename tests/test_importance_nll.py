"""importance_nll as it is computed, many draws at a time, against a literal evaluation."""

import tracemalloc
import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from nnscratch.core import Array
from nnscratch.data import Dataset
from nnscratch.evaluation import ImportanceNLL, LowEffectiveSampleSize, draws, importance_nll
from nnscratch.layers import Dense, Flatten, Reshape, Sequential, Tanh
from nnscratch.likelihoods import Gaussian
from nnscratch.models import VAE, ConditionalVAE, TwoLayerIWAE, VampPriorVAE
from nnscratch.models.labels import append_labels

D, L, U, CLASSES = 16, 3, 2, 4


def net(rng: np.random.Generator, inputs: int, outputs: int) -> Sequential:
    """Two layers in float64."""
    first, second = (
        Dense(*size, rng=rng, dtype=np.float64) for size in ((inputs, 8), (8, outputs))
    )
    return Sequential(first, Tanh(), second)


def vae(rng: np.random.Generator) -> VAE:
    return VAE(net(rng, D, 2 * L), net(rng, L, D), L, input_shape=(D,))


def conditional(rng: np.random.Generator) -> VAE:
    nets = net(rng, D + CLASSES, 2 * L), net(rng, L + CLASSES, D)
    return ConditionalVAE(*nets, L, classes=CLASSES, input_shape=(D,))


def vamp(rng: np.random.Generator) -> VAE:
    nets = net(rng, D, 2 * L), net(rng, L, D)
    return VampPriorVAE(*nets, L, components=5, input_shape=(D,), rng=rng)


def two_layers(rng: np.random.Generator) -> VAE:
    nets = net(rng, D, 2 * L), net(rng, L, D)
    upper = {"upper_encoder": net(rng, L, 2 * U), "upper_decoder": net(rng, U, 2 * L)}
    return TwoLayerIWAE(*nets, (L, U), input_shape=(D,), **upper)


def pictures(rng: np.random.Generator) -> VAE:
    encoder = Sequential(Flatten(), *net(rng, D, 2 * L).layers)
    decoder = Sequential(*net(rng, L, D).layers, Reshape(1, 4, 4))
    return VAE(encoder, decoder, L, input_shape=(1, 4, 4))


MODELS = {f.__name__: f for f in (vae, conditional, vamp, two_layers, pictures)}
EACH = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def data(count: int) -> Dataset:
    """Return black and white images, (count, 4, 4), with labels."""
    rng = np.random.default_rng(1)
    return Dataset(255 * rng.integers(0, 2, (count, 4, 4), np.uint8), np.arange(count) % CLASSES)


def found(model: VAE, count: int, samples: int, **options: Any) -> ImportanceNLL:
    rng = np.random.default_rng(2)
    return importance_nll(model, data(count), samples=samples, rng=rng, **options)


def literal(model: VAE, start: int, stop: int, samples: int) -> tuple[Array, Array]:
    """Return log (1/K) Σ w and the effective sample size of some images, one draw after another."""
    images = data(stop)
    x = (images.images[start:] / 255.0).reshape(stop - start, *model.input_shape)
    x = np.moveaxis(x, 0, -1)
    y = np.eye(CLASSES)[:, images.labels[start:]] if model.classes else None
    h = model.encoder.forward(append_labels(x, y))[0]
    seed, log_w = int(np.random.default_rng(2).integers(2**63)), []
    for k in range(samples):
        if k % 128 == 0:
            rng = np.random.default_rng([seed, start, k // 128])
        eps = rng.standard_normal((model.noise_dim, stop - start))
        z, log_ratio = model.sampled(h[:L], h[L:], eps)
        a = model.decoder.forward(append_labels(z, y))[0]
        each = x * a - np.log1p(np.exp(a))
        log_w.append(each.reshape(D, -1).sum(axis=0) + log_ratio)
    w = np.exp(np.array(log_w))
    return np.log(w.mean(axis=0)), w.sum(axis=0) ** 2 / (w * w).sum(axis=0)


@EACH
def test_batches_of_draws_are_the_draws_one_by_one(make: Callable[..., VAE]) -> None:
    """For 70 images, which are two chunks, and 300 draws, which are three parts."""
    model = make(np.random.default_rng(0))
    both = np.hstack([literal(model, 0, 64, 300), literal(model, 64, 70, 300)])
    its = found(model, 70, 300)
    np.testing.assert_allclose(its.log_prob, both[0], rtol=1e-12)
    np.testing.assert_allclose(its.effective, both[1], rtol=1e-10)
    assert its.mean == pytest.approx(-both[0].mean(), rel=1e-12)
    assert its.error == pytest.approx(both[0].std(ddof=1) / 70**0.5, rel=1e-10)


@EACH
def test_any_number_of_threads_has_the_same_bits(make: Callable[..., VAE]) -> None:
    """Where they share the images, and where they share the draws of a few."""
    model = make(np.random.default_rng(0))
    for count, samples in ((130, 3), (5, 700)):
        one, *others = (found(model, count, samples, threads=threads) for threads in (1, 2, 5))
        for other in others:
            np.testing.assert_array_equal(other.log_prob, one.log_prob)
            np.testing.assert_array_equal(other.effective, one.effective)


def test_how_many_columns_pass_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model, its = vae(np.random.default_rng(0)), []
    for columns in (1, 100, 512):
        monkeypatch.setattr(draws, "COLUMNS", columns)
        its.append(found(model, 70, 200).log_prob)
    np.testing.assert_allclose(its[0], its[2], rtol=1e-13)
    np.testing.assert_allclose(its[1], its[2], rtol=1e-13)


@pytest.mark.parametrize(("make", "most"), [(vae, 512), (pictures, 64)])
def test_an_image_is_encoded_once_and_its_draws_are_decoded_many_at_a_time(
    make: Callable[..., VAE], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[int]] = {"encoder": [], "decoder": []}
    forward = Sequential.forward

    def spy(self: Sequential, x: Array, **options: Any) -> Any:
        is_code = len(x) == L
        seen["decoder" if is_code else "encoder"].append(x.shape[-1])
        return forward(self, x, **options)

    model = make(np.random.default_rng(0))
    monkeypatch.setattr(Sequential, "forward", spy)
    for count, samples in product((1, 8, 70), (1, 1000)):
        seen["encoder"], seen["decoder"] = [], []
        found(model, count, samples, threads=1)
        assert sum(seen["encoder"]) == count
        assert sum(seen["decoder"]) == count * samples
        assert max(seen["decoder"]) <= most
        if samples == 1000:
            assert len(seen["decoder"]) <= 1.4 * count * samples / min(most, 128 * min(count, 64))


def test_the_memory_does_not_grow_with_the_samples() -> None:
    model, peaks = vae(np.random.default_rng(0)), []
    for samples in (40_000, 40_000, 160_000):
        tracemalloc.start()
        found(model, 2, samples, threads=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.1 * peaks[1]


def wide(shift: float) -> tuple[VAE, Array]:
    """Return a linear model, some samples of it, and a posterior that is off by so much."""
    rng = np.random.default_rng(0)
    encoder, decoder = (Dense(*size, rng=rng, dtype=np.float64) for size in ((6, 2 * L), (L, 6)))
    w = decoder.w.value
    S = np.linalg.inv(np.eye(L) + w.T @ w)
    encoder.w.value[...] = np.concatenate([S @ w.T, 0 * w.T])
    encoder.b.value[...] = np.concatenate([np.full(L, shift), np.log(np.diag(S))])
    x = rng.standard_normal((40, L)) @ w.T + rng.standard_normal((40, 6))
    return VAE(encoder, decoder, L, Gaussian(1.0), input_shape=(6,)), x


def test_of_many_samples_the_bound_is_the_likelihood_and_nobody_is_warned() -> None:
    """x ~ N(0, w wᵀ + I); the posterior has the right mean, and no covariances."""
    model, x = wide(0.0)
    w = model.decoder.layers[0].w.value
    C = w @ w.T + np.eye(6)
    sign, logdet = np.linalg.slogdet(2 * np.pi * C)
    exact = -(logdet + (x * np.linalg.solve(C, x.T).T).sum(axis=1)) / 2
    its = importance_nll(model, x, samples=20_000, rng=np.random.default_rng(0))
    assert sign == 1
    spread = np.sqrt(1 / its.effective - 1 / 20_000)  # of the mean weight, relative
    assert (abs(its.log_prob - exact) < 5 * spread + 1e-9).all()
    assert spread.max() < 0.02


def test_single_weights_that_decide_are_warned_of() -> None:
    """With 100 samples or more, and where it is more than one image in twenty."""
    model, x = wide(3.0)
    message = r"for \d+ of 40 images one weight of 100 is larger than all others together"
    with pytest.warns(LowEffectiveSampleSize, match=message):
        its = importance_nll(model, x, samples=100, rng=np.random.default_rng(0))
    few = its.effective < 2
    assert few.mean() > 0.05
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importance_nll(model, x, samples=99, rng=np.random.default_rng(0))
        right, x = wide(0.0)
        importance_nll(right, x, samples=100, rng=np.random.default_rng(0))


def test_one_image_in_twenty_may_be_decided_by_a_weight() -> None:
    """An encoder whose means are too large is wrong for large x, and right for x = 0."""
    model, _ = wide(0.0)
    model.encoder.layers[0].w.value[...] *= 2
    x = np.zeros((20, 6))
    x[0] = 30
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        its = importance_nll(model, x, samples=100, rng=np.random.default_rng(0))
    assert (its.effective < 2).sum() == 1
    x[1] = 30
    with pytest.warns(LowEffectiveSampleSize, match="for 2 of 20 images one weight of 100"):
        importance_nll(model, x, samples=100, rng=np.random.default_rng(0))
