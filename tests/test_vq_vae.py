"""The VQ-VAE: its codebook, the gradients that it defines, and what these are not."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from checks.latent import (
    check_averages,
    check_codebook_error,
    check_nearest,
    check_perplexity,
    check_revival,
)
from hypothesis import given
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch import latent_losses
from nnscratch.core import Array, pack
from nnscratch.gradcheck.gradcheck import gradcheck
from nnscratch.latent_losses import codebook_error
from nnscratch.models import codebook as codebooks
from nnscratch.models.codebook import Codebook
from nnscratch.training.checkpoint import arrays_of

pytestmark = pytest.mark.plain

F64: Any = {"dtype": np.float64}
SIZES, SEEDS = st.integers(1, 6), st.integers(0, 99)
SHAPES = {"vector": (3,), "image": (3, 2, 2), "sequence": (4, 3)}


def codebook(K: int = 5, D: int = 3, **options: Any) -> Codebook:
    """K vectors of D numbers from N(0, 1), far enough from each other to be told apart."""
    rng = np.random.default_rng(1)
    made = Codebook(K, D, rng=rng, **options)
    made.w.value[...] = rng.standard_normal((K, D))
    made.sums[...] = made.w.value
    return made


def vq(
    code_shape: tuple[int, ...] = (3, 2, 2), dtype: Any = np.float32, **options: Any
) -> nn.VQVAE:
    """16 numbers to a code of this shape and back."""
    rng, M = np.random.default_rng(0), int(np.prod(code_shape))
    encoder = nn.Sequential(nn.Dense(16, M, rng=rng, dtype=dtype), nn.Reshape(*code_shape))
    decoder = nn.Sequential(nn.Flatten(), nn.Dense(M, 16, rng=rng, dtype=dtype))
    if len(code_shape) == 1:
        encoder, decoder = nn.Sequential(encoder[0]), nn.Sequential(decoder[1])
    own = {"beta": "commitment"}
    words = {own.get(k, k): options.pop(k) for k in ("beta", "likelihood") if k in options}
    return nn.VQVAE(encoder, decoder, codebook(dtype=dtype, **options), **words, input_shape=(16,))


def x(N: int = 4, seed: int = 7) -> Array:
    return np.random.default_rng(seed).random((16, N))


def fixed() -> np.random.Generator:
    return np.random.default_rng(5)


# The codebook


@given(K=SIZES, D=SIZES, seed=SEEDS)
def test_nearest_is_the_nearest(K: int, D: int, seed: int) -> None:
    check_nearest(codebooks, K, D, seed)


@given(steps=st.integers(1, 3), seed=SEEDS)
def test_moving_averages_are_those_of_the_formula(steps: int, seed: int) -> None:
    check_averages(codebooks, steps, seed)


@pytest.mark.parametrize("decay", [None, 0.9])
def test_a_dead_code_is_revived_as_a_vector_of_the_batch(decay: float | None) -> None:
    check_revival(codebooks, decay)


def test_the_error_of_a_codebook_by_hand() -> None:
    check_codebook_error(latent_losses)


def test_perplexity_counts_the_codes_in_use() -> None:
    check_perplexity(codebooks)


def test_of_equal_distances_the_first_counts() -> None:
    book = codebook(4, 2, **F64)
    book.w.value[...] = [[1, 0], [-1, 0], [-1, 0], [1, 0]]
    z = np.array([[0.0, -3, 2], [0, 0, 1]])[:, None]
    np.testing.assert_array_equal(book.nearest(z), [[0, 1, 0]])


def test_codes_come_to_the_means_of_what_they_stand_for() -> None:
    """Without noise in the batches the averages end at k-means' fixed point."""
    book = codebook(2, 1, decay=0.5, dead=0, **F64)
    book.w.value[...] = book.sums[...] = [[0.0], [5.0]]
    z = np.array([[[1.0, 2.0, 9.0, 11.0]]])
    for _ in range(60):
        book.learn(z, book.nearest(z), book.draw(4, None))
    np.testing.assert_allclose(book.w.value, [[1.5], [10.0]], rtol=1e-4)


def test_no_code_is_revived_that_is_chosen_or_where_none_is_to_be() -> None:
    for dead, chosen in ((0.0, 0), (0.9, 1)):
        book = codebook(2, 1, decay=0.5, dead=dead, **F64)
        z = np.zeros((1, 1, 1))
        for _ in range(20):
            before = book.counts.copy()
            book.learn(z + 3, np.array([[chosen]]), np.zeros(2, int))
            assert book.counts[1 - chosen] == (1 if dead else before[1] / 2)
    assert book.counts[1] == pytest.approx(1, abs=1e-5)


# The gradients


@pytest.mark.parametrize("decay", [None, 0.99])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_with_what_is_stopped_held_constant(shape: str, decay: float | None) -> None:
    model = vq(SHAPES[shape], decay=decay, beta=0.7, likelihood=nn.Gaussian(0.3), **F64)
    stopped = model.stop(x())

    def loss() -> Any:
        terms, backward = model.loss(x(), rng=fixed(), stopped=stopped)
        return terms["total"], backward

    report = gradcheck(loss, rng=fixed(), parameters=model.parameters())
    assert report.ok, str(report)
    assert len(report.rows) == (5 if decay is None else 4)
    found = []
    for sg in (None, stopped):  # what training calls has the same gradient, to the bit
        twin = vq(SHAPES[shape], decay=decay, beta=0.7, likelihood=nn.Gaussian(0.3), **F64)
        theta = pack(twin.parameters())
        twin.loss(x(), rng=fixed(), stopped=sg)[1](1.0)
        found.append(theta.grad)
    np.testing.assert_array_equal(*found)


def test_what_is_stopped_has_the_value_of_what_is_not() -> None:
    model = vq(**F64)
    found, _ = model.loss(x(), rng=fixed())
    assert found == model.loss(x(), rng=fixed(), stopped=model.stop(x()))[0]


def test_it_is_not_the_gradient_of_the_loss_that_one_computes() -> None:
    """A reconstruction does not change with the encoder until a code does: its slope is zero."""
    model = vq(decay=None, beta=0.0, **F64)
    weight = model.encoder[0].w

    def reconstruction() -> float:
        return model.loss(x(), rng=fixed())[0]["reconstruction"]

    np.testing.assert_allclose(
        tiny.slopes(reconstruction, weight.value.reshape(-1)[:9]), 0, atol=1e-9
    )
    model.loss(x(), rng=fixed())[1](1.0)
    assert np.abs(weight.grad).max() > 0.01


def test_the_codebook_hears_nothing_of_the_reconstruction() -> None:
    """Its gradient is that of the codebook's error alone, though decoded pictures depend on it."""
    model = vq(decay=None, **F64)
    w = model.codebook.w
    terms, backward = model.loss(x(), rng=fixed())
    backward(0.5)

    def error() -> float:
        stopped = model.stop(x())
        return codebook_error(w.value, stopped.tokens, stopped.z)[0]

    np.testing.assert_allclose(
        w.grad.ravel(), 0.5 * tiny.slopes(error, w.value.reshape(-1)), rtol=1e-6
    )
    assert terms["codebook"] == error()


@pytest.mark.parametrize("decay", [None, 0.99])
def test_total_is_the_weighted_sum_of_its_terms(decay: float | None) -> None:
    model = vq(decay=decay, beta=0.6)
    terms, _ = model.loss(x().astype(np.float32), rng=fixed())
    parts = sum(w * terms[name] for name, w in model.term_weights().items())
    assert terms["total"] == pytest.approx(parts, rel=1e-12)
    assert set(terms) == {"total", "perplexity", *model.term_weights()}
    assert ("codebook" in terms) == (decay is None)


# Training


def trained(epochs: int = 2, **options: Any) -> nn.Trainer:
    run = {k: options.pop(k) for k in ("threads", "seed") if k in options}
    trainer = nn.Trainer(vq(**options), nn.Adam(0.01), batch_size=8, **{"seed": 0, **run})
    trainer.fit(tiny.images(20).reshape(20, 16), epochs=epochs)
    return trainer


def bits(trainer: nn.Trainer) -> dict[str, bytes]:
    return {name: a.tobytes() for name, a in arrays_of(trainer.model).items()}


@pytest.mark.parametrize("decay", [None, 0.9])
def test_any_number_of_threads_ends_with_the_same_bits(decay: float | None) -> None:
    one = trained(decay=decay, threads=1)
    assert bits(one) == bits(trained(decay=decay, threads=2))
    assert bits(one) != bits(trained(decay=decay, seed=1))
    assert "codebook.counts" in bits(one)


@pytest.mark.parametrize("decay", [None, 0.9])
def test_a_resumed_run_has_the_same_codebook(decay: float | None, tmp_path: Path) -> None:
    trained(1, decay=decay).save(tmp_path / "run.safetensors")
    images = tiny.images(20).reshape(20, 16)
    trainer = nn.Trainer(vq(decay=decay), nn.Adam(0.01), batch_size=8, seed=0)
    trainer.resume(tmp_path / "run.safetensors")
    trainer.fit(images, epochs=2)
    assert bits(trainer) == bits(trained(2, decay=decay))


def test_a_codebook_without_averages_learns_in_replicas() -> None:
    assert not vq(decay=None, dead=0).whole_batch
    assert vq(decay=None).whole_batch
    assert vq(dead=0).whole_batch


def test_it_learns_four_kinds_of_image_with_four_codes() -> None:
    """Four patterns, one token of four: the codebook comes to name them, and the error vanishes."""
    rng = np.random.default_rng(0)
    kinds = rng.random((4, 16))
    images = kinds[np.arange(64) % 4]
    sizes = (16, 8, 2), (2, 8, 16)
    nets = [nn.models.lesson.mlp(s, rng=rng) for s in sizes]
    book = nn.Codebook(4, 2, decay=0.9, rng=rng)
    model = nn.VQVAE(*nets, book, nn.Gaussian(0.01), input_shape=(16,))
    trainer = nn.Trainer(model, nn.Adam(0.01), batch_size=64, seed=0)
    history = trainer.fit(images, epochs=400)
    assert history[-1]["train"]["perplexity"] > 3.9
    assert len(np.unique(model.tokens(kinds))) == 4
    assert ((model.reconstruct(images) - images) ** 2).mean() < 1e-3


def test_a_language_model_is_its_prior() -> None:
    rng, model = np.random.default_rng(0), vq()
    images = tiny.images(20).reshape(20, 16)
    tokens = model.tokens(images)
    assert tokens.shape == (20, 4)
    prior = nn.LanguageModel(nn.models.sequences.SequenceDecoder(5, 6, 0, rng=rng), steps=4)
    nn.Trainer(prior, nn.Adam(0.01), seed=0, batch_size=8).fit(tokens, epochs=1)
    pictures = model.decode_tokens(prior.sample(3, rng=rng))
    assert pictures.shape == (3, 16)
    np.testing.assert_array_equal(model.decode_tokens(tokens), model.reconstruct(images))


# Use


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_decoded_is_the_nearest_code(shape: str) -> None:
    model, images = vq(SHAPES[shape]), tiny.images(5).reshape(5, 16)
    q = model.encode(images)
    assert q.shape == (5, *SHAPES[shape])
    np.testing.assert_array_equal(model.decode(q), model.reconstruct(images))
    moved = q + 1e-3 * np.random.default_rng(0).standard_normal(q.shape).astype(np.float32)
    np.testing.assert_array_equal(model.decode(moved), model.decode(q))
    z = model.encoder.forward((images.T / 255).astype(np.float32))[0]
    D = np.moveaxis(np.moveaxis(z, -1, 0), 2 if shape == "sequence" else 1, -1).reshape(-1, 3)
    nearest = ((D[:, None] - model.codebook.w.value) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(model.tokens(images).ravel(), nearest)


def test_log_prob_is_that_of_the_quantised_code() -> None:
    model, images = vq(likelihood=nn.Gaussian(0.5)), tiny.images(3).reshape(3, 16)
    a, t = model.reconstruct(images), (images / 255).astype(np.float32)
    want = -((a - t) ** 2).sum(axis=1) - 8 * np.log(np.pi)
    np.testing.assert_allclose(model.log_prob(images), want, rtol=1e-5)


# What is refused


@pytest.mark.parametrize("part", ["encoder", "decoder", "reconstruct"])
def test_it_is_not_exported(part: str, tmp_path: Path) -> None:
    """What a network makes of a code that is not in the codebook is not what the model does."""
    alone = "expected a model of an encoder and a decoder alone"
    with pytest.raises(ValueError, match=f"export_onnx VQVAE: {alone}"):
        nn.export_onnx(tmp_path / "model.onnx", vq(), part)
    with pytest.raises(ValueError, match=f"{alone}, got VQVAE"):
        nn.explorer.write(tmp_path / "page.html", vq(), tiny.images(20))


def of_nan() -> nn.VQVAE:
    model = vq()
    model.codebook.w.value[0, 0] = np.nan
    return model


def of_square(book: Any) -> nn.VQVAE:
    both = [nn.Dense(16, 16, rng=fixed()) for _ in range(2)]
    return nn.VQVAE(*both, book, input_shape=(16,))


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: codebook(0), "Codebook: expected codes ≥ 1, got 0"),
    (lambda: codebook(3, 0), "Codebook: expected features ≥ 1, got 0"),
    (lambda: codebook(decay=1.0), "Codebook: expected decay in (0, 1), got 1.0"),
    (lambda: codebook(dead=1), "Codebook: expected dead in [0, 1), got 1"),
    (lambda: vq(beta=-1), "VQVAE: expected commitment ≥ 0, got -1"),
    (lambda: vq(beta=np.nan), "VQVAE: expected commitment ≥ 0, got nan"),
    (
        lambda: vq((2, 3, 2)),
        "VQVAE encoder: expected 3 channels, as the codebook has, got (2, 3, 2)",
    ),
    (lambda: of_square(codebook(5, 16, **F64)), "VQVAE codebook: expected float32, got float64"),
    (lambda: of_square(np.ones((5, 16))), "VQVAE codebook: expected a Codebook, got ndarray"),
    (
        lambda: vq().loss(x().astype(np.float32)),
        "VQVAE loss: expected rng, which revives dead codes; got none",
    ),
    (
        lambda: vq().sample(3, rng=fixed()),
        "sample: VQVAE has no prior of its own; expected tokens, drawn by a LanguageModel",
    ),
    (
        lambda: vq().decode_tokens(np.array([[0, 1, 5, 0]])),
        "decode_tokens: expected tokens 0 … 4, got 0 … 5",
    ),
    (
        lambda: vq().decode_tokens(np.zeros((2, 3), int)),
        "decode_tokens: expected (N, 4) integers, a sequence a row, got (2, 3) int64",
    ),
    (
        lambda: of_nan().encode(np.zeros((2, 16))),
        "VQVAE codebook: expected finite numbers, got NaN or infinity",
    ),
    (
        lambda: codebook_error(np.ones((3, 2)), np.array([[3]]), np.ones((2, 1, 1))),
        "codebook_error tokens: expected tokens from 0 to 2, got 3 to 3",
    ),
    (
        lambda: codebook_error(np.ones((3, 2)), np.array([[0]]), np.ones((1, 1, 1))),
        "codebook_error z: expected (2, 1, 1) float64, got (1, 1, 1) float64",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_refuses(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_training_that_diverges_says_so_and_leaves_the_codebook_as_it_was() -> None:
    model = vq()
    before = {name: a.copy() for name, a in model.buffers().items()}
    model.encoder[0].w.value[0, 0] = np.nan
    trainer = nn.Trainer(model, nn.Adam(), seed=0, batch_size=8)
    with pytest.raises(nn.TrainingDiverged, match="commitment nan"):
        trainer.fit(tiny.images(20).reshape(20, 16), epochs=1)
    for name, a in model.buffers().items():
        np.testing.assert_array_equal(a, before[name], err_msg=name)
