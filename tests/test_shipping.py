"""The gradients of the layers that have kernels, at sizes that take every way through them.

Small sizes would prove too little: below eight rows or columns a product is NumPy's, below four
filters a convolution has another kernel, and a batch below two vectors is all remainder.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checks.shipping import ALL, CONV, DENSE, RECURRENT, check_gradient, layer_of

from nnscratch.core import Array
from nnscratch.gradcheck import adjoint, gradcheck
from nnscratch.kernels.machine.helpers import kernel_threads
from nnscratch.layers.fusion import WithReLU

pytestmark = [pytest.mark.image_kernel, pytest.mark.plain]


@pytest.mark.parametrize("name", ALL | RECURRENT)
def test_gradient(name: str) -> None:
    """Of 60 entries of each array, drawn at random."""
    check_gradient(name, 60)


@pytest.mark.parametrize("name", DENSE)
def test_gradient_by_complex_steps(name: str) -> None:
    """To twelve digits: forward is the plain definition, backward the kernels that are shipped."""
    layer, shape = layer_of(name)
    rng = np.random.default_rng(1)
    gradcheck(layer, shape, entries=60, method="complex", rng=rng).raise_if_failed()


@pytest.mark.parametrize("name", DENSE | RECURRENT)
def test_gradient_on_two_threads(name: str) -> None:
    with kernel_threads(2):
        check_gradient(name, 20)


@pytest.mark.parametrize("name", [name for name in ALL if name != "a net"])
def test_adjoint(name: str, rng: np.random.Generator) -> None:
    """⟨f(x) - f(0), v⟩ = ⟨x, backward(v)⟩ sees every entry of x at once."""
    layer, shape = layer_of(name)
    adjoint(layer, shape, rng=rng).raise_if_failed()


@pytest.mark.parametrize("name", [name for name in CONV if "no bias" not in name])
def test_gradient_with_relu(name: str) -> None:
    """x and w are whole numbers and a half is added: no sum is near the kink at 0."""
    layer, shape = layer_of(name)
    rng = np.random.default_rng(1)
    layer.w.value[...] = rng.integers(-2, 3, layer.w.value.shape)
    layer.b.value[...] = 0.5
    x = rng.integers(-2, 3, shape).astype(np.float64)
    gradcheck(WithReLU(layer), x, entries=30, rng=rng).raise_if_failed()


# Single precision, in which models are trained


def results(layer: Any, x: Array, dy: Array) -> list[Array]:
    """y, dx, and the gradient of every parameter."""
    y, backward = layer.forward(x)
    return [y, backward(dy), *(p.grad.copy() for p in layer.parameters().values())]


@pytest.mark.parametrize("name", [name for name in ALL if name != "a net"])
def test_single_precision_is_double_precision_rounded(name: str) -> None:
    """A sum of K products is off by less than (K + 2) ε Σ |a| |b|, in any order: ε = 2⁻²⁴.

    With ones for all numbers a layer counts K, with absolute values it sums |a| |b|.

    Higham, Accuracy and Stability of Numerical Algorithms (2002), §3.1.
    """
    rng = np.random.default_rng(2)
    single, shape = layer_of(name, np.float32)
    x = rng.standard_normal(shape).astype(np.float32)
    dy = rng.standard_normal(single.forward(x)[0].shape).astype(np.float32)
    got = results(single, x, dy)

    def in_double(f: Callable[[Array], Array]) -> list[Array]:
        layer = layer_of(name)[0]
        for p, q in zip(layer.parameters().values(), single.parameters().values(), strict=True):
            p.value[...] = f(q.value.astype(np.float64))
        return results(layer, f(x.astype(np.float64)), f(dy.astype(np.float64)))

    for a, want, size, K in zip(
        got, in_double(np.positive), in_double(np.abs), in_double(np.ones_like), strict=True
    ):
        assert a.dtype == np.float32
        assert (np.abs(a - want) <= (K + 2) * 2.0**-24 * size).all()


def test_a_sum_without_its_last_product_is_more_than_rounding(rng: np.random.Generator) -> None:
    """The bound is far below one product: what it lets pass is rounding."""
    a, b = np.abs(rng.standard_normal((2, 500)))
    assert (500 + 2) * 2.0**-24 * (a @ b) < np.median(a * b) / 20
