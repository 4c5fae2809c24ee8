"""The layers, one idea a file."""

from .activations import Elu, Gelu, LeakyRelu, Relu, Sigmoid, Softmax, Softplus, Tanh
from .batch_norm import BatchNorm
from .dense import Dense
from .dropout import Dropout
from .norm import GroupNorm, LayerNorm
from .reshape import Flatten, Identity, Reshape
from .sampling import GaussianSample
from .sequential import Sequential

__all__ = [
    "BatchNorm",
    "Dense",
    "Dropout",
    "Elu",
    "Flatten",
    "GaussianSample",
    "Gelu",
    "GroupNorm",
    "Identity",
    "LayerNorm",
    "LeakyRelu",
    "Relu",
    "Reshape",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]
