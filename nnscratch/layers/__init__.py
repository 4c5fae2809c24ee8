"""The layers, one idea a file."""

from .activations import Elu, Gelu, LeakyRelu, Relu, Sigmoid, Softmax, Softplus, Tanh
from .dense import Dense
from .sampling import GaussianSample
from .sequential import Sequential

__all__ = [
    "Dense",
    "Elu",
    "GaussianSample",
    "Gelu",
    "LeakyRelu",
    "Relu",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]
