"""Sequence-to-sequence autoencoders: a code that an LSTM reads off a sequence, and another says.

The first is the one of the Keras blog, which learns no more than the mean of a signal; the second
is cured of that (docs/seq2seq.md says of what). Both are an Autoencoder of samples (T, D).
"""

import numpy as np
from numpy.typing import DTypeLike

from ..core import Shape
from ..layers import LSTM, Dense, RepeatVector, ReverseSteps, Sequential, TimeDistributed
from ..likelihoods import Likelihood, SquaredError
from .autoencoder import Autoencoder


def keras_seq2seq(
    shape: Shape,
    code: int = 32,
    *,
    likelihood: Likelihood | None = None,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Autoencoder:
    """The Keras blog's: LSTM(code), its last output | the same at all steps, LSTM(features).

    What the second LSTM says is the output, o tanh c, which lies in (-1, 1), and as many hidden
    units as there are features must make it. The forget gates start at a bias of 1, as in Keras.

    shape       of a sample: (T, D), steps and features
    likelihood  SquaredError if None
    """
    T, D = _steps_and_features("keras_seq2seq", shape)
    return Autoencoder(
        LSTM(D, code, return_sequences=False, forget_bias=1.0, rng=rng, dtype=dtype),
        Sequential(RepeatVector(T), LSTM(code, D, forget_bias=1.0, rng=rng, dtype=dtype)),
        likelihood or SquaredError(),
        input_shape=(T, D),
    )


def seq2seq_autoencoder(
    shape: Shape,
    code: int = 32,
    hidden: int = 128,
    *,
    likelihood: Likelihood | None = None,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Autoencoder:
    """T×D from its end - LSTM(hidden) - code | the same at all steps, LSTM(hidden), at each D.

    The code is an affine map of the encoder's last output, and a step of the output one of the
    decoder's output there: so both are without bounds, and the LSTMs are as wide as one likes. The
    encoder reads the steps from the last to the first, which it hears when it is about to end, and
    which the decoder says first.

    shape       of a sample: (T, D), steps and features
    likelihood  SquaredError if None

    Source
        Srivastava, Mansimov and Salakhutdinov, Unsupervised Learning of Video Representations using
        LSTMs (2015), §2.2; they reverse the target instead.
    """
    T, D = _steps_and_features("seq2seq_autoencoder", shape)
    encoder = Sequential(
        ReverseSteps(),
        LSTM(D, hidden, return_sequences=False, forget_bias=1.0, rng=rng, dtype=dtype),
        Dense(hidden, code, rng=rng, dtype=dtype),
    )
    decoder = Sequential(
        RepeatVector(T),
        LSTM(code, hidden, forget_bias=1.0, rng=rng, dtype=dtype),
        TimeDistributed(Dense(hidden, D, rng=rng, dtype=dtype)),
    )
    return Autoencoder(encoder, decoder, likelihood or SquaredError(), input_shape=(T, D))


def _steps_and_features(who: str, shape: Shape) -> Shape:
    """Return (T, D); the layers judge the numbers."""
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise ValueError(f"{who}: expected shape, a pair (steps, features), got {shape!r}")
    return tuple(shape)
