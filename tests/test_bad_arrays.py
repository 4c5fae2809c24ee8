"""What no layer and no loss computes with: integers, half precision, lists, no samples at all."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from nnscratch import losses
from nnscratch.layers import (
    ELU,
    GELU,
    AvgPool2d,
    BatchNorm,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Dense,
    Dropout,
    GaussianSample,
    GlobalAvgPool2d,
    GroupNorm,
    LayerNorm,
    LeakyReLU,
    MaxPool2d,
    PixelShuffle,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
    TiedDense,
    UpsampleBilinear2d,
    UpsampleNearest2d,
    ZeroPad2d,
    initializers,
)
from nnscratch.layers.contract import noisy

RNG = np.random.default_rng(0)
DENSE = Dense(3, 4, rng=RNG)
OF_VECTORS = [
    DENSE,
    TiedDense(DENSE),
    BatchNorm(4),
    BatchNorm(4).inference(),
    LayerNorm(4),
    GroupNorm(2, 4),
    Dropout(),
    *(f() for f in (ReLU, LeakyReLU, ELU, GELU, Sigmoid, Tanh, Softplus, Softmax)),
]
OF_IMAGES = [
    Conv2d(4, 3, 3, rng=RNG),
    ConvTranspose2d(4, 3, 3, rng=RNG),
    MaxPool2d(2),
    AvgPool2d(2),
    GlobalAvgPool2d(),
    UpsampleNearest2d(2),
    UpsampleBilinear2d(2),
    PixelShuffle(2),
    ZeroPad2d(1),
    BatchNorm(4),
    LayerNorm((4, 4, 4)),
    GroupNorm(2, 4),
]
SHAPES = [
    *((layer, (3 if layer is DENSE else 4, 5)) for layer in OF_VECTORS),
    *((layer, (4, 4, 4, 5)) for layer in OF_IMAGES),
    (Conv1d(4, 3, 3, rng=RNG), (6, 4, 5)),
]
DTYPES = ["int64", "uint8", "bool", "float16", "longdouble", ">f4", "object"]


def forward(layer: Any, x: Any) -> Any:
    return layer.forward(x, rng=np.random.default_rng(0)) if noisy(layer) else layer.forward(x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("layer", "shape"), SHAPES, ids=lambda value: type(value).__name__)
def test_a_layer_takes_float32_or_float64(layer: Any, shape: Any, dtype: str) -> None:
    """Of integers Φ would be one, too; in half precision sums would overflow at 65,504."""
    x = RNG.standard_normal(shape).astype(dtype)
    name = type(layer).__name__
    with pytest.raises(ValueError, match=rf"^{name} x: expected .* float32, got .* {x.dtype}$"):
        forward(layer, x)


@pytest.mark.parametrize("dtype", [int, np.float16, np.longdouble, complex, bool])
@pytest.mark.parametrize(
    "make",
    [
        *(
            partial(Dense, 4, 3, rng=RNG, init=getattr(initializers, init))
            for init in ("zeros", "glorot_uniform", "he_normal", "orthogonal", "torch_default")
        ),
        partial(Conv2d, 1, 1, 1, rng=RNG),
        partial(ConvTranspose2d, 1, 1, 1, rng=RNG),
        partial(Conv1d, 1, 1, 1, rng=RNG),
        partial(BatchNorm, 3),
        partial(BatchNorm, 3, affine=False),
        partial(LayerNorm, 3),
        partial(GroupNorm, 1, 3, affine=False),
    ],
    ids=lambda make: make.func.__name__,
)
def test_parameters_are_float32_or_float64(make: Any, dtype: Any) -> None:
    """Drawn from (-1, 1) all integers would be zero."""
    with pytest.raises(ValueError, match="parameters: expected float32 or float64, got"):
        make(dtype=dtype)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize(
    "make",
    [
        lambda number: LeakyReLU(number(0.25)),
        lambda number: ELU(number(0.5)),
        lambda number: Dropout(number(0.5)),
        lambda number: BatchNorm(4, eps=number(0.5), momentum=number(0.5)),
        lambda number: BatchNorm(4, eps=number(0.5)).inference(),
        lambda number: LayerNorm(4, eps=number(0.5)),
        lambda number: GroupNorm(2, 4, eps=number(0.5)),
    ],
    ids=["LeakyReLU", "ELU", "Dropout", "BatchNorm", "FrozenBatchNorm", "LayerNorm", "GroupNorm"],
)
def test_a_number_of_numpys_is_a_number(make: Any, kind: Any) -> None:
    """np.float64(0.25) · float32 would be float64, and what np.linspace yields is np.float64."""
    x = RNG.standard_normal((4, 5)).astype(np.float32)
    (y, backward), (want, want_backward) = (forward(make(number), x) for number in (kind, float))
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(backward(x), want_backward(x), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_is_drawn_in_float32_or_float64(dtype: str) -> None:
    arrays = np.ones((3, 2, 4)).astype(dtype)
    with pytest.raises(ValueError, match=r"GaussianSample mu: expected .* float32, got"):
        GaussianSample().forward(*arrays)


@pytest.mark.parametrize("layer", [DENSE, Conv2d(3, 4, 3, rng=RNG), Conv1d(3, 4, 3, rng=RNG)])
@pytest.mark.parametrize("x", [[[1.0, 2.0]], None, "x", 1.0], ids=str)
def test_a_layer_takes_an_array(layer: Any, x: Any) -> None:
    name, got = type(layer).__name__, type(x).__name__
    with pytest.raises(ValueError, match=rf"^{name} x: expected .* float32, got {got}$"):
        layer.forward(x)


@pytest.mark.parametrize("shape", [(), (5,)])
def test_softmax_wants_features_and_a_batch(shape: Any) -> None:
    with pytest.raises(ValueError, match=r"Softmax x: expected \(K, N\) float64, got"):
        Softmax().forward(np.zeros(shape))


LOSSES: dict[str, Callable[..., Any]] = {
    "squared_error y": lambda a: losses.squared_error(a, a),
    "gaussian_nll mean": lambda a: losses.gaussian_nll(a, a, a),
    "bernoulli_nll a": lambda a: losses.bernoulli_nll(a, a),
    "categorical_nll a": lambda a: losses.categorical_nll(a, np.zeros(a.shape[1:], int)),
    "gaussian_kl mu": lambda a: losses.gaussian_kl(a, a),
    "gaussian_kl_per_sample mu": lambda a: losses.gaussian_kl_per_sample(a, a),
    "gaussian_kl_per_dimension mu": lambda a: losses.gaussian_kl_per_dimension(a, a),
    "l1_penalty z": losses.l1_penalty,
    "contraction h": lambda a: losses.contraction(a, a),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_takes_float32_or_float64(name: str, dtype: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: expected .* float32, got"):
        LOSSES[name](np.ones((3, 4)).astype(dtype))


@pytest.mark.parametrize("name", LOSSES)
def test_of_no_samples_there_is_no_mean(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: expected a sample or more, got \(3, 0\)$"):
        LOSSES[name](np.ones((3, 0)))


@pytest.mark.parametrize("name", LOSSES)
def test_a_number_is_no_batch(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        LOSSES[name](np.ones(()))
