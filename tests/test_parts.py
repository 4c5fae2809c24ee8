"""Parts of one's own: as little as the README asks for, and a word where that is not there."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tiny
from readme import Readme

from nnscratch.core import Array, Backward, Parameter, Shape, backward_into_theta
from nnscratch.layers import Dense, Sequential, Tanh
from nnscratch.models import VAE, AdversarialAutoencoder, Autoencoder
from nnscratch.optimizers import SGD
from nnscratch.training import Trainer

D, L = tiny.D, tiny.L


def twin(layer: Readme) -> Dense:
    """The library's layer with the same θ."""
    M, D = layer.w.value.shape
    dense = Dense(D, M, rng=np.random.default_rng(0), dtype=layer.w.value.dtype)
    dense.w.value[...] = layer.w.value
    return dense


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_readmes_layer_learns_as_dense_does(replicas: int) -> None:
    """First layer and last, encoder and decoder, in one replica and in two."""

    def trained(of: Callable[[Readme], Any]) -> Array:
        encoder = Sequential(of(Readme(D, 9)), Tanh(), of(Readme(9, L)))
        model = Autoencoder(encoder, of(Readme(L, D)), input_shape=(D,))
        trainer = Trainer(model, SGD(0.1), seed=0, batch_size=16, replicas=replicas)
        trainer.fit(tiny.images(64), epochs=2)
        return trainer.replicas.theta.value

    np.testing.assert_allclose(trained(lambda own: own), trained(twin), rtol=1e-4, atol=1e-5)


def test_the_readmes_layer_is_the_encoder_of_a_vae(rng: np.random.Generator) -> None:
    model = VAE(Readme(D, 2 * L), Readme(L, D), L, input_shape=(D,))
    model.loss(rng.random((D, 5), np.float32), rng=rng)[1](1.0)
    assert all(p.grad.any() for p in model.parameters().values())


@pytest.mark.parametrize("kind", ["function", "keyword", "no need_dx", "partial", "object"])
def test_need_dx_is_given_to_who_takes_it(kind: str) -> None:
    seen: list[Any] = []

    class Callable_:
        def __call__(self, dy: Any, need_dx: bool = True) -> None:
            seen.append(need_dx)

    def plain(dy: Any) -> None:
        need_dx = None  # a local variable is no argument
        seen.append(need_dx)

    backward: Any = {
        "function": lambda dy, need_dx=True: seen.append(need_dx),
        "keyword": lambda dy, *, need_dx=True: seen.append(need_dx),
        "no need_dx": plain,
        "partial": functools.partial(lambda s, dy, need_dx=True: seen.append(need_dx), 0),
        "object": Callable_(),
    }[kind]
    backward_into_theta(backward, np.ones(1))
    assert seen == [None if kind == "no need_dx" else False]


# What is not there, or is not what it should be


def without(name: str) -> Any:
    """A Tanh of one's own that lacks a method."""

    class Own(Tanh):
        pass

    setattr(Own, name, None)
    return Own()


class Own(Tanh):
    """A Tanh of one's own with one fault."""

    def __init__(self, fault: str) -> None:
        self.fault, self.p = fault, Parameter(np.ones(1, np.float32))

    def parameters(self) -> Any:
        return {
            "parameters are arrays": {"scale": np.ones(3)},
            "parameters are a list": [self.p],
            "new parameters": {"scale": Parameter(np.ones(1, np.float32))},
        }.get(self.fault, {})

    def output_shape(self, shape: Shape) -> Any:
        return {"a number for a shape": 9, "another shape": (shape[0] + 1,)}.get(self.fault, shape)

    def forward(self, x: Array) -> Any:
        y, backward = super().forward(x)
        return {
            "y alone": y,
            "three": (y, backward, 0),
            "no backward": (y, None),
            "float64": (y.astype(np.float64), backward),
            "a wider y": (np.concatenate([y, y], axis=-1), backward),
        }.get(self.fault, (y, backward))


class Loss:
    """A likelihood or a penalty of one's own with one fault."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def nll(self, a: Array, t: Array) -> Any:
        return self(a)

    def mean(self, a: Array) -> Array:
        return a[:1] if self.fault == "short mean" else a

    def __call__(self, a: Array) -> Any:
        value, da = float((a * a).sum()), 2 * a
        return {
            "value alone": value,
            "no gradient": (value, None),
            "a value a sample": ((a * a).sum(axis=0), da),
            "a wide gradient": (value, np.concatenate([da, da], axis=-1)),
        }.get(self.fault, (value, da))


class Spoil:
    """A corruption of one's own that halves the image and says something else."""

    def __call__(self, x: Array, *, rng: np.random.Generator) -> Array:
        return x[:8]

    def output_shape(self, shape: Shape) -> Shape:
        return shape


def between(layer: Any) -> Autoencoder:
    return tiny.autoencoder(layer)


def penalised(pair: Any) -> Autoencoder:
    return tiny.autoencoder(penalties={"mine": pair})


FAULTS: dict[str, tuple[Callable[[], Any], str]] = {
    **{
        f"no {name}": (
            lambda name=name: between(without(name)),  # type: ignore[misc]
            f"layer 2: expected forward, output_shape, parameters, got Own without {name}",
        )
        for name in ("forward", "output_shape", "parameters")
    },
    "a class": (lambda: between(Tanh), "layer 2: expected an object, got the class Tanh itself"),
    "a decoder that is none": (
        lambda: Autoencoder(tiny.encoder(L), np.tanh, input_shape=(D,)),  # type: ignore[arg-type]
        "Autoencoder decoder: Sequential, layer 0: expected forward, .* got ufunc without",
    ),
    **{
        fault: (lambda fault=fault: between(Own(fault)), f"layer 2, Own {message}")  # type: ignore[misc]
        for fault, message in {
            "parameters are arrays": "parameters: expected a Parameter, got 'scale', ndarray",
            "parameters are a list": "parameters: expected a dict, got list",
            "new parameters": "parameters: expected the same Parameter in every call, got another",
            "a number for a shape": "output_shape: expected a tuple, got 9",
            "y alone": r"forward: expected \(y, backward\), got ndarray",
            "three": r"forward: expected \(y, backward\), got tuple of 3",
            "no backward": "forward: backward: expected __call__, got NoneType without",
            "float64": r"forward: y: expected \(8, 2\) float32, got \(8, 2\) float64",
            "a wider y": r"forward: y: expected \(8, 2\) float32, got \(8, 4\) float32",
        }.items()
    },
    "no likelihood": (
        lambda: tiny.autoencoder(likelihood=Tanh()),
        "Autoencoder likelihood: expected nll, mean, got Tanh without nll, mean",
    ),
    "short mean": (
        lambda: tiny.autoencoder(likelihood=Loss("short mean")),
        r"Autoencoder likelihood mean: expected \(16, 2\) float32, got \(1, 2\)",
    ),
    "a penalty without a weight": (
        lambda: penalised(Loss("")),
        r"Autoencoder penalty 'mine': expected \(weight, penalty\), got Loss",
    ),
    "a penalty that is a number": (
        lambda: penalised((1.0, 2.0)),
        "Autoencoder penalty 'mine': expected __call__, got float without __call__",
    ),
    **{
        fault: (lambda fault=fault: penalised((1.0, Loss(fault))), f"penalty 'mine'.*{message}")  # type: ignore[misc]
        for fault, message in {
            "value alone": r"expected \(value, gradient\), got float",
            "no gradient": r"gradient: expected \(2, 2\) float32, got \(\) NoneType",
            "a value a sample": r"expected a number for a value, got \(2,\)",
            "a wide gradient": r"gradient: expected \(2, 2\) float32, got \(2, 4\)",
        }.items()
    },
    "no corruption": (
        lambda: tiny.autoencoder(corruption=lambda x, rng: x),
        "Autoencoder corruption: expected __call__, output_shape, got function without output",
    ),
    "a corruption of another shape": (
        lambda: tiny.autoencoder(corruption=Spoil()),
        r"Autoencoder corruption: expected \(16, 2\) float32, got \(8, 2\) float32",
    ),
    "no prior": (
        lambda: AdversarialAutoencoder(
            *(tiny.encoder(L), tiny.decoder(), Readme(L, 1)),
            input_shape=(D,),
            prior=3,  # type: ignore[arg-type]
        ),
        "AdversarialAutoencoder prior: expected __call__, got int",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_part_that_is_none_is_named_when_the_model_is_put_together(fault: str) -> None:
    make, message = FAULTS[fault]
    with pytest.raises(ValueError, match=message):
        make()


def test_a_shape_that_forward_does_not_keep_is_found() -> None:
    """The next layer would fit what is said, or what is returned, and not both."""
    rng = np.random.default_rng(0)
    encoder = Sequential(Dense(D, 8, rng=rng), Own("another shape"), Dense(9, L, rng=rng))
    with pytest.raises(ValueError, match=r"layer 1, Own.* expected \(9, 2\).*got \(8, 2\)"):
        Autoencoder(encoder, tiny.decoder(), input_shape=(D,))


def test_a_part_that_refuses_the_trial_is_left_in_peace() -> None:
    """It may want a batch of another size, or other numbers."""

    class OnlyFour(Tanh):
        def forward(self, x: Array) -> tuple[Array, Backward]:
            if x.shape[-1] != 4:
                raise ValueError(f"expected 4 samples, got {x.shape[-1]}")
            return super().forward(x)

    model = tiny.autoencoder(OnlyFour())
    assert model.loss(np.ones((D, 4), np.float32))[0]["total"] > 0


def test_a_trial_leaves_a_generator_as_it_was() -> None:
    class Noise(Tanh):
        def __init__(self) -> None:
            self.rng = np.random.default_rng(3)

        def forward(self, x: Array) -> tuple[Array, Backward]:
            return super().forward(x + self.rng.random(x.shape, x.dtype))

    layer = Noise()
    tiny.autoencoder(layer)
    assert layer.rng.random() == np.random.default_rng(3).random()
