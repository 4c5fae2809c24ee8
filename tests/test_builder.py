"""Models by name, for samples of any shape: images, colours, tables and signals."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch.models.builder import NAMES, build

pytestmark = pytest.mark.plain

N = 6
SIDES = st.integers(1, 17)
IMAGES = st.tuples(st.sampled_from([1, 3]), SIDES, SIDES)
SEQUENCES = st.one_of(st.tuples(SIDES), st.tuples(SIDES, st.integers(1, 3)))
SMALL: dict[str, Any] = {"dense": {"hidden": (5,)}, "conv": {"channels": (3, 4)}, "table": {}}


def made(name: str, shape: tuple[int, ...], **options: Any) -> nn.Autoencoder:
    """Return a small model of this name."""
    small = SMALL[name.partition("_")[0]]
    few = {"classes": 3} if "conditional" in name else {}
    return build(name, shape, 2, rng=np.random.default_rng(0), **small | few | options)


def data_for(model: nn.Autoencoder, shape: tuple[int, ...]) -> tuple[np.ndarray, Any]:
    """Return samples of this shape, and labels for the calls that take them."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (N, *shape)) / 255 if model.unit else rng.normal(0, 3, (N, *shape))
    return x, (np.arange(N) % 3,) if model.classes else ()


def check(name: str, shape: tuple[int, ...]) -> None:
    """Train for a step, and ask for what one asks of a model."""
    model = made(name, shape)
    x, labels = data_for(model, shape)
    data = nn.Dataset(x, *labels, unit=model.unit) if labels else x
    trainer = nn.Trainer(model, nn.Adam(1e-3), seed=0, batch_size=3, replicas=1, threads=1)
    trainer.fit(data, epochs=1)
    assert np.isfinite(trainer.evaluate(data)["total"])
    pictures = model.reconstruct(x, *labels)
    assert pictures.shape == (N, *model.input_shape)
    assert model.input_shape == (shape if name[:4] != "conv" or len(shape) > 1 else (*shape, 1))
    assert model.code_shape == (2,)
    assert model.interpolate(x[:2], x[2:4], 3, *(y[:2] for y in labels)).shape[:2] == (2, 3)
    if isinstance(model, nn.VAE):
        assert np.isfinite(nn.elbo(model, data, draws=1, rng=np.random.default_rng(0)).total.mean)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8)
@given(data=st.data())
def test_any_shape_goes_in_and_comes_out(name: str, data: st.DataObject) -> None:
    """By construction: whatever the sides are, the decoder ends with them."""
    shapes = st.tuples(st.integers(1, 20)) if "table" in name else st.one_of(IMAGES, SEQUENCES)
    check(name, data.draw(shapes))


@settings(max_examples=60)
@given(shape=st.one_of(IMAGES, st.tuples(st.integers(1, 300), SIDES)), depth=st.integers(1, 5))
def test_a_decoder_takes_the_way_back(shape: tuple[int, ...], depth: int) -> None:
    model = made("conv_autoencoder", shape, channels=(2,) * depth)
    assert model.decoder.output_shape((2,)) == shape
    down = [s for s in walked(model.encoder, shape) if len(s) > 1]
    up = [s for s in walked(model.decoder, (2,)) if len(s) > 1]
    assert [sides(s) for s in down] == [sides(s) for s in reversed(up)]


def walked(net: nn.Sequential, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shapes that go into convolutions, and what comes out in the end."""
    seen = [shape] if len(shape) > 1 else []
    for layer in net:
        shape = layer.output_shape(shape)
        if type(layer).__name__.startswith("Conv") or isinstance(layer, nn.Reshape):
            seen.append(shape)
    return seen


def sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[1:] if len(shape) == 3 else shape[:1]


def test_the_example_of_the_docstring(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vae = build("conv_vae", (3, 64, 64), latent_dim=32, rng=rng)
    assert vae.likelihood == nn.Bernoulli()
    assert vae.decoder.output_shape((32,)) == (3, 64, 64)
    colour = nn.DiscretisedLogistic()
    vae = build("conv_vae", (3, 64, 64), latent_dim=32, rng=rng, likelihood=colour)
    assert [s.w.value.shape[0] for s in vae.encoder if isinstance(s, nn.Conv2d)] == [32, 64, 128]
    assert vae.likelihood == colour
    assert vae.decoder.output_shape((32,)) == (6, 64, 64)
    nn.save(tmp_path / "x", vae)
    z = rng.standard_normal((2, 32))
    assert nn.load(tmp_path / "x").decode(z).tobytes() == vae.decode(z).tobytes()


def test_a_signal_may_come_without_its_one_channel(rng: np.random.Generator) -> None:
    model = made("conv_vae", (31,), likelihood=nn.Gaussian())
    x = rng.standard_normal((5, 31))
    assert model.encode(x).tobytes() == model.encode(x[:, :, None]).tobytes()


def test_a_model_learns_what_it_is_built_for() -> None:
    """Sines of random phase, 24 steps, through two numbers: most of their variance is kept."""
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 2 * np.pi, (512, 1))
    x = np.sin(np.arange(24) / 4 + phase)
    model = build("conv_autoencoder", (24,), 2, rng=rng, channels=(8, 16))
    nn.Trainer(model, nn.Adam(1e-2), seed=0, batch_size=64).fit(x, epochs=20)
    assert ((model.reconstruct(x)[..., 0] - x) ** 2).mean() < 0.2 * x.var()


def test_options_go_to_the_model() -> None:
    model = made(
        "dense_vae",
        (4,),
        beta=0.5,
        free_bits=0.25,
        dtype=np.float64,
        corruption=nn.GaussianNoise(0.0, 0.1, clip=False),
        likelihood=nn.SquaredError(),
    )
    assert isinstance(model, nn.VAE)
    assert (model.beta, model.free_bits, model.dtype) == (0.5, 0.25, np.float64)
    small = made("conv_autoencoder", (1, 6, 4), corruption=nn.Downsampling(2))
    assert small.corrupted_shape == (1, 3, 2)
    assert small.encode(np.zeros((2, 1, 3, 2))).shape == (2, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: made("conv_gan", (3, 8, 8)), "expected one of dense_autoencoder, .*'conv_gan'"),
        (lambda: made("conv_vae", (3, 8, 8), hidden=(4,)), "expected options beta, .*got 'hidden'"),
        (lambda: made("dense_vae", (8,), classes=3), "expected options .*, got 'classes'"),
        (
            lambda: build("dense_conditional_vae", (8,), 2, rng=np.random.default_rng(0)),
            "build dense_conditional_vae: expected classes, an integer ≥ 2, got None",
        ),
        (lambda: made("dense_conditional_vae", (8,), classes=1), "expected classes ≥ 2, got 1"),
        (lambda: made("conv_vae", (3, 8, 8, 2)), r"input_shape \(D,\) or \(T, D\) or \(C, H, W\)"),
        (lambda: made("table_vae", (3, 8)), r"build table_vae: expected input_shape \(D,\), got"),
        (lambda: made("conv_vae", (3, 0, 8)), "expected sizes in input_shape ≥ 1, got 0"),
        (lambda: made("dense_vae", 784), "input_shape, a tuple of integers, got 784"),
        (lambda: made("conv_vae", (8, 2), channels=()), r"channels, a tuple of integers, got \(\)"),
        (lambda: made("conv_vae", (8, 2), channels=(2, 0)), "expected channels ≥ 1, got 0"),
        (
            lambda: build("dense_vae", (8,), 0, rng=np.random.default_rng(0)),
            "build dense_vae: expected latent_dim ≥ 1, got 0",
        ),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_signals_with_classes_are_a_dataset(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((12, 9, 2)), np.arange(12) % 3
    with pytest.raises(ValueError, match=r"Dataset images: expected numbers in \[0, 1\]"):
        nn.Dataset(x, y)
    with pytest.raises(ValueError, match="Dataset: expected unit, True or False, got 'no'"):
        nn.Dataset(x, y, unit="no")  # type: ignore[arg-type]
    data = nn.Dataset(x, y, unit=False)
    net = nn.Sequential(nn.Conv1d(2, 3, 3, rng=rng), nn.Flatten(), nn.Dense(21, 3, rng=rng))
    classifier = nn.Classifier(net, input_shape=(9, 2))
    nn.Trainer(classifier, nn.Adam(1e-2), seed=0, batch_size=4).fit(data[:8], epochs=1)
    assert classifier.predict(x).shape == (12,)
