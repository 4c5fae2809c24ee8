"""Models that learn an answer from examples: a classifier and a regression, of one network each.

model = Classifier(mlp((2, 16, 3), rng=rng), input_shape=(2,))
Trainer(model, Adam(1e-2), seed=0).fit(Dataset(points, labels), epochs=20)
model.predict(points)                                    # (N,) labels

model = Regressor(mlp((4, 16, 1), rng=rng), input_shape=(4,))
Trainer(model, Adam(1e-2), seed=0).fit(Pairs(inputs, targets), epochs=20)
model.predict(inputs)                                    # (N, 1)
"""

import copy
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from ..checks.arrays import check_axes, check_numbers, labels_of
from ..core import Array, IntArray, Layer, Parameter, Shape, backward_into_theta, named
from ..data.dataset import Dataset, Images, gather
from ..data.pairs import Pairs
from ..layers.contract import buffers, whole_batch
from ..layers.sequential import Sequential, as_sequential
from ..likelihoods import Likelihood, SquaredError
from ..losses import categorical_nll
from .batch_first import Input, apply_in_chunks, naming
from .described import Described
from .parts import name_of, one_dtype, sample_shape, try_layer, try_likelihood, two_halves
from .sizes import outputs
from .trainable import Terms


class Supervised(Described):
    """One network a = net(x), and what a classifier and a regression share.

    Raises
        ValueError if the network does not fit `input_shape`, or is none.
    """

    def __init__(self, net: Layer, *, input_shape: Shape) -> None:
        who, self.input_shape = type(self).__name__, tuple(input_shape)
        with naming(f"{who} net"):
            self.net = as_sequential(net)
            self.output_shape = self.net.output_shape(self.input_shape)
        self.dtype = one_dtype(who, self.parameters())
        self.whole_batch = whole_batch(self.net)
        two = two_halves(self.input_shape, self.dtype)
        try_layer(f"{who} net", self.net, two)

    @property
    def activation_bytes(self) -> int | None:
        """What the layers make of one sample, in bytes; None of a vector: see Trainable."""
        if len(self.input_shape) == 1:
            return None
        return outputs(self.net, self.input_shape)[1] * self.dtype.itemsize

    @property
    def input(self) -> Input:
        """What `predict` takes."""
        return Input(self.input_shape, self.dtype)

    def columns(self, images: Images, rows: IntArray, shape: Shape) -> Array:
        """Return some rows of a set, of this shape, with the batch last."""
        return gather(images, rows, self.dtype).reshape(*shape, len(rows))

    def parts(self) -> dict[str, tuple[Sequential, Shape]]:
        """Return the network by name, with the shape of a sample it takes."""
        return {"net": (self.net, self.input_shape)}

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        return {"nll": 1.0}

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        return {"model": type(self).__name__}

    def inference(self) -> Self:
        """Return the model as it is used once learning is over: without noise, statistics fixed."""
        model = copy.copy(self)
        model.net = self.net.inference()
        return model

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        return named(net=self.net.parameters())

    def buffers(self) -> dict[str, Array]:
        """Return what else belongs to the trained model."""
        return named(net=buffers(self.net))


class Classifier(Supervised):
    """p(k|x) = softmax(net(x))_k, trained by L = -log p(label | x).

    It learns from a Dataset of images, or of rows of a table, with labels 0 … K-1, where K is the
    size of the network's output. Elsewhere L is called the cross-entropy of logits.

    Shapes
        x  (*input_shape, N)         net(x)  (K, N), logits         labels  (N,)

    Raises
        ValueError as Supervised; if the network does not return a vector of two numbers or more.
    """

    def __init__(self, net: Layer, *, input_shape: Shape) -> None:
        super().__init__(net, input_shape=input_shape)
        if len(self.output_shape) != 1 or self.output_shape[0] < 2:
            raise ValueError(
                f"Classifier net: expected (K,), a logit for each of two classes or more, "
                f"got {self.output_shape}"
            )
        self.classes = self.output_shape[0]

    def check_data(self, who: str, data: Dataset) -> Dataset:
        """Return the set; ValueError if it has no labels, or does not fit the network."""
        if not isinstance(data, Dataset):
            raise ValueError(f"{who}: expected a Dataset with labels, got {type(data).__name__}")
        check_axes(who, data.images, self.input_shape)
        # A Dataset of images holds numbers in [0, 1]; in flat rows it could not know that they are.
        unit = len(self.input_shape) > 1 and data.unit is not False
        check_numbers(who, data.images, unit=unit, dtype=self.dtype)
        labels_of(f"{who} labels", data.labels, len(data), self.classes)
        return data

    def batch(self, data: Dataset, rows: IntArray) -> tuple[Array, IntArray]:
        """Return some inputs and their labels."""
        return self.columns(data.images, rows, self.input_shape), data.labels[rows]

    def loss(
        self, x: Array, labels: IntArray, *, rng: np.random.Generator | None = None
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L, how often the likeliest class is the right one, and backward."""
        a, net_backward = self.net.forward(x, rng=rng)
        nll, da = categorical_nll(a, labels)
        accuracy = float((a.argmax(axis=0) == labels).mean())

        def backward(weight: float = 1.0) -> None:
            backward_into_theta(net_backward, weight * da)

        return {"total": nll, "nll": nll, "accuracy": accuracy}, backward

    def predict(self, inputs: Images, *, threads: int | None = None) -> IntArray:
        """Return the likeliest class of each of inputs (N, …): (N,)."""
        forward = self.net.inference().forward

        def logits(x: Array) -> Array:
            return forward(x)[0]

        a = apply_in_chunks("predict", logits, inputs, self.input, threads=threads)
        return np.asarray(a.argmax(axis=1))


class Regressor(Supervised):
    """p(y | a) with a = net(x), trained by L = -log p(y | a): by default, the squared error.

    It learns from Pairs(inputs, targets): rows of a table, noisy signals and clean ones, small
    images and large ones.

    Shapes
        x  (*input_shape, N)         y, a  (*output_shape, N), of the network
                                     a has twice as many channels for a likelihood of two outputs

    Raises
        ValueError as Supervised; if the likelihood is none.
    """

    def __init__(
        self, net: Layer, likelihood: Likelihood | None = None, *, input_shape: Shape
    ) -> None:
        super().__init__(net, input_shape=input_shape)
        self.likelihood = SquaredError() if likelihood is None else likelihood
        self.output_shape = sample_shape(self.likelihood, self.output_shape)
        two = two_halves(self.output_shape, self.dtype)
        try_likelihood("Regressor likelihood", self.likelihood, two)

    def check_data(self, who: str, data: Pairs) -> Pairs:
        """Return the pairs; ValueError if they are none, or do not fit the network."""
        if not isinstance(data, Pairs):
            raise ValueError(f"{who}: expected Pairs(inputs, targets), got {type(data).__name__}")
        unit = getattr(self.likelihood, "unit", False)
        check_axes(f"{who} inputs", data.inputs, self.input_shape)
        check_numbers(f"{who} inputs", data.inputs, dtype=self.dtype)
        check_axes(f"{who} targets", data.targets, self.output_shape)
        check_numbers(f"{who} targets", data.targets, unit=unit, dtype=self.dtype)
        return data

    def batch(self, data: Pairs, rows: IntArray) -> tuple[Array, Array]:
        """Return some inputs and their targets."""
        x = self.columns(data.inputs, rows, self.input_shape)
        return x, self.columns(data.targets, rows, self.output_shape)

    def loss(
        self, x: Array, y: Array, *, rng: np.random.Generator | None = None
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L, and a backward that adds weight · ∂L/∂θ."""
        a, net_backward = self.net.forward(x, rng=rng)
        nll, da = self.likelihood.nll(a, y)

        def backward(weight: float = 1.0) -> None:
            backward_into_theta(net_backward, weight * da)

        return {"total": nll, "nll": nll}, backward

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        return super().settings() | {"likelihood": name_of(self.likelihood)}

    def predict(self, inputs: Images, *, threads: int | None = None) -> Array:
        """Return the mean of p(y|x) at each of inputs (N, …): (N, *output_shape)."""
        forward, mean = self.net.inference().forward, self.likelihood.mean

        def answer(x: Array) -> Array:
            return mean(forward(x)[0])

        return apply_in_chunks("predict", answer, inputs, self.input, threads=threads)
