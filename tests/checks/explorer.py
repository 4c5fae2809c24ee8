"""The explorer's JavaScript in Node, beside NumPy on the same weights."""

import json
import shutil
import subprocess
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import nnscratch
from nnscratch import layers
from nnscratch.core import Array, Layer, Shape
from nnscratch.explorer.network import entries
from nnscratch.explorer.packing import Block
from nnscratch.layers.contract import inference

NODE = shutil.which("node")
SOURCES = Path(nnscratch.__file__).parent / "explorer"
ANSWERS = Path(__file__).with_name("explorer_answers.mjs")


class Node:
    """A process that answers questions about the .mjs files of a folder, or of changed copies."""

    def __init__(self) -> None:
        self.folder, command = SOURCES, [NODE or "node", str(ANSWERS)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def __call__(self, call: str, **given: Any) -> Any:
        """Return the answer; AssertionError with what JavaScript says if there is none."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {"call": call, "folder": str(self.folder), **given}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        found = json.loads(line)
        assert "error" not in found, found["error"]
        return found["answer"]

    def run(self, network: Layer, x: Array) -> Array:
        """Return what the JavaScript makes of one sample."""
        block = Block()
        described = block.network(entries("test", network))
        text, values = block.text(), x.ravel().tolist()
        y = self("run", block=text, layers=described, shape=list(x.shape), values=values)
        return np.array(y["values"], np.float64).reshape(y["shape"])

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def check_network(node: Node, network: Layer, shape: Shape, seed: int) -> None:
    """Weights that float32 holds, in float64: both sides round like float64, not like float32."""
    rng = np.random.default_rng(seed)
    randomise(network, rng)
    x = rng.standard_normal(shape)
    y = node.run(network, x)
    want = inference(network).forward(x[..., None])[0][..., 0]
    assert y.shape == want.shape
    np.testing.assert_allclose(y, want, rtol=1e-9, atol=1e-12 * max(1, np.abs(want).max()))


def randomise(network: Layer, rng: np.random.Generator) -> None:
    """Draw all parameters and running statistics."""
    for p in network.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape).astype(np.float32)
    for name, a in network.buffers().items():
        drawn = rng.standard_normal(a.shape).astype(np.float32)
        a[...] = drawn**2 if name.endswith("var") else drawn


RNG = np.random.default_rng(0)
NEW = {"rng": RNG, "dtype": np.float64}
SIZES = st.integers(1, 4)
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def images(draw: st.DrawFn, least: int = 1) -> Shape:
    """(C, H, W)."""
    return draw(SIZES), draw(st.integers(least, 8)), draw(st.integers(least, 8))


@st.composite
def convs(draw: st.DrawFn) -> tuple[Layer, Shape]:
    groups, C, F = draw(SIZES), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel, dilation = draw(PAIRS), draw(PAIRS)
    padding = draw(st.sampled_from(["same", "valid", 2, (0, 1), ((1, 0), (0, 2))]))
    sizes = [dilation[a] * (kernel[a] - 1) + draw(st.integers(1, 5)) for a in (0, 1)]
    layer = layers.Conv2d(
        C * groups, F * groups, kernel, stride=draw(PAIRS), padding=padding, dilation=dilation,
        groups=groups, bias=draw(st.booleans()), **NEW,
    )  # fmt: skip
    return layer, (C * groups, *sizes)


@st.composite
def conv_transposes(draw: st.DrawFn) -> tuple[Layer, Shape]:
    groups, C, F = draw(SIZES), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel, stride, dilation = draw(PAIRS), draw(PAIRS), draw(PAIRS)
    padding = draw(st.sampled_from(["same", 0, (0, 1), ((1, 0), (0, 1))]))
    more: int | tuple[int, int] = 0
    if padding != "same":
        most = [max(s, d) - 1 for s, d in zip(stride, dilation, strict=True)]
        more = (draw(st.integers(0, most[0])), draw(st.integers(0, most[1])))
    layer = layers.ConvTranspose2d(
        C * groups, F * groups, kernel, stride=stride, padding=padding, output_padding=more,
        dilation=dilation, groups=groups, bias=draw(st.booleans()), **NEW,
    )  # fmt: skip
    return layer, (C * groups, draw(st.integers(3, 6)), draw(st.integers(3, 6)))


@st.composite
def conv1ds(draw: st.DrawFn) -> tuple[Layer, Shape]:
    groups, C, F, K, dilation = (draw(st.integers(1, 3)) for _ in range(5))
    layer = layers.Conv1d(
        C * groups, F * groups, K, stride=draw(st.integers(1, 3)), dilation=dilation,
        padding=draw(st.sampled_from(["same", 0, (2, 0), (0, 1)])), groups=groups, **NEW,
    )  # fmt: skip
    return layer, (dilation * (K - 1) + draw(SIZES), C * groups)


@st.composite
def conv_transpose1ds(draw: st.DrawFn) -> tuple[Layer, Shape]:
    groups, C, F, K, stride, dilation = (draw(st.integers(1, 3)) for _ in range(6))
    padding = draw(st.sampled_from(["same", 0, (2, 0), (0, 1)]))
    more = 0 if padding == "same" else draw(st.integers(0, max(stride, dilation) - 1))
    layer = layers.ConvTranspose1d(
        C * groups, F * groups, K, stride=stride, padding=padding, output_padding=more,
        dilation=dilation, groups=groups, bias=draw(st.booleans()), **NEW,
    )  # fmt: skip
    return layer, (draw(st.integers(3, 6)), C * groups)


@st.composite
def pools(draw: st.DrawFn, kind: Any, **more: Any) -> tuple[Layer, Shape]:
    kernel, ceil = draw(PAIRS), draw(st.booleans())
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    drawn = {name: draw(strategy) for name, strategy in more.items()}
    layer = kind(kernel, draw(st.none() | PAIRS), padding, ceil_mode=ceil, **drawn)
    return layer, draw(images(least=3))


@st.composite
def norms(draw: st.DrawFn, kind: str) -> tuple[Layer, Shape]:
    groups, each = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    C, f64 = groups * each, np.float64
    shape: Shape = draw(st.sampled_from([(C,), (5, C), (C, 2, 3)]))
    eps, learned = draw(st.sampled_from([1e-5, 0.1])), draw(st.booleans())
    if kind == "LayerNorm":
        return layers.LayerNorm(shape, eps=eps, elementwise_affine=learned, dtype=f64), shape
    if kind == "GroupNorm":
        return layers.GroupNorm(groups, C, eps=eps, affine=learned, dtype=f64), shape
    return layers.BatchNorm(C, eps=eps, affine=learned, dtype=f64), shape


@st.composite
def dense(draw: st.DrawFn, tied: bool = False) -> tuple[Layer, Shape]:
    D, M, bias = draw(SIZES), draw(SIZES), draw(st.booleans())
    if tied:
        return layers.TiedDense(layers.Dense(M, D, **NEW)), (D,)
    return layers.Dense(D, M, bias=bias, **NEW), (D,)


@st.composite
def of_images(draw: st.DrawFn, make: Any, *arguments: Any) -> tuple[Layer, Shape]:
    return make(*(draw(a) for a in arguments)), draw(images())


@st.composite
def of_sequences(draw: st.DrawFn, make: Any, *arguments: Any) -> tuple[Layer, Shape]:
    return make(*(draw(a) for a in arguments)), (draw(st.integers(4, 8)), draw(SIZES))


@st.composite
def elementwise(draw: st.DrawFn, make: Any, *arguments: Any) -> tuple[Layer, Shape]:
    shape = draw(st.one_of(st.tuples(SIZES), st.tuples(SIZES, SIZES), images()))
    return make(*(draw(a) for a in arguments)), shape


@st.composite
def shuffles(draw: st.DrawFn) -> tuple[Layer, Shape]:
    r = draw(st.integers(1, 3))
    return layers.PixelShuffle(r), (draw(SIZES) * r * r, draw(SIZES), draw(SIZES))


@st.composite
def crops(draw: st.DrawFn) -> tuple[Layer, Shape]:
    cropping = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(2))
    return layers.Crop2d(cropping), draw(images(least=5))


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[Layer, Shape]:
    shape = draw(images())
    return layers.Reshape(*draw(st.sampled_from([(prod(shape),), shape[::-1]]))), shape


SLOPES = st.sampled_from([0.01, 0.3])
SIDES = st.sampled_from([1, (0, 2), (1, 2)])
PADDINGS = st.sampled_from([1, (0, 2), ((1, 2), (3, 0))])
KINDS: dict[str, st.SearchStrategy[tuple[Layer, Shape]]] = {
    "Dense": dense(),
    "TiedDense": dense(tied=True),
    "Conv1d": conv1ds(),
    "Conv2d": convs(),
    "ConvTranspose1d": conv_transpose1ds(),
    "ConvTranspose2d": conv_transposes(),
    "MaxPool2d": pools(layers.MaxPool2d),
    "AvgPool2d": pools(layers.AvgPool2d, count_include_pad=st.booleans()),
    "GlobalAvgPool2d": of_images(layers.GlobalAvgPool2d),
    "UpsampleNearest1d": of_sequences(layers.UpsampleNearest1d, SIZES),
    "UpsampleNearest2d": of_images(layers.UpsampleNearest2d, PAIRS),
    "UpsampleBilinear2d": of_images(layers.UpsampleBilinear2d, PAIRS),
    "PixelShuffle": shuffles(),
    "ZeroPad1d": of_sequences(layers.ZeroPad1d, SIDES),
    "Crop1d": of_sequences(layers.Crop1d, SIDES),
    "ZeroPad2d": of_images(layers.ZeroPad2d, PADDINGS),
    "Crop2d": crops(),
    "BatchNorm": norms("BatchNorm"),
    "LayerNorm": norms("LayerNorm"),
    "GroupNorm": norms("GroupNorm"),
    "Flatten": of_images(layers.Flatten),
    "Reshape": reshapes(),
    "Identity": elementwise(layers.Identity),
    "Dropout": elementwise(layers.Dropout),
    "ReLU": elementwise(layers.ReLU),
    "LeakyReLU": elementwise(layers.LeakyReLU, SLOPES),
    "ELU": elementwise(layers.ELU, SLOPES),
    "GELU": elementwise(layers.GELU),
    "Sigmoid": elementwise(layers.Sigmoid),
    "Softmax": elementwise(layers.Softmax),
    "Softplus": elementwise(layers.Softplus),
    "Tanh": elementwise(layers.Tanh),
}
"""A layer of each kind that the explorer knows, and the shape of a sample for it."""


FIXED: dict[str, list[tuple[Layer, Shape]]] = {
    "Dense": [(layers.Dense(4, 3, **NEW), (4,))],
    "TiedDense": [(layers.TiedDense(layers.Dense(4, 3, **NEW)), (3,))],
    "Conv1d": [
        (layers.Conv1d(2, 4, 3, stride=2, padding=(2, 1), dilation=2, groups=2, **NEW), (9, 2)),
        (layers.Conv1d(3, 2, 4, stride=2, padding="same", **NEW), (7, 3)),
    ],
    "Conv2d": [
        (layers.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=((1, 2), (0, 1)), **NEW), (2, 6, 5)),
        (layers.Conv2d(4, 6, 2, stride=2, padding="same", groups=2, **NEW), (4, 5, 6)),
        (
            layers.Conv2d(1, 2, (2, 3), stride=(1, 2), padding=(1, 3), dilation=(3, 2), **NEW),
            (1, 6, 7),
        ),
    ],
    "ConvTranspose2d": [
        (
            layers.ConvTranspose2d(
                2, 3, (3, 2), stride=(2, 3), padding=((1, 0), (0, 1)), output_padding=(1, 2), **NEW
            ),
            (2, 4, 3),
        ),
        (layers.ConvTranspose2d(4, 2, 3, dilation=(1, 2), groups=2, **NEW), (4, 3, 4)),
    ],
    "ConvTranspose1d": [
        (
            layers.ConvTranspose1d(
                2, 4, 3, stride=2, padding=(2, 1), output_padding=1, groups=2, **NEW
            ),
            (5, 2),
        ),
        (layers.ConvTranspose1d(2, 3, 2, stride=3, dilation=2, padding=(0, 1), **NEW), (4, 2)),
    ],
    "MaxPool2d": [
        (layers.MaxPool2d(2, ceil_mode=True), (2, 5, 5)),
        (layers.MaxPool2d((3, 2), (2, 1), (1, 0)), (2, 5, 6)),
        (layers.MaxPool2d(2, 3, 1, ceil_mode=True), (1, 5, 6)),
    ],
    "AvgPool2d": [
        (layers.AvgPool2d(3, 2, 1, ceil_mode=True), (2, 6, 5)),
        (layers.AvgPool2d(3, 2, 1, count_include_pad=False), (2, 6, 5)),
    ],
    "GlobalAvgPool2d": [(layers.GlobalAvgPool2d(), (3, 2, 4))],
    "UpsampleNearest1d": [(layers.UpsampleNearest1d(3), (4, 2))],
    "UpsampleNearest2d": [(layers.UpsampleNearest2d((2, 3)), (2, 3, 4))],
    "UpsampleBilinear2d": [(layers.UpsampleBilinear2d((2, 3)), (2, 3, 4))],
    "PixelShuffle": [(layers.PixelShuffle(2), (8, 2, 3))],
    "ZeroPad1d": [(layers.ZeroPad1d((1, 3)), (4, 2))],
    "Crop1d": [(layers.Crop1d((1, 2)), (6, 2))],
    "ZeroPad2d": [(layers.ZeroPad2d(((1, 2), (2, 3))), (2, 3, 4))],
    "BatchNorm": [(layers.BatchNorm(3, eps=0.1, dtype=np.float64), s) for s in ((3, 2, 2), (4, 3))],
    "LayerNorm": [(layers.LayerNorm((3, 4), eps=0.1, dtype=np.float64), (3, 4))],
    "GroupNorm": [
        (layers.GroupNorm(2, 4, eps=0.1, dtype=np.float64), s) for s in ((4, 2, 2), (3, 4))
    ],
    "Softmax": [(layers.Softmax(), (3, 4))],
    "LeakyReLU": [(layers.LeakyReLU(0.3), (9,))],
    "ELU": [(layers.ELU(0.3), (9,))],
    "GELU": [(layers.GELU(), (9,))],
    "Sigmoid": [(layers.Sigmoid(), (9,))],
    "Softplus": [(layers.Softplus(), (9,))],
    "Tanh": [(layers.Tanh(), (9,))],
    "ReLU": [(layers.ReLU(), (9,))],
    "Reshape": [(layers.Reshape(2, 6), (4, 3))],
    "Flatten": [(layers.Flatten(), (4, 3))],
}
"""A few layers of each kind, unlike in every axis, for faults planted in the source."""


def check_kind(node: Node, kind: str) -> None:
    """Run the few layers of a kind."""
    for network, shape in FIXED[kind]:
        check_network(node, network, shape, 0)
