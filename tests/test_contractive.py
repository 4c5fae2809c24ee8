"""The contractive autoencoder: its penalty is the Jacobian's, and so is what it learns."""

import re
from typing import Any

import numpy as np
import pytest
import tiny
from checks.contractive import (
    LIKELIHOODS,
    check_objective_gradient,
    check_penalty_by_hand,
    check_penalty_gradient,
    check_weighted_backward,
    contractive,
    x,
)
from hypothesis import given
from hypothesis import strategies as st

from nnscratch import losses
from nnscratch.layers import Conv2d, ConvTranspose2d, Dense, ReLU, Sequential
from nnscratch.likelihoods import Likelihood, SquaredError
from nnscratch.losses import contraction
from nnscratch.models import Autoencoder, ContractiveAutoencoder
from nnscratch.models import contractive as contractive_module
from nnscratch.models.contractive import jacobian_norms
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

pytestmark = pytest.mark.plain

SIZES, SEEDS = st.integers(1, 4), st.integers(0, 99)


# The penalty


@given(M=SIZES, D=SIZES, N=SIZES, seed=SEEDS)
def test_gradient_of_the_penalty(M: int, D: int, N: int, seed: int) -> None:
    check_penalty_gradient(losses, M, D, N, seed)


def test_penalty_by_hand() -> None:
    check_penalty_by_hand(losses)


@given(code=SIZES, N=SIZES)
def test_the_penalty_is_the_mean_square_of_the_norm_of_the_jacobian(code: int, N: int) -> None:
    """The closed form, the encoder's own backward, and differences of its forward agree."""
    model = contractive(code=code)
    terms, _ = model.loss(x(N))
    norms = jacobian_norms(model, x(N).T)
    assert norms.shape == (N,)
    assert terms["contraction"] == pytest.approx((norms**2).mean(), rel=1e-12)
    h = 2**-13
    steps = h * np.eye(tiny.D)[:, :, None]
    rows = (model.encode((x(N) + d).T) - model.encode((x(N) - d).T) for d in steps)
    squares = sum((row / (2 * h)) ** 2 for row in rows)
    np.testing.assert_allclose(norms**2, squares.sum(axis=1), rtol=1e-6)


# The objective


@pytest.mark.parametrize("strength", [0.0, 0.7])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_gradient_in_every_parameter(likelihood: Likelihood, strength: float) -> None:
    check_objective_gradient(contractive_module, likelihood, strength)


@given(weight=st.floats(0.01, 1))
def test_backward_adds_its_weight_times_the_gradient(weight: float) -> None:
    check_weighted_backward(contractive_module, weight)


@given(strength=st.floats(0, 5))
def test_the_total_is_the_weighted_sum_of_its_parts(strength: float) -> None:
    model = contractive(strength)
    terms, _ = model.loss(x())
    assert terms["total"] == terms["reconstruction"] + strength * terms["contraction"]
    assert model.term_weights() == {"reconstruction": 1.0, "contraction": strength}
    assert terms["contraction"] > 0


def test_the_decoder_is_the_encoder_transposed() -> None:
    model = contractive(likelihood=SquaredError())
    w, b = model.w.value, model.encoder.layers[0].b.value
    h = 1 / (1 + np.exp(-(w @ x() + b[:, None])))
    np.testing.assert_allclose(model.encode(x().T), h.T, rtol=1e-12)
    c = model.decoder.layers[0].b.value
    np.testing.assert_allclose(model.decode(h.T), h.T @ w + c, rtol=1e-12)


# Learning


def train(strength: float, **options: Any) -> ContractiveAutoencoder:
    model = ContractiveAutoencoder(tiny.D, 4, strength, rng=np.random.default_rng(0))
    trainer = Trainer(model, Adam(0.01), seed=0, batch_size=16, **options)
    trainer.fit(tiny.images(64), epochs=20)
    return model


def test_any_number_of_threads_learns_the_same() -> None:
    """Two replicas: the twin's w is one in its encoder, its decoder and its penalty."""
    one, two = train(0.5, threads=1), train(0.5, threads=2)
    for name, p in one.parameters().items():
        np.testing.assert_array_equal(p.value, two.parameters()[name].value)


def test_two_lanes_learn_what_one_does() -> None:
    one, two = train(0.5, replicas=1), train(0.5, replicas=2)
    np.testing.assert_allclose(one.w.value, two.w.value, atol=1e-4)


def test_contraction_contracts() -> None:
    """More of it, a smaller Jacobian: that is what it is for."""
    norms = [jacobian_norms(train(strength), tiny.images(64)).mean() for strength in (0, 0.3, 3)]
    assert norms[0] > 1.2 * norms[1] > 1.2**2 * norms[2]


def test_one_strength_is_not_another() -> None:
    """A checkpoint of one is none of the other: Trainer compares settings and weights."""
    objectives = [
        Trainer(contractive(strength), Adam(0.01), seed=0).objective for strength in (0.1, 0.2)
    ]
    assert objectives[0] != objectives[1]
    assert objectives[0]["model"] == "ContractiveAutoencoder"


# How far codes move


def test_the_jacobian_of_rectifiers_by_hand() -> None:
    """z = relu(w x): rows of w where it is positive, none where it is not; of (C, H, W) images."""
    layer = Dense(4, 2, rng=np.random.default_rng(0), dtype=np.float64)
    layer.w.value[...] = [[1, 2, 0, 2], [-1, 1, 0, 0]]
    back = Dense(2, 4, rng=np.random.default_rng(0), dtype=np.float64)
    model = Autoencoder(Sequential(layer, ReLU()), back, input_shape=(4,))
    images = np.array([[1.0, 1, 0, 0], [0, 1, 0, 0]]).reshape(2, 2, 2)
    np.testing.assert_allclose(jacobian_norms(model, images), [3, np.sqrt(9 + 2)])


def test_measuring_leaves_no_gradient_behind() -> None:
    model = tiny.autoencoder()
    jacobian_norms(model, tiny.images(5))
    assert not any(p.grad.any() for p in model.parameters().values())


# What is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: contractive(-1), "ContractiveAutoencoder: expected strength ≥ 0, got -1"),
        (lambda: contractive(np.nan), "ContractiveAutoencoder: expected strength ≥ 0, got nan"),
        (lambda: contractive(code=0), "Dense: expected out_features ≥ 1, got 0"),
        (
            lambda: contraction(np.ones((3, 2)), np.ones((2, 4))),
            "contraction w: expected (3, D) float64, got (2, 4) float64",
        ),
        (
            lambda: jacobian_norms(contractive(), np.zeros((2, 5))),
            "jacobian_norms: expected (N, 16), got (2, 5)",
        ),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_the_jacobian_of_a_code_that_is_an_image() -> None:
    """A linear encoder's Jacobian is its matrix, which takes unit images to its columns."""
    rng = np.random.default_rng(0)
    encoder = Conv2d(1, 2, 2, rng=rng)
    decoder = ConvTranspose2d(2, 1, 2, rng=rng)
    model = Autoencoder(encoder, decoder, SquaredError(), input_shape=(1, 4, 4))
    units = np.eye(16, dtype=np.float32).reshape(1, 4, 4, 16)
    matrix = encoder.forward(units)[0] - encoder.forward(0 * units)[0]
    norms = jacobian_norms(model, rng.random((3, 1, 4, 4)).astype(np.float32))
    np.testing.assert_allclose(norms, np.full(3, np.linalg.norm(matrix)), rtol=1e-5)
