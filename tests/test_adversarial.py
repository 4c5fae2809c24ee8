"""The adversarial autoencoder: two losses, two players, and each keeps to its own end of θ."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array, pack
from nnscratch.gradcheck import gradcheck
from nnscratch.layers import BatchNorm, Conv2d, Dense, Dropout, Sequential, Tanh
from nnscratch.likelihoods import Gaussian
from nnscratch.models import AdversarialAutoencoder
from nnscratch.models.adversarial import Prior, gaussian, mixture, ring
from nnscratch.optimizers import SGD, Adam, Optimizer
from nnscratch.schedules import Cosine
from nnscratch.training import TrainingDiverged
from nnscratch.training.adversarial import AdversarialTrainer
from nnscratch.training.checkpoint import arrays_of

pytestmark = pytest.mark.plain

IMAGES, HELD_OUT = tiny.images(20), tiny.images(7, seed=1)
PRIORS: dict[str, Prior] = {"gaussian": gaussian, "ring": ring, "mixture": mixture}


def judge(*between: Any, dtype: Any = np.float32, out: int = 1) -> Sequential:
    """2 - 6 - 1."""
    rng = np.random.default_rng(2)
    first, last = (Dense(D, M, rng=rng, dtype=dtype) for D, M in ((tiny.L, 6), (6, out)))
    return Sequential(first, *between, Tanh(), last)


def aae(*between: Any, dtype: Any = np.float32, **options: Any) -> AdversarialAutoencoder:
    """16 - 8 - 2 - 8 - 16 and 2 - 6 - 1; `between` goes into the discriminator."""
    return AdversarialAutoencoder(
        tiny.encoder(tiny.L, dtype=dtype),
        tiny.decoder(dtype=dtype),
        judge(*between, dtype=dtype),
        input_shape=(tiny.D,),
        **options,
    )


def x(N: int = 5, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(7).random((tiny.D, N)).astype(dtype)


def fixed() -> np.random.Generator:
    """The same draws and the same noise at every call."""
    return np.random.default_rng(5)


def both(
    model: AdversarialAutoencoder, rate: float = 1e-2, seed: int = 0, **options: Any
) -> AdversarialTrainer:
    """Batches of 8 as micro-batches of 3, 3 and 2 on two replicas."""
    options = {"batch_size": 8, "micro_batch": 3, "threads": 1} | options
    return AdversarialTrainer(model, Adam(rate), Adam(2 * rate), seed=seed, **options)


def state(trainer: AdversarialTrainer) -> dict[str, Any]:
    """Everything that is, or will be, a number of this run; bits for bits."""
    arrays = arrays_of(trainer.model)
    steps = {}
    for name, optimizer in trainer.optimizers().items():
        arrays |= {f"{name}.{k}": a for k, a in optimizer.state.items()}
        steps[name] = optimizer.steps
    where = (trainer.epoch, trainer.batch_index, steps, trainer.sums, json.dumps(trainer.history))
    return {name: a.tobytes() for name, a in arrays.items()} | {"where": where}


# The two losses


@pytest.mark.parametrize(
    ("between", "options"),
    [
        ([], {}),
        ([], {"weight": 0.0}),
        ([Dropout(0.3)], {"weight": 2.5, "likelihood": Gaussian(0.3), "prior": ring}),
    ],
    ids=["Bernoulli", "no opponent", "Gaussian, weight 2.5, dropout"],
)
def test_gradient_of_the_autoencoders_loss_in_every_parameter(between: Any, options: Any) -> None:
    """The discriminator's too, which is what the trainer throws away."""
    model = aae(*between, dtype=np.float64, **options)

    def loss() -> Any:
        terms, backward = model.loss(x(), rng=fixed())
        return terms["total"], backward

    report = gradcheck(loss, rng=fixed(), parameters=model.parameters())
    assert report.ok, str(report)
    assert len(report.rows) == 12


def test_what_the_generator_asks_of_the_encoder_is_the_gradient_of_its_term() -> None:
    """The decoder hears nothing of it. The total, less the reconstruction, is 3 generator."""
    model, without = (aae(dtype=np.float64, weight=w) for w in (3.0, 0.0))
    for m in (model, without):
        m.loss(x(), rng=fixed())[1](1.0)
    parameters, others = model.parameters(), without.parameters()

    def generator() -> float:
        return model.loss(x(), rng=fixed())[0]["generator"]

    for name, p in parameters.items():
        extra = (p.grad - others[name].grad).ravel()
        numeric = 3 * tiny.slopes(generator, p.value.reshape(-1))
        np.testing.assert_allclose(extra, numeric, rtol=1e-7, atol=1e-9, err_msg=name)
        assert extra.any() != name.startswith("decoder")


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("between", [[], [Dropout(0.3)]], ids=["plain", "dropout"])
def test_gradient_of_the_discriminators_loss_is_its_own_and_nobody_elses(
    between: Any, prior: str
) -> None:
    model = aae(*between, dtype=np.float64, prior=PRIORS[prior])

    def loss() -> Any:
        terms, backward = model.discriminator_loss(x(), rng=fixed())
        return terms["discriminator"], backward

    report = gradcheck(loss, rng=fixed(), parameters=model.discriminator.parameters())
    assert report.ok, str(report)
    loss()[1](1.0)
    touched = {name for name, p in model.parameters().items() if p.grad.any()}
    assert touched == {f"discriminator.{name}" for name in model.discriminator.parameters()}


@given(weight=st.floats(0, 5), scale=st.floats(0.01, 1), seed=st.integers(0, 99))
def test_total_is_the_sum_of_its_terms_and_backward_has_a_weight(
    weight: float, scale: float, seed: int
) -> None:
    model = aae(dtype=np.float64, weight=weight)
    theta = pack(model.parameters())
    rng = np.random.default_rng(seed)
    terms, backward = model.loss(x(), rng=rng)
    assert set(terms) == {"total", *model.term_weights()}
    parts = sum(w * terms[name] for name, w in model.term_weights().items())
    assert terms["total"] == pytest.approx(parts, rel=1e-12)
    for back in (backward, model.discriminator_loss(x(), rng=rng)[1]):
        theta.grad[...] = 0
        back(1.0)
        whole = theta.grad.copy()
        back(scale)
        np.testing.assert_allclose(theta.grad, (1 + scale) * whole, rtol=1e-12, atol=1e-15)


def test_a_backward_belongs_to_the_weight_of_its_forward() -> None:
    """Which may be annealed from step to step."""
    model = aae(dtype=np.float64, weight=1.0)
    theta = pack(model.parameters())
    model.loss(x())[1](1.0)
    at_one = theta.grad.copy()
    theta.grad[...] = 0
    _, backward = model.loss(x())
    model.weight = 9.0
    backward(1.0)
    np.testing.assert_array_equal(theta.grad, at_one)


def opinion(w: float, b: float, **options: Any) -> AdversarialAutoencoder:
    """D(z) = w z + b for codes z = x, one number each."""

    def affine(w: float, b: float) -> Dense:
        layer = Dense(1, 1, rng=fixed(), dtype=np.float64)
        layer.w.value[...], layer.b.value[...] = w, b  # type: ignore[union-attr]
        return layer

    parts = affine(1, 0), affine(1, 0), affine(w, b)
    return AdversarialAutoencoder(*parts, input_shape=(1,), **options)


def four(L: int, N: int, *, rng: np.random.Generator, dtype: Any) -> Array:
    """A prior that always says 4."""
    return np.full((L, N), 4.0, dtype)


def test_by_hand() -> None:
    """Codes 0 and 2 and draws 4: D(z) = z - 1 is wrong about one of two codes."""
    model, z = opinion(1.0, -1.0, prior=four), np.array([[0.0, 2.0]])
    softplus = np.logaddexp(0, [-3.0, -1.0, 1.0])
    terms, _ = model.discriminator_loss(z, rng=fixed())
    assert terms["discriminator"] == pytest.approx(softplus[0] + (softplus[1] + softplus[2]) / 2)
    assert terms["accuracy"] == 0.75
    generator = model.loss(z)[0]["generator"]
    assert generator == pytest.approx((softplus[2] + softplus[1]) / 2)


def test_a_discriminator_that_says_nothing_scores_two_log_two_and_half_right() -> None:
    """The 1.39 and 0.69 of the lesson's notebook."""
    model = opinion(0.0, 0.0)
    terms, _ = model.discriminator_loss(x()[:1], rng=fixed())
    assert terms == pytest.approx({"discriminator": 2 * np.log(2), "accuracy": 0.5})
    assert model.loss(x()[:1])[0]["generator"] == pytest.approx(np.log(2))


@pytest.mark.parametrize("d", [-900.0, 900.0])
def test_a_sure_discriminator_costs_what_it_should_and_not_infinity(d: float) -> None:
    model = opinion(0.0, d)
    assert model.discriminator_loss(x()[:1], rng=fixed())[0]["discriminator"] == 900
    _, backward = model.loss(x()[:1])
    backward(1.0)
    assert all(np.isfinite(p.grad).all() for p in model.parameters().values())


# Priors


def within(value: Any, want: Any, error: Any) -> None:
    """Five standard errors."""
    assert (np.abs(np.asarray(value) - want) < 5 * np.asarray(error)).all(), (value, want, error)


DRAWS = 20_000


@pytest.mark.parametrize("L", [1, 2, 5])
@pytest.mark.parametrize("name", PRIORS)
def test_moments_of_the_priors(name: str, L: int) -> None:
    """E z = 0; E z² is 1, or ½·2² + 0.2² on the circle's plane and 0.2² off it; no covariance."""
    z = PRIORS[name](L, DRAWS, rng=fixed(), dtype=np.float64)
    assert z.shape == (L, DRAWS)
    variance = np.ones(L) if name == "gaussian" else np.r_[2.04, 2.04, [0.04] * 3][:L]
    within(z.mean(axis=1), 0, np.sqrt(variance / DRAWS))
    products = z[:, None] * z[None]
    error = products.std(axis=2) / np.sqrt(DRAWS)
    within(products.mean(axis=2), np.diag(variance), error)


@pytest.mark.parametrize("name", PRIORS)
def test_shapes_of_the_priors(name: str) -> None:
    """A Gaussian has E z⁴ = 3 and radii from 0; a ring has them near 2; ten blobs are ten."""
    z = PRIORS[name](2, DRAWS, rng=fixed(), dtype=np.float64)
    r = np.hypot(*z)
    if name == "gaussian":
        within((z**4).mean(), 3, np.sqrt(96 / (2 * DRAWS)))
        return
    within(r.mean(), 2.01, 0.2 / np.sqrt(DRAWS))  # 2 + 0.2²/4 to first order
    within(r.std(), 0.2, 0.2 / np.sqrt(2 * DRAWS) + 1e-3)
    angle = np.arctan2(z[1], z[0])
    tenfold = np.cos(10 * angle).mean()  # a ring has no preferred angle, blobs have ten
    if name == "ring":
        within(tenfold, 0, 1 / np.sqrt(2 * DRAWS))
    else:
        assert tenfold > 0.5
        counts = np.bincount(np.round(angle * 10 / (2 * np.pi)).astype(int) % 10, minlength=10)
        within(counts, DRAWS / 10, np.sqrt(0.09 * DRAWS))


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_priors_have_the_dtype_asked_for_and_belong_to_their_seed(name: str, dtype: Any) -> None:
    one, same, other = (
        PRIORS[name](2, 9, rng=np.random.default_rng(s), dtype=dtype) for s in (1, 1, 2)
    )
    assert one.dtype == dtype
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


# The border


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("N", [1, 2, 300])
def test_images_in_and_images_out(N: int, dtype: Any) -> None:
    model, images = aae(dtype=dtype), tiny.images(N)
    codes = model.encode(images)
    assert (codes.shape, codes.dtype) == ((N, tiny.L), dtype)
    pictures = model.decode(codes)
    assert (pictures.shape, pictures.dtype) == ((N, tiny.D), dtype)
    np.testing.assert_array_equal(model.reconstruct(images), pictures)
    samples = model.sample(N, rng=fixed())
    assert (samples.shape, samples.dtype) == ((N, tiny.D), dtype)


def test_samples_are_decoded_draws_from_the_prior() -> None:
    model = aae(prior=mixture)
    draws = mixture(tiny.L, 6, rng=fixed(), dtype=np.float32)
    np.testing.assert_array_equal(model.sample(6, rng=fixed()), model.decode(draws.T))


def test_parameters_are_the_autoencoders_and_then_the_discriminators() -> None:
    owners = [name.partition(".")[0] for name in aae().parameters()]
    assert owners == ["encoder"] * 4 + ["decoder"] * 4 + ["discriminator"] * 4


# Two players


Vectors = tuple[Array, Array]


def moved(stop: bool, rates: tuple[float, float], weight: float = 1.0) -> Vectors:
    """Take one step of plain descent; return how far θ has moved at the two ends."""
    model = aae(dtype=np.float64, weight=weight)
    options = {"batch_size": 8, "threads": 1, "stop": stop}
    optimizers = [SGD(rate) for rate in rates]
    t = AdversarialTrainer(model, *optimizers, seed=0, **options)  # type: ignore[arg-type, misc]
    before = t.replicas.theta.value.copy()
    t.train_step(IMAGES, np.arange(8))
    assert not t.replicas.grads.any()
    step = t.replicas.theta.value - before
    return step[: t.split], step[t.split :]


def test_each_player_moves_its_own_end_of_theta() -> None:
    one, two = moved(True, (0.1, 0.0)), moved(True, (0.0, 0.1))
    assert one[0].all()
    assert not one[1].any()
    assert not two[0].any()
    assert two[1].all()


def test_the_discriminator_takes_the_gradient_of_its_own_loss_and_no_other() -> None:
    """Minus a tenth of ∂L_D/∂θ, at the autoencoder that its opponent's step has left."""
    t = both(aae(dtype=np.float64))
    t.optimizer, t.discriminator_optimizer = SGD(0.1), SGD(0.1)
    before = t.replicas.theta.value[t.split :].copy()
    batch = t.model.batch(IMAGES, np.arange(8))[0]
    t.train_step(IMAGES, np.arange(8))
    step = t.replicas.theta.value[t.split :] - before
    t.replicas.theta.value[t.split :] = before
    t.replicas.grads[...] = 0
    for i in range(3):
        piece = batch[:, 3 * i : 3 * i + 3]
        rng = t.stream(3, 0, 0, i)
        t.model.discriminator_loss(piece, rng=rng)[1](piece.shape[1] / 8)
    np.testing.assert_allclose(step, -0.1 * t.replicas.grads.sum(axis=0)[t.split :], rtol=1e-9)


def test_without_the_stop_the_encoder_corrupts_its_judge() -> None:
    """The planted bug: D descends the generator's loss as well, by just that gradient."""
    right, wrong = moved(True, (0.0, 0.1)), moved(False, (0.0, 0.1))
    model = aae(dtype=np.float64)
    theta = pack(model.parameters())
    model.loss(IMAGES[:8].reshape(8, -1).T / 255)[1](1.0)
    generators = theta.grad[len(right[0]) :]
    assert np.abs(generators).max() > 1e-3
    np.testing.assert_allclose(wrong[1] - right[1], -0.1 * generators, rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(wrong[0], right[0])


def test_the_autoencoder_learns_the_same_with_or_without_the_other_players_gradient() -> None:
    """D's part of the gradient does not count when the autoencoder's is clipped."""
    ends = []
    for stop in (True, False):
        model = aae(dtype=np.float64)
        adam = Adam(1e-2, clip_norm=0.1)
        t = AdversarialTrainer(model, adam, SGD(0.0), seed=0, batch_size=8, threads=1, stop=stop)
        t.train_step(IMAGES, np.arange(8))
        ends.append(t.replicas.theta.value[: t.split])
    np.testing.assert_array_equal(*ends)


def test_the_discriminator_finds_out_and_the_codes_follow() -> None:
    """Against a frozen encoder D is right nearly always; against one that plays it is not.

    Rates fall to 0, or the two would go round each other and the end be a matter of luck: of seeds
    0 to 4 the codes lie within 0.37 to 0.47 of the ring, and D is right 0.77 to 0.86 of the time.
    """
    images, epochs = tiny.images(256), 200
    away, right = {}, {}
    for kind, rate in (("frozen", 0.0), ("plays", 3e-3)):
        model = aae(prior=ring, weight=5.0)
        players = Adam(Cosine(rate, 4 * epochs)), Adam(Cosine(2e-2, 4 * epochs), beta1=0.5)
        t = AdversarialTrainer(model, *players, seed=0, batch_size=64, threads=1)
        right[kind] = t.fit(images, epochs=epochs)[-1]["train"]["accuracy"]
        away[kind] = float(np.abs(np.hypot(*model.encode(images).T) - 2).mean())
    assert right["plays"] < 0.9 < 0.99 < right["frozen"]
    assert away["plays"] < 0.5 < 1 < away["frozen"]


# Training


def test_the_history_has_both_losses_and_the_ledger_balances() -> None:
    t = both(aae(weight=0.5))
    history = t.fit(IMAGES, validation=HELD_OUT, epochs=2)
    names = {"total", "reconstruction", "generator", "discriminator", "accuracy"}
    for row in history:
        for part in ("train", "validation"):
            assert set(row[part]) == names
            total = row[part]["reconstruction"] + 0.5 * row[part]["generator"]
            assert row[part]["total"] == pytest.approx(total, rel=1e-12)
            assert 0 <= row[part]["accuracy"] <= 1
    assert json.loads(json.dumps(history)) == history


class Forgetful(AdversarialAutoencoder):
    """Reports a total without the generator."""

    def loss(self, x: Any, *, rng: Any = None) -> Any:
        terms, backward = super().loss(x, rng=rng)
        return terms | {"total": terms["reconstruction"]}, backward


@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_a_total_that_is_not_the_sum_of_its_parts_is_found_out(call: str) -> None:
    model = Forgetful(tiny.encoder(2), tiny.decoder(), judge(), input_shape=(tiny.D,))
    options = {"epochs": 1} if call == "fit" else {}
    with pytest.raises(AssertionError, match=r"loss terms: the parts sum to .*, the total is"):
        getattr(both(model), call)(IMAGES, **options)


KINDS = {
    "plain": lambda: aae(),
    "ring, dropout": lambda: aae(Dropout(0.3), prior=ring),
    "batch norm": lambda: aae(BatchNorm(6)),
}
EACH = pytest.mark.parametrize("kind", KINDS)


@EACH
def test_the_same_seed_gives_the_same_bits_on_two_threads(kind: str) -> None:
    one, two, other = (both(KINDS[kind](), threads=n, seed=s) for n, s in ((1, 0), (2, 0), (1, 1)))
    for t in (one, two, other):
        t.fit(IMAGES, validation=HELD_OUT, epochs=2)
    assert state(one) == state(two)
    assert state(one) != state(other)


@EACH
def test_a_run_goes_on_as_if_never_stopped_with_both_optimisers_moments(
    kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "run.safetensors"
    first, again, straight = (both(KINDS[kind]()) for _ in range(3))
    first.fit(IMAGES, validation=HELD_OUT, epochs=1, checkpoint=file)
    again.resume(file)
    assert state(again) == state(first)
    moments = {n: o.state for n, o in again.optimizers().items()}
    assert moments["optimizer"]["first"][: again.split].any()
    assert moments["discriminator"]["first"][again.split :].any()
    again.fit(IMAGES, validation=HELD_OUT, epochs=3)
    straight.fit(IMAGES, validation=HELD_OUT, epochs=3)
    assert state(again) == state(straight)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_goes_on_from_the_middle_of_an_epoch(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes between the two players' moves of a step, which is finished first."""
    file = tmp_path / "run.safetensors"
    stopped, again, straight = (both(aae()) for _ in range(3))
    step = Adam.step

    def then_stop(self: Optimizer, *args: Any, **options: Any) -> None:
        step(self, *args, **options)
        if self is stopped.optimizer and self.steps == steps:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Adam, "step", then_stop)
        with pytest.raises(KeyboardInterrupt):
            stopped.fit(IMAGES, epochs=2, checkpoint=file)
    assert stopped.optimizer.steps == stopped.discriminator_optimizer.steps == steps
    again.resume(file)
    again.fit(IMAGES, epochs=2)
    straight.fit(IMAGES, epochs=2)
    assert state(again) == state(straight)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ({}, {"stop": False}, "expected stop False, got True"),
        ({"prior": ring}, {}, "expected prior ring, got gaussian"),
        ({"weight": 2.0}, {}, "expected weight.generator 2.0, got 1.0"),
        ({}, {"rate": 5e-3}, "expected discriminator.learning_rate {'schedule': 'Constant'"),
    ],
)
def test_refuses_to_resume_another_run(
    model: Any, options: Any, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "run.safetensors"
    both(aae()).fit(IMAGES, epochs=1, checkpoint=file)
    with pytest.raises(ValueError, match=re.escape(message)):
        both(aae(**model), **options).resume(file)


def test_evaluation_moves_nothing_and_is_without_dropout() -> None:
    """Of the discriminator too, nor does a BatchNorm of its take the held-out images in."""
    noisy, quiet, normal = both(aae(Dropout(0.5))), both(aae()), both(aae(BatchNorm(6)))
    assert noisy.evaluate(HELD_OUT) == quiet.evaluate(HELD_OUT)
    normal.fit(IMAGES, epochs=1)
    before = state(normal)
    assert normal.evaluate(HELD_OUT) == normal.evaluate(HELD_OUT)
    assert state(normal) == before
    assert not normal.replicas.grads.any()


def test_a_discriminator_with_batch_norm_sees_the_whole_batch_and_keeps_its_statistics() -> None:
    t = both(aae(BatchNorm(6)))
    assert (len(t.replicas.models), t.micro_batch) == (1, 8)
    t.fit(IMAGES, epochs=1)
    buffers = t.model.buffers()
    assert any(name.startswith("discriminator.1.") for name in buffers)
    assert buffers["discriminator.1.running_mean"].any()


# When it breaks


def test_the_diagnosis_of_a_nan_in_the_discriminator_names_it() -> None:
    t = both(aae())
    t.model.parameters()["discriminator.0.weight"].value[0, 0] = np.nan
    with pytest.raises(
        TrainingDiverged, match=r"epoch 1, step 1: .*discriminator\.0\.weight holds 1 NaN"
    ):
        t.fit(IMAGES, epochs=1)


def test_the_diagnosis_of_an_overflow_in_the_discriminator_names_its_layer() -> None:
    t = both(aae())
    t.model.parameters()["discriminator.2.weight"].value[...] = 3e38
    t.model.parameters()["discriminator.0.bias"].value[...] = 9
    with pytest.raises(
        TrainingDiverged, match=r"epoch 1, step 1: .*; discriminator\.2 \(Dense\) returned"
    ):
        t.fit(IMAGES, epochs=1)


def test_a_discriminator_broken_by_its_own_step_is_found_at_the_end_of_the_epoch() -> None:
    """After the last step of an epoch there has been no loss yet."""
    t = both(aae(), batch_size=20)
    t.discriminator_optimizer = SGD(1e39)
    with pytest.raises(TrainingDiverged, match=r"the parameter discriminator\.0\.weight holds"):
        t.fit(IMAGES, epochs=1)


# What is refused


def made(**parts: Any) -> AdversarialAutoencoder:
    parts = {
        "encoder": tiny.encoder(2),
        "decoder": tiny.decoder(),
        "discriminator": judge(),
    } | parts
    return AdversarialAutoencoder(**({"input_shape": (tiny.D,)} | parts))


def flat(L: int, N: int, *, rng: np.random.Generator, dtype: Any) -> Array:
    """A prior that returns rows."""
    return np.zeros((N, L), dtype)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: made(discriminator=judge(out=2)),
            "AdversarialAutoencoder discriminator: expected one number a code, (1,), got (2,)",
        ),
        (
            lambda: made(discriminator=Dense(3, 1, rng=fixed())),
            "AdversarialAutoencoder discriminator: Sequential, layer 0: Dense: expected a sample "
            "of shape (3,), got (2,)",
        ),
        (
            lambda: made(discriminator=judge(dtype=np.float64)),
            "AdversarialAutoencoder: expected parameters of one dtype, got float32 and float64",
        ),
        (
            lambda: made(encoder=tiny.encoder(3)),
            "AdversarialAutoencoder decoder: Sequential, layer 0: Dense: expected a sample of",
        ),
        (lambda: made(weight=-1), "AdversarialAutoencoder: expected weight ≥ 0, got -1"),
        (lambda: made(weight=np.nan), "AdversarialAutoencoder: expected weight ≥ 0, got nan"),
        (lambda: made().sample(0, rng=fixed()), "sample: expected count ≥ 1, got 0"),
        (
            lambda: made(prior=flat).discriminator_loss(x(dtype=np.float32), rng=fixed()),
            "AdversarialAutoencoder prior: expected (2, 5) float32, got (5, 2) float32",
        ),
        (lambda: aae(Dropout(0.5)).loss(x(dtype=np.float32)), "expected rng, since a layer is"),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_codes_that_are_no_vectors_are_refused() -> None:
    """Images of one channel 4×4 as codes: the discriminator must say that it takes none."""

    def conv() -> Conv2d:
        return Conv2d(1, 1, 3, padding="same", rng=fixed())

    with pytest.raises(ValueError, match="AdversarialAutoencoder discriminator: "):
        made(encoder=conv(), decoder=conv(), input_shape=(1, 4, 4))
