"""A case of every layer and loss of the library, to be proved by the kernels that models run.

Matrix products have more than eight rows and columns, convolutions more than four filters, batches
more than two vectors, and all have remainders: what is smaller has other ways through
kernels/matmul.py and kernels/convolution.py. tests/test_shipping.py goes through all of them.

To certify a new one, add a line to the table: its name, the layer or loss, what it takes that has a
gradient (shapes to draw, or arrays where a draw could hit a kink), and what it takes that has none.
"""

from typing import Any

import numpy as np

from .. import importance, latent_losses, layers, learned_scale, losses
from .gradcheck import without_kinks

Case = tuple[str, Any, tuple[Any, ...], tuple[Any, ...]]


def cases(rng: np.random.Generator) -> list[Case]:
    """Return (name, layer or loss, inputs, constants)."""
    column, image, sequence = (4, 5), (4, 3, 2, 2), (6, 4, 2)
    wide, photos, words, series = (9, 37), (2, 3, 3, 19), (5, 3, 19), (4, 3, 19)
    kinked, kinked_image = without_kinks(column, rng=rng), without_kinks(image, rng=rng)
    noise, grey = rng.standard_normal(column), rng.random(column)
    labels, tokens = rng.integers(0, 4, 5), rng.integers(0, 3, (4, 19))
    places, vectors = rng.integers(0, 4, (6, 5)), rng.standard_normal((9, 6, 5))
    squares = rng.standard_normal((5, 5))
    levels = (np.array([0, 0.2, 0.4, 0.8, 1] * 4).reshape(column),)  # 0 and 1 have one end
    x, h, c = (3, 19), (5, 19), (5, 19)

    def new(layer: Any, *sizes: Any, **options: Any) -> Any:
        return layer(*sizes, rng=rng, dtype=np.float64, **options)

    f64 = np.float64
    dense, conv = layers.Dense, layers.Conv2d
    deconv, conv1d = layers.ConvTranspose2d, layers.Conv1d
    deconv1d = layers.ConvTranspose1d
    stacked, last = {"layers": 2, "bidirectional": True}, {"return_sequences": False}
    net = layers.Sequential(new(dense, 9, 13), layers.Tanh(), new(dense, 13, 10))
    return [
        ("Dense", new(dense, 9, 13), (wide,), ()),
        ("Dense, no bias", new(dense, 9, 13, bias=False), (wide,), ()),
        ("TiedDense", layers.TiedDense(new(dense, 13, 9)), (wide,), ()),
        ("Conv2d", new(conv, 2, 5, 2), (photos,), ()),
        ("Conv2d, few filters", new(conv, 2, 3, 2), (photos,), ()),
        ("Conv2d, stride and padding", new(conv, 2, 6, 3, stride=2, padding=1), (photos,), ()),
        ("Conv2d, dilated, in groups", new(conv, 2, 10, 2, dilation=2, groups=2), (photos,), ()),
        ("ConvTranspose2d", new(deconv, 2, 5, 2), (photos,), ()),
        ("ConvTranspose2d, stride", new(deconv, 2, 5, 3, stride=2, padding=1), (photos,), ()),
        ("Conv1d", new(conv1d, 3, 5, 3, stride=2, padding=1), (words,), ()),
        ("MaxPool2d", layers.MaxPool2d(2), (kinked_image,), ()),
        ("MaxPool2d, overlapping", layers.MaxPool2d(2, 1), (kinked_image,), ()),
        ("AvgPool2d", layers.AvgPool2d(2, 1, 1), (image,), ()),
        ("GlobalAvgPool2d", layers.GlobalAvgPool2d(), (image,), ()),
        ("UpsampleNearest2d", layers.UpsampleNearest2d(2), (image,), ()),
        ("UpsampleBilinear2d", layers.UpsampleBilinear2d(2), (image,), ()),
        ("PixelShuffle", layers.PixelShuffle(2), (image,), ()),
        ("ZeroPad2d", layers.ZeroPad2d(1), (image,), ()),
        ("Flatten", layers.Flatten(), (image,), ()),
        ("Reshape", layers.Reshape(2, 12), (image,), ()),
        ("Identity", layers.Identity(), (image,), ()),
        ("ReLU", layers.ReLU(), (kinked,), ()),
        ("LeakyReLU", layers.LeakyReLU(0.1), (kinked,), ()),
        ("ELU", layers.ELU(1.5), (kinked,), ()),
        ("GELU", layers.GELU(), (column,), ()),
        ("Sigmoid", layers.Sigmoid(), (column,), ()),
        ("Softmax", layers.Softmax(), (column,), ()),
        ("Softplus", layers.Softplus(), (column,), ()),
        ("Tanh", layers.Tanh(), (column,), ()),
        ("BatchNorm", layers.BatchNorm(4, dtype=f64), (image,), ()),
        ("LayerNorm", layers.LayerNorm((4, 3, 2), dtype=f64), (image,), ()),
        ("GroupNorm", layers.GroupNorm(2, 4, dtype=f64), (image,), ()),
        ("BatchNorm, a sequence", layers.BatchNorm(4, dtype=f64), (sequence,), ()),
        ("GroupNorm, a sequence", layers.GroupNorm(2, 4, dtype=f64), (sequence,), ()),
        ("Dropout", layers.Dropout(0.3), (column,), ()),
        ("GaussianSample", layers.GaussianSample(), (column, column), (noise,)),
        ("RNN", new(layers.RNN, 3, 5), (series,), ()),
        ("RNN, ReLU", new(layers.RNN, 2, 3, nonlinearity="relu"), ((3, 2, 2),), ()),
        ("LSTM", new(layers.LSTM, 3, 5), (series,), ()),
        ("LSTM, layers, directions", new(layers.LSTM, 2, 2, **stacked), ((3, 2, 3),), ()),
        ("LSTM, the last state", new(layers.LSTM, 3, 4, **last), ((3, 3, 5),), ()),
        ("LSTM, tokens", new(layers.LSTM, 3, 5), (), (tokens,)),
        ("GRU", new(layers.GRU, 3, 5), (series,), ()),
        ("GRU, two directions", new(layers.GRU, 2, 3, bidirectional=True), ((3, 2, 9),), ()),
        ("RNNCell", new(layers.RNNCell, 3, 5), (x, h), ()),
        ("LSTMCell", new(layers.LSTMCell, 3, 5), (x, h, c), ()),
        ("GRUCell", new(layers.GRUCell, 3, 5), (x, h), ()),
        ("Embedding", new(layers.Embedding, 3, 9), (), (tokens,)),
        ("RepeatVector", layers.RepeatVector(3), (column,), ()),
        ("ReverseSteps", layers.ReverseSteps(), (series,), ()),
        ("TimeDistributed", layers.TimeDistributed(new(dense, 3, 9)), (series,), ()),
        ("Sequential", net, (wide,), ()),
        ("squared_error", losses.squared_error, (column,), (grey,)),
        ("gaussian_nll", losses.gaussian_nll, (column, column), (grey,)),
        ("bernoulli_nll", losses.bernoulli_nll, (column,), (grey,)),
        ("categorical_nll", losses.categorical_nll, (column,), (labels,)),
        ("gaussian_kl", losses.gaussian_kl, (column, column), ()),
        ("l1_penalty", losses.l1_penalty, (kinked,), ()),
        ("importance_bound", importance.importance_bound, (column,), ()),
        ("contraction", losses.contraction, (column, (4, 3)), ()),
        (
            "discretised_logistic_nll",
            learned_scale.discretised_logistic_nll,
            (column, column),
            levels,
        ),
        ("ConvTranspose1d", new(deconv1d, 3, 5, 3, stride=2, padding=1), (words,), ()),
        ("UpsampleNearest1d", layers.UpsampleNearest1d(3), (sequence,), ()),
        ("ZeroPad1d", layers.ZeroPad1d((2, 1)), (sequence,), ()),
        ("Crop2d", layers.Crop2d(((1, 0), (0, 1))), (image,), ()),
        ("Crop1d", layers.Crop1d((2, 1)), (sequence,), ()),
        ("imq_mmd", latent_losses.imq_mmd, (column,), (noise,)),
        ("rbf_mmd", latent_losses.rbf_mmd, (column,), (noise,)),
        ("kl_decomposition", latent_losses.kl_decomposition, (column,) * 3, (squares,)),
        ("mixture_kl", latent_losses.mixture_kl, (*(column,) * 3, (4, 3), (4, 3)), ()),
        ("codebook_error", latent_losses.codebook_error, ((4, 9),), (places, vectors)),
    ]


def with_random_parameters(layer: Any, rng: np.random.Generator) -> None:
    """Draw all parameters from N(0, 1): γ = 1 and β = 0 would hide a factor or a term."""
    for p in layer.parameters().values() if hasattr(layer, "parameters") else ():
        p.value[...] = rng.standard_normal(p.value.shape)
