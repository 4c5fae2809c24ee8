"""An example of every layer and loss, small enough to be read: numbers of one digit, no kinks.

The names are those of the certificates (gradcheck/certificates.py), and each example takes the
branch of the code that its certificate takes.
"""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from .. import importance, latent_losses, layers, learned_scale, losses
from ..core import Shape
from .explanation import Explanation, explain, tenths

Example = tuple[Callable[..., Any], Sequence[Shape], Sequence[Any]]


def _of(layer: Any, *sizes: Any, **options: Any) -> Callable[..., Any]:
    """A function that makes a layer with parameters."""
    return lambda rng: layer(*sizes, rng=rng, dtype=np.float64, **options)


def _norm(layer: Any, *sizes: Any) -> Callable[..., Any]:
    return lambda rng: layer(*sizes, dtype=np.float64)


def _is(layer: Any) -> Callable[..., Any]:
    return lambda rng: layer


def _net(rng: np.random.Generator) -> layers.Sequential:
    first, second = (_of(layers.Dense, D, M)(rng) for D, M in ((2, 3), (3, 1)))
    return layers.Sequential(first, layers.Tanh(), second)


_column, _image, _sequence, _series = (3, 2), (1, 3, 3, 1), (4, 2, 1), (2, 2, 1)
_grey = np.array([[0.0, 1.0], [0.2, 0.7], [1.0, 0.5]])
_tokens = np.array([[2], [0]])
_noise = np.array([[0.5, -1.0], [1.5, 0.2], [-0.4, 0.8]])

EXAMPLES: dict[str, Example] = {
    "Dense": (_of(layers.Dense, 3, 2), [_column], ()),
    "Dense, no bias": (_of(layers.Dense, 3, 2, bias=False), [_column], ()),
    "TiedDense": (lambda rng: layers.TiedDense(_of(layers.Dense, 2, 3)(rng)), [_column], ()),
    "Conv2d": (_of(layers.Conv2d, 1, 1, 2), [_image], ()),
    "Conv2d, few filters": (_of(layers.Conv2d, 2, 2, 2), [(2, 3, 3, 1)], ()),
    "Conv2d, stride and padding": (
        _of(layers.Conv2d, 1, 1, 3, stride=2, padding=1),
        [_image],
        (),
    ),
    "Conv2d, dilated, in groups": (
        _of(layers.Conv2d, 2, 2, 2, dilation=2, groups=2),
        [(2, 3, 3, 1)],
        (),
    ),
    "ConvTranspose2d": (_of(layers.ConvTranspose2d, 1, 1, 2), [(1, 2, 2, 1)], ()),
    "ConvTranspose2d, stride": (
        _of(layers.ConvTranspose2d, 1, 1, 3, stride=2, padding=1),
        [(1, 2, 2, 1)],
        (),
    ),
    "Conv1d": (_of(layers.Conv1d, 2, 2, 3, stride=2, padding=1), [_sequence], ()),
    "MaxPool2d": (_is(layers.MaxPool2d(2)), [(1, 2, 4, 1)], ()),
    "MaxPool2d, overlapping": (_is(layers.MaxPool2d(2, 1)), [_image], ()),
    "AvgPool2d": (_is(layers.AvgPool2d(2, 1, 1)), [(1, 2, 2, 1)], ()),
    "GlobalAvgPool2d": (_is(layers.GlobalAvgPool2d()), [(2, 2, 2, 1)], ()),
    "UpsampleNearest2d": (_is(layers.UpsampleNearest2d(2)), [(1, 2, 2, 1)], ()),
    "UpsampleBilinear2d": (_is(layers.UpsampleBilinear2d(2)), [(1, 2, 2, 1)], ()),
    "PixelShuffle": (_is(layers.PixelShuffle(2)), [(4, 1, 2, 1)], ()),
    "ZeroPad2d": (_is(layers.ZeroPad2d(1)), [(1, 2, 2, 1)], ()),
    "Flatten": (_is(layers.Flatten()), [(1, 2, 2, 2)], ()),
    "Reshape": (_is(layers.Reshape(1, 2, 2)), [(4, 2)], ()),
    "Identity": (_is(layers.Identity()), [_column], ()),
    "ReLU": (_is(layers.ReLU()), [_column], ()),
    "LeakyReLU": (_is(layers.LeakyReLU(0.1)), [_column], ()),
    "ELU": (_is(layers.ELU(1.5)), [_column], ()),
    "GELU": (_is(layers.GELU()), [_column], ()),
    "Sigmoid": (_is(layers.Sigmoid()), [_column], ()),
    "Softmax": (_is(layers.Softmax()), [_column], ()),
    "Softplus": (_is(layers.Softplus()), [_column], ()),
    "Tanh": (_is(layers.Tanh()), [_column], ()),
    "BatchNorm": (_norm(layers.BatchNorm, 2), [(2, 3)], ()),
    "LayerNorm": (_norm(layers.LayerNorm, 3), [_column], ()),
    "GroupNorm": (_norm(layers.GroupNorm, 2, 4), [(4, 2)], ()),
    "BatchNorm, a sequence": (_norm(layers.BatchNorm, 2), [(3, 2, 1)], ()),
    "GroupNorm, a sequence": (_norm(layers.GroupNorm, 1, 2), [(3, 2, 1)], ()),
    "Dropout": (_is(layers.Dropout(0.3)), [_column], ()),
    "GaussianSample": (_is(layers.GaussianSample()), [_column, _column], [_noise]),
    "RNN": (_of(layers.RNN, 2, 2), [_series], ()),
    "RNN, ReLU": (_of(layers.RNN, 2, 2, nonlinearity="relu"), [_series], ()),
    "LSTM": (_of(layers.LSTM, 2, 1), [_series], ()),
    "LSTM, layers, directions": (
        _of(layers.LSTM, 1, 1, layers=2, bidirectional=True),
        [(2, 1, 1)],
        (),
    ),
    "LSTM, the last state": (_of(layers.LSTM, 2, 1, return_sequences=False), [_series], ()),
    "LSTM, tokens": (_of(layers.LSTM, 3, 1), [], [_tokens]),
    "GRU": (_of(layers.GRU, 2, 1), [_series], ()),
    "GRU, two directions": (_of(layers.GRU, 1, 1, bidirectional=True), [(2, 1, 1)], ()),
    "RNNCell": (_of(layers.RNNCell, 2, 2), [(2, 1), (2, 1)], ()),
    "LSTMCell": (_of(layers.LSTMCell, 2, 1), [(2, 1), (1, 1), (1, 1)], ()),
    "GRUCell": (_of(layers.GRUCell, 2, 1), [(2, 1), (1, 1)], ()),
    "Embedding": (_of(layers.Embedding, 3, 2), [], [_tokens]),
    "RepeatVector": (_is(layers.RepeatVector(2)), [_column], ()),
    "ReverseSteps": (_is(layers.ReverseSteps()), [_series], ()),
    "TimeDistributed": (
        lambda rng: layers.TimeDistributed(_of(layers.Dense, 2, 1)(rng)),
        [_series],
        (),
    ),
    "Sequential": (_net, [(2, 2)], ()),
    "squared_error": (_is(losses.squared_error), [_column], [_grey]),
    "gaussian_nll": (_is(losses.gaussian_nll), [_column, _column], [_grey]),
    "bernoulli_nll": (_is(losses.bernoulli_nll), [_column], [_grey]),
    "categorical_nll": (_is(losses.categorical_nll), [_column], [np.array([2, 0])]),
    "gaussian_kl": (_is(losses.gaussian_kl), [_column, _column], ()),
    "l1_penalty": (_is(losses.l1_penalty), [_column], ()),
    "importance_bound": (_is(importance.importance_bound), [_column], ()),
    "contraction": (_is(losses.contraction), [(2, 2), (2, 3)], ()),
    "discretised_logistic_nll": (
        _is(learned_scale.discretised_logistic_nll),
        [_column, _column],
        [np.array([[0, 1], [0.2, 0.8], [1, 0.4]])],
    ),
    "ConvTranspose1d": (
        _of(layers.ConvTranspose1d, 1, 2, 3, stride=2, padding=1),
        [(3, 1, 1)],
        (),
    ),
    "UpsampleNearest1d": (_is(layers.UpsampleNearest1d(3)), [(2, 2, 1)], ()),
    "ZeroPad1d": (_is(layers.ZeroPad1d((2, 1))), [(2, 2, 1)], ()),
    "Crop2d": (_is(layers.Crop2d(((1, 0), (0, 1)))), [_image], ()),
    "Crop1d": (_is(layers.Crop1d((2, 1))), [(5, 1, 2)], ()),
    "imq_mmd": (_is(latent_losses.imq_mmd), [_column], [_noise]),
    "rbf_mmd": (_is(latent_losses.rbf_mmd), [_column], [_noise]),
    "kl_decomposition": (
        _is(latent_losses.kl_decomposition),
        [(2, 2), (2, 2), (2, 2)],
        [np.log([[0.5, 0.5], [0.2, 0.8]])],
    ),
    "mixture_kl": (
        _is(latent_losses.mixture_kl),
        [(2, 1), (2, 1), (2, 1), (2, 2), (2, 2)],
        (),
    ),
    "codebook_error": (
        _is(latent_losses.codebook_error),
        [(2, 1)],
        [np.array([[0, 1, 0]]), np.array([[[0.5, -1.0, 1.5]]])],
    ),
}


def example(name: str) -> Explanation:
    """Explain a layer or loss of the library by its example.

    Raises
        ValueError if there is none of this name; it says which names are alike.
    """
    if name not in EXAMPLES:
        lower = {known.lower(): known for known in EXAMPLES}
        near = [lower[word] for word in get_close_matches(name.lower(), lower, 3, 0.5)]
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(
            f"explain: expected one of the names that `python -m nnscratch.explain` lists, got "
            f"{name!r}{hint}"
        )
    make, shapes, constants = EXAMPLES[name]
    rng = np.random.default_rng(len(name))
    layer = make(rng)
    inputs = tuple(tenths(shape, rng) for shape in shapes)
    for p in layer.parameters().values() if hasattr(layer, "parameters") else ():
        p.value[...] = tenths(p.value.shape, rng)
    found = explain(layer, inputs, constants=constants)
    found.title = name if callable(layer) else f"{name}: {layer!r}"
    return found
