"""Sequence-to-sequence autoencoders: their gradient, their bounds, and that one of them learns."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch.core import pack
from nnscratch.data import sines
from nnscratch.layers import ReverseSteps
from nnscratch.likelihoods import Bernoulli, SquaredError
from nnscratch.models import Autoencoder
from nnscratch.models.lesson import keras_seq2seq, seq2seq_autoencoder

pytestmark = pytest.mark.plain

Make = Callable[..., Autoencoder]
BOTH = pytest.mark.parametrize("make", [keras_seq2seq, seq2seq_autoencoder])


def small(
    make: Make, seed: int = 0, dtype: Any = np.float64, T: int = 5, D: int = 2
) -> Autoencoder:
    hidden = {} if make is keras_seq2seq else {"hidden": 4}
    return make((T, D), 3, **hidden, rng=np.random.default_rng(seed), dtype=dtype)


@BOTH
def test_gradient_in_every_parameter(make: Make, rng: np.random.Generator) -> None:
    model, x = small(make), rng.standard_normal((5, 2, 3))
    theta = pack(model.parameters())
    model.loss(x)[1](1.0)
    numeric = tiny.slopes(lambda: model.loss(x)[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)
    assert np.all(theta.grad != 0)


def test_parameters_are_as_many_as_counted_by_hand(rng: np.random.Generator) -> None:
    """An LSTM has four gates, each with a product with x, one with h, and PyTorch's two biases."""

    def lstm(D: int, H: int) -> int:
        return 4 * H * (D + H + 2)

    for model, expected in (
        (keras_seq2seq((7, 3), 5, rng=rng), lstm(3, 5) + lstm(5, 3)),
        (
            seq2seq_autoencoder((7, 3), 5, 6, rng=rng),
            lstm(3, 6) + 6 * 5 + 5 + lstm(5, 6) + 6 * 3 + 3,
        ),
    ):
        assert sum(p.value.size for p in model.parameters().values()) == expected


@BOTH
def test_sequences_become_codes_and_codes_sequences(make: Make, rng: np.random.Generator) -> None:
    model = small(make, dtype=np.float32)
    x = rng.standard_normal((6, 5, 2)).astype(np.float32)
    codes = model.encode(x)
    assert (codes.shape, codes.dtype) == ((6, 3), np.float32)
    assert model.decode(codes).shape == (6, 5, 2)
    np.testing.assert_array_equal(model.decode(codes), model.reconstruct(x))
    assert isinstance(model.likelihood, SquaredError)
    bernoulli = make((5, 2), 3, likelihood=Bernoulli(), rng=rng)
    assert isinstance(bernoulli.likelihood, Bernoulli)


@given(
    seed=st.integers(0, 2**32),
    code_size=st.floats(0.1, 1e6),
    weight_size=st.floats(0.1, 1e3),
    T=st.integers(1, 12),
    D=st.integers(1, 3),
)
def test_the_output_of_the_blogs_is_bounded_by_one_whatever_its_weights(
    seed: int, code_size: float, weight_size: float, T: int, D: int
) -> None:
    """At step t by tanh t even, since |c_t| ≤ |c_t-1| + 1; the rest is rounding."""
    rng = np.random.default_rng(seed)
    model = small(keras_seq2seq, seed, T=T, D=D)
    for p in model.parameters().values():
        p.value *= weight_size
    y = np.abs(model.decode(code_size * rng.standard_normal((4, 3))))
    assert np.all(y <= (1 + 1e-12) * np.tanh(np.arange(1, T + 1))[:, None])
    assert y.max() <= 1


def test_the_output_of_the_cured_one_is_not_bounded(rng: np.random.Generator) -> None:
    model = small(seq2seq_autoencoder)
    model.decoder.layers[-1].layer.b.value[...] = 7
    assert model.decode(rng.standard_normal((4, 3))).min() > 6


def test_the_cured_one_reads_from_the_end(rng: np.random.Generator) -> None:
    """Its encoder is that of an LSTM which is given the steps in the other order."""
    model, x = small(seq2seq_autoencoder), rng.standard_normal((6, 5, 2))
    reverse, *rest = model.encoder.layers
    assert isinstance(reverse, ReverseSteps)
    other = Autoencoder(
        nn.Sequential(*rest), model.decoder, model.likelihood, input_shape=model.input_shape
    )
    np.testing.assert_array_equal(model.encode(x), other.encode(x[:, ::-1]))


def test_the_cured_one_learns_sines_and_what_is_saved_comes_back(tmp_path: Path) -> None:
    """Of one frequency: two numbers say everything, and PCA with one of them loses almost half."""
    bounds: Any = {"frequencies": (1, 1), "amplitudes": (1.5, 2)}
    x = sines(64, 8, **bounds, rng=np.random.default_rng(0))
    model = seq2seq_autoencoder((8, 1), 2, 16, rng=np.random.default_rng(0))
    rate = nn.schedules.Cosine(2e-2, 120)
    trainer = nn.Trainer(model, nn.Adam(rate, clip_norm=8.0), seed=0, batch_size=32)
    trainer.fit(x, epochs=60)
    assert ((model.reconstruct(x) - x) ** 2).sum() < 0.1 * (x**2).sum()
    nn.save_model(tmp_path / "model.safetensors", model)
    other = seq2seq_autoencoder((8, 1), 2, 16, rng=np.random.default_rng(1))
    nn.load_model(tmp_path / "model.safetensors", other)
    np.testing.assert_array_equal(other.reconstruct(x), model.reconstruct(x))


@BOTH
@pytest.mark.parametrize("shape", [5, (5,), (5, 2, 1), "52"])
def test_a_shape_that_is_no_pair_is_refused(make: Make, shape: Any) -> None:
    message = f"{make.__name__}: expected shape, a pair (steps, features), got {shape!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        make(shape, 3, rng=np.random.default_rng(0))


@BOTH
def test_sizes_are_refused_by_the_layer_that_has_them(make: Make) -> None:
    with pytest.raises(ValueError, match="expected steps ≥ 1, got 0"):
        make((0, 2), 3, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"LSTM: expected (in_features|hidden) ≥ 1, got 0"):
        make((5, 0), 3, rng=np.random.default_rng(0))
    model = small(make)
    with pytest.raises(ValueError, match=r"encode: expected .*5, 2.*, got .*5, 3"):
        model.encode(np.zeros((4, 5, 3)))
