"""A model file makes the model again, of the library's parts and those passed in, and runs no code.

tests/fuzz/model_files.py has the damaged and the forged ones.
"""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

import nnscratch as nn
from nnscratch.checks.recorded import Recorded
from nnscratch.core import Array, Backward, Layer, Parameter, Shape, pack
from nnscratch.gradcheck.certificates import cases, with_random_parameters
from nnscratch.losses import l1_penalty
from nnscratch.models import adversarial, lesson
from nnscratch.models.architecture import describe, library
from nnscratch.models.music_sizes import Sizes, music_vae
from nnscratch.models.rebuilt import DEPTH, PARTS, rebuild
from nnscratch.models.sequences import SequenceDecoder
from nnscratch.training import checkpoint

pytestmark = [pytest.mark.plain, pytest.mark.oldest]

RNG = np.random.default_rng(0)
F64 = np.float64


def there_and_back(model: Any, folder: Path, *own: Any) -> Any:
    """Save a model and load it."""
    nn.save(folder / "model", model)
    return nn.load(folder / "model", layers=own)


def assert_same(a: Any, b: Any) -> None:
    """Two models of one class, one architecture, and the same arrays to the bit."""
    assert type(a) is type(b)
    assert describe(a) == describe(b)
    ours, theirs = checkpoint.arrays_of(a), checkpoint.arrays_of(b)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert (array.dtype, array.tobytes()) == (theirs[name].dtype, theirs[name].tobytes())


# Layers

LAYERS = [
    (name, layer, inputs, constants)
    for name, layer, inputs, constants in cases(RNG)
    if isinstance(layer, Layer)
    for _ in [with_random_parameters(layer, RNG)]
]


@pytest.mark.parametrize("case", LAYERS, ids=[name for name, *_ in LAYERS])
def test_every_certified_layer_comes_back(case: Any, tmp_path: Path) -> None:
    _, layer, inputs, constants = case
    other = there_and_back(layer, tmp_path)
    assert_same(layer, other)
    args = [x if isinstance(x, np.ndarray) else RNG.standard_normal(x) for x in inputs]
    noise = [{"rng": np.random.default_rng(1)} for _ in range(2)] if layer.noisy else [{}, {}]
    (y, backward), (y2, backward2) = (
        m.forward(*args, *constants, **n) for m, n in zip((layer, other), noise, strict=True)
    )
    assert [a.tobytes() for a in arrays_in(y)] == [a.tobytes() for a in arrays_in(y2)]
    if isinstance(y, np.ndarray):
        dy = RNG.standard_normal(y.shape)
        dx, dx2 = backward(dy), backward2(dy)
        assert [a.tobytes() for a in arrays_in(dx)] == [a.tobytes() for a in arrays_in(dx2)]


def arrays_in(a: Any) -> Iterator[Array]:
    """Yield the arrays of a result, which may be a tuple of some."""
    for each in a if isinstance(a, tuple) else (a,):
        yield from arrays_in(each) if isinstance(each, tuple) else (np.asarray(each),)


def test_every_public_layer_is_certified_and_known() -> None:
    certified = {type(layer).__name__ for _, layer, *_ in cases(RNG)}
    assert set(nn.layers.__all__) <= certified
    assert set(nn.layers.__all__) - {"GaussianSample"} <= set(library())


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_all_arguments_of_a_convolution_come_back(data: st.DataObject) -> None:
    size = st.integers(1, 3)
    pairs = st.one_of(size, st.tuples(size, size), st.lists(size, min_size=2, max_size=2))
    zero = st.integers(0, 2)
    padding = st.one_of(st.sampled_from(["same", "valid"]), zero, st.tuples(zero, zero))
    layer = nn.Conv2d(
        data.draw(size.map(lambda n: 2 * n)),
        data.draw(size.map(lambda n: np.int64(2 * n))),
        data.draw(pairs),
        stride=data.draw(pairs),
        padding=data.draw(padding),
        dilation=data.draw(pairs),
        groups=data.draw(st.sampled_from([1, 2])),
        bias=data.draw(st.booleans()),
        dtype=data.draw(st.sampled_from([F64, "float32", np.dtype("f8"), float])),
        rng=RNG,
        init=nn.layers.initializers.orthogonal,
    )
    words, own = describe(layer)
    other = rebuild(json.loads(json.dumps(words)))
    assert not own
    assert describe(other) == (words, own)
    mine, theirs = vars(layer), vars(other)
    same = {"groups", "C", "stride", "padding", "dilation", "same"}
    assert {n: mine[n] for n in same} == {n: theirs[n] for n in same}
    assert {n: p.value.shape for n, p in layer.parameters().items()} == {
        n: p.value.shape for n, p in other.parameters().items()
    }


def test_numbers_that_were_changed_come_back_as_they_are(tmp_path: Path) -> None:
    model = tiny.vae(nn.Dropout(0.5), beta=1.0)
    model.beta, model.encoder[2].p = 0.25, 0.125
    other = there_and_back(model, tmp_path)
    assert (other.beta, other.encoder[2].p) == (0.25, 0.125)


def test_a_layer_made_of_a_list_does_not_change_with_it(tmp_path: Path) -> None:
    shape = [2, 3]
    layer = nn.LayerNorm(shape)
    shape.append(9)
    assert there_and_back(layer, tmp_path).shape == (2, 3)


# Models


def models() -> dict[str, Callable[[], Any]]:
    """Every model and its parts."""
    rng, K = np.random.default_rng(0), 3
    sparse: dict[str, Any] = {"l1": (0.1, l1_penalty)}
    deep = nn.Sequential(
        nn.Dense(16, 8, rng=rng), nn.Sequential(nn.BatchNorm(8), nn.Dropout(0.2)), nn.GELU()
    )
    first = nn.Dense(16, 8, rng=rng, dtype=F64)
    with_label = nn.Dense(tiny.D + K, 4, rng=rng), nn.Dense(2 + K, tiny.D, rng=rng)
    return {
        "Autoencoder": lambda: tiny.autoencoder(penalties=sparse, likelihood=nn.SquaredError()),
        "nested": lambda: nn.Autoencoder(deep, nn.Dense(8, 16, rng=rng), input_shape=(16,)),
        "tied": lambda: nn.Autoencoder(
            nn.Sequential(first, nn.Tanh()), nn.TiedDense(first), input_shape=(16,)
        ),
        "noise": lambda: tiny.autoencoder(corruption=nn.GaussianNoise(0.0, 0.5, clip=False)),
        "salt": lambda: tiny.autoencoder(corruption=nn.SaltAndPepper(0.25)),
        "masking": lambda: tiny.autoencoder(corruption=nn.Masking(0.5)),
        "smaller": lambda: nn.Autoencoder(
            nn.Sequential(nn.Flatten(), nn.Dense(4, 2, rng=rng)),
            nn.Sequential(nn.Dense(2, 16, rng=rng), nn.Reshape(1, 4, 4)),
            input_shape=(1, 4, 4),
            corruption=nn.Downsampling(2),
        ),
        "VAE": lambda: tiny.vae(likelihood=nn.Gaussian(0.25), free_bits=0.5, dtype=F64),
        "IWAE": lambda: nn.IWAE(
            tiny.encoder(4), tiny.decoder(), 2, samples=3, input_shape=(16,), objective="vae"
        ),
        "TwoLayerIWAE": lambda: nn.TwoLayerIWAE(
            tiny.encoder(4),
            tiny.decoder(),
            (2, 3),
            upper_encoder=nn.Dense(2, 6, rng=rng),
            upper_decoder=nn.Dense(3, 4, rng=rng),
            input_shape=(16,),
        ),
        "ConditionalVAE": lambda: nn.ConditionalVAE(
            *with_label, 2, beta=0.5, classes=K, input_shape=(tiny.D,)
        ),
        "ContractiveAutoencoder": lambda: nn.ContractiveAutoencoder(16, 4, 0.5, rng=rng),
        "AdversarialAutoencoder": lambda: nn.AdversarialAutoencoder(
            tiny.encoder(2),
            tiny.decoder(),
            nn.Dense(2, 1, rng=rng),
            input_shape=(tiny.D,),
            prior=adversarial.ring,
            weight=0.5,
        ),
        "VQVAE": lambda: nn.VQVAE(
            tiny.encoder(2),
            tiny.decoder(),
            nn.Codebook(4, 2, decay=0.9, rng=rng),
            input_shape=(16,),
        ),
        "WassersteinAutoencoder": lambda: nn.WassersteinAutoencoder(
            tiny.encoder(2),
            tiny.decoder(),
            input_shape=(16,),
            prior=adversarial.ring,
            weight=3.0,
            kernel="rbf",
        ),
        "BetaTCVAE": lambda: nn.BetaTCVAE(
            tiny.encoder(4), tiny.decoder(), 2, beta=2.0, samples=9, alpha=0.5, input_shape=(16,)
        ),
        "VampPriorVAE": lambda: nn.VampPriorVAE(
            tiny.encoder(4), tiny.decoder(), 2, beta=0.5, components=3, input_shape=(16,), rng=rng
        ),
        "VQVAE by gradient": lambda: nn.VQVAE(
            tiny.encoder(2),
            tiny.decoder(),
            nn.Codebook(4, 2, decay=None, dead=0.25, rng=rng),
            commitment=0.5,
            input_shape=(16,),
        ),
        "Classifier": lambda: nn.Classifier(lesson.mlp((16, 8, 3), rng=rng), input_shape=(16,)),
        "Regressor": lambda: nn.Regressor(nn.Dense(16, 2, rng=rng), input_shape=(16,)),
        "dense": lambda: lesson.dense_vae((8,), rng=rng),
        "convolutional": lambda: lesson.conv_autoencoder(rng=rng),
        "denoiser": lambda: lesson.conv_denoiser(image=(1, 4, 4), rng=rng),
        "kvfrans": lambda: lesson.kvfrans_vae(4, rng=rng),
        "keras": lambda: lesson.keras_conv_vae(rng=rng),
    }


def outputs(model: Any) -> Iterator[bytes]:
    """Yield the terms and gradients of a step, and what inference makes of images."""
    rng, theta = np.random.default_rng(0), pack(model.parameters())
    x = rng.random((*model.input_shape, 5)).astype(model.dtype)
    labels = (np.arange(5) % 3,) if getattr(model, "classes", 0) else ()
    if isinstance(model, nn.Regressor):
        labels = (rng.random((2, 5)).astype(model.dtype),)
    terms, backward = model.loss(x, *labels, rng=rng)
    backward(1.0)
    yield json.dumps(terms).encode()
    yield theta.grad.tobytes()
    if hasattr(model, "predict"):
        yield model.predict(np.moveaxis(x, -1, 0)).tobytes()
    else:
        small = rng.random((5, *model.corrupted_shape)).astype(model.dtype)
        yield model.encode(small, *labels).tobytes()
        yield model.sample(5, *labels, rng=rng, **like(model, small)).tobytes()


def like(model: Any, images: Array) -> dict[str, Any]:
    """Return what a model without a prior takes its codes from."""
    has_prior = isinstance(model, nn.VAE | nn.AdversarialAutoencoder | nn.WassersteinAutoencoder)
    return {} if has_prior else {"like": images}


@pytest.mark.parametrize("name", models())
def test_a_model_comes_back_and_computes_the_same_to_the_bit(name: str, tmp_path: Path) -> None:
    model = models()[name]()
    pack(model.parameters()).value[...] *= 1.5  # biases are zeros, and stay so
    for buffer in model.buffers().values():
        buffer[...] = RNG.random(buffer.shape)
    other = there_and_back(model, tmp_path)
    assert_same(model, other)
    assert list(outputs(model)) == list(outputs(other))
    assert repr(other).splitlines()[-2:] == repr(model).splitlines()[-2:]


@pytest.mark.parametrize("sizes", [(2, None), (2, (4, 1))], ids=["flat", "hierarchical"])
def test_models_of_sequences_come_back(sizes: Any, tmp_path: Path) -> None:
    bars, conductor = sizes
    few = Sizes(bars, (4, 1), 3, (5, 2), conductor, beta=0.5)
    model = music_vae(few, rng=RNG, classes=6, augmentation=nn.Transposition(3), sampling=0.25)
    other = there_and_back(model, tmp_path)
    assert_same(model, other)
    assert (other.augmentation, other.sampling) == (nn.Transposition(3), 0.25)
    x = RNG.integers(0, 6, (5, 16 * bars))
    assert model.encode(x).tobytes() == other.encode(x).tobytes()
    z = model.encode(x)
    assert model.decode(z).tobytes() == other.decode(z).tobytes()
    alone = nn.LanguageModel(SequenceDecoder(6, 4, 0, rng=RNG), steps=8)
    assert_same(alone, there_and_back(alone, tmp_path))


def test_every_model_of_the_library_is_tried() -> None:
    tried = {type(make()) for make in models().values()}
    of_the_library = {a for a in library().values() if isinstance(a, type)}
    assert {a for a in of_the_library if issubclass(a, nn.models.described.Described)} <= tried


def test_the_model_of_inference_comes_back_as_one(tmp_path: Path) -> None:
    model = tiny.vae(nn.BatchNorm(tiny.H), nn.Dropout(0.5))
    model.buffers()["encoder.2.running_var"][...] = RNG.random(tiny.H)
    inference = model.inference()
    other = there_and_back(inference, tmp_path)
    assert_same(inference, other)
    assert [type(layer).__name__ for layer in other.encoder[2:4]] == ["FrozenBatchNorm", "Identity"]


def test_tied_weights_come_back_tied(tmp_path: Path) -> None:
    other = there_and_back(models()["tied"](), tmp_path)
    assert other.encoder[0].w is other.decoder[0].w
    twice = nn.Dense(3, 3, rng=RNG)
    net = there_and_back(nn.Sequential(twice, nn.Tanh(), twice), tmp_path)
    assert net[0] is net[2]


def test_a_run_can_be_loaded_as_the_model_that_it_trains(tmp_path: Path) -> None:
    model = tiny.vae()
    anneal = {"beta": nn.schedules.Linear(0, 1, 4)}
    trainer = nn.Trainer(model, nn.Adam(1e-2), seed=0, batch_size=8, anneal=anneal)
    trainer.fit(tiny.images(16), epochs=2, checkpoint=tmp_path / "run")
    other = nn.load(tmp_path / "run")
    assert_same(model, other)
    x = tiny.images(3).reshape(3, -1)
    assert other.reconstruct(x).tobytes() == model.reconstruct(x).tobytes()


# What is one's own


class Scale(Layer):
    """y = a x."""

    def __init__(self, features: int, *, start: float = 1.0) -> None:
        self.a = Parameter(np.full((features, 1), start, np.float32))

    def forward(self, x: Array) -> tuple[Array, Backward]:
        a = self.a

        def backward(dy: Array) -> Array:
            a.grad += (dy * x).sum(axis=1, keepdims=True)
            return dy * a.value

        return a.value * x, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def parameters(self) -> dict[str, Parameter]:
        return {"a": self.a}


def hoyer(z: Array) -> tuple[float, Array]:
    """A penalty of one's own."""
    value, dz = l1_penalty(z)
    return 2 * value, 2 * dz


@dataclass(frozen=True)
class Scaled(nn.SquaredError):
    """A likelihood of one's own."""

    scale: float = 2.0


class Wide(nn.VAE):
    """A model of one's own."""


def test_parts_of_ones_own_come_back_if_they_are_passed_in(tmp_path: Path) -> None:
    model = tiny.autoencoder(
        Scale(tiny.H, start=2.0), penalties={"hoyer": (0.5, hoyer)}, likelihood=Scaled(3.0)
    )
    assert_same(model, there_and_back(model, tmp_path, Scale, hoyer, Scaled))
    with pytest.raises(ValueError, match=r"model: encoder\.layers\.2: expected a class .* 'Scale'"):
        nn.load(tmp_path / "model")
    with pytest.raises(ValueError, match=r"penalties\.hoyer\.1: expected a function .* 'hoyer'"):
        nn.load(tmp_path / "model", layers=[Scale, Scaled])
    wide = Wide(tiny.encoder(4), tiny.decoder(), 2, input_shape=(tiny.D,))
    assert_same(wide, there_and_back(wide, tmp_path, Wide))


def test_a_name_of_the_library_is_the_librarys(tmp_path: Path) -> None:
    class Dense(nn.Dense):
        pass

    with pytest.raises(ValueError, match="expected a name of its own for what is yours, got Dense"):
        nn.save(tmp_path / "x", Dense(2, 2, rng=RNG))
    with pytest.raises(ValueError, match="expected another name than Dense, which is taken"):
        there_and_back(nn.Tanh(), tmp_path, Dense)
    with pytest.raises(ValueError, match="expected a list of classes or functions, got <class"):
        nn.load(tmp_path / "model", layers=Scale)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected classes or functions with a name, got 'Scale'"):
        nn.load(tmp_path / "model", layers=["Scale"])


class Unknown:
    """A layer that keeps no record."""

    forward = nn.Tanh().forward
    output_shape = nn.Tanh().output_shape

    def parameters(self) -> dict[str, Parameter]:
        return {}


class Forgets(Layer):
    """A layer made with what is no plain data, of which it keeps no attribute."""

    def __init__(self, f: Callable[[Array], Array]) -> None:
        self.g = f

    def forward(self, x: Array) -> tuple[Array, Backward]:
        return x, lambda dy: dy

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Doubles(Layer):
    """A layer that is not what its arguments say."""

    def __init__(self, features: int) -> None:
        self.p = Parameter(np.zeros(2 * features, np.float32))

    forward, output_shape = Forgets.forward, Forgets.output_shape

    def parameters(self) -> dict[str, Parameter]:
        return {"p": self.p}


def infinite() -> nn.VAE:
    model = tiny.vae()
    model.beta = np.inf
    return model


def grown() -> Layer:
    layer = Doubles(3)
    layer.p = Parameter(np.zeros(7, np.float32))
    return layer


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Sequential(Unknown()), "layers.0: expected a layer, .* got Unknown"),
        (lambda: Forgets(np.tanh), "Forgets: its argument f is no number"),
        (infinite, "beta: expected a finite number, got inf"),
        (grown, r"expected p \(6,\) float32, got \(7,\) float32"),
        (
            lambda: tiny.autoencoder(penalties={"x": (1.0, lambda z: (0.0, z))}),
            "expected a name of its own for what is yours, got <lambda>",
        ),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(
    make: Callable[[], Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=words):
        nn.save(tmp_path / "x", make())
    assert not os.listdir(tmp_path)


def test_weights_that_are_no_numbers_are_refused_on_both_ways(tmp_path: Path) -> None:
    model = tiny.vae()
    words, _ = describe(model)
    model.encoder[0].w.value[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"save VAE: expected finite .* in encoder\.0\.weight"):
        nn.save(tmp_path / "x", model)
    checkpoint.write(tmp_path / "y", checkpoint.arrays_of(model), {"architecture": words})
    with pytest.raises(ValueError, match=r"y: expected finite weights, .* in encoder\.0\.weight"):
        nn.load(tmp_path / "y")


# Files that are none


def normed() -> nn.Sequential:
    """A small network with buffers."""
    return nn.Sequential(nn.Dense(3, 2, rng=np.random.default_rng(0)), nn.BatchNorm(2), nn.Tanh())


def accepted(contents: Iterator[bytes], path: Path) -> list[int]:
    """Return the numbers of those contents of a file that `load` accepts."""
    found = []
    for i, content in enumerate(contents):
        path.write_bytes(content)
        with suppress(ValueError):
            nn.load(path)
            found.append(i)
    return found


def with_bit_flipped(content: bytes, bit: int) -> bytes:
    a = bytearray(content)
    a[bit // 8] ^= 1 << bit % 8
    return bytes(a)


@pytest.mark.parametrize("step", [29, pytest.param(1, marks=pytest.mark.once)])
def test_a_flipped_bit_or_a_missing_end_is_found(step: int, tmp_path: Path) -> None:
    nn.save(tmp_path / "x", normed())
    good = (tmp_path / "x").read_bytes()
    digit = 8 * (good.index(b"nnscratch 3") + 10)  # of the format: 3 with a bit flipped may be 1, 2
    bits = [*range(0, 8 * len(good), step), *range(digit, digit + 8)]
    assert not accepted((with_bit_flipped(good, i) for i in bits), tmp_path / "y")
    assert not accepted((good[:n] for n in range(0, len(good), step)), tmp_path / "y")
    assert accepted(iter([good]), tmp_path / "y") == [0]


def test_a_file_of_weights_alone_says_what_reads_it(tmp_path: Path) -> None:
    checkpoint.save_model(tmp_path / "x", tiny.vae())
    with pytest.raises(ValueError, match="without an architecture; load_model reads it into"):
        nn.load(tmp_path / "x")
    save_file({"a": np.ones(3)}, tmp_path / "y")
    with pytest.raises(ValueError, match=r"y: .* without its header; load_model takes such a file"):
        nn.load(tmp_path / "y")
    with pytest.raises(FileNotFoundError, match="nothing"):
        nn.load(tmp_path / "nothing")


def test_load_model_names_what_differs(tmp_path: Path) -> None:
    nn.save(tmp_path / "x", tiny.vae())
    words = r"it has no encoder\.2\.bias; .*it has a encoder\.2\.weight too many|; and \d+ more"
    with pytest.raises(ValueError, match=words):
        nn.load_model(tmp_path / "x", lesson.conv_autoencoder(rng=RNG))


def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    model, path = tiny.vae(), tmp_path / "x"
    nn.save(path, model)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="checkpoint not written, No space left on device"):
        nn.save(path, tiny.vae(beta=0.5))
    assert os.listdir(tmp_path) == ["x"]
    assert nn.load(path).beta == 1.0


DENSE = {"class": "Dense", "in_features": 2, "out_features": 2}
MODEST = {"class": "Flatten"}


def nested(depth: int) -> dict[str, Any]:
    words: dict[str, Any] = MODEST
    for _ in range(depth):
        words = {"class": "Sequential", "layers": [words]}
    return words


def doubling(times: int) -> dict[str, Any]:
    """Every entry is the one before it, twice: 2 ** times layers in a short text."""
    layers: list[Any] = [{"class": "Sequential", "layers": [MODEST]}]
    for i in range(times):
        layers.append({"class": "Sequential", "layers": [{"same": f"layers.{i}"}] * 2})
    return {"class": "Sequential", "layers": layers}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"class": "os.system", "command": "true"}, "expected a class of the library.*'os.system'"),
        ({"class": "Trainable"}, "expected a class"),
        ({"class": "eval"}, "expected a class"),
        ({"class": "l1_penalty"}, "expected a class"),
        ({"class": ["Dense"]}, "expected a class"),
        ({"class": "Bernoulli"}, "expected a layer or a model, got"),
        ({"function": "l1_penalty"}, "expected a layer or a model"),
        ({"function": "Dense"}, "expected a function"),
        ({"same": ""}, "expected a class, function"),
        ({"dtype": "float16"}, "expected a class, function"),
        ({}, "expected a class, function"),
        ("Dense", "expected a layer or a model, got 'Dense'"),
        (DENSE | {"colour": 1}, "Dense: expected no argument 'colour'"),
        (DENSE | {"init": "zeros"}, "Dense: expected no argument 'init'"),
        (DENSE | {"self": 1}, "Dense: expected no argument 'self'"),
        (DENSE | {"in_features": "2"}, "Dense: expected in_features, an integer"),
        (DENSE | {"in_features": 3}, r"expected weight \(2, 3\) float32, got \(2, 2\)"),
        (DENSE | {"bias": False}, "it has a bias too many"),
        (
            DENSE | {"in_features": 10**9},
            r"shape of at most 1048582 numbers, got \(2, 1",
        ),
        (DENSE | {"in_features": 10**30}, "≤ 2⁴⁸"),
        (
            {"class": "LayerNorm", "normalized_shape": [10**6, 10**6]},
            "at most 1048582 numbers",
        ),
        (
            {"class": "BatchNorm", "num_features": 10**9},
            "at most 1048582 numbers",
        ),
        ({"class": "Dense"}, "Dense: TypeError: .*missing 2 required"),
        ({"class": "TiedDense", "dense": 5}, "TiedDense: AttributeError"),
        ({"class": "Sequential", "layers": 5}, "Sequential: TypeError"),
        (nested(DEPTH), "at most 32 deep"),
        (nested(DEPTH * 8), "at most 32 deep"),
        (doubling(60), f"at most {PARTS} parts"),
        ({"class": "Sequential", "layers": [MODEST] * PARTS}, f"at most {PARTS} parts"),
        (
            {
                "class": "VAE",
                "encoder": {"class": "Flatten"},
                "decoder": {"class": "Flatten"},
                "latent_dim": 5 * 10**11,
                "input_shape": [10**6, 10**6],
            },
            "VAE decoder: |expected an output of shape",
        ),
    ],
)
def test_a_forged_architecture_is_refused_in_words(words: Any, why: str, tmp_path: Path) -> None:
    arrays = {"weight": np.ones((2, 2), np.float32), "bias": np.ones(2, np.float32)}
    checkpoint.write(tmp_path / "x", arrays, {"architecture": words})
    with pytest.raises(ValueError, match=why) as refused:
        nn.load(tmp_path / "x")
    assert str(refused.value).startswith(f"{tmp_path / 'x'}: ")


def test_a_description_is_what_it_says_in_the_docstring() -> None:
    words, _ = describe(nn.Dense(784, 32, rng=RNG))
    assert words == {
        "class": "Dense",
        "in_features": 784,
        "out_features": 32,
        "bias": True,
        "dtype": {"dtype": "float32"},
    }
    words, own = describe(models()["tied"]())
    assert words["decoder"]["layers"][0]["dense"] == {"same": "encoder.layers.0"}
    assert not own


def test_a_record_holds_on_to_no_array_and_no_source_of_noise() -> None:
    class Holds(Recorded):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            pass

    thing = Holds(1, np.ones(3), rng=np.random.default_rng(0), words={"a": (1, 2)})
    text = repr(thing._arguments)
    assert "Unsaid" in text
    assert "Generator" not in text
    assert "array" not in text
