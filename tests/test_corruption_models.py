"""Corruptions of columns, and models that learn to undo them: noisy or small in, clean out."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array, pack
from nnscratch.data import LESSON_NOISE, digits, downsample
from nnscratch.evaluation.metrics import psnr
from nnscratch.layers import Dense, Reshape, Sequential
from nnscratch.likelihoods import Gaussian
from nnscratch.losses import l1_penalty
from nnscratch.models import VAE, Autoencoder
from nnscratch.models.corruption import (
    Corruption,
    Downsampling,
    GaussianNoise,
    Masking,
    SaltAndPepper,
)
from nnscratch.optimizers import SGD, Adam
from nnscratch.training import Trainer

N = 5
NOISES = [GaussianNoise(0.1, 0.3), SaltAndPepper(0.4), Masking(0.4)]
SHAPES = st.sampled_from([(6,), (1, 3, 4), (2, 4, 2)])
DTYPES = st.sampled_from(["float32", "float64"])
SEEDS = st.integers(0, 99)


def x(N: int = N, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(7).random((tiny.D, N)).astype(dtype)


def fixed() -> np.random.Generator:
    """The same noise at every call."""
    return np.random.default_rng(5)


def autoencoder(corruption: Corruption) -> Autoencoder:
    return tiny.autoencoder(
        dtype=np.float64, corruption=corruption, penalties={"l1": (0.2, l1_penalty)}
    )


def vae(corruption: Corruption) -> VAE:
    return tiny.vae(dtype=np.float64, corruption=corruption)


def magnifier(K: int = 2) -> Autoencoder:
    """1×4×4 images, of which the encoder sees 1×(4/K)×(4/K)."""
    D, rng = (4 // K) ** 2, np.random.default_rng(0)
    encoder = Sequential(Reshape(D), Dense(D, tiny.L, rng=rng, dtype=np.float64))
    decoder = Sequential(*tiny.decoder(dtype=np.float64).layers, Reshape(1, 4, 4))
    return Autoencoder(encoder, decoder, input_shape=(1, 4, 4), corruption=Downsampling(K))


# The objective


@pytest.mark.parametrize("make", [autoencoder, vae])
@pytest.mark.parametrize("corruption", NOISES, ids=str)
def test_gradient_in_every_parameter(
    make: Callable[[Corruption], Autoencoder], corruption: Corruption
) -> None:
    """Central differences through θ, with the noise held fixed by its seed."""
    model = make(corruption)
    theta = pack(model.parameters())
    model.loss(x(), rng=fixed())[1](1.0)
    numeric = tiny.slopes(lambda: model.loss(x(), rng=fixed())[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("K", [1, 2, 4])
def test_gradient_of_super_resolution(K: int) -> None:
    model, images = magnifier(K), x().reshape(1, 4, 4, N)
    theta = pack(model.parameters())
    model.loss(images, rng=fixed())[1](1.0)
    numeric = tiny.slopes(lambda: model.loss(images, rng=fixed())[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("corruption", NOISES, ids=str)
def test_the_encoder_sees_the_noise_and_the_target_is_the_clean_image(
    corruption: Corruption,
) -> None:
    model = tiny.autoencoder(dtype=np.float64, corruption=corruption)
    noisy = corruption(x(), rng=fixed())
    a, _ = model.decoder.forward(model.encoder.forward(noisy)[0])
    terms, _ = model.loss(x(), rng=fixed())
    assert terms["reconstruction"] == pytest.approx(model.likelihood.nll(a, x())[0], rel=1e-12)
    assert terms["reconstruction"] != pytest.approx(model.likelihood.nll(a, noisy)[0], rel=1e-3)


def test_a_vae_is_corrupted_before_it_draws_its_codes() -> None:
    """With the corruption's draws taken first, the rest is the loss of a VAE shown x̃ for x."""
    corruption, rng = Masking(0.4), fixed()
    noisy = corruption(x(), rng=rng)
    want, _ = tiny.vae(dtype=np.float64).loss(x(), None, noisy, rng=rng)
    assert vae(corruption).loss(x(), rng=fixed())[0] == want


def test_a_vae_that_is_super_resolving_has_the_kl_of_what_it_saw() -> None:
    rng = np.random.default_rng(0)
    encoder = Sequential(Reshape(4), Dense(4, 2 * tiny.L, rng=rng, dtype=np.float64))
    decoder = Sequential(*tiny.decoder(dtype=np.float64).layers, Reshape(1, 4, 4))
    options = {"input_shape": (1, 4, 4), "corruption": Downsampling(2)}
    model, images = VAE(encoder, decoder, tiny.L, **options), x().reshape(1, 4, 4, N)
    mu, logvar = model.posterior(downsample(np.moveaxis(images, -1, 0), 2))
    kl = (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1).mean() / 2
    assert model.loss(images, rng=rng)[0]["kl"] == pytest.approx(kl, rel=1e-12)


def test_a_step_has_noise_of_its_own_and_validation_has_always_the_same() -> None:
    """Two epochs of two steps: four kinds of noise on one image, and one when it is validated."""
    spoilt = []

    class Recorded(Masking):
        def __call__(self, x: Array, *, rng: np.random.Generator) -> Array:
            y = super().__call__(x, rng=rng)
            spoilt.append(y.tobytes())
            return y

    model = tiny.autoencoder(corruption=Recorded(0.5))
    spoilt.clear()  # the model was tried when it was put together
    one = np.full((4, 4, 4), 255, np.uint8)
    options = {"seed": 0, "batch_size": 2, "replicas": 1, "threads": 1}
    Trainer(model, SGD(1e-3), **options).fit(one, validation=one[:3], epochs=2)
    first, second, validated, third, fourth, validated_again = spoilt
    assert len({first, second, third, fourth}) == 4
    assert validated == validated_again


def test_learns_to_fill_in_what_is_masked(rng: np.random.Generator) -> None:
    """Four images by heart, half their pixels gone: the rest says which of the four it was."""
    model = tiny.autoencoder(dtype=np.float64, corruption=Masking(0.3))
    four = rng.integers(0, 2, (tiny.D, 4)).astype(np.float64)
    theta, adam = pack(model.parameters()), Adam(0.02)
    for _ in range(800):
        model.loss(np.tile(four, 4), rng=rng)[1](1.0)
        adam.step(theta)
    masked = Masking(0.3)(np.tile(four, 25), rng=rng)
    right = (model.reconstruct(masked.T) > 0.5) == np.tile(four, 25).T
    assert (masked == np.tile(four, 25)).mean() < 0.9
    assert right.mean() > 0.97


# The border


@pytest.mark.parametrize("corruption", NOISES, ids=str)
@pytest.mark.parametrize("method", ["encode", "reconstruct"])
def test_what_is_given_to_encode_is_not_corrupted(corruption: Corruption, method: str) -> None:
    images = tiny.images(N)
    spoiling = tiny.autoencoder(dtype=np.float64, corruption=corruption)
    plain = tiny.autoencoder(dtype=np.float64)
    assert spoiling.corrupted_shape == spoiling.input_shape == (tiny.D,)
    np.testing.assert_array_equal(getattr(spoiling, method)(images), getattr(plain, method)(images))


@pytest.mark.parametrize("K", [1, 2, 4])
def test_small_images_in_and_large_images_out(K: int) -> None:
    model, side = magnifier(K), 4 // K
    assert (model.input_shape, model.corrupted_shape) == ((1, 4, 4), (1, side, side))
    small = np.random.default_rng(0).integers(0, 256, (N, side, side), np.uint8)
    codes = model.encode(small)
    assert codes.shape == (N, tiny.L)
    np.testing.assert_array_equal(codes, model.encode(small.reshape(N, -1) / 255))
    assert model.reconstruct(small).shape == (N, 1, 4, 4)
    assert model.interpolate(small, small[::-1], 3).shape == (N, 3, 1, 4, 4)
    assert model.sample(3, like=small, rng=fixed()).shape == (3, 1, 4, 4)


def test_what_is_learned_from_is_what_encode_is_given_small() -> None:
    """The loss of large images is that of the codes which `encode` gives of the small ones."""
    model, large = magnifier(), tiny.images(N) / 255
    a, _ = model.decoder.forward(model.encode(downsample(large, 2)).T)
    t = np.moveaxis(large, 0, -1)[None]
    want, _ = model.likelihood.nll(a, t)
    assert model.loss(t, rng=fixed())[0]["total"] == pytest.approx(want, rel=1e-12)


# The corruptions


@pytest.mark.parametrize("corruption", NOISES, ids=str)
@given(shape=SHAPES, N=st.integers(1, 3), dtype=DTYPES, seed=SEEDS)
def test_noise_keeps_shape_dtype_range_and_its_argument(
    corruption: Corruption, shape: tuple[int, ...], N: int, dtype: Any, seed: int
) -> None:
    x = np.random.default_rng(seed).random((*shape, N), dtype)
    before = x.copy()
    y = corruption(x, rng=np.random.default_rng(seed))
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert corruption.output_shape(shape) == shape
    assert y.min() >= 0
    assert y.max() <= 1
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(y, corruption(x, rng=np.random.default_rng(seed)))


@pytest.mark.parametrize("corruption", NOISES, ids=str)
def test_noise_is_another_at_every_call(corruption: Corruption, rng: np.random.Generator) -> None:
    y = [corruption(x(), rng=rng) for _ in range(2)]
    assert not np.array_equal(*y)


def test_gaussian_noise_has_its_moments(rng: np.random.Generator) -> None:
    """Six standard deviations from 0 and 1 nothing is clipped; five standard errors."""
    shape, n, mean, sd = (10, 10_000), 100_000, 0.1, 0.05
    noise = GaussianNoise(mean, sd)(np.full(shape, 0.4), rng=rng) - 0.4
    assert abs(noise.mean() - mean) < 5 * sd / np.sqrt(n)
    assert abs(noise.var() - sd**2) < 5 * sd**2 * np.sqrt(2 / n)


@pytest.mark.parametrize(
    ("corruption", "grains"),
    [(SaltAndPepper(0.3), {0: 0.15, 1: 0.15, 0.5: 0.7}), (Masking(0.3), {0: 0.3, 0.5: 0.7})],
    ids=str,
)
def test_pixels_are_replaced_as_often_as_they_should_be(
    corruption: Corruption, grains: dict[float, float], rng: np.random.Generator
) -> None:
    y = corruption(np.full((10, 10_000), 0.5), rng=rng)
    found = {grain: (y == grain).mean() for grain in grains}
    assert sum(found.values()) == pytest.approx(1)
    for grain, share in grains.items():
        assert abs(found[grain] - share) < 5 * np.sqrt(share * (1 - share) / 100_000)


@pytest.mark.parametrize("corruption", [*NOISES, GaussianNoise(0.0, 1.0)], ids=str)
def test_every_pixel_of_every_image_has_noise_of_its_own(
    corruption: Corruption, rng: np.random.Generator
) -> None:
    """No two rows and no two columns are alike, and the correlation of any two is chance."""
    y = corruption(np.full((8, 4000), 0.5), rng=rng)
    between = np.corrcoef(y)[np.triu_indices(8, 1)]
    assert np.abs(between).max() < 5 / np.sqrt(4000)
    assert len(np.unique(y[:, :1000].T, axis=0)) > 100


@pytest.mark.parametrize(
    ("edition", "decibel"), [("tensorflow", 4.83), ("pytorch", 5.49), ("keras", 9.37)]
)
def test_the_noise_of_each_edition_on_digits(edition: str, decibel: float) -> None:
    images = digits().test.images / 255
    noisy = GaussianNoise(*LESSON_NOISE[edition])(images, rng=fixed())
    assert psnr(images, noisy) == pytest.approx(decibel, abs=0.05)


def test_downsampling_of_a_picture() -> None:
    """Two images, the second white; of the first each tile of four by hand."""
    image = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0.5, 0], [1, 1, 0, 0.5]])
    x = np.stack([image, np.ones((4, 4))], axis=-1)[None]
    y = Downsampling(2)(x)
    np.testing.assert_array_equal(y[0, ..., 0], [[0.5, 0], [1, 0.25]])
    np.testing.assert_array_equal(y[0, ..., 1], np.ones((2, 2)))


@given(
    C=st.integers(1, 2),
    H=st.integers(1, 3),
    W=st.integers(1, 3),
    K=st.integers(1, 4),
    dtype=DTYPES,
    seed=SEEDS,
)
def test_downsampling_is_that_of_batch_first_images(
    C: int, H: int, W: int, K: int, dtype: Any, seed: int
) -> None:
    x = np.random.default_rng(seed).random((C, K * H, K * W, 3), dtype)
    y = Downsampling(K)(x)
    assert (y.shape, y.dtype) == ((C, H, W, 3), x.dtype)
    assert Downsampling(K).output_shape((C, K * H, K * W)) == (C, H, W)
    want = np.moveaxis(downsample(np.moveaxis(x, -1, 0), K), 0, -1)
    np.testing.assert_allclose(y, want, rtol=1e-6)


# Signals that are no images in [0, 1]


def test_standardised_signals_are_denoised() -> None:
    signals = np.random.default_rng(0).standard_normal((64, tiny.D)).astype(np.float32)
    for noise in (GaussianNoise(0, 0.5, clip=False), Masking(0.3)):
        model = tiny.autoencoder(corruption=noise, likelihood=Gaussian())
        history = Trainer(model, Adam(1e-2), seed=0, batch_size=16).fit(signals, epochs=4)
        assert history[-1]["train"]["total"] < history[0]["train"]["total"]
        model.encode(signals)


@pytest.mark.parametrize("noise", [GaussianNoise(0, 0.5), SaltAndPepper(0.1)])
def test_a_corruption_of_images_wants_images_before_the_first_step(noise: Corruption) -> None:
    signals = np.random.default_rng(0).standard_normal((64, tiny.D)).astype(np.float32)
    model = tiny.autoencoder(corruption=noise, likelihood=Gaussian())
    t = Trainer(model, Adam(), seed=0, batch_size=16)
    want = f"fit data, which {noise} keeps in [0, 1]: expected numbers in [0, 1], got -"
    with pytest.raises(ValueError, match=f"^{re.escape(want)}"):
        t.fit(signals, epochs=1)
    assert t.optimizer.steps == 0


def test_what_noise_moves_out_of_0_to_1_is_encoded() -> None:
    """The targets of a Bernoulli are in [0, 1], the noisy images that it was made for are not."""
    model = tiny.autoencoder(corruption=GaussianNoise(0, 0.5, clip=False))
    model.encode(np.full((1, tiny.D), -0.5))
    with pytest.raises(ValueError, match=r"evaluate: expected numbers in \[0, 1\]"):
        Trainer(model, Adam(), seed=0).evaluate(np.full((1, tiny.D), -0.5))


# What is refused


@pytest.mark.parametrize("corruption", NOISES, ids=str)
def test_refuses_to_learn_without_a_source_of_noise(corruption: Corruption) -> None:
    with pytest.raises(ValueError, match=r"^Autoencoder loss: expected rng to corrupt x; got none"):
        autoencoder(corruption).loss(x())
    with pytest.raises(ValueError, match=r"^VAE loss: expected rng, the source of ε; got none"):
        vae(corruption).loss(x())
    with pytest.raises(TypeError, match="rng"):
        corruption(x())  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianNoise(0, -1), "GaussianNoise: expected sd ≥ 0, got -1"),
        (lambda: GaussianNoise("0", 1), "GaussianNoise: expected mean, a number, got '0'"),
        (lambda: SaltAndPepper(1.1), "SaltAndPepper: expected fraction in [0, 1], got 1.1"),
        (lambda: Masking(-0.1), "Masking: expected fraction in [0, 1], got -0.1"),
        (lambda: Downsampling(2.0), "Downsampling: expected factor, an integer ≥ 1, got 2.0"),
        (lambda: Downsampling(0), "Downsampling: expected factor ≥ 1, got 0"),
    ],
)
def test_refuses_to_spoil_by_no_such_measure(make: Callable[[], Corruption], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("corruption", NOISES[:2], ids=str)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (255 * x(), "expected numbers in [0, 1], got 0.9"),
        (x() - 1, "expected numbers in [0, 1], got -0.99"),
        (np.full((3, 2), np.nan), "expected finite numbers, got NaN or infinity"),
        (np.zeros((3, 2), np.uint8), "expected float32 or float64, got uint8; divide by 255"),
    ],
    ids=["bytes as floats", "negative", "NaN", "bytes"],
)
def test_refuses_what_is_not_in_0_to_1(corruption: Corruption, wrong: Array, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        corruption(wrong, rng=fixed())


@pytest.mark.parametrize("K", [3, 8])
def test_refuses_a_factor_that_does_not_divide_the_image(K: int) -> None:
    message = rf"^Downsampling: a factor of {K} does not divide \(1, 4, 4\)$"
    with pytest.raises(ValueError, match=message):
        Downsampling(K)(np.zeros((1, 4, 4, 2)))
    with pytest.raises(ValueError, match=message):
        Autoencoder(
            tiny.encoder(2), tiny.decoder(), input_shape=(1, 4, 4), corruption=Downsampling(K)
        )


@pytest.mark.parametrize("sides", [(4, 6), (6, 4)], ids=str)
def test_refuses_a_factor_that_divides_one_side_only(sides: tuple[int, int]) -> None:
    message = rf"^Downsampling: a factor of 4 does not divide \(1, {sides[0]}, {sides[1]}\)$"
    with pytest.raises(ValueError, match=message):
        Downsampling(4).output_shape((1, *sides))
    with pytest.raises(ValueError, match=message):
        Downsampling(4)(np.zeros((1, *sides, 2)))


def test_refuses_to_make_a_vector_smaller() -> None:
    with pytest.raises(ValueError, match=r"^Downsampling: a factor of 2 does not divide \(16,\)$"):
        tiny.autoencoder(corruption=Downsampling(2))


def test_refuses_an_encoder_of_large_images_and_an_output_that_is_small() -> None:
    rng = np.random.default_rng(0)
    fits, large = (Sequential(Reshape(D), Dense(D, 2, rng=rng)) for D in (4, 16))
    back = Sequential(Dense(2, 4, rng=rng), Reshape(1, 2, 2))
    options: Any = {"input_shape": (1, 4, 4), "corruption": Downsampling(2)}
    with pytest.raises(ValueError, match=r"Autoencoder encoder: Sequential, layer 0: Reshape"):
        Autoencoder(large, back, **options)
    with pytest.raises(ValueError, match=r"expected an output of shape \(1, 4, 4\), got \(1, 2, 2"):
        Autoencoder(fits, back, **options)


@pytest.mark.parametrize("method", ["encode", "reconstruct"])
def test_refuses_a_large_image_where_a_small_one_is_due(method: str) -> None:
    with pytest.raises(ValueError, match=re.escape("encode: expected (N, 1, 2, 2), got (")):
        getattr(magnifier(), method)(tiny.images(N))
