"""Models for samples of any shape: `build("conv_vae", (3, 64, 64), latent_dim=32, rng=rng)`.

A name is a network and a model. The networks:

    dense  one hidden layer or more, for any shape: the sample is flattened, and the end reshaped
    conv   convolutions of stride 2 for images (C, H, W), sequences (T, D) and signals (T,); a side
           of I becomes ⌈I/2⌉, and the way back begins with ⌈I/2⌉ and ends with I, odd or even
    table  dense, for rows (D,) of numbers that are not held in [0, 1]
"""

import inspect
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..checks.arguments import integer
from ..core import Layer, Shape
from ..layers import (
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    ConvTranspose2d,
    Dense,
    Flatten,
    ReLU,
    Reshape,
    Sequential,
)
from ..learned_scale import LearnedGaussian
from ..likelihoods import Bernoulli, Likelihood, SquaredError
from .autoencoder import Autoencoder
from .conditional import ConditionalVAE
from .labels import shape_with_labels
from .parts import corrupted_shape, decoder_shape
from .vae import VAE

MODELS: dict[str, type[Autoencoder]] = {
    "autoencoder": Autoencoder,
    "vae": VAE,
    "conditional_vae": ConditionalVAE,
}
WIDTHS: dict[str, tuple[str, tuple[int, ...]]] = {
    "dense": ("hidden", (512,)),
    "conv": ("channels", (32, 64, 128)),
    "table": ("hidden", (64,)),
}
"""What the sizes between are called, and what they are by default, for each network."""

NAMES = [f"{network}_{model}" for network in WIDTHS for model in MODELS]


def build(
    name: str, input_shape: Shape, latent_dim: int = 16, *, rng: np.random.Generator, **options: Any
) -> Autoencoder:
    """Return an untrained model of this name for samples of this shape.

    options  what the model takes: `likelihood`, `beta`, `free_bits`, `classes`, `corruption`,
             `penalties`; `dtype`; and the sizes between, `hidden` of a dense network and of one for
             tables, `channels` of a convolutional one, which is as deep as there are of them

    Without a likelihood it is Bernoulli for images and vectors. For tables and sequences, whose
    numbers are any, a VAE has LearnedGaussian and an autoencoder SquaredError.

    Raises
        ValueError if there is no such model or option, or the shape is none that it takes.
    """
    who = f"build {name}"
    if name not in NAMES:
        raise ValueError(f"build: expected one of {', '.join(NAMES)}, got {name!r}")
    network, _, kind = name.partition("_")
    cls, (widths, sizes) = MODELS[kind], WIDTHS[network]
    shape = _shape(who, network, input_shape)
    L = integer(who, "latent_dim", latent_dim)
    new = {"rng": rng, "dtype": options.pop("dtype", np.float32)}
    sizes = tuple(integer(who, widths, n) for n in _listed(who, widths, options.pop(widths, sizes)))
    known = {*inspect.signature(cls.__init__).parameters, widths, "dtype"} - SET_HERE
    for option in options:
        if option not in known:
            raise ValueError(f"{who}: expected options {', '.join(sorted(known))}, got {option!r}")
    likelihood = options.pop("likelihood", None)
    if likelihood is None:
        likelihood = _likelihood(network, shape, cls is not Autoencoder)
    classes = integer(who, "classes", options.get("classes"), 2) if "classes" in known else 0
    seen = shape_with_labels(corrupted_shape(who, options.get("corruption"), shape), classes)
    output, code = decoder_shape(likelihood, shape), L if cls is Autoencoder else 2 * L
    down, up = (conv_encoder, conv_decoder) if network == "conv" else (dense_encoder, dense_decoder)
    encoder = Sequential(*down(seen, sizes, code, new))
    decoder = Sequential(*up(L + classes, sizes[::-1], output, new))
    latent = {} if cls is Autoencoder else {"latent_dim": L}
    given: dict[str, Any] = options | latent | {"likelihood": likelihood, "input_shape": shape}
    return cls(encoder, decoder, **given)


SET_HERE = {"self", "encoder", "decoder", "input_shape", "latent_dim"}
"""Arguments of a model that are no options."""


def dense_encoder(shape: Shape, hidden: Sequence[int], numbers: int, new: Any) -> list[Layer]:
    """Return layers from a sample of this shape to so many numbers; `new` is rng and dtype."""
    layers: list[Layer] = [] if len(shape) == 1 else [Flatten()]
    D = prod(shape)
    for M in hidden:
        layers += [Dense(D, M, **new), ReLU()]
        D = M
    return [*layers, Dense(D, numbers, **new)]


def dense_decoder(numbers: int, hidden: Sequence[int], shape: Shape, new: Any) -> list[Layer]:
    """Return layers from so many numbers to a sample of this shape."""
    layers = dense_encoder((numbers,), hidden, prod(shape), new)
    return layers if len(shape) == 1 else [*layers, Reshape(*shape)]


def conv_encoder(shape: Shape, channels: Sequence[int], numbers: int, new: Any) -> list[Layer]:
    """Return convolutions that halve the sides as often as there are channels, and a Dense."""
    C, sides = _split(shape)
    layers: list[Layer] = []
    for F in channels:
        down = (
            Conv2d(C, F, 3, stride=2, padding=1, **new)
            if len(sides) == 2
            else Conv1d(C, F, 5, stride=2, padding=2, **new)
        )
        layers += [down, ReLU()]
        C, sides = F, _halved(sides)
    return [*layers, Flatten(), Dense(C * prod(sides), numbers, **new)]


def conv_decoder(numbers: int, channels: Sequence[int], shape: Shape, new: Any) -> list[Layer]:
    """Return the way back: a Dense, and transposed convolutions to each of the sides before.

    A convolution with a window of 2 p + 1, padding p and stride 2 makes ⌈I/2⌉ of I; its adjoint
    makes 2 ⌈I/2⌉ - 1, and with output_padding 1 one more: I for an odd and an even side.
    """
    F, sides = _split(shape)
    stages = [sides]
    for _ in channels:
        stages.append(_halved(stages[-1]))
    *before, smallest = stages
    C = channels[0]
    start = (C, *smallest) if len(sides) == 2 else (*smallest, C)
    layers: list[Layer] = [Dense(numbers, prod(start), **new), ReLU(), Reshape(*start)]
    for M, larger in zip([*channels[1:], F], reversed(before), strict=True):
        first, last = 1 - larger[0] % 2, 1 - larger[-1] % 2
        up = (
            ConvTranspose2d(C, M, 3, stride=2, padding=1, output_padding=(first, last), **new)
            if len(sides) == 2
            else ConvTranspose1d(C, M, 5, stride=2, padding=2, output_padding=first, **new)
        )
        layers += [up, ReLU()]
        C = M
    return layers[:-1]


def _shape(who: str, network: str, input_shape: Any) -> Shape:
    """Return the shape of a sample as the model has it; a signal (T,) is a sequence (T, 1)."""
    sizes = _listed(who, "input_shape", input_shape)
    shape = tuple(integer(who, "sizes in input_shape", n) for n in sizes)
    wants = {"dense": (1, 2, 3), "conv": (1, 2, 3), "table": (1,)}[network]
    if len(shape) not in wants:
        forms = {1: "(D,)", 2: "(T, D)", 3: "(C, H, W)"}
        want = " or ".join(forms[n] for n in wants)
        raise ValueError(f"{who}: expected input_shape {want}, got {input_shape}")
    return (*shape, 1) if network == "conv" and len(shape) == 1 else shape


def _listed(who: str, what: str, sizes: Any) -> Sequence[Any]:
    if not isinstance(sizes, list | tuple) or (len(sizes) == 0 and what != "hidden"):
        raise ValueError(f"{who}: expected {what}, a tuple of integers, got {sizes!r}")
    return sizes


def _likelihood(network: str, shape: Shape, variational: bool) -> Likelihood:
    """Return what is meant if nothing is said: see build."""
    if network != "table" and len(shape) != 2:
        return Bernoulli()
    return LearnedGaussian(1e-3) if variational else SquaredError()


def _split(shape: Shape) -> tuple[int, Shape]:
    """Return the channels and the other sizes of an image (C, H, W) or a sequence (T, D)."""
    return (shape[0], shape[1:]) if len(shape) == 3 else (shape[1], shape[:1])


def _halved(sides: Shape) -> Shape:
    return tuple(-(-n // 2) for n in sides)
