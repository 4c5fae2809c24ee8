"""The variational autoencoder: its bound, the gradient of the bound, and its border."""

import re
from math import log
from typing import Any

import numpy as np
import pytest
import tiny
from checks import weighted
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array, pack
from nnscratch.evaluation import elbo
from nnscratch.layers import Dense, Dropout, Identity, Sequential
from nnscratch.likelihoods import Bernoulli, Gaussian, Likelihood, SquaredError
from nnscratch.losses import gaussian_kl_per_sample
from nnscratch.models import VAE
from nnscratch.models.lesson import dense_vae
from nnscratch.optimizers import Adam

pytestmark = pytest.mark.plain


def x(N: int = 5, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(7).random((tiny.D, N)).astype(dtype)


def fixed() -> np.random.Generator:
    """The same noise at every call."""
    return np.random.default_rng(5)


def affine(w: Array, b: Array) -> Dense:
    layer = Dense(w.shape[1], w.shape[0], rng=fixed(), dtype=np.float64)
    layer.w.value[...] = w
    layer.b.value[...] = b  # type: ignore[union-attr]
    return layer


# The objective


@pytest.mark.parametrize(
    ("likelihood", "beta", "between"),
    [
        (Bernoulli(), 1.0, Identity()),
        (Bernoulli(), 0.0, Identity()),
        (Gaussian(0.3), 4.0, Dropout(0.4)),
        (SquaredError(), 1.0, Identity()),
    ],
    ids=["Bernoulli", "no KL", "Gaussian, β = 4, dropout", "squared error"],
)
def test_gradient_of_the_bound_in_every_parameter(
    likelihood: Likelihood, beta: float, between: Any
) -> None:
    """Central differences through θ; ε and the dropout mask held fixed by their seed."""
    model = tiny.vae(between, dtype=np.float64, likelihood=likelihood, beta=beta)
    theta = pack(model.parameters())
    model.loss(x(), rng=fixed())[1](1.0)
    numeric = tiny.slopes(lambda: model.loss(x(), rng=fixed())[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)


@given(weight=st.floats(0.01, 1), beta=st.floats(0, 5))
def test_backward_adds_its_weight_times_the_gradient(weight: float, beta: float) -> None:
    model = tiny.vae(dtype=np.float64, beta=beta)
    weighted.check_weighted_backward(model, lambda: model.loss(x(), rng=fixed()), weight)


@given(beta=st.floats(0, 10), seed=st.integers(0, 99))
def test_the_total_is_reconstruction_plus_beta_times_kl(beta: float, seed: int) -> None:
    model = tiny.vae(dtype=np.float64, beta=beta)
    terms, _ = model.loss(x(), rng=np.random.default_rng(seed))
    assert terms["total"] == terms["reconstruction"] + beta * terms["kl"]
    assert model.term_weights() == {"reconstruction": 1.0, "kl": beta}
    assert terms["kl"] > 0


def test_beta_may_change_from_step_to_step() -> None:
    """A backward belongs to the β of its forward."""
    model = tiny.vae(dtype=np.float64, beta=1.0)
    theta = pack(model.parameters())
    model.loss(x(), rng=fixed())[1](1.0)
    at_one = theta.grad.copy()
    theta.grad[...] = 0
    _, backward = model.loss(x(), rng=fixed())
    model.beta = 9.0
    backward(1.0)
    np.testing.assert_array_equal(theta.grad, at_one)
    assert model.term_weights()["kl"] == 9


# The bound on log p(x), where the model is linear and Gaussian and everything is known:
#
#     z ~ N(0, I),  x | z ~ N(w z + b, s² I),  so  x ~ N(b, w wᵀ + s² I)

W = np.array([[2.0, 0.0], [0.0, 0.5], [0.0, 1.0]])  # orthogonal columns: a diagonal posterior
B, S2, POINT = np.array([0.5, -1.0, 0.0]), 0.4, np.array([1.5, 0.3, -0.7])
DRAWS = 40_000


def linear(mu: Array, logvar: Array) -> VAE:
    """q(z|x) = N(mu, exp logvar) whatever x is."""
    encoder = affine(np.zeros((4, 3)), np.concatenate([mu, logvar]))
    return VAE(encoder, affine(W, B), 2, Gaussian(S2), input_shape=(3,))


def normal(x: Array, mean: Array, var: Any) -> Array:
    """log N(x; mean, var I), summed over rows."""
    return (-((x - mean) ** 2) / (2 * var) - np.log(2 * np.pi * var) / 2).sum(axis=0)


def test_the_bound_is_the_mean_of_log_p_of_x_and_z_less_log_q_of_z() -> None:
    """By Monte Carlo with draws and densities of this file; within five standard errors."""
    mu, logvar = np.array([0.4, -0.2]), np.array([-1.0, 0.5])
    rng = np.random.default_rng(1)
    z = mu[:, None] + np.exp(logvar / 2)[:, None] * rng.standard_normal((2, DRAWS))
    log_p_x_given_z = normal(POINT[:, None], W @ z + B[:, None], S2)
    ratio = log_p_x_given_z + normal(z, 0, 1.0) - normal(z, mu[:, None], np.exp(logvar)[:, None])
    terms, _ = linear(mu, logvar).loss(np.tile(POINT[:, None], DRAWS), rng=np.random.default_rng(2))
    error = (ratio.std() + log_p_x_given_z.std()) / np.sqrt(DRAWS)
    assert abs(-terms["total"] - ratio.mean()) < 5 * error
    assert abs(-terms["reconstruction"] - log_p_x_given_z.mean()) < 10 * error
    kl = (log_p_x_given_z - ratio).mean()
    assert abs(terms["kl"] - kl) < 5 * (log_p_x_given_z - ratio).std() / np.sqrt(DRAWS)


def log_evidence() -> float:
    covariance = W @ W.T + S2 * np.eye(3)
    d = POINT - B
    _, logdet = np.linalg.slogdet(2 * np.pi * covariance)
    return float(-(d @ np.linalg.solve(covariance, d) + logdet) / 2)


def test_at_the_true_posterior_the_bound_is_log_p_of_x() -> None:
    """q = p(z|x) = N(V wᵀ(x - b)/s², V) with V = (I + wᵀw/s²)⁻¹; five standard errors."""
    V = 1 / (1 + (W**2).sum(axis=0) / S2)
    model = linear(V * (W.T @ (POINT - B)) / S2, np.log(V))
    x = np.tile(POINT[:, None], DRAWS)
    terms, _ = model.loss(x, rng=fixed())
    z = model.encode(POINT[None])[0][:, None] + np.sqrt(V)[:, None] * fixed().standard_normal(
        (2, DRAWS)
    )
    spread = normal(POINT[:, None], W @ z + B[:, None], S2).std()
    assert abs(-terms["total"] - log_evidence()) < 5 * spread / np.sqrt(DRAWS)


@given(seed=st.integers(0, 99))
def test_elsewhere_the_bound_is_below_log_p_of_x(seed: int) -> None:
    """By KL(q ‖ p(z|x)), which is ½ or more for these q."""
    mu, logvar = np.random.default_rng(seed).normal([[2.0, 3.0], [0.0, 0.0]])
    x = np.tile(POINT[:, None], 2000)
    terms, _ = linear(mu, logvar).loss(x, rng=fixed())
    assert -terms["total"] < log_evidence()


def test_learns_eight_images_by_heart(rng: np.random.Generator) -> None:
    """Eight equally likely images cost log 8 = 2.08 nats each, and no model says them in less."""
    model = tiny.vae(dtype=np.float64)
    eight = rng.integers(0, 2, (tiny.D, 8)).astype(np.float64)
    theta, adam = pack(model.parameters()), Adam(0.02)
    for _ in range(1500):
        _, backward = model.loss(eight, rng=rng)
        backward(1.0)
        adam.step(theta)
    sure, _ = model.loss(np.tile(eight, 100), rng=rng)
    assert log(8) < sure["total"] < 4.5
    np.testing.assert_array_equal(model.reconstruct(eight.T) > 0.5, eight.T == 1)


# Noise


def test_the_noise_is_a_standard_normal_draw_scaled_by_sigma() -> None:
    """x - μ(x) over σ, as an identity decoder shows it: mean 0 and variance 1."""
    logvar = np.array([-2.0, 1.0])
    model = VAE(
        affine(np.zeros((4, 2)), np.concatenate([[3.0, -1.0], logvar])),
        affine(np.eye(2), np.zeros(2)),
        2,
        SquaredError(),
        input_shape=(2,),
    )
    terms, _ = model.loss(np.tile([[3.0], [-1.0]], DRAWS), rng=fixed())
    variance = np.exp(logvar)  # the squared error is Σ σ² ε²
    error = np.sqrt(2 * (variance**2).sum() / DRAWS)
    assert abs(terms["reconstruction"] - variance.sum()) < 5 * error


def test_one_seed_one_loss_and_another_seed_another() -> None:
    model = tiny.vae()
    one, same, other = (
        model.loss(x(dtype=np.float32), rng=np.random.default_rng(s))[0] for s in (1, 1, 2)
    )
    assert one == same
    assert one["reconstruction"] != other["reconstruction"]
    assert one["kl"] == other["kl"]


# The border


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("N", [1, 2, 7])
def test_images_in_and_images_out(N: int, dtype: Any) -> None:
    model = tiny.vae(dtype=dtype)
    images = tiny.images(N)
    mu, logvar = model.posterior(images)
    assert mu.shape == logvar.shape == (N, tiny.L)
    assert mu.dtype == logvar.dtype == dtype
    np.testing.assert_array_equal(model.encode(images), mu)
    pictures = model.decode(mu)
    assert (pictures.shape, pictures.dtype) == ((N, tiny.D), dtype)
    np.testing.assert_array_equal(model.reconstruct(images), pictures)
    way = model.interpolate(images, tiny.images(N, seed=1), 6, spherical=True)
    assert (way.shape, way.dtype) == ((N, 6, tiny.D), dtype)
    samples = model.sample(3, rng=fixed())
    assert (samples.shape, samples.dtype) == ((3, tiny.D), dtype)


def test_posterior_is_what_the_loss_uses() -> None:
    model = tiny.vae(dtype=np.float64)
    mu, logvar = model.posterior(x().T)
    kl = (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1).mean() / 2
    assert model.loss(x(), rng=fixed())[0]["kl"] == pytest.approx(kl, rel=1e-12)


def test_bytes_are_255ths() -> None:
    model, images = tiny.vae(dtype=np.float64), tiny.images(5)
    np.testing.assert_array_equal(model.posterior(images), model.posterior(images / 255))


def test_codes_are_drawn_from_the_prior(rng: np.random.Generator) -> None:
    """A decoder that is the identity shows them: mean 0, covariance I, five standard errors."""
    model = VAE(
        affine(np.zeros((4, 2)), np.zeros(4)),
        affine(np.eye(2), np.zeros(2)),
        2,
        SquaredError(),
        input_shape=(2,),
    )
    count = 20_000
    z = model.sample(count, rng=rng)
    assert (np.abs(z.mean(axis=0)) < 5 / np.sqrt(count)).all()
    assert (np.abs(np.cov(z.T) - np.eye(2)) < 5 * np.sqrt([[2, 1], [1, 2]]) / np.sqrt(count)).all()
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / (2 * count))  # and Gaussian: E z⁴ = 3


def test_samples_belong_to_their_seed() -> None:
    one, same, other = (tiny.vae().sample(4, rng=np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_after_learning_there_is_no_dropout() -> None:
    noisy, quiet = tiny.vae(Dropout(0.5)), tiny.vae(Identity())
    np.testing.assert_array_equal(noisy.encode(tiny.images(4)), quiet.encode(tiny.images(4)))
    x5 = x(dtype=np.float32)
    inferred = noisy.inference()
    assert isinstance(inferred, VAE)
    assert inferred.loss(x5, rng=fixed())[0] == quiet.loss(x5, rng=fixed())[0]


def test_the_lessons_network_has_the_lessons_size(rng: np.random.Generator) -> None:
    model = dense_vae(rng=rng)
    shapes = {name: p.value.shape for name, p in model.parameters().items() if "weight" in name}
    assert shapes == {
        "encoder.0.weight": (512, 784),
        "encoder.2.weight": (4, 512),
        "decoder.0.weight": (512, 2),
        "decoder.2.weight": (784, 512),
    }


def test_log_prob_is_the_elbo_of_each_image() -> None:
    """In the mean over draws, that of the elbo; and noise is of the seed alone."""
    model, images = tiny.vae(), tiny.images(200)
    draws = [model.log_prob(images, rng=np.random.default_rng(seed)) for seed in range(50)]
    bound = elbo(model, images, draws=50, rng=fixed())
    each = np.mean(draws, axis=0)
    assert each.mean() == pytest.approx(-bound.total.mean, abs=5 * np.std(draws) / np.sqrt(10_000))
    again = model.log_prob(images, rng=np.random.default_rng(0), threads=1)
    np.testing.assert_array_equal(again, draws[0])


# What is refused


def test_refuses_to_do_without_noise() -> None:
    with pytest.raises(ValueError, match="VAE loss: expected rng, the source of ε; got none"):
        tiny.vae().loss(x(dtype=np.float32))
    with pytest.raises(TypeError, match="rng"):
        tiny.vae().sample(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: VAE(tiny.encoder(2), tiny.decoder(), 2, input_shape=(16,)),
            "VAE encoder: expected an output of shape (4,), got (2,)",
        ),
        (
            lambda: VAE(tiny.encoder(6), tiny.decoder(), 3, input_shape=(16,)),
            "VAE decoder: Sequential, layer 0: Dense: expected a sample of shape (2,), got (3,)",
        ),
        (
            lambda: VAE(tiny.encoder(4), tiny.decoder(), 2, input_shape=(15,)),
            "VAE encoder: Sequential, layer 0: Dense: expected a sample of shape (16,), got (15,)",
        ),
        (
            lambda: VAE(
                tiny.encoder(4), Sequential(tiny.decoder().layers[0]), 2, input_shape=(16,)
            ),
            "VAE: expected an output of shape (16,), got (8,)",
        ),
        (lambda: tiny.vae(beta=-1), "VAE: expected beta ≥ 0, got -1"),
        (lambda: tiny.vae(beta=np.nan), "VAE: expected beta ≥ 0, got nan"),
        (
            lambda: VAE(tiny.encoder(4), tiny.decoder(), 0, input_shape=(16,)),
            "VAE: expected latent_dim ≥ 1, got 0",
        ),
        (lambda: tiny.vae().sample(-3, rng=fixed()), "sample: expected count ≥ 1, got -3"),
        (lambda: tiny.vae().decode(np.zeros((2, 4))), "decode: expected (N, 2), got (2, 4)"),
        (lambda: tiny.vae().posterior(np.zeros((2, 4))), "posterior: expected (N, 16), got (2, 4)"),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


# Free bits


def test_free_bits_by_hand() -> None:
    """Nats, a sample at a time, never a reward: of two samples one is charged, the other is not.

    x = (1, ½) has μ = 2x and σ = 1, so KL = ½μ² = (2, ½). One nat free, (1, 0) is charged: ½ in the
    mean, where one nat off the mean KL would leave ¼. The gradient in the weight that is 2 is that
    of the first sample's KL, (1/N) μ x = 1, whole; the second's would add ¼.
    """
    encoder = affine(np.array([[2.0], [0.0]]), np.zeros(2))
    decoder = affine(np.zeros((1, 1)), np.zeros(1))  # says 0 whatever z is: |x|², without a slope
    model = VAE(encoder, decoder, 1, SquaredError(), 3.0, input_shape=(1,), free_bits=1.0)
    terms, backward = model.loss(np.array([[1.0, 0.5]]), rng=fixed())
    assert terms == {"total": 0.625 + 3 * 0.5, "reconstruction": 0.625, "kl": 1.25, "free": 0.75}
    assert model.term_weights() == {"reconstruction": 1.0, "kl": 3.0, "free": -3.0}
    backward(1.0)
    np.testing.assert_allclose(encoder.w.grad, [[3.0], [0.0]], rtol=1e-14)


def test_gradient_with_free_bits_in_every_parameter() -> None:
    """Some of the samples are charged and some are not: the allowance is the median of their KL."""
    model = tiny.vae(dtype=np.float64, beta=2.0)
    mu, logvar = model.posterior(x().T)
    kl = gaussian_kl_per_sample(mu.T, logvar.T)
    model.free_bits = float(np.sort(kl)[1:3].mean())
    theta = pack(model.parameters())
    terms, backward = model.loss(x(), rng=fixed())
    backward(1.0)
    numeric = tiny.slopes(lambda: model.loss(x(), rng=fixed())[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)
    charged = np.maximum(kl - model.free_bits, 0).mean()
    assert 0 < charged < kl.mean() - model.free_bits / 5
    assert terms["total"] == pytest.approx(terms["reconstruction"] + 2 * charged, rel=1e-12)


def test_below_the_allowance_the_kl_has_no_gradient() -> None:
    """As if β were 0, although the elbo shows the KL and what of it went free."""
    free, none = tiny.vae(dtype=np.float64, free_bits=99.0), tiny.vae(dtype=np.float64, beta=0)
    gradients = []
    for model in (free, none):
        theta = pack(model.parameters())
        terms, backward = model.loss(x(), rng=fixed())
        assert terms["total"] == terms["reconstruction"]
        backward(1.0)
        gradients.append(theta.grad)
    np.testing.assert_array_equal(*gradients)
    terms, _ = free.loss(x(), rng=fixed())
    assert terms["free"] == pytest.approx(terms["kl"], rel=1e-12)
    assert terms["kl"] > 0


def test_above_the_allowance_the_gradient_is_that_of_the_whole_kl() -> None:
    gradients = []
    for model in (tiny.vae(dtype=np.float64, free_bits=1e-9), tiny.vae(dtype=np.float64)):
        theta = pack(model.parameters())
        model.loss(x(), rng=fixed())[1](1.0)
        gradients.append(theta.grad)
    np.testing.assert_allclose(*gradients, rtol=1e-12)


@given(beta=st.floats(0, 5), free_bits=st.floats(0, 0.5))
def test_with_free_bits_the_total_is_the_sum_of_its_terms(beta: float, free_bits: float) -> None:
    model = tiny.vae(dtype=np.float64, beta=beta, free_bits=free_bits)
    terms, _ = model.loss(x(), rng=fixed())
    assert ("free" in terms) == (free_bits > 0) == ("free" in model.term_weights())
    parts = sum(weight * terms[name] for name, weight in model.term_weights().items())
    assert terms["total"] == pytest.approx(parts, rel=1e-12)
    assert 0 <= terms.get("free", 0.0) <= min(terms["kl"], free_bits) + 1e-12


def test_free_bits_keep_a_code_in_use_that_would_collapse() -> None:
    """Faint images, of which a nat of KL says too little: without an allowance it goes to 0."""
    faint = 0.05 * np.random.default_rng(1).random((tiny.D, 64))
    used = {}
    for allowance in (0.0, 1.0):
        model = tiny.vae(dtype=np.float64, likelihood=Gaussian(1.0), free_bits=allowance)
        theta, adam, rng = pack(model.parameters()), Adam(0.01), fixed()
        for _ in range(400):
            terms, backward = model.loss(faint, rng=rng)
            backward(1.0)
            adam.step(theta)
        used[allowance] = terms["kl"]
    assert used[0.0] < 0.01 < 0.1 < used[1.0]


@pytest.mark.parametrize("free_bits", [-1.0, np.nan])
def test_refuses_free_bits_that_cost(free_bits: float) -> None:
    with pytest.raises(ValueError, match=f"VAE: expected free_bits ≥ 0, got {free_bits}"):
        tiny.vae(free_bits=free_bits)


@pytest.mark.parametrize("rng", [0, None, np.random])
def test_a_sample_needs_a_generator(rng: Any) -> None:
    with pytest.raises(ValueError, match=r"sample: expected rng, a numpy\.random\.Generator, got"):
        tiny.vae().sample(2, rng=rng)
