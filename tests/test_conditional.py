"""The conditional VAE: its labels, the gradient of its bound, and its public side."""

import re
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array, IntArray, pack
from nnscratch.data import Dataset
from nnscratch.evaluation import elbo
from nnscratch.evaluation.probes import SoftmaxProbe, accuracy
from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Conv1d, Conv2d, Dense, Dropout, Flatten, Reshape, Sequential, Tanh
from nnscratch.likelihoods import Gaussian, SquaredError
from nnscratch.models import ConditionalVAE
from nnscratch.models.corruption import Downsampling, GaussianNoise
from nnscratch.models.labels import append_labels, one_hot
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

pytestmark = pytest.mark.plain

K = 3
"""Classes."""

LABELS = np.array([0, 2, 1, 2, 0])
DATA = Dataset(tiny.images(20), np.arange(20) % K)


def cvae(*between: Any, dtype: Any = np.float32, **options: Any) -> ConditionalVAE:
    """16 + 3 - 8 - (2, 2), 2 + 3 - 8 - 16."""
    rng = np.random.default_rng(0)

    def dense(D: int, M: int) -> Dense:
        return Dense(D, M, rng=rng, dtype=dtype)

    H, L = tiny.H, tiny.L
    encoder = Sequential(dense(tiny.D + K, H), Tanh(), *between, dense(H, 2 * L))
    decoder = Sequential(dense(L + K, H), Tanh(), dense(H, tiny.D))
    return ConditionalVAE(encoder, decoder, L, classes=K, input_shape=(tiny.D,), **options)


def conv_cvae() -> ConditionalVAE:
    """The encoder sees 1 + 3 channels, and half as many pixels as it has to say."""
    rng = np.random.default_rng(0)
    encoder = Sequential(
        Conv2d(1 + K, 2, 3, padding="same", rng=rng, dtype=np.float64),
        Tanh(),
        Flatten(),
        Dense(8, 4, rng=rng, dtype=np.float64),
    )
    decoder = Sequential(Dense(2 + K, 16, rng=rng, dtype=np.float64), Reshape(1, 4, 4))
    return ConditionalVAE(
        encoder, decoder, 2, classes=K, input_shape=(1, 4, 4), corruption=Downsampling(2)
    )


def x(shape: tuple[int, ...] = (tiny.D,), dtype: Any = np.float64) -> Array:
    return np.random.default_rng(7).random((*shape, len(LABELS))).astype(dtype)


def fixed() -> np.random.Generator:
    """The same noise at every call."""
    return np.random.default_rng(5)


def echo(likelihood: Any = None) -> ConditionalVAE:
    """μ is the first pixel and the label's second entry; an image is the code and the label."""
    encoder = Dense(2 + K, 4, rng=fixed(), bias=False, dtype=np.float64)
    encoder.w.value[...] = 0
    encoder.w.value[0, 0] = encoder.w.value[1, 3] = 1
    decoder = Dense(2 + K, 2, rng=fixed(), bias=False, dtype=np.float64)
    decoder.w.value[...] = [[1, 0, 0, 10, 20], [0, 1, 0, 100, 200]]
    return ConditionalVAE(
        encoder, decoder, 2, likelihood or SquaredError(), classes=K, input_shape=(2,)
    )


# Labels


@given(labels=st.lists(st.integers(0, 6), min_size=1, max_size=9), extra=st.integers(0, 3))
def test_one_hot_has_a_one_where_the_label_is(labels: list[int], extra: int) -> None:
    classes = max(labels) + 1 + extra
    y = one_hot(np.array(labels, np.uint8), classes, np.float32)
    assert (y.shape, y.dtype) == ((classes, len(labels)), np.float32)
    np.testing.assert_array_equal(y.sum(axis=0), 1)
    np.testing.assert_array_equal(y[labels, range(len(labels))], 1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], "labels: expected 0 … 2, got 0 … 3"),
        ([-1, 1], "labels: expected 0 … 2, got -1 … 1"),
        ([0.0, 1.0], "integers, one for each image, got (2,) float64; .astype(int)"),
        ([[0, 1]], "integers, one for each image, got (1, 2) int64; .argmax(axis=1)"),
        (1, "integers, one for each image, got () int64"),
    ],
)
def test_labels_that_are_none_are_refused_everywhere(labels: Any, message: str) -> None:
    model, images, codes = cvae(), tiny.images(2), np.zeros((2, 2), np.float32)
    labels = np.array(labels)
    for call in (
        lambda: one_hot(labels, K, np.float32),
        lambda: model.loss(x(dtype=np.float32)[:, :2], labels, rng=fixed()),
        lambda: model.encode(images, labels),
        lambda: model.decode(codes, labels),
        lambda: model.reconstruct(images, labels),
        lambda: model.sample(labels=labels, rng=fixed()),
        lambda: model.restyle(images, labels),
        lambda: model.interpolate(images, images, labels=labels),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            call()


def test_log_prob_depends_on_the_label() -> None:
    model, labels = cvae(), np.arange(200) % K
    images = tiny.images(200)
    draws = [model.log_prob(images, labels, rng=np.random.default_rng(i)) for i in range(50)]
    bound = elbo(model, Dataset(images, labels), draws=50, rng=fixed())
    tolerance = 5 * np.std(draws) / np.sqrt(10_000)
    assert np.mean(draws) == pytest.approx(-bound.total.mean, abs=tolerance)
    another = model.log_prob(images, (labels + 1) % K, rng=np.random.default_rng(0))
    assert (another != draws[0]).all()


def test_the_label_stands_beside_the_features_as_constant_channels() -> None:
    vectors, images = x(), x((2, 3, 4))
    y = one_hot(LABELS, K, np.float64)
    np.testing.assert_array_equal(append_labels(vectors, y), np.vstack([vectors, y]))
    labelled = append_labels(images, y)
    assert labelled.shape == (2 + K, 3, 4, 5)
    np.testing.assert_array_equal(labelled[:2], images)
    for k in range(K):
        np.testing.assert_array_equal(labelled[2 + k], np.broadcast_to(k == LABELS, (3, 4, 5)))
    sequences = x((6, 2))
    labelled = append_labels(sequences, y)
    assert labelled.shape == (6, 2 + K, 5)
    np.testing.assert_array_equal(labelled[:, :2], sequences)
    for k in range(K):
        np.testing.assert_array_equal(labelled[:, 2 + k], np.broadcast_to(k == LABELS, (6, 5)))
    with pytest.raises(ValueError, match="labels: expected one for each of 4 images, got 5"):
        append_labels(vectors[:, :4], y)


def test_a_model_of_sequences_takes_labels(rng: np.random.Generator) -> None:
    encoder = Sequential(
        Conv1d(2 + K, 4, 3, padding="same", rng=rng), Flatten(), Dense(24, 4, rng=rng)
    )
    decoder = Sequential(Dense(2 + K, 12, rng=rng), Reshape(6, 2))
    model = ConditionalVAE(encoder, decoder, 2, SquaredError(), classes=K, input_shape=(6, 2))
    sequences = rng.random((5, 6, 2), np.float32)
    assert model.reconstruct(sequences, LABELS).shape == (5, 6, 2)
    terms, backward = model.loss(x((6, 2), np.float32), LABELS, rng=rng)
    backward(1.0)
    assert np.isfinite(terms["total"])


def test_encoder_and_decoder_both_take_the_label() -> None:
    model, images = echo(), np.array([[0.5, 0.0], [0.25, 1.0]])
    np.testing.assert_array_equal(model.encode(images, np.array([1, 2])), [[0.5, 1], [0.25, 0]])
    codes = np.array([[1.0, 2.0]] * 3)
    want = [[1, 2], [11, 102], [21, 202]]
    np.testing.assert_array_equal(model.decode(codes, np.arange(K)), want)


# The objective


@pytest.mark.parametrize(
    ("options", "between"),
    [
        ({}, []),
        ({"beta": 4.0, "likelihood": Gaussian(0.3)}, [Dropout(0.4)]),
        ({"free_bits": 0.05}, []),
        ({"corruption": GaussianNoise(0.1, 0.2)}, []),
    ],
    ids=["Bernoulli", "Gaussian, β = 4, dropout", "free bits", "noise"],
)
def test_gradient_of_the_bound_in_every_parameter(options: Any, between: Any) -> None:
    model = cvae(*between, dtype=np.float64, **options)

    def bound() -> Any:
        terms, backward = model.loss(x(), LABELS, rng=fixed())
        return terms["total"], backward

    report = gradcheck(bound, rng=fixed(), parameters=model.parameters())
    assert report.ok, str(report)
    assert len(report.rows) == 8


def test_gradient_of_a_convolutional_one_that_sees_small_images() -> None:
    model = conv_cvae()

    def bound() -> Any:
        terms, backward = model.loss(x((1, 4, 4)), LABELS, rng=fixed())
        return terms["total"], backward

    report = gradcheck(bound, rng=fixed(), parameters=model.parameters())
    assert report.ok, str(report)


@given(beta=st.floats(0, 5), free_bits=st.sampled_from([0.0, 0.1]), weight=st.floats(0.01, 1))
def test_the_total_is_the_sum_of_its_terms_and_backward_has_a_weight(
    beta: float, free_bits: float, weight: float
) -> None:
    model = cvae(dtype=np.float64, beta=beta, free_bits=free_bits)
    theta = pack(model.parameters())
    terms, backward = model.loss(x(), LABELS, rng=fixed())
    parts = sum(w * terms[name] for name, w in model.term_weights().items())
    assert terms["total"] == pytest.approx(parts, rel=1e-12)
    backward(1.0)
    whole = theta.grad.copy()
    backward(weight)
    np.testing.assert_allclose(theta.grad, (1 + weight) * whole, rtol=1e-12, atol=1e-15)


def test_the_loss_is_that_of_decode_and_of_the_posterior() -> None:
    """At σ = 1 and |μ|² known, with the noise drawn here once more."""
    model = echo()
    mu, logvar = model.posterior(x((2,)).T, LABELS)
    z = mu + np.exp(logvar / 2) * fixed().standard_normal((2, 5)).T
    terms, _ = model.loss(x((2,)), LABELS, rng=fixed())
    error = ((model.decode(z, LABELS) - x((2,)).T) ** 2).sum(axis=1).mean()
    assert terms["reconstruction"] == pytest.approx(error, rel=1e-12)
    kl = (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1).mean() / 2
    assert terms["kl"] == pytest.approx(kl, rel=1e-12)


# The public side


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("N", [1, 2, 300])
def test_images_and_labels_in_and_images_out(N: int, dtype: Any) -> None:
    """300 are more than a chunk."""
    model, images, labels = cvae(dtype=dtype), tiny.images(N), np.arange(N) % K
    mu, logvar = model.posterior(images, labels)
    assert mu.shape == logvar.shape == (N, tiny.L)
    np.testing.assert_array_equal(model.encode(images, labels), mu)
    pictures = model.reconstruct(images, labels)
    assert (pictures.shape, pictures.dtype) == ((N, tiny.D), dtype)
    np.testing.assert_array_equal(model.decode(mu, labels), pictures)
    one = model.encode(images[-1:], labels[-1:])
    np.testing.assert_allclose(mu[-1:], one, rtol=1e-5, atol=1e-6)
    samples = model.sample(labels=labels, rng=fixed())
    assert (samples.shape, samples.dtype) == ((N, tiny.D), dtype)
    assert model.restyle(images, labels).shape == (N, K, tiny.D)
    way = model.interpolate(images, images[::-1], 4, labels)
    assert (way.shape, way.dtype) == ((N, 4, tiny.D), dtype)


def test_images_with_channels_and_the_small_ones_that_it_sees() -> None:
    model, small = conv_cvae(), np.random.default_rng(0).random((5, 1, 2, 2))
    assert model.encode(small, LABELS).shape == (5, 2)
    assert model.restyle(small, LABELS).shape == (5, K, 1, 4, 4)


def test_restyle_writes_each_class_with_the_code_of_the_image() -> None:
    model, images = cvae(), tiny.images(5)
    codes, written = model.encode(images, LABELS), model.restyle(images, LABELS)
    for k in range(K):
        by_hand = model.decode(codes, np.full(5, k))
        np.testing.assert_allclose(written[:, k], by_hand, rtol=1e-5, atol=1e-6)
    same = written[np.arange(5), LABELS]
    np.testing.assert_allclose(same, model.reconstruct(images, LABELS), rtol=1e-5, atol=1e-6)


def test_interpolation_changes_the_style_and_keeps_the_class() -> None:
    """A straight line of codes; what the echo adds for classes 1 and 2 is the same all along."""
    start, end = np.array([[0.0, 0.0]] * 2), np.array([[1.0, 0.0]] * 2)
    way = echo().interpolate(start, end, 3, np.array([1, 2]))
    want = [[[10, 101], [10.5, 101], [11, 101]], [[20, 200], [20.5, 200], [21, 200]]]
    np.testing.assert_allclose(way, want)


def test_a_sample_is_a_draw_from_the_prior_in_the_class_asked_for() -> None:
    """The echo shows the codes: mean 0 and covariance I, five standard errors."""
    count = 20_000
    z = echo().sample(labels=np.ones(count, int), rng=fixed()) - [10, 100]
    assert (np.abs(z.mean(axis=0)) < 5 / np.sqrt(count)).all()
    assert (np.abs(np.cov(z.T) - np.eye(2)) < 5 * np.sqrt([[2, 1], [1, 2]]) / np.sqrt(count)).all()


def test_after_learning_there_is_no_dropout() -> None:
    noisy, quiet = cvae(Dropout(0.5)), cvae()
    images = tiny.images(5)
    np.testing.assert_array_equal(noisy.encode(images, LABELS), quiet.encode(images, LABELS))
    x5 = x(dtype=np.float32)
    terms = noisy.inference().loss(x5, LABELS, rng=fixed())[0]
    assert terms == quiet.loss(x5, LABELS, rng=fixed())[0]


# Training


def run(threads: int = 1, **options: Any) -> Trainer:
    run = {"seed": 0, "batch_size": 8, "micro_batch": 3, "threads": threads}
    return Trainer(cvae(**options), Adam(1e-2), **run)  # type: ignore[arg-type]


def test_one_seed_gives_the_same_bits_on_two_threads_and_after_a_stop(tmp_path: Any) -> None:
    one, two, again = run(1), run(2), run(1)
    one.fit(DATA, validation=DATA, epochs=3)
    two.fit(DATA, validation=DATA, epochs=1, checkpoint=tmp_path / "run")
    again.resume(tmp_path / "run")
    two.fit(DATA, validation=DATA, epochs=3)
    again.fit(DATA, validation=DATA, epochs=3)
    assert one.history == two.history == again.history
    for other in (two, again):
        np.testing.assert_array_equal(one.replicas.theta.value, other.replicas.theta.value)


def test_every_image_has_its_own_label_whatever_the_order() -> None:
    t, rows = run(), np.array([7, 0, 19])
    images, labels = t.model.batch(DATA, rows)
    np.testing.assert_array_equal(labels, rows % K)
    np.testing.assert_allclose(images, DATA.images[rows].reshape(3, -1).T / 255, rtol=1e-6)


def test_refuses_images_without_labels() -> None:
    t = run()
    with pytest.raises(ValueError, match="fit data: expected a Dataset with labels, got images"):
        t.fit(DATA.images, epochs=1)
    with pytest.raises(ValueError, match="fit validation: expected a Dataset with labels"):
        t.fit(DATA, validation=DATA.images, epochs=1)


def test_the_class_leaves_the_code(rng: np.random.Generator) -> None:
    """An image is a class's blank pattern times a strength: given the class, z has the strength."""
    count = 600
    labels: IntArray = np.arange(count) % K
    patterns = rng.random((K, 4, 4)) > 0.5
    strength = rng.uniform(0.2, 1.0, count)
    data = Dataset((patterns[labels] * strength[:, None, None]).astype(np.float32), labels)
    model, untold = cvae(likelihood=Gaussian(0.01)), tiny.vae(likelihood=Gaussian(0.01))
    for m in (model, untold):
        Trainer(m, Adam(1e-2), seed=0, batch_size=50, threads=1).fit(data, epochs=40)

    def guessed(codes: Array) -> float:
        probe = SoftmaxProbe().fit(codes[:300], labels[:300])
        return accuracy(probe.predict(codes[300:]), labels[300:])

    codes = model.encode(data.images, labels)
    assert guessed(codes) < 0.5 < 0.95 < guessed(untold.encode(data.images))  # by chance 1/3
    best = max(abs(np.corrcoef(codes[:, i], strength)[0, 1]) for i in range(tiny.L))
    assert best > 0.9


# What is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ConditionalVAE(
                tiny.encoder(4), tiny.decoder(), 2, classes=1, input_shape=(16,)
            ),
            "ConditionalVAE: expected classes ≥ 2, got 1",
        ),
        (
            lambda: ConditionalVAE(
                tiny.encoder(4), tiny.decoder(), 2, classes=3, input_shape=(16,)
            ),
            "ConditionalVAE encoder: Sequential, layer 0: Dense: expected a sample of shape (16,), "
            "got (19,)",
        ),
        (
            lambda: ConditionalVAE(
                tiny.encoder(4), tiny.decoder(), 2, classes=3, input_shape=(13,)
            ),
            "ConditionalVAE decoder: Sequential, layer 0: Dense: expected a sample of shape (2,), "
            "got (5,)",
        ),
        (
            lambda: cvae().loss(x(dtype=np.float32), LABELS),
            "ConditionalVAE loss: expected rng, the source of ε; got none",
        ),
        (
            lambda: cvae().loss(x(dtype=np.float32), LABELS[:4], rng=fixed()),
            "labels: expected one for each of 5 images, got 4",
        ),
        (
            lambda: cvae().encode(tiny.images(3), LABELS),
            "encode labels: expected (3,) integers, one for each image, got (5,) int64",
        ),
        (
            lambda: cvae().decode(np.zeros((5, 3)), LABELS),
            "decode: expected (N, 2), got (5, 3)",
        ),
        (
            lambda: cvae().interpolate(tiny.images(5), tiny.images(5), 1, LABELS),
            "interpolate: expected steps ≥ 2, got 1",
        ),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
