"""MusicVAE: its bound and gradient, what its decoders see, how they run freely, and its border."""

import re
from collections.abc import Callable, Iterator
from itertools import product
from math import log
from typing import Any

import numpy as np
import pytest
import tiny
from checks import weighted
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscratch.core import Array, IntArray, pack
from nnscratch.layers.sampling import GaussianSample
from nnscratch.losses import categorical_nll, gaussian_kl, gaussian_kl_per_sample
from nnscratch.models import LanguageModel, MusicVAE, Transposition
from nnscratch.models.conductor import HierarchicalDecoder
from nnscratch.models.music_sizes import SIZES, Sizes, music_vae
from nnscratch.models.sequences import SequenceDecoder, SequenceEncoder
from nnscratch.models.tokens import before, drawn, own_events
from nnscratch.optimizers import Adam
from nnscratch.schedules import InverseSigmoid
from nnscratch.training import Trainer

pytestmark = pytest.mark.plain

K, T, L, H = 4, 4, 2, 3
"""Classes, steps, latent dimensions, hidden units."""


def fixed(seed: int = 5) -> np.random.Generator:
    """The same noise at every call."""
    return np.random.default_rng(seed)


def decoder(kind: str, dtype: Any = np.float64) -> Any:
    rng = fixed(1)
    if kind == "flat":
        return SequenceDecoder(K, H, L, layers=2, rng=rng, dtype=dtype)
    core = SequenceDecoder(K, H, 2, layers=1, rng=rng, dtype=dtype)
    return HierarchicalDecoder(core, L, segments=2, steps=T // 2, layers=2, rng=rng)


def model(kind: str = "flat", dtype: Any = np.float64, **options: Any) -> MusicVAE:
    encoder = SequenceEncoder(K, H, L, rng=fixed(2), dtype=dtype)
    made = MusicVAE(encoder, decoder(kind, dtype), steps=T, **options)
    for p in made.parameters().values():  # codes that say something, and logits far from equal
        p.value *= 2
    return made


def melodies(N: int = 5, seed: int = 7) -> IntArray:
    return np.random.default_rng(seed).integers(0, K, (N, T))


class Added:
    """An augmentation that adds a number of its own to the events of each melody."""

    def __call__(self, x: IntArray, *, rng: np.random.Generator) -> IntArray:
        return (x + rng.integers(0, K, x.shape[1])) % K


KIND = pytest.mark.parametrize("kind", ["flat", "hierarchical"])


# The objective


@KIND
@pytest.mark.parametrize(
    "options",
    [{}, {"beta": 0.0}, {"beta": 2.0, "free_bits": 0.5}, {"word_dropout": 0.5, "sampling": 0.5}],
    ids=["plain", "no KL", "free bits", "word dropout and sampled inputs"],
)
def test_gradient_of_the_bound_in_every_parameter(kind: str, options: dict[str, float]) -> None:
    """Central differences through θ; ε and all draws held fixed by their seed."""
    made = model(kind, augmentation=Added(), **options)
    if made.free_bits:  # some melodies are charged and some are not
        made.free_bits = float(np.median(kl_of(made, melodies())))
    theta, x = pack(made.parameters()), melodies().T
    made.loss(x, rng=fixed())[1](1.0)
    numeric = tiny.slopes(lambda: made.loss(x, rng=fixed())[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)
    idle = 12 if kind == "hierarchical" else 0  # the conductor's inputs are zeros
    assert (theta.grad == 0).sum() < idle + theta.value.size / 4


def kl_of(made: MusicVAE, x: IntArray) -> Array:
    mu, logvar = made.posterior(x)
    return gaussian_kl_per_sample(mu.T, logvar.T)


@KIND
@given(weight=st.floats(0.01, 1), beta=st.floats(0, 5))
@settings(max_examples=10)
def test_backward_adds_its_weight_times_the_gradient(kind: str, weight: float, beta: float) -> None:
    made = model(kind, beta=beta)
    weighted.check_weighted_backward(made, lambda: made.loss(melodies().T, rng=fixed()), weight)


@KIND
@given(beta=st.floats(0, 5), free=st.floats(0, 1), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_every_term_is_what_its_closed_form_says(
    kind: str, beta: float, free: float, seed: int
) -> None:
    """The KL from μ and log σ²; the reconstruction from logits of z; their sum, by its weights."""
    made, x = model(kind, beta=beta, free_bits=free), melodies(seed=seed).T
    terms, _ = made.loss(x, rng=fixed(seed))
    mu, logvar = (a.T for a in made.posterior(x.T))
    kl = (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=0) / 2
    assert terms["kl"] == pytest.approx(kl.mean(), rel=1e-12)
    z = mu + np.exp(logvar / 2) * fixed(seed).standard_normal(mu.shape)
    logits = made.decoder.forward(z, before(x, K))[0]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    nll = -sum(log(p[t, x[t, n], n]) for t, n in np.ndindex(x.shape)) / x.shape[1]
    assert terms["reconstruction"] == pytest.approx(nll, rel=1e-12)
    assert terms["accuracy"] == (p.argmax(axis=1) == x).mean()
    charged = np.maximum(kl - free, 0).mean()
    assert terms["total"] == pytest.approx(nll + beta * charged, rel=1e-12)
    parts = sum(weight * terms[name] for name, weight in made.term_weights().items())
    assert terms["total"] == pytest.approx(parts, rel=1e-12)


@KIND
def test_with_weights_of_zero_every_event_costs_log_k_and_the_code_nothing(kind: str) -> None:
    made = model(kind)
    for p in made.parameters().values():
        p.value[...] = 0
    terms, _ = made.loss(melodies().T, rng=fixed())
    assert terms["reconstruction"] == pytest.approx(T * log(K), rel=1e-12)
    assert terms["kl"] == 0


@KIND
def test_the_probabilities_of_all_sequences_add_up_to_one(kind: str) -> None:
    """Given any code, so that what the decoder says is a distribution over sequences."""
    made = model(kind)
    every = np.array(list(product(range(K), repeat=T)))
    z = np.repeat(fixed().standard_normal((L, 1)), len(every), axis=1)
    logits = made.decoder.forward(z, before(every.T, K))[0]
    each = [-categorical_nll(logits[..., [n]], every[[n]].T)[0] for n in range(len(every))]
    assert np.exp(each).sum() == pytest.approx(1, rel=1e-12)


def test_log_prob_is_the_bound_of_each_melody() -> None:
    """Below log p(x), which importance weights approach from below as well."""
    made, x = model(), melodies(40)
    draws = [made.log_prob(x, rng=fixed(seed)) for seed in range(200)]
    terms = [made.loss(x.T, rng=fixed(1000 + seed))[0]["total"] for seed in range(200)]
    error = np.std(terms) / np.sqrt(200)
    assert np.mean(draws) == pytest.approx(-np.mean(terms), abs=5 * np.sqrt(2) * error)
    mu, logvar = (a.T for a in made.posterior(x))
    weights = []
    for seed in range(200):
        eps = fixed(seed).standard_normal(mu.shape)
        z = GaussianSample().forward(mu, logvar, eps)[0]
        logits = made.decoder.forward(z, before(x.T, K))[0]
        log_p = [-categorical_nll(logits[..., [n]], x[[n]].T)[0] for n in range(len(x))]
        weights.append(log_p + ((eps**2 + logvar - z**2) / 2).sum(axis=0))
    tighter = np.log(np.mean(np.exp(weights), axis=0))
    assert np.mean(tighter) > np.mean(draws)
    np.testing.assert_array_equal(made.log_prob(x, rng=fixed(0), threads=1), draws[0])


# What a decoder sees


@KIND
def test_no_step_sees_its_own_event_or_a_later_one(kind: str) -> None:
    """And each sees the event before it, but the first of which there is none."""
    made, z, x = decoder(kind), fixed().standard_normal((L, 1)), melodies(1).T
    logits = made.forward(z, before(x, K))[0]
    for t in range(T):
        other = x.copy()
        other[t] = (x[t] + 1) % K
        moved = np.abs(made.forward(z, before(other, K))[0] - logits).max(axis=(1, 2)) > 0
        assert not moved[: t + 1].any()
        assert moved[t + 1 : t + 2].all()


def test_segments_share_nothing_but_the_code_and_the_last_event() -> None:
    """The state of the decoder is not carried over: a first event is forgotten by the second."""
    made, z, x = decoder("hierarchical"), fixed().standard_normal((L, 3)), melodies(3).T
    logits, other = made.forward(z, before(x, K))[0], x.copy()
    other[0] = (x[0] + 1) % K
    moved = np.abs(made.forward(z, before(other, K))[0] - logits).max(axis=(1, 2)) > 0
    np.testing.assert_array_equal(moved, [False, True, False, False])


def test_one_segment_is_decoded_as_the_core_decodes_the_conductors_code() -> None:
    made = decoder("hierarchical")
    z, x = fixed().standard_normal((L, 3)), melodies(3).T
    codes, _ = made.codes(z)
    assert codes.shape == (2, 2, 3)
    inputs = before(x, K)
    both = [made.core.forward(codes[s], inputs[2 * s : 2 * s + 2])[0] for s in range(2)]
    np.testing.assert_allclose(made.forward(z, inputs)[0], np.concatenate(both), rtol=1e-12)


def test_the_first_states_are_a_tanh_of_the_code_and_the_code_is_an_input_of_every_step() -> None:
    """By hand, through the cells of a layer: h and c from z, and [x_t-1, z] at each step."""
    made = SequenceDecoder(K, H, L, layers=1, rng=fixed(1), dtype=np.float64)
    z, inputs = fixed().standard_normal((L, 3)), before(melodies(3).T, K)
    s = np.tanh(made.initial.dense.w.value @ z + made.initial.dense.b.value[:, None])
    h, c = s[:H], s[H:]
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    w, u, b, d = (made.lstm.parameters()[name].value for name in names)
    for t in range(T):
        x = np.concatenate([np.eye(K + 1)[:, inputs[t]], z])
        i, f, g, o = np.split(w @ x + u @ h + (b + d)[:, None], 4)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        logits = made.output.w.value @ h + made.output.b.value[:, None]
        np.testing.assert_allclose(made.forward(z, inputs)[0][t], logits, rtol=1e-12, atol=1e-14)


@KIND
def test_step_by_step_it_says_what_it_says_of_whole_sequences(kind: str) -> None:
    made, z = decoder(kind), fixed().standard_normal((L, 5))
    inputs = before(melodies().T, K)
    step = made.start(z)
    np.testing.assert_allclose(
        [step(inputs[t]) for t in range(T)], made.forward(z, inputs)[0], rtol=1e-12, atol=1e-14
    )


# Free running, and events of one's own


@given(temperature=st.floats(0.2, 5), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_events_are_drawn_by_their_probabilities(temperature: float, seed: int) -> None:
    """With u on a fine grid the shares are the probabilities themselves."""
    a = np.random.default_rng(seed).normal(size=K)
    p = np.exp(a / temperature)
    u = (np.arange(10_000) + 0.5) / 10_000
    counts = np.bincount(drawn(np.repeat(a[:, None], len(u), axis=1), u, temperature), minlength=K)
    np.testing.assert_allclose(counts / len(u), p / p.sum(), atol=2e-4)


@pytest.mark.parametrize("u", [0.0, 1 - 2**-53])
def test_no_event_is_drawn_that_does_not_exist(u: float) -> None:
    logits = np.random.default_rng(0).normal(size=(K, 50)).astype(np.float32)
    assert np.isin(drawn(logits, np.full(50, u), 1.0), range(K)).all()
    sure = np.array([[-1e4], [0.0], [-1e4]], np.float32)
    assert drawn(sure, np.array([u]), 1.0) == 1


@KIND
def test_melodies_are_drawn_by_their_probability(kind: str, rng: np.random.Generator) -> None:
    """Of all 256 sequences those drawn from one code; five standard errors of the mean log p."""
    made = model(kind)
    every = np.array(list(product(range(K), repeat=T)))
    z = fixed().standard_normal((1, L))
    columns = np.repeat(z.T, len(every), axis=1)
    logits = made.decoder.forward(columns, before(every.T, K))[0]
    log_p = np.array(
        [-categorical_nll(logits[..., [n]], every[[n]].T)[0] for n in range(len(every))]
    )
    count = 4000
    found = made.decode(np.repeat(z, count, axis=0), temperature=1.0, rng=rng)
    rows = found @ (K ** np.arange(T)[::-1])
    p = np.exp(log_p)
    mean = (p * log_p).sum()
    error = np.sqrt((p * (log_p - mean) ** 2).sum() / count)
    assert abs(log_p[rows].mean() - mean) < 5 * error
    chi2 = ((np.bincount(rows, minlength=len(every)) - count * p) ** 2 / (count * p)).sum()
    assert chi2 < 255 + 5 * np.sqrt(2 * 255 + (1 / p).sum() / count)


@KIND
def test_at_temperature_zero_each_event_is_the_likeliest_given_those_before(kind: str) -> None:
    made, z = model(kind), fixed().standard_normal((6, L))
    x = made.decode(z).T
    logits = made.decoder.forward(z.T, before(x, K))[0]
    np.testing.assert_array_equal(logits.argmax(axis=1), x)


def test_own_events_are_draws_of_the_decoder_and_the_others_are_true() -> None:
    made, z, inputs = decoder("flat"), fixed().standard_normal((L, 500)), before(melodies(500).T, K)
    np.testing.assert_array_equal(own_events(made, z, inputs, 0.0, fixed()), inputs)
    mixed = own_events(made, z, inputs, 0.5, fixed())
    np.testing.assert_array_equal(mixed[0], inputs[0])
    assert 0.5 / 2 < (mixed[1:] != inputs[1:]).mean() < 0.5
    free = own_events(made, z, inputs, 1.0, fixed())
    u = fixed()
    u.random(inputs.shape)  # the coins; every one of them falls on its own event
    noise, x, step = u.random(inputs.shape), [np.full(500, K)], made.start(z)
    for t in range(T - 1):
        x.append(drawn(step(x[t]), noise[t], 1.0))
    np.testing.assert_array_equal(free, x)


def test_validation_is_given_true_events_and_melodies_as_they_are() -> None:
    options = {"sampling": 0.7, "word_dropout": 0.7, "augmentation": Added()}
    changed, plain, x = model(**options), model(), melodies().T
    assert changed.inference().loss(x, rng=fixed())[0] == plain.loss(x, rng=fixed())[0]
    assert changed.loss(x, rng=fixed())[0] != plain.loss(x, rng=fixed())[0]
    assert (changed.sampling, changed.word_dropout) == (0.7, 0.7)


def test_word_dropout_takes_away_so_many_events() -> None:
    made, x = model(word_dropout=0.3), np.zeros((T, 5000), int)
    gone = made.inputs(x, np.zeros((L, 5000)), fixed())[1:] == K
    assert abs(gone.mean() - 0.3) < 5 * np.sqrt(0.21 / gone.size)


def test_transposed_melodies_keep_their_steps(rng: np.random.Generator) -> None:
    """Each by a number of its own, all of which occur; what would leave the keyboard stays."""
    x = np.array([[40, 0, 1, 44], [2, 0, 0, 89]]).T.repeat(2000, axis=1)
    y = Transposition(3)(x, rng=rng)
    by = (y - x)[0, :2000]
    np.testing.assert_array_equal(
        y[:, :2000], np.where(x[:, :2000] > 1, x[:, :2000] + by, x[:, :2000])
    )
    assert np.abs(np.bincount(by + 3) - 2000 / 7).max() < 5 * np.sqrt(2000 / 7)
    np.testing.assert_array_equal(y[:, 2000:], x[:, 2000:])


# Learning


def test_learns_four_melodies_by_heart(rng: np.random.Generator) -> None:
    """Four equally likely melodies cost log 4 = 1.39 nats each, and no model says them in less."""
    made, four = model(), np.array([[0, 1, 2, 3], [3, 3, 0, 0], [1, 0, 1, 0], [2, 2, 2, 1]])
    theta, adam = pack(made.parameters()), Adam(0.03)
    for _ in range(500):
        made.loss(four.T, rng=rng)[1](1.0)
        adam.step(theta)
    terms, _ = made.loss(np.tile(four.T, 50), rng=rng)
    assert log(4) < terms["total"] < 2.2
    scratch = model(beta=0.02)
    theta, adam = pack(scratch.parameters()), Adam(0.03)
    for _ in range(500):
        scratch.loss(four.T, rng=rng)[1](1.0)
        adam.step(theta)
    np.testing.assert_array_equal(scratch.reconstruct(four), four)


def run(threads: int | None, **options: Any) -> Iterator[Array]:
    made = model(dtype=np.float32, augmentation=Added(), **options)
    anneal = {"sampling": InverseSigmoid(3.0)}
    trainer = Trainer(made, Adam(1e-2), seed=3, batch_size=16, threads=threads, anneal=anneal)
    trainer.fit(melodies(40), validation=melodies(20, 1), epochs=2)
    yield from (p.value for p in made.parameters().values())
    yield np.array([row["validation"]["total"] for row in trainer.history])


def test_a_run_belongs_to_its_seed_on_any_number_of_threads() -> None:
    """Transposition, scheduled sampling and word dropout draw from the streams of the trainer."""
    one = list(run(1, word_dropout=0.2))
    for a, b, c in zip(one, run(2, word_dropout=0.2), run(2), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


# A language model


def language_model(dtype: Any = np.float64) -> LanguageModel:
    return LanguageModel(SequenceDecoder(K, H, 0, rng=fixed(), dtype=dtype), steps=T)


def test_gradient_of_a_language_model() -> None:
    made, x = language_model(), melodies().T
    theta = pack(made.parameters())
    made.loss(x)[1](1.0)
    numeric = tiny.slopes(lambda: made.loss(x)[0]["total"], theta.value)
    np.testing.assert_allclose(theta.grad, numeric, rtol=1e-7, atol=1e-9)


def test_log_prob_of_a_language_model_is_exact_and_adds_up_to_one() -> None:
    made = language_model()
    every = np.array(list(product(range(K), repeat=T)))
    log_p = made.log_prob(every)
    assert np.exp(log_p).sum() == pytest.approx(1, rel=1e-12)
    assert made.loss(every.T)[0]["total"] == pytest.approx(-log_p.mean(), rel=1e-12)
    count = 3000
    found = made.sample(count, rng=fixed()) @ (K ** np.arange(T)[::-1])
    spread = np.sqrt((np.exp(log_p) * log_p**2).sum() - (np.exp(log_p) * log_p).sum() ** 2)
    entropy = (np.exp(log_p) * log_p).sum()
    assert abs(log_p[found].mean() - entropy) < 5 * spread / np.sqrt(count)


def test_a_language_model_learns_with_a_trainer() -> None:
    made = language_model(np.float32)
    made.augmentation = Added()
    trainer = Trainer(made, Adam(1e-2), seed=0, batch_size=8)
    history = trainer.fit(melodies(30), epochs=30, validation=melodies(30))
    assert history[-1]["validation"]["total"] < history[0]["validation"]["total"]
    assert made.inference().augmentation is None
    assert list(made.term_weights()) == ["reconstruction"]


# The border


@KIND
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("N", [1, 3])
def test_melodies_in_and_melodies_out(kind: str, N: int, dtype: Any) -> None:
    made, x = model(kind, dtype), melodies(N).astype(np.uint8)
    mu, logvar = made.posterior(x)
    assert mu.shape == logvar.shape == (N, L)
    assert mu.dtype == logvar.dtype == dtype
    np.testing.assert_array_equal(made.encode(x), mu)
    np.testing.assert_array_equal(made.reconstruct(x), made.decode(mu))
    way = made.interpolate(x, melodies(N, 1), 5)
    assert way.shape == (N, 5, T)
    np.testing.assert_array_equal(way[:, 0], made.reconstruct(x))
    samples = made.sample(7, temperature=0.5, rng=fixed())
    np.testing.assert_array_equal(samples, made.sample(7, temperature=0.5, rng=fixed(), threads=1))
    assert samples.shape == (7, T)
    assert np.isin(samples, range(K)).all()


def test_a_way_between_equal_or_opposite_codes_is_a_way() -> None:
    """An arc divides by sin 0 there; a way to itself stays where it is."""
    made, x = model(), melodies(3)
    np.testing.assert_array_equal(
        made.interpolate(x, x, 4), np.repeat(made.reconstruct(x)[:, None], 4, axis=1)
    )
    for p in made.encoder.parameters().values():
        p.value[...] = 0  # now all codes are 0
    assert np.isin(made.interpolate(x, melodies(3, 1), 4), range(K)).all()


@pytest.mark.parametrize("name", ["cat-mel_2bar_small", "mel_2bar"])
def test_sizes_have_names(name: str) -> None:
    made, sizes = music_vae(name, rng=fixed()), SIZES[name]
    shapes = {name: p.value.shape for name, p in made.parameters().items()}
    (E, _), Z, (H, _) = sizes.encoder, sizes.latent_dim, sizes.decoder
    assert shapes["encoder.lstm.weight_ih_l0_reverse"] == (4 * E, 90)
    assert shapes["encoder.output.weight"] == (2 * Z, 2 * E)
    assert shapes["decoder.initial.weight"] == (4 * H, Z)
    assert shapes["decoder.lstm.weight_ih_l0"] == (4 * H, 91 + Z)
    assert shapes["decoder.lstm.weight_ih_l1"] == (4 * H, H)
    assert (made.steps, made.beta) == (32, sizes.beta)


def test_a_hierarchical_model_has_a_segment_a_bar() -> None:
    made = music_vae(Sizes(3, (4, 2), 5, (6, 2), (7, 2), 0.2, 8), rng=fixed(), beta=0.3)
    assert (made.steps, made.beta, made.free_bits) == (48, 0.3, 8 * log(2))
    assert made.decoder.segments == 3
    shapes = {name: p.value.shape for name, p in made.parameters().items()}
    assert shapes["encoder.lstm.weight_ih_l1"] == (16, 8)
    assert shapes["decoder.conductor.weight_hh_l1"] == (28, 7)
    assert shapes["decoder.core.lstm.weight_ih_l0"] == (24, 91 + 7)
    assert made.decode(np.zeros((2, 5))).shape == (2, 48)


# What is refused


def parts() -> tuple[SequenceEncoder, SequenceDecoder]:
    return SequenceEncoder(K, H, L, rng=fixed(), dtype=np.float64), decoder("flat")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MusicVAE(*parts(), steps=0), "MusicVAE: expected steps ≥ 1, got 0"),
        (lambda: model(beta=-1), "MusicVAE: expected beta ≥ 0, got -1"),
        (lambda: model(free_bits=np.nan), "MusicVAE: expected free_bits ≥ 0, got nan"),
        (lambda: model(sampling=2), "MusicVAE: expected sampling in [0, 1], got 2"),
        (lambda: model(word_dropout=-1), "MusicVAE: expected word_dropout in [0, 1], got -1"),
        (lambda: model(augmentation=3), "MusicVAE augmentation: "),
        (
            lambda: MusicVAE(SequenceEncoder(K, H, 3, rng=fixed()), decoder("flat"), steps=T),
            "MusicVAE decoder: expected latent_dim 3, got 2",
        ),
        (
            lambda: MusicVAE(SequenceEncoder(5, H, L, rng=fixed()), decoder("flat"), steps=T),
            "MusicVAE decoder: expected classes 5, got 4",
        ),
        (
            lambda: MusicVAE(parts()[0], decoder("hierarchical"), steps=5),
            "HierarchicalDecoder: expected 2 · 2 steps, got 5",
        ),
        (
            lambda: MusicVAE(parts()[0], decoder("flat", np.float32), steps=T),
            "MusicVAE: expected parameters of one dtype, got float32 and float64",
        ),
        (lambda: model().loss(melodies().T), "MusicVAE loss: expected rng, the source of ε"),
        (lambda: model().encode(melodies()[0]), "encode: expected (N, 4) integers, a sequence a "),
        (lambda: model().encode(melodies() + 1), "encode: expected tokens 0 … 3, got 1 … 4"),
        (lambda: model().encode(-melodies()), "encode: expected tokens 0 … 3, got -3 … 0"),
        (lambda: model().encode(melodies() / 2), "encode: expected (N, 4) integers"),
        (lambda: model().encode(melodies()[:0]), "encode: expected (N, 4) integers"),
        (lambda: model().encode([[1, 2], [3]]), "encode: expected (N, 4) integers, but"),
        (lambda: model().decode(np.zeros((2, 3))), "decode: expected (N, 2), got (2, 3)"),
        (lambda: model().decode(np.full((2, 2), np.nan)), "decode: expected finite numbers"),
        (
            lambda: model().decode(np.zeros((2, 2)), temperature=-1),
            "decode: expected temperature ≥ 0, got -1",
        ),
        (lambda: model().decode(np.zeros((2, 2)), temperature=1), "decode: expected rng, a numpy"),
        (lambda: model().sample(0, rng=fixed()), "sample: expected count ≥ 1, got 0"),
        (lambda: model().interpolate(melodies(), melodies(), 1), "interpolate: expected steps ≥ 2"),
        (lambda: music_vae("mel", rng=fixed()), "music_vae: expected one of cat-mel_2bar_small,"),
        (
            lambda: LanguageModel(decoder("flat"), steps=T),
            "LanguageModel decoder: expected latent_dim 0, got 2",
        ),
        (
            lambda: Trainer(model(), Adam(), seed=0).fit(np.zeros((9, 3), int), epochs=1),
            "expected (N, 4) integers, a sequence a row, got (9, 3)",
        ),
        (
            lambda: language_model().decoder.forward(np.zeros((L, 1)), before(melodies(1).T, K)),
            "SequenceDecoder: expected no z, as its latent_dim is 0",
        ),
    ],
)
def test_refuses(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_says_what_it_is() -> None:
    text = repr(model(word_dropout=0.25))
    assert "word_dropout: 0.25" in text
    assert "latent_dim: 2" in text


def test_the_kl_is_that_of_log_variances() -> None:
    """As the rest of the library has it: the last rows of the encoder's output are log σ²."""
    made, x = model(), melodies()
    mu, logvar = made.posterior(x)
    assert gaussian_kl(mu.T, logvar.T)[0] == made.loss(x.T, rng=fixed())[0]["kl"]
