"""Sequential: the chain rule, and the little it adds to it."""

import numpy as np
import pytest
from checks.sequential import check_gradient, check_need_dx
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array, Backward
from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Dense, ReLU, Sequential, Sigmoid, Tanh, sequential
from nnscratch.layers.activations import Elementwise
from nnscratch.layers.contract import buffers, holomorphic, inference, noisy, whole_batch
from nnscratch.layers.sequential import as_sequential

pytestmark = pytest.mark.plain

SIZES = st.lists(st.integers(1, 4), min_size=2, max_size=4)


class Noise(Elementwise):
    """y = x + ε: the simplest layer with a source of noise, a buffer and a life after learning."""

    noisy = True
    whole_batch = True

    def forward(self, x: Array, *, rng: np.random.Generator) -> tuple[Array, Backward]:
        return x + rng.standard_normal(x.shape), lambda dy: dy.copy()

    def buffers(self) -> dict[str, Array]:
        return {"count": np.ones(1)}

    def inference(self) -> Tanh:
        return Tanh()


@given(sizes=SIZES, N=st.integers(1, 4), seed=st.integers(0, 99))
def test_gradient(sizes: list[int], N: int, seed: int) -> None:
    check_gradient(sequential, sizes, N, seed)


def test_need_dx_false_skips_what_has_nothing_to_learn() -> None:
    check_need_dx(sequential)


def test_is_the_layers_one_after_another(rng: np.random.Generator) -> None:
    """y = g(f(x)), and dx = f'ᵀ(g'ᵀ dy): by hand, layer by layer."""
    f, g = Dense(4, 3, rng=rng), Sigmoid()
    x, dy = np.ones((4, 2), np.float32), np.ones((3, 2), np.float32)
    h, f_backward = f.forward(x)
    y, g_backward = g.forward(h)
    got, backward = Sequential(f, g).forward(x)
    np.testing.assert_array_equal(got, y)
    np.testing.assert_array_equal(backward(dy), f_backward(g_backward(dy)))


def test_the_empty_chain_is_the_identity(rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 2))
    y, backward = Sequential().forward(x)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(backward(x), x)
    assert backward(x, need_dx=False) is None
    assert Sequential().output_shape((3,)) == (3,)


def test_a_chain_in_a_chain_is_one_chain(rng: np.random.Generator) -> None:
    layers = [Dense(4, 3, rng=rng), Tanh(), Dense(3, 2, rng=rng)]
    flat, nested = Sequential(*layers), Sequential(Sequential(*layers[:2]), layers[2])
    x = np.ones((4, 2), np.float32)
    np.testing.assert_array_equal(flat.forward(x)[0], nested.forward(x)[0])
    assert list(flat.parameters()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert list(nested.parameters()) == ["0.0.weight", "0.0.bias", "1.weight", "1.bias"]


def test_without_parameters_there_is_nothing_to_do(rng: np.random.Generator) -> None:
    y, backward = Sequential(Tanh(), ReLU()).forward(rng.standard_normal((3, 2)))
    assert backward(y, need_dx=False) is None


# Noise, buffers, inference


def test_a_chain_is_as_special_as_its_layers() -> None:
    model = Sequential(Tanh(), Sequential(Noise()))
    assert noisy(model)
    assert whole_batch(model)
    assert list(buffers(model)) == ["1.0.count"]
    assert not holomorphic(model)
    assert holomorphic(Sequential(Tanh(), Sequential(Sigmoid())))
    assert not noisy(Sequential(Tanh()))
    assert not whole_batch(Sequential(Tanh()))


def test_noise_comes_from_rng_in_the_order_of_the_layers() -> None:
    y, _ = Sequential(Noise(), Sequential(Noise())).forward(
        np.zeros(3), rng=np.random.default_rng(0)
    )
    np.testing.assert_array_equal(y, np.random.default_rng(0).standard_normal((2, 3)).sum(axis=0))


def test_a_noisy_chain_keeps_its_gradient(rng: np.random.Generator) -> None:
    model = Sequential(Dense(3, 2, rng=rng, dtype=np.float64), Noise(), Tanh())
    gradcheck(model, (3, 4), rng=rng).raise_if_failed()


def test_refuses_to_be_noisy_without_rng() -> None:
    with pytest.raises(ValueError, match="Sequential: expected rng, since a layer is noisy"):
        Sequential(Noise()).forward(np.zeros(3))


def test_inference_is_that_of_every_layer(rng: np.random.Generator) -> None:
    dense = Dense(3, 3, rng=rng)
    model = inference(Sequential(dense, Noise()))
    assert model.layers[0] is dense
    assert isinstance(model.layers[1], Tanh)
    assert not noisy(model)


# Shapes


def test_output_shape_goes_through_all_layers(rng: np.random.Generator) -> None:
    model = Sequential(Dense(4, 3, rng=rng), Tanh(), Dense(3, 2, rng=rng), input_shape=(4,))
    assert model.output_shape((4,)) == (2,)


def test_a_chain_that_does_not_fit_says_where_when_it_is_made(rng: np.random.Generator) -> None:
    message = r"Sequential, layer 2: Dense: expected a sample of shape \(5,\), got \(3,\)"
    with pytest.raises(ValueError, match=message):
        Sequential(Dense(4, 3, rng=rng), Tanh(), Dense(5, 2, rng=rng), input_shape=(4,))


def test_its_layers_are_reached_by_number(rng: np.random.Generator) -> None:
    layers = Dense(4, 3, rng=rng), Tanh(), Dense(3, 2, rng=rng)
    model = Sequential(*layers)
    assert len(model) == 3
    assert (model[0], model[-1]) == (layers[0], layers[2])
    assert tuple(model) == layers
    with pytest.raises(IndexError):
        model[3]


def test_prints_its_layers_each_on_a_line(rng: np.random.Generator) -> None:
    class Own:
        """A layer of one's own that does not say how it prints."""

        forward, output_shape, parameters = Tanh.forward, Tanh.output_shape, Tanh.parameters

    model = Sequential(Sequential(Dense(4, 3, rng=rng), Tanh()), Own())  # type: ignore[arg-type]
    lines = (
        "Sequential(",
        "  0: Sequential(",
        "    0: Dense(4, 3)",
        "    1: Tanh()",
        "  )",
        "  1: Own",
        ")",
    )
    assert repr(model) == "\n".join(lines)
    assert repr(Sequential()) == "Sequential()"


def test_as_sequential_wraps_once(rng: np.random.Generator) -> None:
    model = Sequential(Tanh())
    assert as_sequential(model) is model
    layer = Tanh()
    assert as_sequential(layer).layers == (layer,)
