"""The autoencoder: its gradient through and through, its border, and what it refuses."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import tiny
from checks import weighted
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array, pack
from nnscratch.data import downsample
from nnscratch.layers import BatchNorm, Dense, Dropout, Identity, ReLU, Reshape, Sequential, Tanh
from nnscratch.likelihoods import Bernoulli, Gaussian, Likelihood, SquaredError
from nnscratch.losses import l1_penalty
from nnscratch.models import Autoencoder, batch_first
from nnscratch.models.corruption import Downsampling, GaussianNoise
from nnscratch.models.lesson import dense_autoencoder
from nnscratch.optimizers import Adam
from nnscratch.training import checkpoint

pytestmark = pytest.mark.plain

N = 5
PENALTIES = {
    "sparsity": (0.3, l1_penalty),
    "size": (0.7, lambda z: (float((z**2).sum()) / z.shape[-1], 2 * z / z.shape[-1])),
}


def x(N: int = N, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(7).random((tiny.D, N)).astype(dtype)


def identity(D: int, *, dtype: Any = np.float64) -> Dense:
    """y = x, with parameters."""
    layer = Dense(D, D, rng=np.random.default_rng(0), dtype=dtype)
    layer.w.value[...] = np.eye(D)
    return layer


# The objective


@pytest.mark.parametrize(
    ("likelihood", "penalties", "between"),
    [
        (Bernoulli(), {}, Identity()),
        (Gaussian(0.3), {}, Dropout(0.4)),
        (SquaredError(), PENALTIES, Identity()),
        (Bernoulli(), PENALTIES, Dropout(0.4)),
    ],
    ids=["Bernoulli", "Gaussian, dropout", "squared error, penalties", "all"],
)
def test_gradient_in_every_parameter(likelihood: Likelihood, penalties: Any, between: Any) -> None:
    """Central differences through θ, with the dropout mask held fixed by its seed."""
    model = tiny.autoencoder(between, dtype=np.float64, likelihood=likelihood, penalties=penalties)
    theta = pack(model.parameters())
    model.loss(x(), rng=np.random.default_rng(5))[1](1.0)

    def L() -> float:
        return model.loss(x(), rng=np.random.default_rng(5))[0]["total"]

    numeric = tiny.slopes(L, theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)


def test_gradient_when_the_encoder_sees_noise() -> None:
    """The loss still asks for the clean x."""
    model = tiny.autoencoder(dtype=np.float64, corruption=GaussianNoise(0.1, 0.2))
    theta = pack(model.parameters())
    terms, backward = model.loss(x(), rng=np.random.default_rng(5))
    backward(1.0)

    def L() -> float:
        return model.loss(x(), rng=np.random.default_rng(5))[0]["total"]

    np.testing.assert_allclose(theta.grad, tiny.slopes(L, theta.value), rtol=1e-7, atol=1e-9)
    noisy = GaussianNoise(0.1, 0.2)(x(), rng=np.random.default_rng(5))
    a, _ = model.decoder.forward(model.encoder.forward(noisy)[0])
    assert terms["reconstruction"] == Bernoulli().nll(a, x())[0]


def test_only_learning_is_corrupted_and_it_wants_a_source_of_noise() -> None:
    clean, noisy = tiny.autoencoder(), tiny.autoencoder(corruption=GaussianNoise(0.1, 0.2))
    images = tiny.images(3)
    np.testing.assert_array_equal(clean.reconstruct(images), noisy.reconstruct(images))
    with pytest.raises(ValueError, match="Autoencoder loss: expected rng to corrupt x; got none"):
        noisy.loss(x(dtype=np.float32))


def test_gradient_through_the_statistics_of_the_batch() -> None:
    model = tiny.autoencoder(BatchNorm(tiny.H, dtype=np.float64), dtype=np.float64)
    theta = pack(model.parameters())
    model.loss(x())[1](1.0)
    numeric = tiny.slopes(lambda: model.loss(x())[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)


@given(weight=st.floats(0.01, 1))
def test_backward_adds_its_weight_times_the_gradient(weight: float) -> None:
    """As a micro-batch must, which is this part of a batch; penalties are weighted too."""
    model = tiny.autoencoder(dtype=np.float64, penalties=PENALTIES)
    weighted.check_weighted_backward(model, lambda: model.loss(x()), weight)


def test_the_total_is_the_weighted_sum_of_its_parts() -> None:
    model = tiny.autoencoder(dtype=np.float64, penalties=PENALTIES)
    terms, _ = model.loss(x())
    assert model.term_weights() == {"reconstruction": 1.0, "sparsity": 0.3, "size": 0.7}
    parts = terms["reconstruction"] + 0.3 * terms["sparsity"] + 0.7 * terms["size"]
    assert terms["total"] == pytest.approx(parts, rel=1e-15)


def test_the_terms_are_those_of_code_and_output() -> None:
    model = tiny.autoencoder(dtype=np.float64, likelihood=SquaredError(), penalties=PENALTIES)
    terms, _ = model.loss(x())
    z = model.encode(x().T)
    assert terms["sparsity"] == pytest.approx(np.abs(z).sum(axis=1).mean(), rel=1e-12)
    assert terms["size"] == pytest.approx((z**2).sum(axis=1).mean(), rel=1e-12)
    error = ((model.decode(z) - x().T) ** 2).sum(axis=1).mean()
    assert terms["reconstruction"] == pytest.approx(error, rel=1e-12)


def test_learns_eight_images_by_heart(rng: np.random.Generator) -> None:
    """Through a code of two numbers: at the start the error is ½ log 2 nats a pixel, 11 in all."""
    model = tiny.autoencoder(dtype=np.float64)
    eight = rng.integers(0, 2, (tiny.D, 8)).astype(np.float64)
    theta, adam = pack(model.parameters()), Adam(0.02)
    for _ in range(1500):
        terms, backward = model.loss(eight)
        backward(1.0)
        adam.step(theta)
    assert terms["total"] < 0.1
    np.testing.assert_array_equal(model.reconstruct(eight.T) > 0.5, eight.T == 1)


# The border


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("N", [1, 2, 7])
def test_images_in_and_images_out(N: int, dtype: Any) -> None:
    model = tiny.autoencoder(dtype=dtype)
    images = tiny.images(N)
    codes = model.encode(images)
    assert (codes.shape, codes.dtype) == ((N, tiny.L), dtype)
    pictures = model.decode(codes)
    assert (pictures.shape, pictures.dtype) == ((N, tiny.D), dtype)
    np.testing.assert_array_equal(model.reconstruct(images), pictures)
    way = model.interpolate(images, tiny.images(N, seed=1), 6)
    assert (way.shape, way.dtype) == ((N, 6, tiny.D), dtype)
    samples = model.sample(3, like=tiny.images(9), rng=np.random.default_rng(0))
    assert (samples.shape, samples.dtype) == ((3, tiny.D), dtype)


def test_images_keep_the_axes_of_the_model(rng: np.random.Generator) -> None:
    """An encoder that flattens and a decoder that folds back: (1, 4, 4) in, (1, 4, 4) out."""
    model = Autoencoder(
        Sequential(Reshape(tiny.D), *tiny.encoder(tiny.L).layers),
        Sequential(*tiny.decoder().layers, Reshape(1, 4, 4)),
        input_shape=(1, 4, 4),
    )
    flat = tiny.autoencoder()
    images = tiny.images(3)
    assert model.reconstruct(images).shape == (3, 1, 4, 4)
    np.testing.assert_array_equal(
        model.reconstruct(images).reshape(3, -1), flat.reconstruct(images)
    )
    assert model.interpolate(images, images, 4).shape == (3, 4, 1, 4, 4)
    assert model.sample(2, like=images, rng=rng).shape == (2, 1, 4, 4)


@pytest.mark.parametrize("method", ["encode", "reconstruct"])
def test_bytes_are_255ths(method: str) -> None:
    f: Callable[[Array], Array] = getattr(tiny.autoencoder(dtype=np.float64), method)
    images = tiny.images(5)
    np.testing.assert_array_equal(f(images), f(images / 255))
    np.testing.assert_array_equal(f(images), f(images.reshape(5, -1)))


@pytest.mark.parametrize("method", ["encode", "reconstruct"])
@given(N=st.integers(1, 8), chunk=st.integers(1, 9))
def test_the_size_of_a_chunk_does_not_matter(method: str, N: int, chunk: int) -> None:
    f: Callable[[Array], Array] = getattr(tiny.autoencoder(dtype=np.float64), method)
    images = tiny.images(N)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_first, "CHUNK", chunk)
        in_chunks = f(images)
    np.testing.assert_allclose(in_chunks, f(images), rtol=1e-12)


def test_encode_and_decode_are_the_layers_and_the_mean_of_the_likelihood() -> None:
    model = tiny.autoencoder(dtype=np.float64)
    z, _ = model.encoder.forward(x())
    np.testing.assert_array_equal(model.encode(x().T), z.T)
    a, _ = model.decoder.forward(z)
    np.testing.assert_allclose(model.decode(z.T), 1 / (1 + np.exp(-a.T)), rtol=1e-12)


@pytest.mark.parametrize("spherical", [False, True])
def test_a_way_begins_and_ends_with_the_reconstructions(spherical: bool) -> None:
    model = tiny.autoencoder(dtype=np.float64)
    start, end = tiny.images(3), tiny.images(3, seed=1)
    way = model.interpolate(start, end, 5, spherical=spherical)
    np.testing.assert_allclose(way[:, 0], model.reconstruct(start), rtol=1e-12)
    np.testing.assert_allclose(way[:, -1], model.reconstruct(end), rtol=1e-12)
    assert not np.allclose(way[:, 2], way[:, 0])


def test_a_straight_way_is_straight_in_code_space() -> None:
    """A model that is the identity shows its codes."""
    model = Autoencoder(identity(2), identity(2), SquaredError(), input_shape=(2,))
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    np.testing.assert_allclose(model.interpolate(a, b, 3)[0, 1], [0.5, 0.5])
    np.testing.assert_allclose(
        model.interpolate(a, b, 3, spherical=True)[0, 1], [0.5**0.5, 0.5**0.5]
    )


def test_samples_have_the_mean_and_covariance_of_the_codes(rng: np.random.Generator) -> None:
    """The identity again: what it decodes are the draws. Five standard errors."""
    model = Autoencoder(identity(2), identity(2), SquaredError(), input_shape=(2,))
    like = rng.standard_normal((50, 2)) @ np.array([[2.0, 1.0], [0.0, 0.5]]) + [3.0, -1.0]
    count = 20_000
    draws = model.sample(count, like=like, rng=rng)
    want = np.cov(like.T)
    error = np.abs(draws.mean(axis=0) - like.mean(axis=0))
    assert (error < 5 * np.sqrt(np.diag(want) / count)).all()
    variances = np.outer(np.diag(want), np.diag(want)) + want**2  # of the entries of a covariance
    assert (np.abs(np.cov(draws.T) - want) < 5 * np.sqrt(variances / count)).all()


def test_a_code_of_one_number_can_be_sampled_too(rng: np.random.Generator) -> None:
    layers = (Dense(4, 1, rng=rng), Dense(1, 4, rng=rng))
    model = Autoencoder(*layers, input_shape=(4,))
    assert model.sample(3, like=rng.random((9, 4)), rng=rng).shape == (3, 4)


# Learning and after


def test_after_learning_there_is_no_dropout() -> None:
    noisy, quiet = tiny.autoencoder(Dropout(0.5)), tiny.autoencoder(Identity())
    images = tiny.images(4)
    np.testing.assert_array_equal(noisy.reconstruct(images), quiet.reconstruct(images))
    x4 = x(4, np.float32)
    assert noisy.inference().loss(x4)[0] == quiet.loss(x4)[0]
    assert noisy.loss(x4, rng=np.random.default_rng(0))[0] != quiet.loss(x4)[0]


def test_after_learning_an_image_does_not_know_its_batch() -> None:
    """BatchNorm's statistics are fixed then; while learning they are those of the batch."""
    model = tiny.autoencoder(BatchNorm(tiny.H, dtype=np.float64), dtype=np.float64)
    assert model.whole_batch
    assert not tiny.autoencoder().whole_batch
    model.loss(x())[1](1.0)
    images = tiny.images(5)
    together, alone = model.encode(images), model.encode(images[:1])
    np.testing.assert_allclose(together[:1], alone, rtol=1e-12)
    learning, _ = model.encoder.forward(images.reshape(5, -1).T / 255)
    assert not np.allclose(learning.T, together)


def test_buffers_and_parameters_have_the_names_of_their_part() -> None:
    model = tiny.autoencoder(BatchNorm(tiny.H))
    assert set(model.buffers()) == {"encoder.2.running_mean", "encoder.2.running_var"}
    assert list(model.parameters()) == [
        "encoder.0.weight",
        "encoder.0.bias",
        "encoder.2.weight",
        "encoder.2.bias",
        "encoder.3.weight",
        "encoder.3.bias",
        "decoder.0.weight",
        "decoder.0.bias",
        "decoder.2.weight",
        "decoder.2.bias",
    ]


def test_the_lessons_networks_have_the_lessons_sizes(rng: np.random.Generator) -> None:
    def size(model: Autoencoder) -> int:
        return sum(p.value.size for p in model.parameters().values())

    assert size(dense_autoencoder(rng=rng)) == 50_992
    assert size(dense_autoencoder((128, 64), rng=rng)) == 222_384
    assert dense_autoencoder(rng=rng).encode(np.zeros((2, 28, 28), np.uint8)).min() >= 0


# Elsewhere


@pytest.mark.parametrize("how", ["in memory", "from a file"])
def test_the_dense_layers_are_pytorchs(how: str, tmp_path: Any) -> None:
    """The arrays of encoder and decoder go into torch.nn.Sequential as they are."""
    torch = pytest.importorskip("torch")
    linear = torch.nn.Linear
    twins = {
        "encoder": torch.nn.Sequential(linear(16, 8), torch.nn.Tanh(), linear(8, 2)),
        "decoder": torch.nn.Sequential(linear(2, 8), torch.nn.Tanh(), linear(8, 16)),
    }
    model = tiny.autoencoder()
    if how == "in memory":
        state = {k: torch.from_numpy(p.value) for k, p in model.parameters().items()}
    else:
        from safetensors.torch import load_file

        checkpoint.save_model(tmp_path / "model.safetensors", model)
        state = load_file(tmp_path / "model.safetensors")
    for part, twin in twins.items():
        own = {k.removeprefix(f"{part}."): a for k, a in state.items() if k.startswith(part)}
        twin.load_state_dict(own, strict=True)
    images = x(6, np.float32).T
    theirs = torch.sigmoid(twins["decoder"](twins["encoder"](torch.from_numpy(images.copy()))))
    np.testing.assert_allclose(
        model.reconstruct(images), theirs.detach().numpy(), rtol=1e-5, atol=1e-6
    )


# What is refused


def test_refuses_noise_without_a_source() -> None:
    with pytest.raises(ValueError, match="Sequential: expected rng, since a layer is noisy"):
        tiny.autoencoder(Dropout(0.5)).loss(x(dtype=np.float32))


def dense(*sizes: int, dtype: Any = np.float32) -> Sequential:
    rng = np.random.default_rng(0)
    layers: list[Any] = []
    for D, M in pairwise(sizes):
        layers += [Dense(D, M, rng=rng, dtype=dtype), ReLU()]
    return Sequential(*layers[:-1])


@pytest.mark.parametrize(
    ("encoder", "decoder", "message"),
    [
        (
            Sequential(*dense(16, 8).layers, Tanh(), *dense(9, 2).layers),
            dense(2, 16),
            "Autoencoder encoder: Sequential, layer 2: Dense: expected a sample of shape (9,), "
            "got (8,)",
        ),
        (
            dense(15, 2),
            dense(2, 16),
            "Autoencoder encoder: Sequential, layer 0: Dense: expected a sample of shape (15,), "
            "got (16,)",
        ),
        (
            dense(16, 8, 2),
            dense(3, 8, 16),
            "Autoencoder decoder: Sequential, layer 0: Dense: expected a sample of shape (3,), "
            "got (2,)",
        ),
        (
            dense(16, 2),
            dense(2, 15),
            "Autoencoder: expected an output of shape (16,), got (15,)",
        ),
        (
            dense(16, 2),
            dense(2, 16, dtype=np.float64),
            "Autoencoder: expected parameters of one dtype, got float32 and float64",
        ),
        (Identity(), ReLU(), "Autoencoder: expected parameters of one dtype, got none"),
    ],
)
def test_refuses_to_be_put_together(encoder: Any, decoder: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Autoencoder(encoder, decoder, input_shape=(16,))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.encode(np.zeros((3, 5))), "encode: expected (N, 16), got (3, 5)"),
        (
            lambda m: m.reconstruct(np.zeros((0, 16))),
            "reconstruct: encode: expected (N, 16), got (0, 16); a batch holds",
        ),
        (
            lambda m: m.encode(np.zeros((2, 16), int)),
            "encode: expected uint8, float32 or float64, got",
        ),
        (lambda m: m.encode(np.full((2, 16), np.inf)), "encode: expected finite numbers"),
        (lambda m: m.decode(np.zeros((3, 3))), "decode: expected (N, 2), got (3, 3)"),
        (lambda m: m.decode(np.zeros(2)), "decode: expected (N, 2), got (2,); x[None] is a batch"),
        (
            lambda m: m.interpolate(tiny.images(2), tiny.images(3)),
            "interpolate: expected two (N, L) of one shape, got (2, 2), (3, 2)",
        ),
        (
            lambda m: m.interpolate(tiny.images(2), tiny.images(2), 1),
            "interpolate: expected steps ≥ 2, got 1",
        ),
        (
            lambda m: m.sample(0, like=tiny.images(2), rng=np.random.default_rng(0)),
            "sample: expected count ≥ 1, got 0",
        ),
        (
            lambda m: m.sample(2, like=tiny.images(1), rng=np.random.default_rng(0)),
            "sample: expected two images or more to be like, got 1",
        ),
        (
            lambda m: m.loss(np.zeros((16, 4))),
            "Dense x: expected (16, N) float32, got (16, 4) float64",
        ),
        (
            lambda m: m.loss(np.zeros((15, 4), np.float32)),
            "Autoencoder loss: expected (16, N), got (15, 4)",
        ),
    ],
)
def test_refuses_what_is_no_image_or_no_code(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call(tiny.autoencoder())


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.5)])
def test_log_prob_is_the_likelihood_of_each_image_given_its_code(likelihood: Any) -> None:
    model, images = tiny.autoencoder(likelihood=likelihood), tiny.images(300) / np.float32(255)
    a = model.decoder.forward(np.ascontiguousarray(model.encode(images).T))[0]
    want = likelihood.log_prob(a, images.reshape(300, -1).T)
    np.testing.assert_allclose(model.log_prob(images), want, rtol=1e-5)
    np.testing.assert_array_equal(model.log_prob(images, threads=1), model.log_prob(images))


def test_log_prob_of_a_model_that_is_shown_less_takes_the_whole_image() -> None:
    rng = np.random.default_rng(0)
    encoder = Sequential(Reshape(4), Dense(4, 2, rng=rng))
    decoder = Sequential(Dense(2, 16, rng=rng), Reshape(1, 4, 4))
    model = Autoencoder(encoder, decoder, input_shape=(1, 4, 4), corruption=Downsampling(2))
    images = tiny.images(3) / np.float32(255)
    a = np.moveaxis(model.decoder.forward(model.encode(downsample(images, 2)).T.copy())[0], -1, 0)
    want = (images[:, None] * a - np.logaddexp(0, a)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(model.log_prob(images), want, rtol=1e-5)


def test_a_shape_may_be_a_list() -> None:
    """As JSON has it, and as images.shape[1:] does not."""
    model = Autoencoder(tiny.encoder(tiny.L), tiny.decoder(), input_shape=[tiny.D])  # type: ignore[arg-type]
    assert model.input_shape == (tiny.D,)
    assert model.encode(tiny.images(3)).shape == (3, tiny.L)
