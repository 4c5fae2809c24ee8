"""Whatever is Trainable can be trained: classifiers, regressions, toys, classes of one's own."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from pages import run, text_of

import nnscratch
from nnscratch.core import Array, pack
from nnscratch.data import Dataset, Pairs
from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Conv2d, Dense, Dropout, Flatten, Sequential, Tanh
from nnscratch.likelihoods import Bernoulli, Gaussian
from nnscratch.losses import squared_error
from nnscratch.models import VAE, Autoencoder, Classifier, Regressor, Trainable
from nnscratch.models.corruption import GaussianNoise
from nnscratch.models.lesson import mlp
from nnscratch.optimizers import SGD, Adam
from nnscratch.training import Trainer


def fixed(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def moons(N: int = 200) -> Dataset:
    """Two half circles that no straight line divides, (N, 2)."""
    rng = fixed()
    labels, angle = np.arange(N) % 2, rng.uniform(0, np.pi, N)
    x = np.stack([np.cos(angle) + labels, (1 - 2 * labels) * np.sin(angle) + labels / 2], axis=1)
    return Dataset(x + 0.1 * rng.standard_normal((N, 2)), labels)


def line(N: int = 60, noise: float = 0.1) -> tuple[Pairs, Array]:
    """A table of three columns whose answer is nearly linear, and the least-squares solution."""
    rng = fixed()
    x = rng.standard_normal((N, 3))
    y = x @ [1.0, -2.0, 0.5] + 3 + noise * rng.standard_normal(N)
    solution = np.linalg.lstsq(np.c_[x, np.ones(N)], y, rcond=None)[0]
    return Pairs(x, y), solution


def classifier(*between: Any, dtype: Any = np.float32) -> Classifier:
    rng = fixed()
    first, last = Dense(2, 16, rng=rng, dtype=dtype), Dense(16, 2, rng=rng, dtype=dtype)
    return Classifier(Sequential(first, Tanh(), *between, last), input_shape=(2,))


def regressor(likelihood: Any = None, dtype: Any = np.float64) -> Regressor:
    return Regressor(Dense(3, 1, rng=fixed(), dtype=dtype), likelihood, input_shape=(3,))


class Curve:
    """The square of a table's first column is its second; one of the caller's own classes."""

    def __init__(self, net: Any = None) -> None:
        self.net = mlp((1, 8, 1), Tanh, rng=fixed()) if net is None else net

    def parameters(self) -> Any:
        return self.net.parameters()

    def check_data(self, who: str, data: Any) -> Any:
        return data

    def batch(self, data: Any, rows: Any) -> tuple[Any, ...]:
        x, y = data[rows].T.copy()
        return x[None], y[None]

    def loss(self, x: Array, y: Array, *, rng: Any) -> Any:
        a, backward = self.net.forward(x)
        error, da = squared_error(a, y)
        return {"total": error}, lambda weight: backward(weight * da)

    def term_weights(self) -> dict[str, float]:
        return {"total": 1.0}

    def settings(self) -> dict[str, Any]:
        return {"model": "Curve"}

    def inference(self) -> Any:
        return Curve(self.net.inference())


def table(N: int = 40) -> Array:
    x = np.linspace(-1, 1, N, dtype=np.float32)
    return np.stack([x, x * x], axis=1)


KINDS: dict[str, tuple[Callable[[], Any], Any]] = {
    "classifier": (lambda: classifier(Dropout(0.1)), moons(40)),
    "regression": (regressor, line(40)[0]),
    "one's own": (Curve, table()),
    "measured pairs": (tiny.vae, Pairs(tiny.images(40), tiny.images(40, seed=1))),
    "a VAE of a table": (
        lambda: VAE(
            mlp((2, 8, 4), rng=fixed()),
            mlp((2, 8, 2), rng=fixed()),
            2,
            Gaussian(),
            input_shape=(2,),
        ),
        moons(40).images.astype(np.float32),
    ),
}
EACH = pytest.mark.parametrize("kind", KINDS)


def trainer(kind: str, **options: Any) -> Trainer[Any]:
    options = {"batch_size": 16, "micro_batch": 5, "replicas": 2, "threads": 1} | options
    return Trainer(KINDS[kind][0](), Adam(1e-2), seed=0, **options)


# One loop for all of them


@EACH
def test_the_same_bits_on_two_threads_and_after_a_stop(kind: str, tmp_path: Path) -> None:
    data, file = KINDS[kind][1], tmp_path / "run"
    one, two, again = trainer(kind), trainer(kind, threads=2), trainer(kind)
    one.fit(data, validation=data, epochs=3)
    two.fit(data, validation=data, epochs=1, checkpoint=file)
    again.resume(file)
    for other in (two, again):
        other.fit(data, validation=data, epochs=3)
        assert other.history == one.history
        np.testing.assert_array_equal(other.replicas.theta.value, one.replicas.theta.value)


@EACH
def test_it_learns_and_is_evaluated_without_noise(kind: str) -> None:
    data, t = KINDS[kind][1], trainer(kind, patience=30)
    t.fit(data, validation=data, epochs=30)
    totals = [row["validation"]["total"] for row in t.history]
    assert totals[-1] < totals[0]
    assert t.evaluate(data)["total"] == min(totals)


@EACH
def test_the_gradient_of_its_loss_is_right(kind: str) -> None:
    """In double precision, so of a twin whose weights are float64."""
    rows, data = np.arange(6), KINDS[kind][1]
    model: Any = {
        "classifier": lambda: classifier(Dropout(0.1), dtype=np.float64),
        "regression": regressor,
        "one's own": lambda: Curve(mlp((1, 8, 1), Tanh, rng=fixed(), dtype=np.float64)),
        "measured pairs": lambda: tiny.vae(dtype=np.float64),
        "a VAE of a table": lambda: regressor(Gaussian(0.3)),
    }[kind]()
    if kind == "one's own":
        data = data.astype(np.float64)
    if kind == "a VAE of a table":
        data = line(40)[0]
    batch = model.batch(model.check_data("test", data), rows)

    def loss() -> Any:
        terms, backward = model.loss(*batch, rng=fixed(1))
        return terms["total"], lambda weight: backward(weight)

    report = gradcheck(loss, rng=fixed(), parameters=model.parameters())
    assert report.ok, str(report)


def test_the_training_package_knows_no_model_and_no_images() -> None:
    """But for the adversarial trainer, whose model has two players; a file describes any model."""
    general = {f"models.{name}" for name in ("trainable", "batch_first", "architecture", "rebuilt")}
    for path in (Path(nnscratch.__file__).parent / "training").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and path.name != "adversarial.py":
                module = node.module or ""
                assert module in general or not (module.startswith(("models", "data"))), (
                    path.name,
                    module,
                )


@pytest.mark.parametrize("with_validation", [True, False])
def test_a_set_is_judged_once_a_fit(with_validation: bool) -> None:
    t, judged = trainer("one's own"), []
    t.model.check_data = lambda who, data: judged.append(who) or data
    t.fit(table(), validation=table(9) if with_validation else None, epochs=5)
    assert judged == ["fit data", "fit validation"][: 1 + with_validation]
    t.evaluate(table())
    assert judged[-1] == "evaluate"


def test_a_trainable_is_a_protocol() -> None:
    models: list[Trainable] = [Curve(), classifier(), regressor(), tiny.vae()]
    assert all(model.term_weights() for model in models)


# The classifier and the regression


def test_a_classifier_tells_two_moons_apart() -> None:
    data, held_out = moons(400)[:300], moons(400)[300:]
    t = Trainer(classifier(), Adam(0.03), seed=0, batch_size=50)
    row = t.fit(data, validation=held_out, epochs=40)[-1]
    right = t.model.predict(held_out.images) == held_out.labels
    assert row["validation"]["accuracy"] == pytest.approx(right.mean())
    assert right.mean() > 0.97
    assert set(row["train"]) == {"total", "nll", "accuracy"}


def test_a_linear_regression_is_the_least_squares_solution() -> None:
    data, solution = line()
    t = Trainer(regressor(), SGD(0.1), seed=0, batch_size=60)
    t.fit(data, epochs=300)
    found = np.append(t.model.net.layers[0].w.value, t.model.net.layers[0].b.value)
    np.testing.assert_allclose(found, solution, rtol=1e-6)
    rest = data.targets - t.model.predict(data.inputs)
    assert t.evaluate(data)["total"] == pytest.approx((rest**2).sum(axis=1).mean())


def test_predict_is_batch_first_and_without_dropout_on_any_number_of_threads() -> None:
    """150 rows are more than two chunks."""
    x = moons(150).images
    quiet, noisy = classifier(), classifier(Dropout(0.5))
    want = quiet.net.forward(x.T.astype(np.float32))[0].argmax(axis=0)
    for threads in (None, 1, 3):
        np.testing.assert_array_equal(noisy.predict(x, threads=threads), want)


def test_a_regression_says_the_mean_of_its_likelihood() -> None:
    """Of a Bernoulli that is a probability, and targets are in [0, 1]."""
    model = regressor(Bernoulli())
    data, _ = line()
    a = model.net.forward(data.inputs.T.copy())[0]
    np.testing.assert_allclose(model.predict(data.inputs), 1 / (1 + np.exp(-a.T)))
    with pytest.raises(ValueError, match=r"fit data targets: expected numbers in \[0, 1\], got"):
        Trainer(model, Adam(), seed=0, batch_size=4).fit(data, epochs=1)


def test_batches_of_images_are_cut_for_any_model() -> None:
    """Two replicas; of vectors one. Targets may be images too."""
    conv = Conv2d(1, 3, 3, padding="same", rng=fixed())
    images = tiny.images(20)[:, None]
    net = Sequential(conv, Flatten(), Dense(48, 2, rng=fixed()))
    model = Classifier(net, input_shape=(1, 4, 4))
    assert model.activation_bytes == 4 * (48 + 48 + 2)
    t = Trainer(model, Adam(), seed=0, batch_size=8)
    assert (len(t.replicas.models), t.micro_batch) == (2, 4)
    t.fit(Dataset(images, np.arange(20) % 2), epochs=1)
    assert model.predict(images).shape == (20,)
    assert len(Trainer(classifier(), Adam(), seed=0).replicas.models) == 1
    sharper = Regressor(Conv2d(1, 1, 3, padding="same", rng=fixed()), input_shape=(1, 4, 4))
    Trainer(sharper, Adam(), seed=0, batch_size=8).fit(Pairs(images, images), epochs=1)
    assert sharper.predict(images).shape == (20, 1, 4, 4)


# Measured pairs


def test_an_autoencoder_of_pairs_encodes_the_inputs_and_says_the_targets() -> None:
    """Signals that are no images: numbers of any size, under a Gaussian."""
    noisy, clean = fixed(1).standard_normal((2, 5, 16))
    model = tiny.autoencoder(likelihood=Gaussian(), dtype=np.float64)
    data = model.check_data("test", Pairs(noisy, clean))
    terms, _ = model.loss(*model.batch(data, np.arange(5)))
    a = model.decoder.forward(model.encoder.forward(noisy.T.copy())[0])[0]
    assert terms["total"] == Gaussian().nll(a, clean.T)[0]


def test_pairs_undo_noise_that_nobody_can_simulate() -> None:
    """Each signal lies in a plane; what is added to it is along one fixed direction out of it."""
    rng = fixed()
    basis, _ = np.linalg.qr(rng.standard_normal((16, 3)))
    clean = rng.standard_normal((300, 2)) @ basis[:, :2].T
    noisy = clean + rng.exponential(1.0, (300, 1)) * basis[:, 2]
    nets = (Dense(16, 2, rng=rng, dtype=np.float64), Dense(2, 16, rng=rng, dtype=np.float64))
    model = Autoencoder(*nets, Gaussian(), input_shape=(16,))
    Trainer(model, Adam(0.02), seed=0, batch_size=50).fit(Pairs(noisy, clean), epochs=60)
    error = np.abs(model.reconstruct(noisy) - clean).mean()
    assert error < 0.05 * np.abs(noisy - clean).mean()


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (
            lambda: tiny.vae(corruption=GaussianNoise(0, 0.1)),
            Pairs(tiny.images(20), tiny.images(20)),
            "fit data: expected images, for the model corrupts them itself; got Pairs",
        ),
        (
            tiny.vae,
            Pairs(tiny.images(20)[:, :3], tiny.images(20)),
            "fit data inputs: expected (N, 16), got (20, 3, 4)",
        ),
        (
            tiny.vae,
            Pairs(tiny.images(20), tiny.images(20)[:, :3]),
            "fit data targets: expected (N, 16), got (20, 3, 4)",
        ),
        (
            tiny.vae,
            Pairs(2 * np.ones((20, 16)), np.ones((20, 16))),
            "fit data inputs: expected numbers in [0, 1], got 2 to 2",
        ),
        (classifier, moons().images, "fit data: expected a Dataset with labels, got ndarray"),
        (classifier, line()[0], "fit data: expected a Dataset with labels, got Pairs"),
        (
            classifier,
            Dataset(np.zeros((20, 3)), np.zeros(20, int)),
            "fit data: expected (N, 2), got (20, 3)",
        ),
        (
            classifier,
            Dataset(np.zeros((20, 2)), np.arange(20)),
            "fit data labels: expected 0 … 1, got 0 … 19",
        ),
        (regressor, moons(), "fit data: expected Pairs(inputs, targets), got Dataset"),
        (
            regressor,
            Pairs(np.zeros((20, 2)), np.zeros(20)),
            "fit data inputs: expected (N, 3), got (20, 2)",
        ),
        (
            regressor,
            Pairs(np.zeros((20, 3)), np.zeros((20, 2))),
            "fit data targets: expected (N, 1), got (20, 2)",
        ),
    ],
)
def test_data_that_do_not_fit_are_refused(model: Any, data: Any, message: str) -> None:
    t = Trainer(model(), Adam(), seed=0, batch_size=8)
    with pytest.raises(ValueError, match=re.escape(message)):
        t.fit(data, epochs=1)
    assert t.optimizer.steps == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pairs([[1.0]], [1.0, 2.0]), "Pairs: expected 1 targets, got 2"),
        (lambda: Pairs([1.0], [1.0]), "Pairs inputs: expected a batch (N, …), not empty, got (1,)"),
        (lambda: Pairs(np.zeros((0, 2)), np.zeros(0)), "Pairs inputs: expected a batch (N, …)"),
        (lambda: Pairs([[1.0]], [np.nan]), "Pairs targets: expected finite numbers, got NaN"),
        (lambda: Pairs([[1]], [1.0]), "Pairs inputs: expected uint8, float32 or float64, got"),
        (lambda: Pairs([[1.0]], [1.0])[0], "Pairs: expected a slice or row numbers, got 0"),
        (lambda: Pairs([[1.0]], [1.0])[:0], "Pairs inputs: expected a batch (N, …), not empty"),
        (
            lambda: Classifier(Dense(2, 1, rng=fixed()), input_shape=(2,)),
            "Classifier net: expected (K,), a logit for each of two classes or more, got (1,)",
        ),
        (
            lambda: Classifier(Conv2d(1, 2, 3, rng=fixed()), input_shape=(1, 4, 4)),
            "Classifier net: expected (K,), a logit for each of two classes or more, got (2, 2, 2)",
        ),
        (
            lambda: Classifier(Dense(2, 3, rng=fixed()), input_shape=(3,)),
            "Classifier net: Sequential, layer 0: Dense: expected a sample of shape (2,), got (3,)",
        ),
        (
            lambda: Classifier("net", input_shape=(3,)),
            "Classifier net: Sequential, layer 0: expected forward, output_shape, parameters",
        ),
        (
            lambda: Regressor(Flatten(), input_shape=(3,)),
            "Regressor: expected parameters of one dtype, got none",
        ),
        (
            lambda: Regressor(Dense(2, 3, rng=fixed()), "Gaussian", input_shape=(2,)),
            "Regressor likelihood: expected nll, mean, got str without nll, mean",
        ),
        (lambda: classifier().predict(np.zeros((4, 3))), "predict: expected (N, 2), got (4, 3)"),
        (lambda: regressor().predict(np.full((4, 3), np.inf)), "predict: expected finite numbers"),
        (
            lambda: classifier().predict(np.zeros((4, 2)), threads=0),
            "predict: expected threads ≥ 1",
        ),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_a_part_of_the_pairs_is_a_set_too() -> None:
    data, _ = line(10)
    for rows in (slice(2, 5), np.array([4, 2]), [1]):
        part = data[rows]
        np.testing.assert_array_equal(part.inputs, data.inputs[rows])
        np.testing.assert_array_equal(part.targets, data.targets[rows])
    assert data.targets.shape == (10, 1)
    assert np.shares_memory(data[2:5].inputs, data.inputs)


# What is not Trainable


@pytest.mark.parametrize("method", ["parameters", "check_data", "batch", "loss", "term_weights"])
def test_a_model_that_lacks_a_method_is_refused_by_name(method: str) -> None:
    model = Curve()
    setattr(model, method, None)
    with pytest.raises(ValueError, match=f"Trainer model: expected .*got Curve without {method}"):
        Trainer(model, Adam(), seed=0)


@pytest.mark.parametrize("model", [None, "VAE", VAE, Dense(2, 2, rng=fixed())], ids=str)
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(ValueError, match=r"Trainer model: expected .*, got"):
        Trainer(model, Adam(), seed=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"check_data": lambda who, data: None},
            "fit data: expected Curve.check_data to return a set with a length, got NoneType",
        ),
        (
            {"check_data": lambda who, data: data[:0]},
            "fit data: expected Curve.check_data to return a set with a length, got 0 rows",
        ),
        (
            {"batch": lambda data, rows: data[rows].T},
            "fit data: expected Curve.batch to return a tuple, got ndarray",
        ),
        (
            {"loss": lambda x, y, *, rng: ({"error": 1.0}, lambda weight: None)},
            "loss terms: expected one that is called 'total', got error",
        ),
        (
            {"loss": lambda x, y, *, rng: 1.0},
            "Trainer model: expected Curve.loss to return (terms, backward), got float",
        ),
        (
            {"term_weights": lambda: {"kl": 1.0}},
            "loss terms: expected one that is called 'kl', got total",
        ),
    ],
)
def test_a_model_that_breaks_its_promise_is_told_which(change: Any, message: str) -> None:
    model = Curve()
    t = Trainer(model, Adam(), seed=0, batch_size=8)
    for name, value in change.items():
        setattr(model, name, value)
    with pytest.raises(ValueError, match=re.escape(message)):
        t.fit(table(), epochs=1)
    assert t.optimizer.steps == 0


def test_a_nan_is_traced_to_the_layer_of_any_model() -> None:
    t = Trainer(Curve(), Adam(), seed=0, batch_size=8)
    t.model.net.layers[0].w.value[0] = np.nan
    with pytest.raises(ArithmeticError, match=r"the parameter 0\.weight holds 1 NaN"):
        t.fit(table(), epochs=1)
    bad = table()
    bad[:, 1] = np.inf
    with pytest.raises(ArithmeticError, match="the data hold 0 NaN and 8 infinite of 8 numbers"):
        Trainer(Curve(), Adam(), seed=0, batch_size=8).fit(bad, epochs=1)


# The page


def test_the_page_about_a_model_of_ones_own_runs() -> None:
    names: dict[str, Any] = {"__name__": "page"}
    run("docs/own_model.md", names, {})
    assert names["error"] < 0.01
    assert names["history"][-1]["validation"]["total"] < 0.01
    (lines,) = re.findall(r"class Curve.*?```", text_of("docs/own_model.md"), re.DOTALL)
    assert len(lines.splitlines()) <= 35
    assert pack(names["net"].parameters()).value.size == 97


def test_a_classifier_of_images_refuses_flat_rows_that_were_not_divided(
    rng: np.random.Generator,
) -> None:
    """A Dataset takes flat rows of any numbers, for they may be a table; images are no table."""
    net = Sequential(Flatten(), Dense(12, 2, rng=rng))
    rows, labels = rng.uniform(0, 255, (6, 12)).astype(np.float32), np.arange(6) % 2
    of_images = Trainer(Classifier(net, input_shape=(1, 3, 4)), Adam(), seed=0, batch_size=6)
    with pytest.raises(ValueError, match=r"fit data: expected numbers in \[0, 1\], got"):
        of_images.fit(Dataset(rows, labels), epochs=1)
    of_images.fit(Dataset(rows / 255, labels), epochs=1)
    of_rows = Classifier(Dense(12, 2, rng=rng), input_shape=(12,))
    Trainer(of_rows, Adam(), seed=0, batch_size=6).fit(Dataset(rows, labels), epochs=1)


@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_a_batch_has_weight_one_unless_told(kind: Any) -> None:
    rng = np.random.default_rng(0)
    model = kind(Dense(4, 3, rng=rng), input_shape=(4,))
    x = rng.random((4, 6), dtype=np.float32)
    targets = rng.integers(0, 3, 6) if kind is Classifier else x[:3]
    theta = pack(model.parameters())
    _, backward = model.loss(x, targets)
    backward()
    alone = theta.grad.copy()
    backward(1.0)
    np.testing.assert_array_equal(theta.grad, 2 * alone)
    assert alone.any()
