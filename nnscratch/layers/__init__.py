"""The layers, one idea a file."""

from typing import TYPE_CHECKING

from .._moved import renamed
from .activations import GELU, Sigmoid, Softmax, Softplus, Tanh
from .batch_norm import BatchNorm
from .conv import Conv2d
from .conv1d import Conv1d
from .conv_transpose import ConvTranspose2d
from .conv_transpose1d import ConvTranspose1d
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .gru import GRU, GRUCell
from .lstm import LSTM, LSTMCell
from .norm import GroupNorm, LayerNorm
from .padding import Crop1d, Crop2d, ZeroPad1d, ZeroPad2d
from .pixel_shuffle import PixelShuffle
from .pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from .rectifiers import ELU, LeakyReLU, ReLU
from .reshape import Flatten, Identity, Reshape
from .rnn import RNN, RNNCell
from .sampling import GaussianSample
from .sequential import Sequential
from .steps import RepeatVector, ReverseSteps, TimeDistributed
from .tied import TiedDense
from .upsample import UpsampleBilinear2d, UpsampleNearest1d, UpsampleNearest2d

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "AvgPool2d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Crop1d",
    "Crop2d",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianSample",
    "GlobalAvgPool2d",
    "GroupNorm",
    "Identity",
    "LSTMCell",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool2d",
    "PixelShuffle",
    "RNNCell",
    "ReLU",
    "RepeatVector",
    "Reshape",
    "ReverseSteps",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "TiedDense",
    "TimeDistributed",
    "UpsampleBilinear2d",
    "UpsampleNearest1d",
    "UpsampleNearest2d",
    "ZeroPad1d",
    "ZeroPad2d",
]

if not TYPE_CHECKING:
    __getattr__ = renamed(__name__)
