"""What every layer keeps, tried on each that has a certificate (gradcheck/certificates.py).

Its gradients and what its backward promises are proved there; here is what a model asks besides.
"""

import copy
from typing import Any

import numpy as np
import pytest

from nnscratch.core import Array, Layer
from nnscratch.gradcheck.certificates import cases
from nnscratch.layers.contract import check_layer
from nnscratch.layers.tokens import is_tokens

CASES = [case for case in cases(np.random.default_rng(0)) if isinstance(case[1], Layer)]
EACH = pytest.mark.parametrize("name", [name for name, *_ in CASES])


def case(name: str) -> tuple[Layer, Array]:
    """Return a layer of one's own for a test, and what it takes."""
    rng = np.random.default_rng(0)
    table = [
        (layer, (*inputs, *constants)) for n, layer, inputs, constants in cases(rng) if n == name
    ]
    [(layer, [x])] = table  # tokens are a constant: they have no gradient
    return layer, x if isinstance(x, np.ndarray) else rng.standard_normal(x)


def forward(layer: Layer, x: Array) -> tuple[Array, Any]:
    """Run a layer; a noisy one always has the same noise."""
    return layer.forward(x, rng=np.random.default_rng(1)) if layer.noisy else layer.forward(x)


@EACH
def test_is_a_layer(name: str) -> None:
    layer, _ = case(name)
    check_layer("test", layer)
    assert repr(layer).startswith(f"{type(layer).__name__}(")


@EACH
def test_output_shape_is_the_shape_of_the_output(name: str) -> None:
    layer, x = case(name)
    y, backward = forward(layer, x)
    assert y.shape == (*layer.output_shape(x.shape[:-1]), x.shape[-1])
    dx = backward(np.ones_like(y))
    assert y.dtype == np.float64
    if is_tokens(x):
        assert dx is None
    else:
        assert (dx.shape, dx.dtype, y.dtype) == (x.shape, x.dtype, x.dtype)


@EACH
def test_backward_twice_adds_twice(name: str, rng: np.random.Generator) -> None:
    layer, x = case(name)
    y, backward = forward(layer, x)
    dy = rng.standard_normal(y.shape)
    dx = backward(dy)
    once = {k: p.grad.copy() for k, p in layer.parameters().items()}
    again = backward(dy)
    if not is_tokens(x):
        np.testing.assert_allclose(again, dx, rtol=1e-12, atol=1e-14)
    for k, p in layer.parameters().items():
        np.testing.assert_allclose(p.grad, 2 * once[k], rtol=1e-12, atol=1e-14)


@EACH
@pytest.mark.parametrize("fault", ["a sample less", "float32", "an axis more"])
def test_refuses_another_dy(name: str, fault: str) -> None:
    layer, x = case(name)
    y, backward = forward(layer, x)
    dy = {"a sample less": y[..., :-1], "float32": y.astype(np.float32), "an axis more": y[None]}
    with pytest.raises(ValueError, match=r"\w+ dy: expected \(.*float64, got"):
        backward(dy[fault])


@EACH
def test_a_sample_does_not_depend_on_its_neighbours(name: str) -> None:
    """But where a layer says that the whole batch enters."""
    layer, x = case(name)
    if layer.noisy:
        layer = layer.inference()
    y, few = forward(layer, x)[0], forward(layer, x[..., :-1])[0]
    if layer.whole_batch:
        assert not np.allclose(y[..., :-1], few)
    else:
        np.testing.assert_allclose(y[..., :-1], few, rtol=1e-11, atol=1e-13)


@EACH
def test_an_empty_batch_stays_empty(name: str) -> None:
    """But where the statistics of the batch enter, of which there are none."""
    layer, x = case(name)
    nothing = x[..., :0]
    if layer.whole_batch:
        with pytest.raises(ValueError, match="expected"):
            forward(layer, nothing)
        return
    y, backward = forward(layer, nothing)
    assert y.shape == (*layer.output_shape(x.shape[:-1]), 0)
    dx = backward(y)
    assert dx is None if is_tokens(x) else dx.shape == nothing.shape
    assert not any(p.grad.any() for p in layer.parameters().values())


@EACH
def test_a_copy_has_gradients_of_its_own(name: str) -> None:
    layer, x = case(name)
    twin = copy.deepcopy(layer)
    y, backward = forward(twin, x)
    np.testing.assert_array_equal(y, forward(layer, x)[0])
    backward(np.ones_like(y))
    assert all(not p.grad.any() for p in layer.parameters().values())
    assert repr(twin) == repr(layer)


@EACH
def test_after_training_it_needs_no_noise_and_no_batch(name: str) -> None:
    layer, x = case(name)
    later = layer.inference()
    assert not later.noisy
    assert not later.whole_batch
    assert later.output_shape(x.shape[:-1]) == layer.output_shape(x.shape[:-1])
    assert later.buffers().keys() == layer.buffers().keys()
    alone = later.forward(x[..., :1])[0]
    np.testing.assert_allclose(alone, later.forward(x)[0][..., :1], rtol=1e-11, atol=1e-13)


def test_every_layer_is_among_them() -> None:
    from nnscratch import layers

    of_two_inputs = {"GaussianSample", "RNNCell", "LSTMCell", "GRUCell"}
    assert {type(layer).__name__ for _, layer, *_ in CASES} == {*layers.__all__} - of_two_inputs
