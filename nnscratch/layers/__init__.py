"""The layers, one idea a file."""

from .activations import Gelu, Sigmoid, Softmax, Softplus, Tanh
from .batch_norm import BatchNorm
from .conv import Conv2d
from .conv1d import Conv1d
from .conv_transpose import ConvTranspose2d
from .dense import Dense
from .dropout import Dropout
from .norm import GroupNorm, LayerNorm
from .padding import ZeroPad2d
from .pixel_shuffle import PixelShuffle
from .pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from .rectifiers import Elu, LeakyRelu, Relu
from .reshape import Flatten, Identity, Reshape
from .sampling import GaussianSample
from .sequential import Sequential
from .tied import TiedDense
from .upsample import UpsampleBilinear2d, UpsampleNearest2d

__all__ = [
    "AvgPool2d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "Dense",
    "Dropout",
    "Elu",
    "Flatten",
    "GaussianSample",
    "Gelu",
    "GlobalAvgPool2d",
    "GroupNorm",
    "Identity",
    "LayerNorm",
    "LeakyRelu",
    "MaxPool2d",
    "PixelShuffle",
    "Relu",
    "Reshape",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "TiedDense",
    "UpsampleBilinear2d",
    "UpsampleNearest2d",
    "ZeroPad2d",
]
