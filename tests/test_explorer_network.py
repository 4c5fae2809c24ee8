"""The explorer's layers in JavaScript against NumPy's, and the faults that this finds in them."""

from collections.abc import Iterator
from math import erfc, log, pi, prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checks import explorer
from checks.explorer import FIXED, KINDS, SOURCES, Node, check_kind, check_network
from hypothesis import given, settings
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch.core import Array, Layer, Shape, channel_axis
from nnscratch.evaluation.metrics import bce
from nnscratch.explorer.network import NAMES, entries
from nnscratch.explorer.packing import Block, Rounded, rounded, rounded_model
from nnscratch.learned_scale import discretised_logistic_nll
from nnscratch.losses import binary_entropy, gaussian_kl
from nnscratch.models import interpolation
from nnscratch.models.parts import decoder_shape

NEEDS_NODE = pytest.mark.skipif(explorer.NODE is None, reason="needs Node: apt install nodejs")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    process = Node()
    yield process
    process.close()


@NEEDS_NODE
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10)
@given(data=st.data())
def test_a_layer_is_numpys(kind: str, node: Node, data: st.DataObject) -> None:
    layer, shape = data.draw(KINDS[kind])
    check_network(node, layer, shape, data.draw(st.integers(0, 99)))


def test_every_kind_is_tested_and_named() -> None:
    assert set(KINDS) == NAMES


@NEEDS_NODE
def test_every_kind_is_there_in_javascript(node: Node) -> None:
    assert set(node("kinds")) == NAMES - {"Crop1d", "Crop2d", "Dropout"}


@NEEDS_NODE
@pytest.mark.parametrize("name", ["keras_conv_vae", "kvfrans_vae", "dense_vae"])
def test_a_whole_network_in_float32(name: str, node: Node, rng: np.random.Generator) -> None:
    """As it ships: 1e-5 of the largest number, beside float32's own rounding in NumPy."""
    model = getattr(nn.models.lesson, name)(latent_dim=3, rng=rng)
    for network, shape in model.parts().values():
        x = rng.random(shape, np.float32)
        want = network.forward(x[..., None])[0][..., 0]
        np.testing.assert_allclose(node.run(network, x), want, atol=1e-5 * np.abs(want).max())


@pytest.mark.parametrize("x", [-9.0, -3.0, -2.9, -0.1, 0.0, 1e-9, 2.9, 3.0, 9.0])
@NEEDS_NODE
def test_the_normal_distribution_has_its_tails(x: float, node: Node) -> None:
    want = erfc(-x / sqrt(2)) / 2
    assert node("function", name="normalCdf", values=[x]) == pytest.approx(want, rel=1e-12, abs=0)


# Terms and codes


ERROR = 0.04
LIKELIHOODS: dict[str, tuple[Any, dict[str, float]]] = {
    "Bernoulli": (nn.Bernoulli(), {}),
    "SquaredError": (nn.SquaredError(), {}),
    "Gaussian": (nn.Gaussian(0.3), {"variance": 0.3}),
    "LearnedGaussian": (nn.LearnedGaussian(0.01), {"least": 0.01, "error": ERROR}),
    "DiscretisedLogistic": (nn.DiscretisedLogistic(1e-3), {"least": 1e-3, "error": ERROR}),
}
SAMPLES = st.sampled_from([(30,), (3, 2, 5), (6, 5)])


def check_likelihood(node: Node, kind: str, shape: Shape, rng: np.random.Generator) -> None:
    """Compare all that functions.mjs computes of a likelihood, for one sample of this shape."""
    likelihood, settings = LIKELIHOODS[kind]
    t = np.rint(255 * rng.random((*shape, 1)).clip(0.2, 0.8)) / 255
    t.flat[:2] = 0, 1
    if "least" in settings:
        settings = settings | {"row": prod(shape[channel_axis(shape) :])}
    learned = "least" in settings  # the logistic's mean loses as many digits as its scale has
    a = (2 if learned else 9) * rng.standard_normal((*decoder_shape(likelihood, shape), 1))

    def ask(method: str, *arrays: Array) -> float | list[float]:
        values = [array.ravel().tolist() for array in arrays]
        return node("likelihood", kind=kind, settings=settings, method=method, values=values)

    assert ask("nll", a, t) == pytest.approx(likelihood.nll(a, t)[0], rel=1e-12)
    rtol = 1e-10 if kind == "DiscretisedLogistic" else 1e-12
    np.testing.assert_allclose(ask("mean", a), likelihood.mean(a).ravel(), rtol=rtol)
    picture = t + rng.normal(0, 0.1, t.shape)
    assert ask("floor", t) == pytest.approx(floor(kind, t), rel=1e-12)
    assert ask("ofPicture", picture, t) == pytest.approx(of_picture(kind, picture, t), rel=1e-12)


def floor(kind: str, t: Array) -> float:
    """The least that t can cost, by NumPy."""
    match kind:
        case "Bernoulli":
            return binary_entropy(t)
        case "SquaredError":
            return 0
        case "Gaussian" | "LearnedGaussian":
            variance = 0.3 if kind == "Gaussian" else 0.01
            return t.size * log(2 * pi * variance) / 2
    between = t[(t > 0) & (t < 1)][:, None]
    return discretised_logistic_nll(between, np.full_like(between, log(1e-3)), between)[0]


def of_picture(kind: str, picture: Array, t: Array) -> float:
    """What a picture costs that comes without a scale, by NumPy."""
    match kind:
        case "Bernoulli":
            return bce(t.T, picture.clip(0, 1).T)
        case "LearnedGaussian":
            return nn.Gaussian(ERROR).nll(picture, t)[0]
        case "DiscretisedLogistic":
            scale = np.full_like(t, log(sqrt(3 * ERROR) / pi))
            return discretised_logistic_nll(picture, scale, t)[0]
    return float(LIKELIHOODS[kind][0].nll(picture, t)[0])


@NEEDS_NODE
@pytest.mark.parametrize("kind", LIKELIHOODS)
@given(shape=SAMPLES, seed=st.integers(0, 99))
@settings(max_examples=10)
def test_a_likelihood(kind: str, shape: Shape, seed: int, node: Node) -> None:
    check_likelihood(node, kind, shape, np.random.default_rng(seed))


@NEEDS_NODE
@pytest.mark.parametrize("kind", ["LearnedGaussian", "DiscretisedLogistic"])
def test_pca_costs_no_less_than_the_floor(kind: str, node: Node) -> None:
    """Where it has as many numbers as a sample has, its errors are 0."""
    t = [0.2, 0.4]

    def ask(method: str, *values: list[float]) -> float:
        settings = {"least": 0.01, "error": 0.0, "row": 2}
        return node("likelihood", kind=kind, settings=settings, method=method, values=values)

    assert ask("ofPicture", t, t) == pytest.approx(ask("floor", t), rel=1e-12)


@NEEDS_NODE
def test_the_kl(node: Node, rng: np.random.Generator) -> None:
    mu, logvar = rng.standard_normal((2, 5))
    each = [node("function", name="gaussianKl", values=v) for v in zip(mu, logvar, strict=True)]
    assert sum(each) == pytest.approx(gaussian_kl(mu[:, None], logvar[:, None])[0], rel=1e-12)


@NEEDS_NODE
@pytest.mark.parametrize("scale", [1, 0, 3])
@pytest.mark.parametrize(("name", "way"), [("straight", "lerp"), ("spherical", "slerp")])
def test_a_path(name: str, way: str, scale: int, node: Node, rng: np.random.Generator) -> None:
    """Also between a code and its double, and the origin, where the angle is none."""
    a, t = rng.standard_normal((1, 4)), np.array([0, 0.3, 1])
    b = rng.standard_normal((1, 4)) if scale == 1 else scale * a
    want = getattr(interpolation, way)(a, b, t)[0]
    got = [node("function", name=name, values=[a[0].tolist(), b[0].tolist(), s]) for s in t]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


@NEEDS_NODE
def test_draws_are_normal(node: Node) -> None:
    """Not seeded: a z-score of 6 comes once in a billion runs."""
    x, N = np.array(node("normals", count=4000)), 4000
    scores = [x.mean() * sqrt(N), ((x**2).mean() - 1) * sqrt(N / 2), (x**3).mean() * sqrt(N / 15)]
    assert np.abs(scores).max() < 6


# Arrays


SHAPES = st.lists(st.integers(1, 5), min_size=2, max_size=3).map(tuple)


@NEEDS_NODE
@given(shape=SHAPES, seed=st.integers(0, 99), bits=st.sampled_from([None, 8, 11.5, 16]))
@settings(max_examples=10)
def test_arrays_arrive_as_they_were(
    shape: tuple[int, ...], seed: int, bits: int | None, node: Node
) -> None:
    w = np.random.default_rng(seed).standard_normal(shape, np.float32)
    w[0] *= seed % 2  # a row of zeros has no scale
    kept = None if bits is None else rounded(w, bits)
    block = Block({} if kept is None else {id(w): kept})
    images = np.random.default_rng(seed).integers(0, 256, 7, np.uint8)
    first, entry = block.add(images), block.add(w)
    text = block.text()
    got = np.array(node("array", block=text, entry=entry), np.float32).reshape(shape)
    np.testing.assert_array_equal(got, w if kept is None else kept.value)
    assert node("array", block=text, entry=first) == images.tolist()


@given(shape=SHAPES, seed=st.integers(0, 99), bits=st.integers(8, 16))
def test_rounding_moves_a_weight_by_half_a_step(
    shape: tuple[int, ...], seed: int, bits: int
) -> None:
    w = np.random.default_rng(seed).standard_normal(shape, np.float32)
    got: Rounded = rounded(w, bits)
    rows = np.abs(w.reshape(len(w), -1))
    step = rows.max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
    moved = np.abs(got.value - w).reshape(rows.shape)
    assert (moved <= 0.51 * step + 1e-6 * rows).all()
    assert np.abs(got.integers).max() <= got.largest == 2 ** (bits - 1) - 1


def test_a_copy_is_rounded_and_the_model_is_not(rng: np.random.Generator) -> None:
    dense = nn.Dense(100, 50, rng=rng)
    net = nn.Sequential(dense, nn.Sigmoid(), nn.TiedDense(dense))
    before = dense.w.value.copy()
    V = rng.standard_normal((3, 2000), np.float32)
    twin, [other], table = rounded_model(net, 8, [V])
    np.testing.assert_array_equal(dense.w.value, before)
    first, _, last = twin.layers
    assert first.w is last.w
    assert list(table) == [id(first.w.value), id(other)]
    assert 0 < np.abs(other - V).max() <= 0.51 * np.abs(V).max() / 127
    assert np.unique(first.w.value[0]).size <= 255
    np.testing.assert_allclose(first.w.value, before, atol=np.abs(before).max() / 127)
    assert rounded_model(net, None)[2] == {}


# What is refused


class Own(nn.ReLU):
    """A layer of somebody's own."""


@pytest.mark.parametrize("layer", [Own(), nn.Sequential(nn.Tanh(), Own())])
def test_a_layer_that_the_page_does_not_know_is_named(layer: Layer) -> None:
    with pytest.raises(ValueError, match=r"decoder, layer 1.*AvgPool2d, .*; got Own\(\)"):
        entries("decoder", nn.Sequential(nn.ReLU(), layer))


# Faults planted in the JavaScript


FAULTS: dict[str, list[tuple[str, str]]] = {
    "Dense": [
        ("weight.data[m * D + d] * x.data[d]", "weight.data[d * M + m] * x.data[d]"),
        ("y.data[m] = sum;", "y.data[m] = sum / D;"),
        ("bias.data[Math.floor(i / each)]", "0"),
    ],
    "TiedDense": [("weight.data[m * D + d] * x.data[m]", "weight.data[d * M + m] * x.data[m]")],
    "Conv2d": [
        ("Math.floor(missing / 2), Math.ceil(", "Math.ceil(missing / 2), Math.floor("),
        ("Math.ceil(I / stride) - 1", "Math.floor(I / stride) - 1"),
        ("Math.floor(f / (F / groups)) * C + c", "c"),
        ("(f * C + c) * KH + k) * KW + j", "(f * C + c) * KH + k) * KW + KW - 1 - j"),
        ("k * dilation[0] - before[0]", "k - before[0]"),
        ("j * dilation[1] - before[1]", "j * dilation[1] + before[1]"),
        ("h * stride[0] + k", "h + k"),
        ("Math.ceil(-shift / stride[1])", "-shift"),
        ("Math.floor((L - 1 - shift) / stride[1]) + 1", "Math.floor((L - 1 - shift) / stride[1])"),
        ("y.data[a + m] += w * x.data[b + m * step]", "y.data[a + m] += w * x.data[b + m]"),
        ("if (i >= 0 && i < I)", "if (i > 0 && i < I)"),
    ],
    "ConvTranspose2d": [
        ("y.data[b + m * step] += w", "y.data[b + m * step] = w"),
        (" + layer.output_padding[a]", ""),
        ("zeros(weight.shape[1] * groups, OH", "zeros(weight.shape[1], OH"),
        ("(x.shape[a + 1] - 1) * stride[a]", "x.shape[a + 1] * stride[a]"),
    ],
    "Conv1d": [
        ("(i % A) * B + Math.floor(i / A)", "(i % B) * A + Math.floor(i / B)"),
        ("Conv1d: alongSteps(Conv2d)", "Conv1d: alongSteps(ConvTranspose2d)"),
        ("weight.shape.toSpliced(2, 0, 1)", "weight.shape.toSpliced(3, 0, 1)"),
    ],
    "ConvTranspose1d": [("alongSteps(ConvTranspose2d)", "alongSteps(Conv2d)")],
    "UpsampleNearest1d": [("alongSteps(UpsampleNearest2d)", "(x => x)")],
    "ZeroPad1d": [("alongSteps(ZeroPad2d)", "(x => x)")],
    "Crop1d": [("alongSteps(ZeroPad2d)", "(x => x)")],
    "MaxPool2d": [
        ("Math.max(...values)", "Math.max(0, ...values)"),
        ("ceil ? Math.ceil(room)", "false ? Math.ceil(room)"),
        (">= I + padding[a] ?", "> I + 9 * padding[a] ?"),
    ],
    "AvgPool2d": [
        ("layer.count_include_pad ? places : values.length", "values.length"),
        ("layer.count_include_pad ? places : values.length", "places"),
        ("Math.min(from[a] + kernel[a], I + padding[a])", "from[a] + kernel[a]"),
    ],
    "GlobalAvgPool2d": [("(c + 1) * H * W)) / (H * W)", "(c + 1) * H * W)) / H")],
    "UpsampleNearest2d": [("at(h, SH)) * W + at(m, SW)", "at(h, SW)) * W + at(m, SH)")],
    "UpsampleBilinear2d": [
        ("(h + 0.5) / S - 0.5", "h / S"),
        ("Math.min(i + 1, I - 1), u - i", "Math.min(i + 1, I - 1), i - u"),
        ("s * ((1 - t) * pixel(k, l)", "s * ((1 - t) * pixel(k, n)"),
    ],
    "PixelShuffle": [("(c * r + h % r) * r + m % r", "(c * r + m % r) * r + h % r")],
    "ZeroPad2d": [("(c * H + h - top) * W + m - left", "(c * H + h - top) * W + m")],
    "BatchNorm": [
        ("Math.sqrt(v[channel(i)] + layer.eps)", "(v[channel(i)] + layer.eps)"),
        ("i % shape[1]", "Math.floor(i / shape[1])"),
    ],
    "LayerNorm": [
        ("Math.sqrt(variance[group[i]] + eps)", "Math.sqrt(variance[group[i]])"),
        ("** 2 / count", "** 2 / (count - 1)"),
        (" + bias.data[placeOf(i)]", ""),
    ],
    "GroupNorm": [("channel(i) / (channels / groups)", "channel(i) / groups / 2")],
    "Softmax": [("x.shape.at(-1)", "x.shape.at(0)")],
    "LeakyReLU": [("Math.max(value, slope * value)", "Math.max(value, 0)")],
    "ELU": [("alpha * Math.expm1(value)", "Math.expm1(value)")],
    "GELU": [("x * normalCdf(x)", "normalCdf(x)"), ("term *= x * x / n", "term *= x * x")],
    "Sigmoid": [("Math.exp(x) / (1 + Math.exp(x))", "1 / (1 + Math.exp(x))")],
    "Softplus": [("Math.log1p(Math.exp(-Math.abs(x)))", "Math.log(Math.exp(-Math.abs(x)))")],
    "Tanh": [("map(Math.tanh)", "map(Math.sinh)")],
    "Reshape": [("(x, { shape }) => ({ shape, data", "(x, { shape }) => ({ shape: x.shape, data")],
    "Flatten": [("shape: [x.data.length], data", "shape: x.shape, data")],
    "ReLU": [("ReLU: map(x => Math.max(x, 0))", "ReLU: map(x => Math.abs(x))")],
}
FAULTS |= {
    "LearnedGaussian": [
        ("(2 * Math.floor(i / row) + at) * row + i % row", "at * a.length / 2 + i"),
        ("logvar + Math.log(2 * Math.PI)) / 2", "logvar) / 2"),
        ("Math.log(least) + softplus(b - Math.log(least))", "Math.max(b, Math.log(least))"),
        ("Math.exp(-logvar)", "Math.exp(logvar)"),
    ],
    "DiscretisedLogistic": [
        ("upper = t < 1 - h", "upper = true"),
        ("lower = t > h", "lower = true"),
        ("upper && lower ? Math.log", "false ? Math.log"),
        ("softplus((value - 1) / s[i])", "softplus(value / s[i] - 1)"),
        ("Math.sqrt(3 * error) / Math.PI", "Math.sqrt(error)"),
        ("t > 1 / 510 && t < 1 - 1 / 510 ? levelNll", "true ? levelNll"),
    ],
    "Bernoulli": [("softplus(a[i]) - t * a[i]", "softplus(a[i]) + t * a[i]")],
}
PLANTED = [(kind, *change) for kind, changes in FAULTS.items() for change in changes]


def check_planted(node: Node, kind: str) -> None:
    """Check a kind of layer, or a likelihood."""
    if kind in LIKELIHOODS:
        check_likelihood(node, kind, (6, 5), np.random.default_rng(0))
    else:
        check_kind(node, kind)


@NEEDS_NODE
@pytest.mark.parametrize("kind", [*FIXED, *LIKELIHOODS])
def test_the_few_layers_that_faults_are_tried_on_pass(kind: str, node: Node) -> None:
    check_planted(node, kind)


@NEEDS_NODE
@pytest.mark.parametrize(("kind", "old", "new"), PLANTED, ids=[f"{k}: {n}" for k, _, n in PLANTED])
def test_a_fault_is_found(
    kind: str, old: str, new: str, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = 0
    for path in SOURCES.glob("*.mjs"):
        text = path.read_text("utf-8")
        found += text.count(old)
        (tmp_path / path.name).write_text(text.replace(old, new), "utf-8")
    assert found == 1
    monkeypatch.setattr(node, "folder", tmp_path)
    with pytest.raises(AssertionError):
        check_planted(node, kind)
