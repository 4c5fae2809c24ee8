"""Dense: its formula, its derivative, and what it refuses."""

from types import ModuleType

import numpy as np
import pytest
import reference
from checks.dense import check_gradient
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.gradcheck import adjoint
from nnscratch.layers import dense
from nnscratch.layers.dense import Dense
from nnscratch.layers.initializers import he_normal, torch_default

pytestmark = [pytest.mark.kernel, pytest.mark.plain]

SIZES, SEEDS = st.integers(1, 4), st.integers(0, 99)


def check_by_hand(module: ModuleType) -> None:
    """y = w x + b = (1·1 + 2·2 + 10, 3·1 + 4·2 + 20); dx = wᵀ dy, dw = dy xᵀ, db = dy."""
    layer = module.Dense(2, 2, rng=np.random.default_rng(0))
    layer.w.value[...], layer.b.value[...] = [[1, 2], [3, 4]], [10, 20]
    y, backward = layer.forward(np.array([[1], [2]], np.float32))
    dx = backward(np.array([[1], [-1]], np.float32))
    np.testing.assert_array_equal(y, [[15], [31]])
    np.testing.assert_array_equal(dx, [[1 - 3], [2 - 4]])
    np.testing.assert_array_equal(layer.w.grad, [[1, 2], [-1, -2]])
    np.testing.assert_array_equal(layer.b.grad, [1, -1])


@given(D=SIZES, M=SIZES, N=SIZES, bias=st.booleans(), seed=SEEDS)
def test_gradient(D: int, M: int, N: int, bias: bool, seed: int) -> None:
    check_gradient(dense, D, M, N, bias, seed)


def test_by_hand() -> None:
    check_by_hand(dense)


@given(D=SIZES, M=SIZES, N=SIZES, seed=SEEDS)
def test_agrees_with_einsum(D: int, M: int, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = Dense(D, M, bias_init=torch_default, rng=rng, dtype=np.float64)
    x, dy = rng.standard_normal((D, N)), rng.standard_normal((M, N))
    y, backward = layer.forward(x)
    dx = backward(dy)
    np.testing.assert_allclose(y, reference.dense(x, layer.w.value, layer.b.value), rtol=1e-12)
    for got, want in zip(
        (dx, layer.w.grad, layer.b.grad),
        reference.dense_gradients(x, layer.w.value, dy),
        strict=True,
    ):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_backward_is_the_adjoint(rng: np.random.Generator) -> None:
    layer = Dense(200, 100, bias_init=torch_default, rng=rng, dtype=np.float64)
    adjoint(layer, (200, 50), rng=rng).raise_if_failed()


def test_float32_is_float64_to_single_precision(rng: np.random.Generator) -> None:
    """Of 100 products each sum keeps all but about √100 roundings of 6e-8."""
    double = Dense(100, 50, rng=rng, dtype=np.float64)
    single = Dense(100, 50, rng=rng)
    single.w.value[...] = double.w.value
    x, dy = rng.standard_normal((100, 20)), rng.standard_normal((50, 20))
    y64, backward64 = double.forward(x)
    y32, backward32 = single.forward(x.astype(np.float32))
    dx32, dx64 = backward32(dy.astype(np.float32)), backward64(dy)
    assert y32.dtype == dx32.dtype == single.w.grad.dtype == np.float32
    np.testing.assert_allclose(y32, y64, atol=1e-5)
    np.testing.assert_allclose(dx32, dx64, atol=1e-5)
    np.testing.assert_allclose(single.w.grad, double.w.grad, atol=1e-4)


def test_reads_a_transposed_view(rng: np.random.Generator) -> None:
    layer = Dense(4, 3, rng=rng, dtype=np.float64)
    x, dy = rng.standard_normal((6, 4)).T, rng.standard_normal((6, 3)).T
    y, backward = layer.forward(x)
    dx = backward(dy)
    y_too, backward_too = layer.forward(np.ascontiguousarray(x))
    np.testing.assert_allclose(y, y_too, rtol=1e-14)
    np.testing.assert_allclose(dx, backward_too(np.ascontiguousarray(dy)), rtol=1e-14)


def test_nan_spoils_its_own_sample_only(rng: np.random.Generator) -> None:
    x = rng.standard_normal((4, 3)).astype(np.float32)
    x[2, 1] = np.nan
    y, _ = Dense(4, 2, rng=rng).forward(x)
    np.testing.assert_array_equal(np.isnan(y), [[False, True, False]] * 2)


def test_a_sample_is_the_same_in_any_batch(rng: np.random.Generator) -> None:
    layer = Dense(5, 3, rng=rng, dtype=np.float64)
    x = rng.standard_normal((5, 7))
    np.testing.assert_allclose(layer.forward(x)[0][:, 2:3], layer.forward(x[:, 2:3])[0], 1e-13)


def test_need_dx_false_saves_the_product(rng: np.random.Generator) -> None:
    layer = Dense(4, 3, rng=rng)
    _, backward = layer.forward(np.ones((4, 2), np.float32))
    assert backward(np.ones((3, 2), np.float32), need_dx=False) is None
    np.testing.assert_array_equal(layer.w.grad, np.full((3, 4), 2))


def test_starts_from_its_initializers(rng: np.random.Generator) -> None:
    plain = Dense(30, 20, rng=rng)
    assert np.abs(plain.w.value).max() <= np.sqrt(6 / (30 + 20))
    np.testing.assert_array_equal(plain.b.value, np.zeros(20))
    torchlike = Dense(30, 20, init=torch_default, bias_init=torch_default, rng=rng)
    assert 0 < np.abs(torchlike.b.value).max() <= np.sqrt(1 / 30)


def test_same_seed_same_weights() -> None:
    one, two = (Dense(5, 4, init=he_normal, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.w.value, two.w.value)


def test_parameters_are_named_as_in_pytorch(rng: np.random.Generator) -> None:
    layer = Dense(5, 4, rng=rng)
    assert layer.parameters() == {"weight": layer.w, "bias": layer.b}
    assert list(Dense(5, 4, bias=False, rng=rng).parameters()) == ["weight"]


def test_output_shape(rng: np.random.Generator) -> None:
    assert Dense(5, 4, rng=rng).output_shape((5,)) == (4,)
    with pytest.raises(ValueError, match=r"Dense: expected a sample of shape \(5,\), got \(4,\)"):
        Dense(5, 4, rng=rng).output_shape((4,))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((4, 2)), r"Dense x: expected \(3, N\) float64, got \(4, 2\) float64"),
        (np.zeros(3), r"Dense x: expected \(3, N\) float64, got \(3\) float64"),
        (np.zeros((3, 2), np.float32), r"Dense x: expected \(3, N\) float64, got \(3, 2\) float32"),
    ],
)
def test_refuses_an_x_that_does_not_fit(
    x: np.ndarray, message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match=message):
        Dense(3, 5, rng=rng, dtype=np.float64).forward(x)


@pytest.mark.parametrize("shape", [(5, 1), (1, 2), (2, 5), (5, 4), (5,)])
def test_refuses_a_dy_that_would_broadcast(
    shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    layer = Dense(3, 5, rng=rng)
    _, backward = layer.forward(np.zeros((3, 2), np.float32))
    with pytest.raises(ValueError, match=r"Dense dy: expected \(5, 2\) float32, got"):
        backward(np.ones(shape, np.float32))
    np.testing.assert_array_equal(layer.w.grad, np.zeros((5, 3)))


def test_refuses_sizes_below_one(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="Dense: expected in_features ≥ 1, got 0"):
        Dense(0, 4, rng=rng)
