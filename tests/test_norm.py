"""Normalisation: whom it standardises, what its gradient loses, how running averages move."""

from typing import Any

import numpy as np
import pytest
from checks.norm import check_kernels, drawn, samples
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array, channel_axis, pack
from nnscratch.gradcheck import gradcheck
from nnscratch.layers import BatchNorm, Dense, GroupNorm, LayerNorm, Sequential, norm
from nnscratch.layers.contract import inference, whole_batch

pytestmark = [pytest.mark.usefixtures("path"), pytest.mark.kernel, pytest.mark.plain]

SEEDS, BATCHES, CHANNELS = st.integers(0, 99), st.integers(1, 4), st.integers(1, 3)
SIDES = st.lists(st.integers(1, 3), max_size=2).map(tuple)
# Large enough to matter: a backward that forgets ε is found out.
EPS = st.sampled_from([0.01, 1.0])
NORMS = [BatchNorm(4), LayerNorm((4, 3, 5)), GroupNorm(2, 4)]
NAMES = [type(norm).__name__ for norm in NORMS]


def column(a: Array) -> Array:
    return a[:, None, None, None]


# The derivative


@given(C=CHANNELS, sides=SIDES, N=BATCHES, eps=EPS, affine=st.booleans(), seed=SEEDS)
def test_gradient_of_batchnorm(
    C: int, sides: tuple[int, ...], N: int, eps: float, affine: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    N += np.prod(sides) * N == 1
    layer = drawn(BatchNorm(C, eps=eps, affine=affine, dtype=np.float64), rng)
    gradcheck(layer, (*samples(C, sides), N), rng=rng).raise_if_failed()


@given(C=CHANNELS, sides=SIDES, N=BATCHES, affine=st.booleans(), seed=SEEDS)
def test_gradient_of_frozen_batchnorm(
    C: int, sides: tuple[int, ...], N: int, affine: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    layer = drawn(BatchNorm(C, affine=affine, dtype=np.float64), rng)
    layer.running_mean[...] = rng.standard_normal(C)
    layer.running_var[...] = rng.uniform(0.5, 2, C)
    gradcheck(layer.inference(), (*samples(C, sides), N), rng=rng).raise_if_failed()


@given(D=st.integers(2, 4), sides=SIDES, N=BATCHES, eps=EPS, affine=st.booleans(), seed=SEEDS)
def test_gradient_of_layernorm(
    D: int, sides: tuple[int, ...], N: int, eps: float, affine: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    layer = LayerNorm((D, *sides), eps=eps, elementwise_affine=affine, dtype=np.float64)
    gradcheck(drawn(layer, rng), (D, *sides, N), rng=rng).raise_if_failed()


@given(G=CHANNELS, sides=SIDES, N=BATCHES, eps=EPS, affine=st.booleans(), seed=SEEDS)
def test_gradient_of_groupnorm(
    G: int, sides: tuple[int, ...], N: int, eps: float, affine: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    layer = drawn(GroupNorm(G, 2 * G, eps=eps, affine=affine, dtype=np.float64), rng)
    gradcheck(layer, (*samples(2 * G, sides), N), rng=rng).raise_if_failed()


def test_the_gradient_has_no_mean_and_nothing_along_xhat(rng: np.random.Generator) -> None:
    layer = BatchNorm(3, eps=1e-12, dtype=np.float64)
    xhat, backward = layer.forward(rng.standard_normal((3, 4, 5, 6)))
    dx = backward(rng.standard_normal(xhat.shape))
    assert np.abs(dx).min(axis=(1, 2, 3)).max() > 0
    np.testing.assert_allclose(dx.sum(axis=(1, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose((dx * xhat).sum(axis=(1, 2, 3)), 0, atol=1e-9)


@pytest.mark.parametrize("norm", [BatchNorm, LayerNorm, lambda n, **o: GroupNorm(n, n, **o)])
def test_against_ones_every_gradient_vanishes(norm: Any, rng: np.random.Generator) -> None:
    """The trap: any wrong backward that subtracts the mean passes a check whose dy is all ones."""
    shape = (5, 5, 6, 7)
    layer = norm((5, 5, 6), dtype=np.float64) if norm is LayerNorm else norm(5, dtype=np.float64)
    _, backward = layer.forward(rng.standard_normal(shape))
    assert np.abs(backward(np.ones(shape))).max() < 1e-14
    assert np.abs(backward(rng.standard_normal(shape))).max() > 0.1


# Worked examples


def test_batchnorm_by_hand() -> None:
    """x = 1, 3 and ε = 3: μ = 2, σ² = 1, r = 1/√(1+3) = ½, x̂ = ∓½; γ = 4, β = 1: y = -1, 3.

    dy = 1, 3: dβ = 4, dγ = -½ + 3/2 = 1, dx̂ = 4, 12. Its mean is 8, that of dx̂ x̂ (-2 + 6)/2 = 2;
    dx = ½ (4 - 8 + ½·2) = -1½ and ½ (12 - 8 - ½·2) = 1½. The unbiased variance is 1·2/1 = 2.
    """
    layer = BatchNorm(1, eps=3.0, momentum=0.25)
    layer.parameters()["weight"].value[...] = 4
    layer.parameters()["bias"].value[...] = 1
    y, backward = layer.forward(np.array([[1, 3]], np.float32))
    dx = backward(np.array([[1, 3]], np.float32))
    np.testing.assert_array_equal(y, [[-1, 3]])
    np.testing.assert_array_equal(dx, [[-1.5, 1.5]])
    assert [p.grad.item() for p in layer.parameters().values()] == [1, 4]
    np.testing.assert_array_equal(layer.running_mean, [0.75 * 0 + 0.25 * 2])
    np.testing.assert_array_equal(layer.running_var, [0.75 * 1 + 0.25 * 2])


def test_layernorm_by_hand() -> None:
    """The same x̂ = ∓½, but γ = 4, 2 and β = 1, 0 now belong to the two features: y = -1, 1.

    dy = 1, 3: dγ = -½, 3/2, dβ = 1, 3, dx̂ = 4, 6. Its mean is 5, that of dx̂ x̂ (-2 + 3)/2 = ½;
    dx = ½ (4 - 5 + ½·½) = -⅜ and ½ (6 - 5 - ½·½) = ⅜.
    """
    layer = LayerNorm(2, eps=3.0)
    w, b = layer.parameters().values()
    w.value[...], b.value[...] = [4, 2], [1, 0]
    y, backward = layer.forward(np.array([[1], [3]], np.float32))
    dx = backward(np.array([[1], [3]], np.float32))
    np.testing.assert_array_equal(y, [[-1], [1]])
    np.testing.assert_array_equal(dx, [[-0.375], [0.375]])
    np.testing.assert_array_equal(w.grad, [-0.5, 1.5])
    np.testing.assert_array_equal(b.grad, [1, 3])


def test_groupnorm_standardises_channels_two_by_two() -> None:
    """1, 3 and 10, 30 are two groups of one scale each: with ε → 0 both become -1, 1."""
    y, _ = GroupNorm(2, 4).forward(np.array([[1], [3], [10], [30]], np.float32))
    np.testing.assert_allclose(y, [[-1], [1], [-1], [1]], rtol=1e-5)


# The fused kernels beside the plain definition


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sides", [(), (5,), (3, 5)])
@pytest.mark.parametrize("N", [0, 1, 7, 16, 33])
@pytest.mark.parametrize("name", ["LayerNorm", "GroupNorm"])
def test_kernels(name: str, N: int, sides: tuple[int, ...], dtype: Any) -> None:
    check_kernels(norm, name, N, sides, dtype)


# Which entries share a mean


@given(C=CHANNELS, sides=SIDES, N=st.integers(2, 4), seed=SEEDS)
def test_batchnorm_is_numpys_mean_and_std(
    C: int, sides: tuple[int, ...], N: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    layer = drawn(BatchNorm(C, dtype=np.float64), rng)
    w, b = (p.value for p in layer.parameters().values())
    x = 3 + 2 * rng.standard_normal((*samples(C, sides), N))
    y = np.moveaxis(layer.forward(x)[0], channel_axis(x.shape[:-1]), 0)
    x = np.moveaxis(x, channel_axis(x.shape[:-1]), 0)
    want = [w[c] * (x[c] - x[c].mean()) / np.hypot(x[c].std(), 1e-5**0.5) + b[c] for c in range(C)]
    np.testing.assert_allclose(y, want, rtol=1e-9, atol=1e-12)


def test_layernorm_treats_a_sample_the_same_in_any_batch(rng: np.random.Generator) -> None:
    layer = drawn(LayerNorm((4, 3), dtype=np.float64), rng)
    x = rng.standard_normal((4, 3, 5))
    np.testing.assert_allclose(layer.forward(x)[0][..., 2:3], layer.forward(x[..., 2:3])[0])
    assert not whole_batch(layer)


def test_one_group_is_layernorm(rng: np.random.Generator) -> None:
    x = rng.standard_normal((4, 3, 2, 5)).astype(np.float32)
    one, _ = GroupNorm(1, 4).forward(x)
    np.testing.assert_array_equal(one, LayerNorm((4, 3, 2)).forward(x)[0])


def test_batchnorm_treats_rows_and_images_alike(rng: np.random.Generator) -> None:
    x = rng.standard_normal((4, 3, 2, 5)).astype(np.float32)
    rows, _ = BatchNorm(4).forward(x.reshape(4, 30))
    np.testing.assert_allclose(BatchNorm(4).forward(x)[0], rows.reshape(x.shape), rtol=1e-5)
    assert whole_batch(BatchNorm(4))
    assert whole_batch(Sequential(BatchNorm(4)))


@pytest.mark.parametrize("layer", [BatchNorm(4), BatchNorm(4).inference(), GroupNorm(2, 4)])
def test_a_sequence_is_an_image_of_height_one(layer: Any, rng: np.random.Generator) -> None:
    """(T, C, N) is standardised a channel at a time, as (C, 1, T, N) is; also where T is C."""
    for T in (4, 7):
        x, dy = rng.standard_normal((2, T, 4, 5)).astype(np.float32)
        y, backward = layer.forward(x)
        image, image_backward = layer.forward(np.ascontiguousarray(x.swapaxes(0, 1))[:, None])
        np.testing.assert_allclose(y, image[:, 0].swapaxes(0, 1), rtol=1e-5, atol=1e-6)
        dx = image_backward(dy.swapaxes(0, 1)[:, None])[:, 0].swapaxes(0, 1)
        np.testing.assert_allclose(backward(dy), dx, rtol=1e-4, atol=1e-5)
        assert layer.output_shape((T, 4)) == (T, 4)


def test_a_large_mean_does_no_harm(rng: np.random.Generator) -> None:
    """E[x²] - E[x]² would leave no digit of this variance in float32: 1e4² = 1e8 > 2²⁴."""
    x = rng.standard_normal((2, 1000))
    far, _ = BatchNorm(2).forward((x + 1e4).astype(np.float32))
    near, _ = BatchNorm(2).forward(x.astype(np.float32))
    np.testing.assert_allclose(far, near, atol=5e-3)


# The running averages


def test_forward_is_pure_and_backward_moves_the_averages(rng: np.random.Generator) -> None:
    layer = BatchNorm(3)
    y, backward = layer.forward(rng.standard_normal((3, 8)).astype(np.float32))
    np.testing.assert_array_equal(layer.running_mean, np.zeros(3))
    np.testing.assert_array_equal(layer.running_var, np.ones(3))
    assert backward(y, need_dx=False) is None
    assert (layer.running_mean != 0).all()
    assert (layer.running_var != 1).all()


def test_running_averages_follow_pytorchs_formula(rng: np.random.Generator) -> None:
    layer = BatchNorm(3, momentum=0.3, dtype=np.float64)
    x1, x2 = rng.standard_normal((2, 3, 4, 2, 5))
    layer.forward(x1)[1](x1)
    layer.forward(x2)[1](x2)
    m1, m2 = x1.mean(axis=(1, 2, 3)), x2.mean(axis=(1, 2, 3))
    v1, v2 = x1.var(axis=(1, 2, 3), ddof=1), x2.var(axis=(1, 2, 3), ddof=1)
    np.testing.assert_allclose(layer.running_mean, 0.7 * (0.7 * 0 + 0.3 * m1) + 0.3 * m2)
    np.testing.assert_allclose(layer.running_var, 0.7 * (0.7 * 1 + 0.3 * v1) + 0.3 * v2)


def test_buffers_are_the_arrays_themselves(rng: np.random.Generator) -> None:
    """A checkpoint writes into what `buffers` returns, and a step moves it."""
    layer = BatchNorm(2, momentum=0.5)
    held = layer.buffers()
    held["running_mean"][...] = 8
    held["running_var"][...] = 8
    x = np.array([[-1, 1], [-1, 1]], np.float32)
    layer.forward(x)[1](x)
    np.testing.assert_array_equal(held["running_mean"], [4, 4])
    np.testing.assert_array_equal(held["running_var"], [5, 5])


# Inference


def test_inference_is_affine_in_the_running_statistics(rng: np.random.Generator) -> None:
    layer = drawn(BatchNorm(3, dtype=np.float64), rng)
    x = rng.standard_normal((3, 4, 2, 5))
    layer.forward(x)[1](x)
    w, b = (p.value for p in layer.parameters().values())
    scale = w / np.sqrt(layer.running_var + 1e-5)
    want = column(scale) * x + column(b - scale * layer.running_mean)
    np.testing.assert_allclose(inference(layer).forward(x)[0], want, rtol=1e-12)


def test_inference_agrees_with_forward_where_the_statistics_do(rng: np.random.Generator) -> None:
    layer = drawn(BatchNorm(3, dtype=np.float64), rng)
    x = rng.standard_normal((3, 8))
    layer.running_mean[...], layer.running_var[...] = x.mean(axis=1), x.var(axis=1)
    np.testing.assert_allclose(inference(layer).forward(x)[0], layer.forward(x)[0], rtol=1e-12)


def test_inference_keeps_up_with_learning(rng: np.random.Generator) -> None:
    """Made before θ is packed, before γ and the running averages move: it knows the new ones."""
    model = Sequential(Dense(3, 4, rng=rng), BatchNorm(4))
    early = model.inference()
    theta = pack(model.parameters())
    x = rng.standard_normal((3, 8)).astype(np.float32)
    y, backward = model.forward(x)
    backward(y)
    theta.value *= 2
    np.testing.assert_array_equal(early.forward(x)[0], model.inference().forward(x)[0])
    assert early.parameters() == model.parameters()
    assert early.buffers().keys() == model.buffers().keys()


def test_inference_takes_a_single_sample(rng: np.random.Generator) -> None:
    layer = inference(BatchNorm(3))
    x = rng.standard_normal((3, 6)).astype(np.float32)
    np.testing.assert_array_equal(layer.forward(x)[0][:, :1], layer.forward(x[:, :1])[0])
    assert not whole_batch(layer)


# What they take and what they refuse


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("affine", [True, False])
def test_one_dtype_throughout(dtype: Any, affine: bool, rng: np.random.Generator) -> None:
    layer = BatchNorm(3, affine=affine, dtype=dtype)
    net = Sequential(layer, inference(layer), LayerNorm(3, elementwise_affine=affine, dtype=dtype))
    net = Sequential(net, GroupNorm(1, 3, affine=affine, dtype=dtype))
    y, backward = net.forward(rng.standard_normal((3, 8)).astype(dtype))
    arrays = [y, backward(y), *net.buffers().values(), *(p.grad for p in net.parameters().values())]
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("layer", NORMS, ids=NAMES)
def test_reads_transposed_views(layer: Any, rng: np.random.Generator) -> None:
    x, dy = rng.standard_normal((2, 4, 3, 5, 6)).astype(np.float32)
    y, backward = layer.forward(x)
    y_view, backward_view = layer.forward(np.asfortranarray(x))
    np.testing.assert_allclose(y_view, y, rtol=1e-4, atol=1e-6)
    dx_view = backward_view(np.asfortranarray(dy))
    np.testing.assert_allclose(dx_view, backward(dy), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", NORMS, ids=NAMES)
def test_refuses_a_dy_that_would_broadcast(layer: Any) -> None:
    _, backward = layer.forward(np.zeros((4, 3, 5, 2), np.float32))
    with pytest.raises(
        ValueError, match=r"dy: expected \(4, 3, 5, 2\) float32, got \(4, 3, 5, 1\)"
    ):
        backward(np.zeros((4, 3, 5, 1), np.float32))


@pytest.mark.parametrize("layer", [*NORMS, BatchNorm(4).inference()])
def test_refuses_another_dtype(layer: Any) -> None:
    with pytest.raises(ValueError, match=r"Norm x: expected \(4, .*\) float32, got .* float64"):
        layer.forward(np.zeros((4, 3, 5, 2)))


@pytest.mark.parametrize("layer", [*NORMS, BatchNorm(4).inference()])
def test_refuses_another_number_of_channels(layer: Any) -> None:
    with pytest.raises(ValueError, match=r"Norm x: expected \(4, .*\) float32, got \(1, 3, 5, 2\)"):
        layer.forward(np.zeros((1, 3, 5, 2), np.float32))
    with pytest.raises(ValueError, match=r"Norm: expected a sample of .*4.*, got .*\(1, 3, 5\)"):
        layer.output_shape((1, 3, 5))
    assert layer.output_shape((4, 3, 5)) == (4, 3, 5)


@pytest.mark.parametrize("shape", [6, np.prod((2, 3)), (6,), [6]], ids=repr)
def test_ways_to_say_what_layernorm_normalises(shape: Any) -> None:
    assert LayerNorm(shape).output_shape((6,)) == (6,)


def test_one_value_has_no_variance() -> None:
    why = r"expected ≥ 2 values for a variance, got 1; x is "
    with pytest.raises(ValueError, match=r"BatchNorm: " + why + r"\(3, 1\)"):
        BatchNorm(3).forward(np.zeros((3, 1), np.float32))
    with pytest.raises(ValueError, match=r"LayerNorm: " + why + r"\(1, 3\)"):
        LayerNorm(1).forward(np.zeros((1, 3), np.float32))
    with pytest.raises(ValueError, match=r"GroupNorm: " + why + r"\(2, 3\)"):
        GroupNorm(2, 2).forward(np.zeros((2, 3), np.float32))
    with pytest.raises(
        ValueError, match=r"expected ≥ 2 values for a variance, got 0; x is \(3, 0\)"
    ):
        BatchNorm(3).forward(np.zeros((3, 0), np.float32))
    assert BatchNorm(3).forward(np.zeros((3, 2, 1, 1), np.float32))[0].shape == (3, 2, 1, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNorm(0), r"BatchNorm: expected sizes ≥ 1, got 0"),
        (lambda: LayerNorm(()), r"LayerNorm: expected sizes ≥ 1, got \(\)"),
        (lambda: GroupNorm(0, 4), r"GroupNorm: expected sizes ≥ 1, got 0"),
        (lambda: GroupNorm(3, 4), r"expected groups of equal size, got 4 channels in 3"),
        (lambda: BatchNorm(2, eps=0), r"BatchNorm: expected eps > 0, got 0"),
        (lambda: LayerNorm(2, eps=-1), r"LayerNorm: expected eps > 0, got -1"),
        (lambda: BatchNorm(2, momentum=1.1), r"expected momentum in \[0, 1\], got 1.1"),
    ],
)
def test_refuses_to_be_made(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "layer",
    [
        BatchNorm(4, affine=False, eps=1e-12, dtype=np.float64),
        LayerNorm(4, elementwise_affine=False, eps=1e-12, dtype=np.float64),
        GroupNorm(2, 4, affine=False, eps=1e-12, dtype=np.float64),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_without_gamma_and_beta_y_is_standardised(layer: Any, rng: np.random.Generator) -> None:
    """As it is with γ = 1 and β = 0, from which a new layer begins."""
    x = 3 + 2 * rng.standard_normal((4, 6))
    y = layer.forward(x)[0]
    groups = {BatchNorm: y, LayerNorm: y.T, GroupNorm: y.reshape(2, 2, 6).swapaxes(1, 2)}
    np.testing.assert_allclose(groups[type(layer)].mean(axis=-1), 0, atol=1e-14)
    np.testing.assert_allclose(groups[type(layer)].var(axis=-1), 1, rtol=1e-6)
    sizes = (2, 4) if isinstance(layer, GroupNorm) else (4,)
    new = type(layer)(*sizes, eps=1e-12, dtype=np.float64)
    np.testing.assert_allclose(new.forward(x)[0], y, rtol=1e-14, atol=1e-15)
