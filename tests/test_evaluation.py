"""The elbo and the importance-weighted bound, on models for which log p(x) is known exactly."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import tiny

from nnscratch.core import Array
from nnscratch.data import Dataset
from nnscratch.evaluation import active_units, elbo, estimate, importance_nll
from nnscratch.evaluation.baselines import PCA
from nnscratch.layers import Dense, Flatten, Reshape, Sequential
from nnscratch.likelihoods import Bernoulli, Gaussian, SquaredError
from nnscratch.losses import gaussian_kl_per_dimension
from nnscratch.models import VAE, ConditionalVAE
from nnscratch.models.corruption import Downsampling, Masking

pytestmark = pytest.mark.plain

S2 = 0.02
"""Variance of the decoder of the linear VAE."""


def linear_vae(x: Array, k: int) -> tuple[VAE, Array]:
    """The linear VAE at its optimum, and the exact log p(x) of every image.

    Its posterior is the true one, so every importance weight of an x is p(x) itself.
    """
    pca = PCA(k).fit(x)
    along, V, m = pca.variances[:k], pca.components.reshape(k, -1), pca.mean.ravel()
    w = V.T * np.sqrt(along - S2)
    model = tiny_linear(len(m), k)
    encoder, decoder = model.encoder.layers[0], model.decoder.layers[0]
    u = w.T / along[:, None]  # (wᵀw + s² I)⁻¹ wᵀ
    encoder.w.value[...] = np.concatenate([u, np.zeros_like(u)])
    encoder.b.value[...] = np.concatenate([-u @ m, np.log(S2 / along)])
    decoder.w.value[...], decoder.b.value[...] = w, m
    return model, pca.log_prob(x, S2)


def tiny_linear(D: int, k: int) -> VAE:
    """D - (k, k) - k - D without hidden layers."""
    rng = np.random.default_rng(0)
    layers = (Dense(D, 2 * k, rng=rng, dtype=np.float64), Dense(k, D, rng=rng, dtype=np.float64))
    return VAE(*layers, k, Gaussian(S2), input_shape=(D,))


def conditional_vae(x: Array, k: int, means: Array) -> tuple[ConditionalVAE, Dataset, Array]:
    """The same with a mean for each class, (K, D), the images moved by it, and log p(x|y)."""
    plain, log_prob = linear_vae(x, k)
    encoder, decoder = plain.encoder.layers[0], plain.decoder.layers[0]
    (K, D), rng = means.shape, np.random.default_rng(0)
    with_labels = {
        Dense(D + K, 2 * k, rng=rng, dtype=np.float64): (encoder, -encoder.w.value @ means.T),
        Dense(k + K, D, rng=rng, dtype=np.float64): (decoder, means.T),
    }
    for layer, (part, of_class) in with_labels.items():
        layer.w.value[...] = np.concatenate([part.w.value, of_class], axis=1)
        layer.b.value[...] = part.b.value
    model = ConditionalVAE(*with_labels, k, Gaussian(S2), classes=K, input_shape=(D,))
    labels = rng.integers(0, K, len(x))
    return model, Dataset(x + means[labels].reshape(x.shape), labels), log_prob


@pytest.fixture
def images() -> Array:
    """(40, 4, 4), with more variance in some directions than in others."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3)) @ rng.standard_normal((3, 16))
    return (0.5 + 0.1 * x + 0.1 * rng.standard_normal((40, 16))).reshape(40, 4, 4)


def test_an_estimate_by_hand() -> None:
    """1, 2, 3, 6: mean 3, variance (4 + 1 + 0 + 9)/3, standard error √(14/3)/2."""
    found = estimate(np.array([1.0, 2, 3, 6]))
    assert (found.mean, found.error) == (3, pytest.approx(np.sqrt(14 / 3) / 2))
    assert str(found) == "3.00 ± 1.08"


def test_where_the_posterior_is_true_the_bound_is_tight(images: Array) -> None:
    """Every weight is p(x): one sample is enough, and any number of them changes nothing."""
    model, log_prob = linear_vae(images, 3)
    for samples in (1, 7):
        found = importance_nll(model, images, samples=samples, rng=np.random.default_rng(1))
        assert found.mean == pytest.approx(-log_prob.mean(), rel=1e-10)


def test_the_ledger_adds_up_to_minus_log_p_there(images: Array) -> None:
    """With the true posterior the ELBO is log p(x); only the draws are left, and they average."""
    model, log_prob = linear_vae(images, 3)
    bound = elbo(model, images, draws=2000, rng=np.random.default_rng(1))
    assert bound.total.mean == pytest.approx(-log_prob.mean(), abs=0.02)
    assert bound.total.mean == pytest.approx(bound.reconstruction.mean + bound.kl.mean)
    assert bound.kl.mean == pytest.approx(bound.kl_per_dimension.sum())
    assert bound.active_units == 3


def test_the_bound_gets_tighter_with_the_samples(images: Array) -> None:
    """From the ELBO at K = 1 down to -log p(x), with a posterior that is too narrow and is off."""
    model, log_prob = linear_vae(images, 3)
    model.encoder.layers[0].b.value[...] += [0.3, -0.25, 0.2, -0.3, -0.3, -0.3]
    rng = np.random.default_rng(1)
    bound = elbo(model, images, draws=400, rng=rng).total.mean
    found = [importance_nll(model, images, samples=K, rng=rng).mean for K in (1, 5, 50, 2000)]
    once = np.mean([importance_nll(model, images, samples=1, rng=rng).mean for _ in range(400)])
    assert once == pytest.approx(bound, abs=0.05)
    assert all(a > b for a, b in pairwise(found))
    assert found[-1] == pytest.approx(-log_prob.mean(), abs=0.05)
    assert bound > found[-1] + 0.5


def test_a_conditional_model_takes_the_class_of_every_image(images: Array) -> None:
    """Also across chunks: 40 images again and again, with labels that do not repeat."""
    x = np.tile(images.clip(0, 0.8), (8, 1, 1))
    means = 0.2 * np.random.default_rng(2).random((3, 16))
    model, data, log_prob = conditional_vae(x, 3, means)
    found = importance_nll(model, data, samples=2, rng=np.random.default_rng(1))
    assert found.mean == pytest.approx(-log_prob.mean(), rel=1e-10)
    assert found.error == pytest.approx(log_prob.std(ddof=1) / np.sqrt(len(x)), rel=1e-10)
    bound = elbo(model, data, draws=300, rng=np.random.default_rng(1))
    assert bound.total.mean == pytest.approx(-log_prob.mean(), abs=0.02)
    mu, logvar = model.posterior(data.images, data.labels)
    want = gaussian_kl_per_dimension(mu.T, logvar.T)
    np.testing.assert_allclose(bound.kl_per_dimension, want)
    other = Dataset(data.images, (data.labels + 1) % 3)
    assert elbo(model, other, rng=np.random.default_rng(1)).total.mean > bound.total.mean + 1


def test_a_conditional_model_needs_the_labels_and_another_ignores_them(images: Array) -> None:
    x = images.clip(0, 0.8)
    model, data, _ = conditional_vae(x, 3, np.zeros((3, 16)))
    plain, _ = linear_vae(x, 3)
    for who, bound in (
        ("elbo", lambda *given: elbo(*given, draws=1, rng=np.random.default_rng(1)).total),
        (
            "importance_nll",
            lambda *given: importance_nll(*given, samples=1, rng=np.random.default_rng(1)),
        ),
    ):
        with pytest.raises(
            ValueError, match=f"{who}: expected a Dataset with labels, got images alone"
        ):
            bound(model, data.images)
        with pytest.raises(ValueError, match="labels: expected 0 … 2, got 0 … 3"):
            bound(model, Dataset(data.images, np.arange(len(data)) % 4))
        assert bound(plain, data) == bound(plain, data.images)


def test_the_ledger_is_the_loss_of_the_model_averaged() -> None:
    model, images = tiny.vae(dtype=np.float64), tiny.images(30)
    x = (images / 255).reshape(30, -1).T
    rng = np.random.default_rng(0)
    losses = [model.loss(x, rng=rng)[0] for _ in range(300)]
    bound = elbo(model, images, draws=300, rng=rng)
    assert bound.reconstruction.mean == pytest.approx(
        np.mean([terms["reconstruction"] for terms in losses]), abs=0.02
    )
    assert bound.kl.mean == pytest.approx(losses[0]["kl"], rel=1e-12)
    mu, logvar = model.posterior(images)
    want = gaussian_kl_per_dimension(mu.T, logvar.T)
    np.testing.assert_allclose(bound.kl_per_dimension, want)


def super_resolution(kind: Any, **options: Any) -> Any:
    """A VAE that is shown 2×2 of the 4×4 pixels it has to describe."""
    rng, classes = np.random.default_rng(0), options.get("classes", 0)
    encoder = Sequential(Flatten(), Dense((1 + classes) * 4, 4, rng=rng, dtype=np.float64))
    decoder = Sequential(Dense(2 + classes, 16, rng=rng, dtype=np.float64), Reshape(1, 4, 4))
    options |= {"input_shape": (1, 4, 4), "corruption": Downsampling(2)}
    return kind(encoder, decoder, 2, **options)


@pytest.mark.parametrize(("kind", "options"), [(VAE, {}), (ConditionalVAE, {"classes": 3})])
def test_a_corruption_may_change_the_size_of_what_the_encoder_sees(kind: Any, options: Any) -> None:
    """The bound is on log p of whole images, and the posterior one of small images."""
    model, images, labels = super_resolution(kind, **options), tiny.images(30), np.arange(30) % 3
    given = (labels,) if options else ()
    x, rng = (images / 255).transpose(1, 2, 0)[None], np.random.default_rng(0)
    losses = [model.loss(x, *given, rng=rng)[0] for _ in range(300)]
    bound = elbo(model, Dataset(images, labels), draws=300, rng=rng)
    want = np.mean([terms["reconstruction"] for terms in losses])
    assert bound.reconstruction.mean == pytest.approx(want, abs=0.02)
    assert bound.kl.mean == pytest.approx(losses[0]["kl"], rel=1e-12)
    small = images.reshape(30, 2, 2, 2, 2).mean(axis=(2, 4)) / 255
    mu, logvar = model.posterior(small, *given)
    np.testing.assert_allclose(bound.kl_per_dimension, gaussian_kl_per_dimension(mu.T, logvar.T))
    assert bound.active_units == active_units(mu).sum()
    white = Dataset(images // 128 * 255, labels)
    once, often = (importance_nll(model, white, samples=K, rng=rng).mean for K in (1, 500))
    assert once > often


def test_noise_of_the_same_size_is_not_added() -> None:
    """The posterior is that of the images as they are, which is what `encode` returns."""
    noisy, plain = tiny.vae(corruption=Masking(0.5)), tiny.vae()
    of_noisy, of_plain = (
        elbo(model, tiny.images(30), rng=np.random.default_rng(0)) for model in (noisy, plain)
    )
    assert of_noisy.total == of_plain.total


def test_a_seed_gives_one_answer_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = tiny.vae(), tiny.images(600)

    def total() -> float:
        return elbo(model, images, draws=2, rng=np.random.default_rng(3)).total.mean

    first = total()
    monkeypatch.setattr("nnscratch.kernels.machine.threads.cores", lambda: 1)
    assert total() == first


def test_a_unit_is_active_if_its_mean_moves() -> None:
    """Variances 0.25, 0.0001 and 0."""
    codes = np.array([[0.0, 0.02, 3], [1, 0, 3]])
    np.testing.assert_array_equal(active_units(codes), [True, False, False])


def test_an_importance_bound_needs_a_likelihood() -> None:
    images, rng = tiny.images(3), np.random.default_rng(0)
    grey = tiny.vae(likelihood=Bernoulli())
    with pytest.raises(ValueError, match="got Bernoulli and grey images: binarize them first"):
        importance_nll(grey, images, samples=2, rng=rng)
    importance_nll(grey, images // 128 * 255, samples=2, rng=rng)
    with pytest.raises(ValueError, match="SquaredError, which has no constant"):
        importance_nll(tiny.vae(likelihood=SquaredError()), images, samples=2, rng=rng)


@pytest.mark.parametrize("draws", [0, -1])
def test_no_draws_are_refused(draws: int) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"elbo: expected draws of each image ≥ 1, got {draws}"):
        elbo(tiny.vae(), tiny.images(3), draws=draws, rng=rng)


def test_images_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"elbo: expected \(N, 16\), got \(3, 5, 5\)"):
        elbo(tiny.vae(), np.zeros((3, 5, 5)), rng=np.random.default_rng(0))


def test_no_images_are_refused() -> None:
    nothing, rng = np.zeros((0, 4, 4)), np.random.default_rng(0)
    for who, bound in (
        ("elbo", lambda: elbo(tiny.vae(), nothing, rng=rng)),
        ("importance_nll", lambda: importance_nll(tiny.vae(), nothing, samples=1, rng=rng)),
    ):
        message = rf"{who}: expected \(N, 16\), got \(0, 4, 4\); a batch holds at least one"
        with pytest.raises(ValueError, match=message):
            bound()


@pytest.mark.parametrize("images", [tiny.images(3).astype(float), -(tiny.images(3) / 255)])
def test_images_outside_of_0_and_1_are_no_outcomes_of_a_bernoulli(images: Array) -> None:
    """Never divided by 255 they would have a bound far below zero nats."""
    rng, plain = np.random.default_rng(0), tiny.vae(likelihood=SquaredError())
    with pytest.raises(ValueError, match=r"elbo: expected numbers in \[0, 1\], got"):
        elbo(tiny.vae(), images, rng=rng)
    elbo(plain, images, rng=rng)


@pytest.mark.parametrize("images", [None, "x", [[[0.5]]], np.float32(3)], ids=str)
def test_what_is_no_array_of_images_is_refused(images: Any) -> None:
    rng = np.random.default_rng(0)
    for who, bound in (
        ("elbo", lambda: elbo(tiny.vae(), images, rng=rng)),
        ("importance_nll", lambda: importance_nll(tiny.vae(), images, samples=1, rng=rng)),
    ):
        with pytest.raises(ValueError, match=f"{who}: expected"):
            bound()


def test_a_list_of_images_will_do() -> None:
    images, model = tiny.images(5) / 255, tiny.vae()
    of_list, of_array = (
        elbo(model, x, rng=np.random.default_rng(0)).total for x in (images.tolist(), images)
    )
    assert of_list == of_array


def test_a_bound_that_is_not_finite_is_refused() -> None:
    """As of images on the scale of bytes, under a Gaussian: e^log σ² overflows."""
    model = tiny.vae(likelihood=Gaussian())
    with pytest.raises(ValueError, match="elbo: a code or its variance leaves float32"):
        elbo(model, np.full((3, 4, 4), 1e20), rng=np.random.default_rng(0))


@pytest.mark.parametrize("threshold", [-0.1, float("nan"), "much"])
def test_active_units_refuses_a_threshold_that_is_none(threshold: Any) -> None:
    with pytest.raises(ValueError, match=r"active_units: expected threshold"):
        active_units(np.zeros((3, 2)), threshold)
