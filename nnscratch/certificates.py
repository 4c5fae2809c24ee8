"""Every layer and loss of the library, small, under the gradient check.

To certify a new one, add a line to the table: its name, the layer or loss, what it takes that has a
gradient (shapes to draw, or arrays where a draw could hit a kink), and what it takes that has none.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import losses
from .gradcheck import gradcheck, without_kinks
from .layers import (
    BatchNorm,
    Dense,
    Dropout,
    Elu,
    Flatten,
    GaussianSample,
    Gelu,
    GroupNorm,
    Identity,
    LayerNorm,
    LeakyRelu,
    Relu,
    Reshape,
    Sequential,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from .report import Report

Case = tuple[str, Any, tuple[Any, ...], tuple[Any, ...]]


def cases(rng: np.random.Generator) -> list[Case]:
    """Return (name, layer or loss, inputs, constants)."""
    f64 = np.float64
    smooth, image = (4, 5), (4, 3, 2, 5)
    kinked = without_kinks(smooth, rng=rng)
    noise = rng.standard_normal(smooth)
    grey = rng.random(smooth)
    labels = rng.integers(0, 4, 5)
    net = Sequential(Dense(4, 3, rng=rng, dtype=f64), Tanh(), Dense(3, 2, rng=rng, dtype=f64))
    return [
        # layers
        ("Dense", Dense(4, 3, rng=rng, dtype=f64), (smooth,), ()),
        ("Dense, no bias", Dense(4, 3, bias=False, rng=rng, dtype=f64), (smooth,), ()),
        ("Relu", Relu(), (kinked,), ()),
        ("LeakyRelu", LeakyRelu(0.1), (kinked,), ()),
        ("Elu", Elu(1.5), (kinked,), ()),
        ("Gelu", Gelu(), (smooth,), ()),
        ("Sigmoid", Sigmoid(), (smooth,), ()),
        ("Softmax", Softmax(), (smooth,), ()),
        ("Softplus", Softplus(), (smooth,), ()),
        ("Tanh", Tanh(), (smooth,), ()),
        ("BatchNorm", BatchNorm(4, dtype=f64), (image,), ()),
        ("LayerNorm", LayerNorm((4, 3, 2), dtype=f64), (image,), ()),
        ("GroupNorm", GroupNorm(2, 4, dtype=f64), (image,), ()),
        ("Dropout", Dropout(0.3), (smooth,), ()),
        ("Flatten", Flatten(), (image,), ()),
        ("Reshape", Reshape(2, 12), (image,), ()),
        ("Identity", Identity(), (image,), ()),
        ("GaussianSample", GaussianSample(), (smooth, smooth), (noise,)),
        ("Sequential", net, (smooth,), ()),
        # losses
        ("squared_error", losses.squared_error, (smooth,), (grey,)),
        ("gaussian_nll", losses.gaussian_nll, (smooth, smooth), (grey,)),
        ("bernoulli_nll", losses.bernoulli_nll, (smooth,), (grey,)),
        ("categorical_nll", losses.categorical_nll, (smooth,), (labels,)),
        ("gaussian_kl", losses.gaussian_kl, (smooth, smooth), ()),
        ("l1_penalty", losses.l1_penalty, (kinked,), ()),
    ]


def certificates(rng: np.random.Generator) -> Iterator[tuple[str, Report]]:
    """Yield the name and the report of each."""
    for name, layer, inputs, constants in cases(rng):
        # γ = 1 and β = 0 would hide a factor or a term that backward forgot.
        for p in layer.parameters().values() if hasattr(layer, "parameters") else ():
            p.value[...] = rng.standard_normal(p.value.shape)
        yield name, gradcheck(layer, *inputs, constants=constants, rng=rng)
