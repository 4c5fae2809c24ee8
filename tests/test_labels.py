"""Labels are an argument of every model: one with classes needs them, another refuses them."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tiny

from nnscratch.layers import Dense
from nnscratch.models import (
    VQVAE,
    AdversarialAutoencoder,
    Autoencoder,
    Codebook,
    ConditionalVAE,
    ContractiveAutoencoder,
)
from nnscratch.models.contractive import jacobian_norms

K, N = 3, 5
IMAGES, CODES = tiny.images(N), np.zeros((N, tiny.L), np.float32)
COLUMNS = np.ascontiguousarray(IMAGES.reshape(N, -1).T / np.float32(255))
LABELS = np.arange(N) % K


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def adversarial() -> Autoencoder:
    judge = Dense(tiny.L, 1, rng=rng())
    return AdversarialAutoencoder(
        tiny.encoder(tiny.L), tiny.decoder(), judge, input_shape=(tiny.D,)
    )


def conditional() -> Any:
    encoder = Dense(tiny.D + K, 2 * tiny.L, rng=rng())
    decoder = Dense(tiny.L + K, tiny.D, rng=rng())
    return ConditionalVAE(encoder, decoder, tiny.L, classes=K, input_shape=(tiny.D,))


WITHOUT_CLASSES: dict[str, Callable[[], Any]] = {
    "autoencoder": tiny.autoencoder,
    "VAE": tiny.vae,
    "adversarial": adversarial,
    "contractive": lambda: ContractiveAutoencoder(tiny.D, tiny.L, 0.1, rng=rng()),
    "VQ": lambda: VQVAE(
        tiny.encoder(tiny.L), tiny.decoder(), Codebook(3, tiny.L, rng=rng()), input_shape=(tiny.D,)
    ),
}

CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "loss": lambda m, y: m.loss(COLUMNS, y, rng=rng())[0]["total"],
    "encode": lambda m, y: m.encode(IMAGES, y),
    "decode": lambda m, y: m.decode(CODES, y),
    "reconstruct": lambda m, y: m.reconstruct(IMAGES, y),
    "log_prob": lambda m, y: m.log_prob(IMAGES, y, rng=rng()),
    "interpolate": lambda m, y: m.interpolate(IMAGES, IMAGES[::-1], 3, y),
}
ONLY_SOME: dict[str, Callable[[Any, Any], Any]] = {
    "posterior": lambda m, y: m.posterior(IMAGES, y),
    "discriminator_loss": lambda m, y: m.discriminator_loss(COLUMNS, y, rng=rng()),
}


def calls_of(model: Any) -> dict[str, Callable[[Any, Any], Any]]:
    return CALLS | {name: call for name, call in ONLY_SOME.items() if hasattr(model, name)}


@pytest.mark.parametrize("kind", WITHOUT_CLASSES)
def test_a_model_without_classes_refuses_labels(kind: str) -> None:
    model = WITHOUT_CLASSES[kind]()
    for name, call in calls_of(model).items():
        call(model, None)
        with pytest.raises(ValueError, match=r": expected no labels, .* no classes; got some"):
            call(model, LABELS)
        with pytest.raises(ValueError, match=name.removeprefix("discriminator_")):
            call(model, LABELS)
    with pytest.raises(ValueError, match="sample: expected no labels"):
        model.sample(labels=LABELS, rng=rng(), like=IMAGES)


def test_a_model_with_classes_needs_them() -> None:
    model = conditional()
    for call in calls_of(model).values():
        call(model, LABELS)
        with pytest.raises(ValueError, match="labels: expected one of 3 classes each, got none"):
            call(model, None)
    with pytest.raises(ValueError, match="sample labels: expected one of 3 classes each, got none"):
        model.sample(4, rng=rng())
    with pytest.raises(ValueError, match="restyle: encode labels: expected one of 3 classes"):
        model.restyle(IMAGES, None)
    with pytest.raises(ValueError, match="jacobian_norms: expected a model without classes"):
        jacobian_norms(model, IMAGES)


def test_every_class_has_a_picture_of_its_own() -> None:
    """The label is used, and not only asked for."""
    model = conditional()
    for name, call in calls_of(model).items():
        one, other = (call(model, np.full(N, k)) for k in (0, 1))
        assert np.not_equal(one, other).any(), name


# How many


def test_a_sample_is_as_many_as_asked_for_or_as_there_are_labels() -> None:
    model = conditional()
    want = model.sample(labels=LABELS, rng=rng())
    assert want.shape == (N, tiny.D)
    np.testing.assert_array_equal(model.sample(N, LABELS, rng=rng()), want)
    with pytest.raises(ValueError, match=r"sample labels: expected \(4,\) integers, .* got \(5,\)"):
        model.sample(4, LABELS, rng=rng())
    for nothing in (None, 0, -1, 1.5, LABELS):
        with pytest.raises(ValueError, match="sample: expected count"):
            tiny.vae().sample(nothing, rng=rng())


def test_codes_like_those_of_images_in_place_of_the_prior() -> None:
    """A plain autoencoder has none; a VAE has, and can do either."""
    for model in (tiny.autoencoder(), tiny.vae(), adversarial()):
        drawn = model.sample(7, like=IMAGES, rng=rng())
        assert drawn.shape == (7, tiny.D)
    codes = tiny.vae().encode(IMAGES)
    draws = rng().multivariate_normal(codes.mean(axis=0), np.cov(codes.T), 7)
    want = tiny.vae().decode(draws.astype(np.float32))
    np.testing.assert_array_equal(tiny.vae().sample(7, like=IMAGES, rng=rng()), want)
    message = "sample: Autoencoder has no prior; expected images to be `like`, got none"
    with pytest.raises(ValueError, match=re.escape(message)):
        tiny.autoencoder().sample(7, rng=rng())
    with pytest.raises(ValueError, match="sample like: encode labels: expected one of 3 classes"):
        conditional().sample(labels=LABELS, like=IMAGES, rng=rng())


def test_a_vae_needs_a_source_of_noise_for_its_bound() -> None:
    with pytest.raises(ValueError, match=r"log_prob: expected rng, a numpy.random.Generator, got"):
        tiny.vae().log_prob(IMAGES)
