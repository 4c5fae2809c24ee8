"""Convolution, pooling and upsampling against PyTorch in float64, where it is installed."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscratch.layers import (
    AvgPool2d,
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    ConvTranspose2d,
    Crop2d,
    GlobalAvgPool2d,
    MaxPool2d,
    PixelShuffle,
    UpsampleBilinear2d,
    UpsampleNearest2d,
    ZeroPad2d,
)

torch = pytest.importorskip("torch")
nn = torch.nn

RNG = np.random.default_rng(0)
TRANSPOSE = nn.ConvTranspose1d
OURS: dict[str, Any] = {"rng": RNG, "dtype": np.float64}
CONVS = [
    (Conv2d, nn.Conv2d, (3, 5, 3), {}),
    (Conv2d, nn.Conv2d, (3, 5, 3), {"stride": 2, "padding": 1, "bias": False}),
    (Conv2d, nn.Conv2d, (4, 6, (3, 2)), {"stride": (2, 3), "padding": (2, 1), "groups": 2}),
    (Conv2d, nn.Conv2d, (4, 4, 3), {"dilation": (2, 1), "groups": 4, "padding": "same"}),
    (Conv2d, nn.Conv2d, (6, 10, 3), {"stride": 2, "padding": 1, "groups": 2}),
    (Conv2d, nn.Conv2d, (3, 2, 2), {"padding": "same"}),
    (ConvTranspose2d, nn.ConvTranspose2d, (3, 5, 3), {}),
    (ConvTranspose2d, nn.ConvTranspose2d, (3, 5, 3), {"stride": 2, "padding": 1}),
    (
        ConvTranspose2d,
        nn.ConvTranspose2d,
        (4, 6, (3, 4)),
        {"stride": (3, 2), "padding": (1, 2), "output_padding": (2, 1), "groups": 2},
    ),
    (
        ConvTranspose2d,
        nn.ConvTranspose2d,
        (3, 2, 3),
        {"stride": 2, "dilation": 3, "output_padding": 2, "bias": False},
    ),
]
LAYERS = [
    (MaxPool2d(2), nn.MaxPool2d(2)),
    (MaxPool2d(3, 2, 1, ceil_mode=True), nn.MaxPool2d(3, 2, 1, ceil_mode=True)),
    (MaxPool2d((2, 3), (3, 1), (1, 0)), nn.MaxPool2d((2, 3), (3, 1), (1, 0))),
    (MaxPool2d(8, 4, ceil_mode=True), nn.MaxPool2d(8, 4, ceil_mode=True)),
    (AvgPool2d(8, 4, ceil_mode=True), nn.AvgPool2d(8, 4, ceil_mode=True)),
    (AvgPool2d(2), nn.AvgPool2d(2)),
    (AvgPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(3, 2, 1, ceil_mode=True)),
    (
        AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
    ),
    (UpsampleNearest2d((2, 3)), nn.Upsample(scale_factor=(2, 3), mode="nearest")),
    (
        UpsampleBilinear2d((2, 3)),
        nn.Upsample(scale_factor=(2, 3), mode="bilinear", align_corners=False),
    ),
    (PixelShuffle(2), nn.PixelShuffle(2)),
    (ZeroPad2d(((1, 2), (0, 3))), nn.ZeroPad2d((0, 3, 1, 2))),
    (Crop2d(((1, 2), (0, 3))), nn.ZeroPad2d((0, -3, -1, -2))),
    (GlobalAvgPool2d(), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())),
]


def assert_same(layer: Any, module: Any, x: Any, first: bool = True) -> None:
    """y, dx and the gradients of parameters; `first` moves the batch from last to first."""

    def theirs(a: Any) -> Any:
        return torch.from_numpy(np.moveaxis(a, -1, 0).copy())

    def ours(a: Any) -> Any:
        return np.moveaxis(a.detach().numpy(), 0, -1)

    module = module.double()
    for p in layer.parameters().values():
        p.value[...] = RNG.standard_normal(p.value.shape)
    module.load_state_dict({n: torch.tensor(p.value) for n, p in layer.parameters().items()})
    if not first:  # (T, D, N) is their (N, D, T)
        x = x.swapaxes(0, 1)
    their_x = theirs(x).requires_grad_()
    their_y = module(their_x)
    want = ours(their_y)
    y, backward = layer.forward(x if first else x.swapaxes(0, 1))
    y = y if first else y.swapaxes(0, 1)
    np.testing.assert_allclose(y, want, rtol=1e-12, atol=1e-12)
    dy = RNG.standard_normal(want.shape)
    their_y.backward(theirs(dy))
    dx = backward(dy) if first else backward(dy.swapaxes(0, 1)).swapaxes(0, 1)
    np.testing.assert_allclose(dx, ours(their_x.grad), rtol=1e-12, atol=1e-12)
    for name, p in layer.parameters().items():
        grad = module.get_parameter(name).grad.numpy()
        np.testing.assert_allclose(p.grad, grad, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # with an even filter they copy x
@pytest.mark.parametrize(("layer", "module", "sizes", "options"), CONVS)
def test_convolutions(layer: Any, module: Any, sizes: Any, options: Any) -> None:
    x = RNG.standard_normal((sizes[0], 7, 6, 19))
    assert_same(layer(*sizes, **options, **OURS), module(*sizes, **options), x)


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 2, "dilation": 2, "groups": 2}])
def test_convolution_of_sequences(options: Any) -> None:
    x = RNG.standard_normal((9, 4, 19))
    assert_same(Conv1d(4, 6, 3, **options, **OURS), nn.Conv1d(4, 6, 3, **options), x, first=False)


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2}, {"dilation": 2}],
)
def test_transposed_convolution_of_sequences(options: Any) -> None:
    ours, theirs = (m(4, 6, 3, **options) for m in (partial(ConvTranspose1d, **OURS), TRANSPOSE))
    assert_same(ours, theirs, RNG.standard_normal((9, 4, 19)), first=False)


@pytest.mark.parametrize(("layer", "module"), LAYERS)
def test_layers_without_parameters(layer: Any, module: Any) -> None:
    assert_same(layer, module, RNG.standard_normal((4, 7, 6, 5)))


SIDES = st.tuples(st.integers(1, 9), st.integers(1, 9))
KERNELS = st.tuples(st.integers(1, 5), st.integers(1, 5))
STEPS = st.tuples(st.integers(1, 4), st.integers(1, 4))
DILATIONS = st.tuples(st.integers(1, 3), st.integers(1, 3))
PADDINGS = st.tuples(st.integers(0, 6), st.integers(0, 6))
LITTLE = st.tuples(st.integers(0, 2), st.integers(0, 2))
GROUPS = st.tuples(st.sampled_from([1, 2, 3, 5]), st.integers(1, 7), st.integers(1, 7))
BATCHES = st.sampled_from([1, 2, 7, 16, 17, 33])


@settings(max_examples=200)
@given(
    st.booleans(), GROUPS, KERNELS, STEPS, PADDINGS, LITTLE, DILATIONS, SIDES, BATCHES, st.data()
)
def test_any_convolution_is_theirs(
    transposed: bool,
    groups: Any,
    K: Any,
    stride: Any,
    padding: Any,
    more: Any,
    dilation: Any,
    sides: Any,
    N: int,
    data: Any,
) -> None:
    """Padding wider than the filter, steps beyond it, 1 × 1 images; or both refuse."""
    G, c, f = groups
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": G}
    options["bias"] = data.draw(st.booleans())
    ours, theirs = (ConvTranspose2d, nn.ConvTranspose2d) if transposed else (Conv2d, nn.Conv2d)
    if transposed:
        options["output_padding"] = more
    sizes = G * c, G * f, K
    x = RNG.standard_normal((sizes[0], *sides, N))
    module = theirs(*sizes, **options)
    try:
        fits = 0 not in module.double()(torch.zeros(N, sizes[0], *sides, dtype=torch.double)).shape
    except RuntimeError:
        fits = False
    if fits:
        assert_same(ours(*sizes, **options, **OURS), module, x)
    else:
        with pytest.raises(ValueError, match=ours.__name__):
            ours(*sizes, **options, **OURS).forward(x)


@settings(max_examples=200)
@given(st.booleans(), KERNELS, STEPS, LITTLE, SIDES, BATCHES, st.booleans(), st.booleans())
def test_any_pooling_is_theirs(
    largest: bool, K: Any, stride: Any, padding: Any, sides: Any, N: int, ceil: bool, whole: bool
) -> None:
    """Windows larger than the image, wholly in the padding, beyond it; or both refuse."""
    ours, theirs = (MaxPool2d, nn.MaxPool2d) if largest else (AvgPool2d, nn.AvgPool2d)
    options = {"ceil_mode": ceil} | ({} if largest else {"count_include_pad": whole})
    x, module = RNG.standard_normal((3, *sides, N)), theirs(K, stride, padding, **options)
    try:
        fits = 0 not in module(torch.zeros(N, 3, *sides, dtype=torch.double)).shape
    except RuntimeError:
        fits = False
    if fits:
        assert_same(ours(K, stride, padding, **options), module, x)
    else:
        with pytest.raises(ValueError, match=ours.__name__):
            ours(K, stride, padding, **options).forward(x)
