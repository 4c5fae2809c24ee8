"""ONNX files in onnxruntime beside the models that they are of, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checks import explorer
from checks.explorer import randomise
from hypothesis import given, settings
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch import layers
from nnscratch.core import Array, Layer, Shape
from nnscratch.export import images, norms, recurrent
from nnscratch.export.graph import Graph
from nnscratch.export.layers import NAMES, write_layer
from nnscratch.layers.contract import inference
from nnscratch.models import lesson

pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(0)
SIZES = st.integers(1, 4)
SEQUENCES = st.tuples(st.integers(1, 5), SIZES)


def run(file: bytes, *inputs: Array) -> list[Array]:
    """Return the outputs of a file in onnxruntime, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return list(session.run(None, dict(zip(names, inputs, strict=True))))


def check_layer(layer: Layer, shape: Shape, seed: int = 0) -> None:
    """Compare a layer to its operators, on three samples: 1e-5 of the largest number."""
    rng = np.random.default_rng(seed)
    randomise(layer, rng)
    x = rng.standard_normal((3, *shape)).astype(np.float32)
    columns = np.ascontiguousarray(np.moveaxis(x, 0, -1))
    want = np.moveaxis(inference(layer).forward(columns)[0], -1, 0)
    graph = Graph()
    y = graph.named(write_layer("test", graph, layer, "x", shape), "y")
    (got,) = run(graph.file({"x": shape}, {}, {y: layer.output_shape(shape)}), x)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * max(1, np.abs(want).max()))


# Every kind of layer


@st.composite
def conv_transposes_1d(draw: st.DrawFn) -> tuple[Layer, Shape]:
    groups, C, F, K, stride, dilation = (draw(st.integers(1, 3)) for _ in range(6))
    padding = draw(st.sampled_from(["same", 0, (0, 1), (1, 0)]))
    more = 0 if padding == "same" else draw(st.integers(0, max(stride, dilation) - 1))
    layer = nn.ConvTranspose1d(
        C * groups, F * groups, K, stride=stride, padding=padding, output_padding=more,
        dilation=dilation, groups=groups, bias=draw(st.booleans()), rng=RNG,
    )  # fmt: skip
    return layer, (draw(st.integers(3, 6)), C * groups)


@st.composite
def of_sequences(draw: st.DrawFn, make: Any, *arguments: Any) -> tuple[Layer, Shape]:
    return make(*(draw(a) for a in arguments)), draw(SEQUENCES)


@st.composite
def crops_1d(draw: st.DrawFn) -> tuple[Layer, Shape]:
    cropping = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    return nn.Crop1d(cropping), (draw(st.integers(5, 7)), draw(SIZES))


@st.composite
def of_steps(draw: st.DrawFn) -> tuple[Layer, Shape]:
    T, D = draw(SEQUENCES)
    if draw(st.booleans()):
        return nn.TimeDistributed(nn.Flatten()), (T, D, draw(SIZES))
    inner = nn.Sequential(nn.Dense(D, draw(SIZES), rng=RNG), nn.Tanh())
    return nn.TimeDistributed(inner), (T, D)


@st.composite
def recurrents(draw: st.DrawFn, kind: Any, **more: Any) -> tuple[Layer, Shape]:
    T, D = draw(SEQUENCES)
    settings = {
        "layers": draw(st.integers(1, 2)),
        "bidirectional": draw(st.booleans()),
        "return_sequences": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }
    drawn = {name: draw(strategy) for name, strategy in more.items()}
    return kind(D, draw(SIZES), **settings, **drawn, rng=RNG), (T, D)


PAIRS = st.tuples(st.integers(0, 2), st.integers(0, 2))
KINDS: dict[str, st.SearchStrategy[tuple[Layer, Shape]]] = explorer.KINDS | {
    "ConvTranspose1d": conv_transposes_1d(),
    "UpsampleNearest1d": of_sequences(nn.UpsampleNearest1d, st.integers(1, 3)),
    "ZeroPad1d": of_sequences(nn.ZeroPad1d, PAIRS),
    "Crop1d": crops_1d(),
    "RepeatVector": st.tuples(st.builds(nn.RepeatVector, SIZES), st.tuples(SIZES)),
    "ReverseSteps": of_sequences(nn.ReverseSteps),
    "TimeDistributed": of_steps(),
    "LSTM": recurrents(nn.LSTM),
    "GRU": recurrents(nn.GRU),
    "RNN": recurrents(nn.RNN, nonlinearity=st.sampled_from(["tanh", "relu"])),
}


def in_float32(layer: Layer) -> Layer:
    """Return the layer with all of its numbers in float32, as ONNX has them."""
    for part in (layer, getattr(layer, "affine", None)):
        for p in part.parameters().values() if part else ():
            p.value = p.value.astype(np.float32)
            p.grad = p.grad.astype(np.float32)
    if isinstance(layer, layers.BatchNorm):
        layer.running_mean = layer.running_mean.astype(np.float32)
        layer.running_var = layer.running_var.astype(np.float32)
    if hasattr(layer, "dtype"):
        layer.dtype = np.dtype(np.float32)
    return layer


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(data=st.data())
def test_a_layer_is_numpys(kind: str, data: st.DataObject) -> None:
    layer, shape = data.draw(KINDS[kind])
    check_layer(in_float32(layer), shape, data.draw(st.integers(0, 99)))


def test_every_kind_is_tested_and_named() -> None:
    assert set(KINDS) == NAMES


# Whole models


def lesson_models() -> dict[str, Any]:
    """Return every network of the lesson, and those of `build`, small where there is a choice."""
    rng = np.random.default_rng(0)
    classes = {"classes": 4, "latent_dim": 3, "rng": rng}
    small: dict[str, Any] = {"latent_dim": 3, "rng": rng}
    build, likelihoods = nn.models.build, nn.likelihoods
    models = [
        lesson.dense_autoencoder((128, 64), rng=rng),
        lesson.dense_vae(rng=rng),
        lesson.conv_autoencoder(rng=rng),
        lesson.conv_denoiser(rng=rng),
        lesson.kvfrans_vae(rng=rng),
        lesson.keras_conv_vae(rng=rng),
        lesson.keras_seq2seq((7, 3), rng=rng),
        lesson.seq2seq_autoencoder((7, 3), rng=rng),
        build("conv_vae", (3, 17, 20), likelihood=nn.DiscretisedLogistic(), **small),
        build("conv_vae", (1, 9, 12), likelihood=nn.LearnedGaussian(), **small),
        build("dense_autoencoder", (4,), likelihood=likelihoods.Gaussian(0.5), **small),
        nn.ContractiveAutoencoder(6, 3, 0.1, rng=rng),
        nn.AdversarialAutoencoder(
            nn.Dense(6, 3, rng=rng),
            nn.Dense(3, 6, rng=rng),
            nn.Dense(3, 1, rng=rng),
            input_shape=(6,),
        ),
        build("dense_vae", (1, 4, 4), corruption=nn.Downsampling(2), **small),
        build("table_vae", (5,), **small),
        build("conv_vae", (21, 2), **small),
        build("conv_autoencoder", (21,), **small),
        build("conv_conditional_vae", (3, 16, 16), **classes),
        build("dense_conditional_vae", (9,), **classes),
        build("conv_conditional_vae", (12, 3), **classes),
    ]
    return {f"{i}, {type(m).__name__} {m.input_shape}": m for i, m in enumerate(models)}


MODELS = lesson_models()


@pytest.mark.parametrize("name", MODELS)
def test_a_model_says_the_same(name: str, tmp_path: Path) -> None:
    model, rng = MODELS[name], np.random.default_rng(0)
    calls: dict[str, tuple[list[Callable[..., Array]], Shape]] = {
        "encoder": ([model.encode], model.corrupted_shape),
        "decoder": ([model.decode], model.code_shape),
        "reconstruct": ([model.reconstruct], model.corrupted_shape),
    }
    if isinstance(model, nn.VAE):
        calls["encoder"][0].append(lambda *given: model.posterior(*given)[1])
    for part, (methods, shape) in calls.items():
        file = nn.export_onnx(tmp_path / f"{part}.onnx", model, part).read_bytes()
        for N in (1, 5):  # the batch is free
            given = [rng.random((N, *shape), np.float32)]
            given += [np.arange(N) % model.classes] if model.classes else []
            got = run(file, *given)
            assert len(got) == len(methods)
            for y, method in zip(got, methods, strict=True):
                want = method(*given)
                assert y.shape == want.shape
                np.testing.assert_allclose(y, want, rtol=0, atol=1e-5 * max(1, abs(want).max()))


def test_a_trained_model_with_noise_and_running_averages(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    encoder = nn.Sequential(nn.Dense(6, 5, rng=rng), nn.BatchNorm(5), nn.Dropout(0.5))
    model = nn.Autoencoder(encoder, nn.Dense(5, 6, rng=rng), input_shape=(6,))
    x = rng.random((256, 6), np.float32)
    nn.Trainer(model, nn.Adam(1e-2), seed=0).fit(x, epochs=2)
    file = nn.export_onnx(tmp_path / "model.onnx", model).read_bytes()
    np.testing.assert_allclose(run(file, x)[0], model.reconstruct(x), rtol=0, atol=1e-5)


def test_inputs_and_outputs_have_names(tmp_path: Path) -> None:
    import onnx

    def names(part: str, model: Any) -> tuple[list[str], list[str]]:
        graph = onnx.load(nn.export_onnx(tmp_path / "m.onnx", model, part)).graph
        return [a.name for a in graph.input], [a.name for a in graph.output]

    vae = nn.models.build("dense_conditional_vae", (9,), classes=4, rng=RNG)
    assert names("encoder", vae) == (["images", "labels"], ["codes", "logvar"])
    assert names("decoder", vae) == (["codes", "labels"], ["images"])
    assert names("reconstruct", vae) == (["images", "labels"], ["reconstruction"])
    plain = nn.models.build("dense_autoencoder", (9,), rng=RNG)
    assert names("encoder", plain) == (["images"], ["codes"])


# What is refused, before anything is written


class Own(nn.ReLU):
    """A layer of somebody's own."""


class OwnLikelihood(nn.SquaredError):
    """A likelihood of somebody's own."""


def autoencoder(*more: Layer, **options: Any) -> nn.Autoencoder:
    return nn.Autoencoder(
        nn.Sequential(nn.Dense(3, 2, rng=RNG), *more),
        nn.Dense(2, 3, rng=RNG),
        input_shape=(3,),
        **options,
    )


REFUSED: dict[str, tuple[Any, str, str]] = {
    "an own layer": (
        autoencoder(Own()),
        "reconstruct",
        r"export_onnx Autoencoder encoder, layer 1: .*AvgPool2d, .*; got Own\(\)",
    ),
    "an own likelihood": (
        autoencoder(likelihood=OwnLikelihood()),
        "decoder",
        r"export_onnx Autoencoder: expected a likelihood of the library, got OwnLikelihood\(\)",
    ),
    "an own layer in a network within the network": (
        autoencoder(nn.Sequential(Own())),
        "encoder",
        r"encoder, layer 1, layer 0: .*; got Own",
    ),
    "another part": (
        autoencoder(),
        "both",
        r"expected part encoder, decoder, reconstruct, got 'both'",
    ),
    "float64": (
        nn.models.build("dense_vae", (4,), dtype=np.float64, rng=RNG),
        "encoder",
        "expected a model of float32, got float64",
    ),
    "a layer": (nn.ReLU(), "encoder", "export_onnx ReLU: expected an autoencoder or a VAE"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_not_written(case: str, tmp_path: Path) -> None:
    model, part, message = REFUSED[case]
    path = tmp_path / "m.onnx"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match=message):
        nn.export_onnx(path, model, part)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match=r"test: an ONNX file takes floats, got LSTM.* on tokens"):
        write_layer("test", Graph(), nn.LSTM(3, 2, rng=RNG), "x", (4,))


# Faults that are planted


def exchanged(f: Any) -> Any:
    """Return a function of sides that takes each for the other."""
    return lambda *sides: f(*((after, before) for before, after in sides))


STANDARDISED = norms._standardised
FAULTS: dict[str, tuple[Any, str, Any, Layer, Shape]] = {
    "LSTM's gates as PyTorch has them": (
        recurrent, "LSTM_ORDER", (0, 1, 2, 3), nn.LSTM(3, 2, rng=RNG), (4, 3),
    ),
    "GRU's gates as PyTorch has them": (
        recurrent, "GRU_ORDER", (0, 1, 2), nn.GRU(3, 2, rng=RNG), (4, 3),
    ),
    "before and after exchanged": (
        images, "_pads", exchanged(images._pads),
        nn.Conv2d(1, 1, 3, padding=((2, 0), (1, 1)), rng=RNG), (1, 4, 4),
    ),
    "nearest by rounding": (
        images, "NEAREST", images.NEAREST | {"coordinate_transformation_mode": "align_corners"},
        nn.UpsampleNearest2d(3), (1, 4, 4),
    ),
    "ε left out": (
        norms, "_standardised", lambda graph, x, eps: STANDARDISED(graph, x, 0),
        nn.LayerNorm(3, eps=0.5), (3,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, wrong, layer, shape = FAULTS[fault]
    check_layer(layer, shape)
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises(AssertionError):
        check_layer(layer, shape)
